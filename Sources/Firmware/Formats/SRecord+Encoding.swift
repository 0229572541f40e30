extension SRecord {
  /// Writes a file: an empty S0, data records with the shortest addresses that fit all of them (S1,
  /// S2 or S3), their number (S5 or S6), and the matching end record with the entry point, or 0.
  ///
  /// - Parameters:
  ///   - image: what to write.
  ///   - lineLength: bytes of data per record, 1 to 250; other values become the nearest of these.
  /// - Returns: the text: upper case, lines ended by a line feed.
  /// - Throws: ``FirmwareError`` with the code `addressOverflow` where an address has more than 32
  ///   bits.
  public static func encode(
    _ image: FirmwareImage, lineLength: Int = 16
  ) throws(FirmwareError) -> [UInt8] {
    try RecordWriter.check(image, format: .sRecord)
    let lineLength = min(max(lineLength, 1), 250)
    let segments = image.segments
    let capacity = segments.reduce(64) { sum, segment in
      sum + 2 * segment.bytes.count + 15 * (segment.bytes.count / lineLength + 1)
    }
    var text = [UInt8](repeating: 0, count: capacity)
    let highest = max((image.range?.upperBound ?? 1) - 1, image.entryPoint ?? 0)
    let used = write(
      segments, entryPoint: image.entryPoint ?? 0, lineLength: lineLength,
      width: highest > 0xFF_FFFF ? 4 : highest > 0xFFFF ? 3 : 2, into: &text)
    text.removeLast(text.count - used)
    return text
  }

  private static func write(
    _ segments: [FirmwareImage.Segment], entryPoint: UInt64, lineLength: Int, width: Int,
    into text: inout [UInt8]
  ) -> Int {
    var span = text.mutableSpan
    var writer = RecordWriter(span.mutableBytes)
    writer.beginRecord(type: 0, address: 0, width: 2, count: 0)
    writer.endRecord(residue: 0xFF)
    var records = 0
    for segment in segments {
      let source = segment.bytes.span.bytes
      var offset = 0
      while offset < source.byteCount {
        let count = min(lineLength, source.byteCount - offset)
        writer.beginRecord(
          type: width - 1, address: segment.address + UInt64(offset), width: width, count: count)
        writer.write(source, from: offset, count: count)
        writer.endRecord(residue: 0xFF)
        records += 1
        offset += count
      }
    }
    // The count is optional, and left out where even S6 cannot hold it.
    if records <= 0xFF_FFFF {
      let isShort = records <= 0xFFFF
      writer.beginRecord(
        type: isShort ? 5 : 6, address: UInt64(records), width: isShort ? 2 : 3, count: 0)
      writer.endRecord(residue: 0xFF)
    }
    writer.beginRecord(type: 11 - width, address: entryPoint, width: width, count: 0)
    writer.endRecord(residue: 0xFF)
    return writer.used
  }
}

extension RecordWriter {
  /// Writes the letter, the type, the count and the low `width` bytes of `address`.
  @inline(__always)
  fileprivate mutating func beginRecord(type: Int, address: UInt64, width: Int, count: Int) {
    let letters = UInt64(UInt8(ascii: "S")) | UInt64(truncatingIfNeeded: 0x30 &+ type) << 8
    write(characters: letters, count: 2)
    write(UInt32(truncatingIfNeeded: count &+ width &+ 1), count: 1)
    let shifted = UInt32(truncatingIfNeeded: address) << UInt32(8 &* (4 &- width))
    write(shifted.byteSwapped, count: width)
  }
}
