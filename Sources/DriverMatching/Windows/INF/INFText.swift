/// The text of an INF in UTF-8, from bytes in whatever encoding; nothing in them can make it fail.
struct INFText {
  var bytes: [UInt8]
  var encoding: INFEncoding
  var findings: [INFFinding] = []

  init(_ content: [UInt8]) {
    if content.starts(with: [0xFF, 0xFE]) {
      (bytes, encoding) = ([], .utf16LittleEndian)
      readUnits(content, from: 2, isBigEndian: false)
    } else if content.starts(with: [0xFE, 0xFF]) {
      (bytes, encoding) = ([], .utf16BigEndian)
      readUnits(content, from: 2, isBigEndian: true)
    } else if content.starts(with: [0xEF, 0xBB, 0xBF]) {
      (bytes, encoding) = (Array(content.dropFirst(3)), .utf8)
      repairUTF8()
    } else if let isBigEndian = Self.unmarkedUnits(content) {
      (bytes, encoding) = ([], isBigEndian ? .utf16BigEndian : .utf16LittleEndian)
      findings.append(
        INFFinding(
          "inf-no-byte-order-mark",
          "The file is UTF-16 without a byte order mark; Windows may read it as something else.",
          line: 1))
      readUnits(content, from: 0, isBigEndian: isBigEndian)
    } else {
      (bytes, encoding) = (content, .ansi)
      readCodePage()
    }
    if let zero = bytes.firstIndex(of: 0) {
      findings.append(
        INFFinding("inf-zero-byte", "There is a character 0 in the text.", line: line(at: zero)))
    }
  }

  /// Whether text without a mark is UTF-16, told by the zeros beside its first, Latin letters; nil for no.
  private static func unmarkedUnits(_ content: [UInt8]) -> Bool? {
    let start = content.prefix(64)
    guard start.count >= 8 else { return nil }
    let even = start.indices.filter { $0 % 2 == 0 && start[$0] == 0 }.count
    let odd = start.indices.filter { $0 % 2 == 1 && start[$0] == 0 }.count
    let most = start.count / 2 - start.count / 16
    return odd >= most && even == 0 ? false : even >= most && odd == 0 ? true : nil
  }

  private func line(at offset: Int) -> Int {
    bytes.prefix(offset).reduce(1) { $1 == 0x0A ? $0 + 1 : $0 }
  }

  private mutating func readUnits(_ content: [UInt8], from start: Int, isBigEndian: Bool) {
    bytes.reserveCapacity(content.count / 2)
    var position = start
    var firstFault: Int?
    func unit(_ at: Int) -> UInt32? {
      guard at + 1 < content.count else { return nil }
      let (first, second) = (UInt32(content[at]), UInt32(content[at + 1]))
      return isBigEndian ? first << 8 | second : second << 8 | first
    }
    while let first = unit(position) {
      position += 2
      if first < 0x80 {
        bytes.append(UInt8(truncatingIfNeeded: first))
      } else if (0xD800..<0xDC00).contains(first), let second = unit(position),
        (0xDC00..<0xE000).contains(second)
      {
        position += 2
        append(0x10000 + (first & 0x3FF) << 10 + second & 0x3FF)
      } else {
        if (0xD800..<0xE000).contains(first), firstFault == nil { firstFault = bytes.count }
        append(first)
      }
    }
    if let firstFault {
      findings.append(
        INFFinding(
          "inf-lone-surrogate", "Half of a UTF-16 pair stands alone; it reads as no character.",
          line: line(at: firstFault)))
    }
    if position < content.count {
      findings.append(
        INFFinding(
          "inf-odd-length", "The file is UTF-16 and ends in the middle of a character.",
          line: line(at: bytes.count)))
    }
  }

  private mutating func append(_ number: UInt32) {
    bytes.append(contentsOf: String(Unicode.Scalar(number) ?? "\u{FFFD}").utf8)
  }

  private mutating func repairUTF8() {
    if String(validating: bytes, as: UTF8.self) != nil { return }
    let fault = firstFault(of: bytes)
    findings.append(
      INFFinding(
        "inf-invalid-utf8", "The mark says UTF-8, and there are bytes that are none.",
        line: line(at: fault)))
    bytes = Array(String(decoding: bytes, as: UTF8.self).utf8)
  }

  /// How many bytes both forms have in common.
  private func firstFault(of bytes: [UInt8]) -> Int {
    zip(bytes, String(decoding: bytes, as: UTF8.self).utf8).prefix { $0 == $1 }.count
  }

  private mutating func readCodePage() {
    guard let high = bytes.firstIndex(where: { $0 >= 0x80 }) else { return }
    if String(validating: bytes, as: UTF8.self) != nil {
      findings.append(
        INFFinding(
          "inf-utf8-without-mark",
          "The text looks like UTF-8 without a byte order mark; Windows reads it in its ANSI code page.",
          line: line(at: high)))
    }
    let content = bytes
    bytes = []
    bytes.reserveCapacity(content.count + 64)
    for byte in content {
      if byte < 0x80 {
        bytes.append(byte)
      } else if byte < 0xA0 {
        append(Self.codePage1252[Int(byte) - 0x80])
      } else {
        append(UInt32(byte))
      }
    }
  }

  /// 0x80 to 0x9F of Windows code page 1252 (unicode.org, Mappings, CP1252); the five that it does not define
  /// stand for themselves, as Windows has them.
  private static let codePage1252: [UInt32] = [
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039,
    0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
    0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178,
  ]
}
