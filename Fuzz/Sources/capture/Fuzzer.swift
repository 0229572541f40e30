import Captures
import FuzzInput
import Reports
import USB

/// A capture: any bytes are read or refused with a byte and a rule; its story has every transfer once and no
/// more, its text is printed, and a recording of it is read again.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  let capture: CaptureFile
  do throws(CaptureError) {
    capture = try CaptureFile(parsing: bytes)
  } catch {
    checkText(of: error)
    require((0...count).contains(error.offset), "an error beyond the file")
    return 0
  }
  require(
    capture.records.count + capture.otherPackets == capture.packetCount, "packets were lost")
  let transfers = capture.transfers
  require(transfers.count <= capture.records.count, "more transfers than packets")
  let story = CaptureStory(transfers)
  require(
    story.steps.reduce(0) { $0 + $1.transfers } == transfers.count, "a step has lost a transfer")
  for step in story.steps {
    require(story.devices.indices.contains(step.device), "a step of no device")
    require(step.start >= 0 && step.end >= step.start, "a step goes back in time")
  }
  let report = CaptureReport(capture, file: "fuzz", isVerbose: true)
  let text = report.text(.plain)
  require(
    !text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" }, "the text commands a terminal")
  checkRecording(of: capture, nil)
  for device in story.devices.prefix(4) { checkRecording(of: capture, device.place) }
  return 0
}

/// What a capture makes is a recording, and its text is that recording.
private func checkRecording(of capture: CaptureFile, _ device: String?) {
  let made: CapturedRecording
  do throws(CapturedRecordingError) {
    made = try CapturedRecording(capture, device: device)
  } catch {
    checkText(of: error)
    return
  }
  let document: RecordingDocument
  do throws(RecordingError) {
    document = try RecordingDocument(parsing: made.recording.text)
  } catch { fatalError("the recording cannot be read: \(error)") }
  require(
    document.recording.events.count == made.recording.events.count, "the recording lost events")
  _ = Replay(document)
}
