/// Reads a number as people type it: `0x08000000`, `134217728`, `0x0800_0000`.
///
/// - Parameter text: what was typed.
/// - Returns: the number; nil where the text is none, or has more than 64 bits.
public func typedNumber(_ text: some StringProtocol) -> UInt64? {
  let digits = String(text).filter { $0 != "_" }
  if digits.lowercased().hasPrefix("0x") {
    let rest = digits.dropFirst(2)
    return rest.first == "+" ? nil : UInt64(rest, radix: 16)
  }
  return digits.first == "+" ? nil : UInt64(digits)
}

/// Reads a number of bytes as people type it: `4096`, `0x1000`, `16K`, `16 KiB`, `1MB`.
///
/// K is 1024 and M is 1024 K, whatever stands behind them; bytes of hexadecimal digits have no unit.
///
/// - Parameter text: what was typed.
/// - Returns: the number; nil where the text is none, or has more than 64 bits.
public func typedByteCount(_ text: some StringProtocol) -> UInt64? {
  var text = text.lowercased()
  var unit: UInt64 = 1
  if !text.hasPrefix("0x") {
    // "ib" first, so that 16KiB, 16KB and 16K are the same.
    if text.hasSuffix("ib") {
      text.removeLast(2)
    } else if text.hasSuffix("b") {
      text.removeLast()
    }
    if text.hasSuffix("k") { unit = 1 << 10 }
    if text.hasSuffix("m") { unit = 1 << 20 }
    if unit > 1 { text.removeLast() }
    while text.hasSuffix(" ") { text.removeLast() }
  }
  guard let count = typedNumber(text) else { return nil }
  let (value, overflow) = count.multipliedReportingOverflow(by: unit)
  return overflow ? nil : value
}

extension BCDVersion {
  /// Reads a version as people type it: `1.00`, `1.1a`, `0x011A`. `1.2` is 0x0120 and `1.02` is
  /// 0x0102, as descriptors write it; nil where the text is none.
  public init?(typed text: some StringProtocol) {
    if text.lowercased().hasPrefix("0x") {
      guard let number = typedNumber(text), let value = UInt16(exactly: number) else { return nil }
      self.init(value)
      return
    }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ (1...2).contains($0.count) }),
      parts.allSatisfy({ $0.utf8.allSatisfy(isHexDigit) }),
      let major = UInt16(parts[0], radix: 16), let minor = UInt16(parts[1], radix: 16)
    else { return nil }
    self.init(major << 8 | (parts[1].count == 1 ? minor << 4 : minor))
  }
}

private func isHexDigit(_ byte: UInt8) -> Bool {
  (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
}
