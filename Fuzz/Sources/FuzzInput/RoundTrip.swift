import Firmware
import USB

/// What must hold of every error: it says something.
public func checkText(of error: some ExplainedError) {
  require(!error.slug.isEmpty && !error.sentence.isEmpty, "an error without words")
  _ = error.help
}

/// Reads `bytes`, and checks what must hold of everything that can be read.
///
/// - Parameters:
///   - bytes: a file.
///   - format: how to read it; nil to recognise it.
public func checkFile(_ bytes: [UInt8], as format: FirmwareFormat?) {
  let file: FirmwareFile
  do throws(FirmwareError) {
    file = try FirmwareFile(
      parsing: bytes, options: FirmwareReadOptions(format: format, keepsRAM: true))
  } catch {
    checkText(of: error)
    return
  }
  require(!file.targets.isEmpty, "a file without targets")
  for note in file.notes { require(!note.slug.isEmpty && !note.sentence.isEmpty, "an empty note") }
  for target in file.targets {
    if case .image(let image) = target.content { checkImage(image) }
  }
  _ = file.plainPayload
  _ = file.allows(vendor: .stMicroelectronics, product: ProductID(0xDF11))
  let options = FirmwareWriteOptions(address: 0x0800_0000, maximumByteCount: 1 << 20)
  for other in FirmwareFormat.allCases {
    do throws(FirmwareError) {
      let written = try file.encoded(as: other, options: options)
      let back: FirmwareFile
      do throws(FirmwareError) {
        back = try FirmwareFile(
          parsing: written, options: FirmwareReadOptions(format: other, keepsRAM: true))
      } catch { fatalError("what was written as \(other) cannot be read: \(error)") }
      if other == file.format { checkSame(file, back) }
    } catch {
      checkText(of: error)
    }
  }
}

/// What must hold of every image.
public func checkImage(_ image: FirmwareImage) {
  var end: UInt64 = 0
  var count = 0
  for (index, segment) in image.segments.enumerated() {
    require(!segment.bytes.isEmpty, "an empty segment")
    require(index == 0 || segment.address >= end, "segments overlap or are out of order")
    end = segment.range.upperBound
    count += segment.bytes.count
  }
  require(count == image.byteCount, "the count is not that of the segments")
  require(image.extents.reduce(0) { $0 + $1.count } == count, "the extents have other bytes")
  require(image.differences(from: image).isEmpty, "an image differs from itself")
}

private func checkSame(_ file: FirmwareFile, _ back: FirmwareFile) {
  require(file.targets.count == back.targets.count, "targets were lost")
  for (before, after) in zip(file.targets, back.targets) {
    switch (before.content, after.content) {
    case (.raw(let before), .raw(let after)): require(before == after, "bytes were changed")
    case (.image(let before), .image(let after)):
      require(before.hasSameBytes(as: after), "bytes were changed")
    default: fatalError("the kind of content was changed")
    }
    require(before.alternateSetting == after.alternateSetting, "the setting was changed")
  }
}
