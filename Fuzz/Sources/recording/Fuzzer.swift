import Captures
import FuzzInput
import USB

/// The text of a recording: any bytes are read or refused with a line; what was read is written and
/// read again as the same, and its beginning is the beginning of a recording.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  let document: RecordingDocument
  do throws(RecordingError) {
    document = try RecordingDocument(parsing: bytes)
  } catch {
    checkText(of: error)
    require(error.line >= 1, "a line before the first")
    return 0
  }
  let events = document.recording.events
  require(document.lines.count == events.count, "events without lines")
  require(zip(document.lines, document.lines.dropFirst()).allSatisfy { $0 <= $1 }, "lines go back")
  require(
    zip(events, events.dropFirst()).allSatisfy { $0.nanoseconds <= $1.nanoseconds },
    "time goes back")
  // Configurations that contradict themselves are mended when they are written, once.
  let again = read(document.recording.text)
  require(again.recording.events.count == events.count, "events were lost")
  require(again == RecordingDocument(again.recording), "the lines are not those of the text")
  let text = again.recording.text
  require(read(text) == again, "what was written is read as something else")
  checkBeginning(of: text, again)
  _ = Replay(document)
  return 0
}

private func read(_ text: [UInt8]) -> RecordingDocument {
  do throws(RecordingError) {
    return try RecordingDocument(parsing: text)
  } catch { fatalError("what was written cannot be read: \(error)") }
}

/// Cuts the text in the middle, as a process that is killed does.
private func checkBeginning(of text: [UInt8], _ whole: RecordingDocument) {
  guard let first = text.firstIndex(of: UInt8(ascii: "\n")), text.count > first + 2 else { return }
  let length = max(first + 1, text.count / 2)
  let part = read(Array(text[..<length]))
  require(whole.recording.events.starts(with: part.recording.events), "other events")
  require(
    part.cutLine != nil || text[length - 1] == UInt8(ascii: "\n"), "a cut that is not told")
}
