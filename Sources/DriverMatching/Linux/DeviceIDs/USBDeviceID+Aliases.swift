import USB

extension USBDeviceID {
  /// The alias patterns that the kernel's build makes of the entry (`scripts/mod/file2alias.c`).
  ///
  /// None where vendor, product and both classes are 0, whatever the flags. A range of `bcdDevice` becomes
  /// several: each fixes the digits that both ends share and leaves one to a bracket.
  public var aliasPatterns: [String] {
    guard
      vendor.rawValue != 0 || product.rawValue != 0 || deviceClass.classCode != 0
        || interfaceClass.classCode != 0
    else { return [] }
    func digits(_ flag: Match, _ value: UInt16, _ count: Int) -> String {
      match.contains(flag) ? Self.upper(UInt64(value), count) : "*"
    }
    let front =
      "usb:v" + digits(.vendor, vendor.rawValue, 4) + "p" + digits(.product, product.rawValue, 4)
    let pairs: [(String, Match, UInt8)] = [
      ("dc", .deviceClass, deviceClass.classCode), ("dsc", .deviceSubclass, deviceClass.subclass),
      ("dp", .deviceProtocol, deviceClass.protocolCode),
      ("ic", .interfaceClass, interfaceClass.classCode),
      ("isc", .interfaceSubclass, interfaceClass.subclass),
      ("ip", .interfaceProtocol, interfaceClass.protocolCode),
      ("in", .interfaceNumber, interfaceNumber),
    ]
    var back = pairs.map { $0.0 + digits($0.1, UInt16($0.2), 2) }.joined()
    if !back.hasSuffix("*") { back += "*" }
    return versionPatterns.map { front + "d" + $0 + back }
  }

  /// What stands behind `d`, one for each part of the range.
  private var versionPatterns: [String] {
    // Without an upper end there are more digits above, and so no two ends that meet.
    var low: UInt64 = match.contains(.versionLow) ? UInt64(lowestVersion) : 0
    var high: UInt64 = match.contains(.versionHigh) ? UInt64(highestVersion) : 0xFFFF_FFFF
    // Both ends of decimal digits make a decimal range: A to F are not counted through.
    let ends = Self.nibbles(low) + Self.nibbles(min(high, 0x9999))
    let top: UInt64 = ends.contains { $0 > 9 } ? 15 : 9
    var patterns: [String] = []
    // From the last digit to the first: what is cut off at either end of the range, then the middle.
    for fixed in (0...3).reversed() {
      guard low <= high else { break }
      let first = min(low & 15, top)
      let last = min(high & 15, top)
      low >>= 4
      high >>= 4
      if low == high || fixed == 0 {
        patterns.append(Self.pattern(low, fixed, first...max(first, last), top))
        break
      }
      if first > 0 {
        patterns.append(Self.pattern(low, fixed, first...top, top))
        low = Self.neighbour(of: low, above: true, top)
      }
      if last < top {
        patterns.append(Self.pattern(high, fixed, 0...last, top))
        high = Self.neighbour(of: high, above: false, top)
      }
    }
    return patterns
  }

  /// `fixed` digits of `prefix`, a digit out of `range`, and a star for what is left of four.
  private static func pattern(
    _ prefix: UInt64, _ fixed: Int, _ range: ClosedRange<UInt64>, _ top: UInt64
  ) -> String {
    var text = fixed > 0 ? upper(prefix, fixed) : ""
    let (first, last) = (range.lowerBound, range.upperBound)
    if first == last {
      text += upper(first, 1)
    } else if first > 0 || last < top {
      // In ASCII the letters do not follow the digits.
      let spans = first <= 9 && last > 9 ? [first...9, 10...last] : [first...last]
      let inside = spans.map { span in
        let ends = [upper(span.lowerBound, 1), upper(span.upperBound, 1)]
        return ends[0] == ends[1] ? ends[0] : ends.joined(separator: "-")
      }
      text += "[\(inside.joined())]"
    }
    return fixed < 3 ? text + "*" : text
  }

  private static func nibbles(_ value: UInt64) -> [UInt64] {
    [value & 15, value >> 4 & 15, value >> 8 & 15, value >> 12 & 15]
  }

  /// The number before or behind, by decimal digits where `top` is 9.
  private static func neighbour(of value: UInt64, above: Bool, _ top: UInt64) -> UInt64 {
    guard top == 9 else { return above ? value &+ 1 : value &- 1 }
    var decimal: UInt64 = 0
    for place in (0..<8).reversed() { decimal = decimal * 10 + min(value >> (4 * place) & 15, 9) }
    decimal = above ? decimal + 1 : decimal &- 1
    var result: UInt64 = 0
    for place in 0..<8 {
      result |= (decimal % 10) << (4 * place)
      decimal /= 10
    }
    return result
  }

  private static func upper(_ value: UInt64, _ digits: Int) -> String {
    hex(value, digits: digits).uppercased()
  }
}
