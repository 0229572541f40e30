extension IntelHEX {
  /// Writes a file: upper case, lines ended by a line feed, type 04 records where the high half of
  /// the address changes, type 05 for the entry point, and the end of file record.
  ///
  /// - Parameters:
  ///   - image: what to write; no record crosses a 64 KiB border.
  ///   - lineLength: bytes of data per record, 1 to 255; other values become the nearest of these.
  /// - Returns: the text.
  /// - Throws: ``FirmwareError`` with the code `addressOverflow` where an address has more than 32
  ///   bits.
  public static func encode(
    _ image: FirmwareImage, lineLength: Int = 16
  ) throws(FirmwareError) -> [UInt8] {
    try RecordWriter.check(image, format: .intelHex)
    let lineLength = min(max(lineLength, 1), 255)
    let segments = image.segments
    var text = [UInt8](repeating: 0, count: capacity(segments, lineLength: lineLength))
    let used = write(
      segments, entryPoint: image.entryPoint, lineLength: lineLength, into: &text)
    text.removeLast(text.count - used)
    return text
  }

  private static func capacity(_ segments: [FirmwareImage.Segment], lineLength: Int) -> Int {
    segments.reduce(64) { sum, segment in
      let borders = segment.bytes.count >> 16 + 2
      let records = segment.bytes.count / lineLength + 1 + borders
      return sum + 2 * segment.bytes.count + 13 * records + 16 * borders
    }
  }

  private static func write(
    _ segments: [FirmwareImage.Segment], entryPoint: UInt64?, lineLength: Int,
    into text: inout [UInt8]
  ) -> Int {
    var span = text.mutableSpan
    var writer = RecordWriter(span.mutableBytes)
    var high: UInt64 = 0
    for segment in segments {
      let source = segment.bytes.span.bytes
      var offset = 0
      while offset < source.byteCount {
        let address = segment.address + UInt64(offset)
        if address >> 16 != high {
          high = address >> 16
          writer.beginRecord(type: 4, address: 0, count: 2)
          writer.write(UInt32(truncatingIfNeeded: high).byteSwapped >> 16, count: 2)
          writer.endRecord(residue: 0)
        }
        let border = Int(0x1_0000 - address & 0xFFFF)
        let count = min(lineLength, source.byteCount - offset, border)
        writer.beginRecord(type: 0, address: address, count: count)
        writer.write(source, from: offset, count: count)
        writer.endRecord(residue: 0)
        offset += count
      }
    }
    if let entryPoint {
      writer.beginRecord(type: 5, address: 0, count: 4)
      writer.write(UInt32(truncatingIfNeeded: entryPoint).byteSwapped, count: 4)
      writer.endRecord(residue: 0)
    }
    writer.beginRecord(type: 1, address: 0, count: 0)
    writer.endRecord(residue: 0)
    return writer.used
  }
}

extension RecordWriter {
  /// Writes the colon, the count, the low half of `address` and the type.
  @inline(__always)
  fileprivate mutating func beginRecord(type: UInt32, address: UInt64, count: Int) {
    write(characters: UInt64(UInt8(ascii: ":")), count: 1)
    let low = UInt32(truncatingIfNeeded: address)
    let count = UInt32(truncatingIfNeeded: count)
    write(count | low & 0xFF00 | (low & 0xFF) << 16 | type << 24, count: 4)
  }
}
