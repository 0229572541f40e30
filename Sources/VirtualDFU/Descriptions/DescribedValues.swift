internal import USB

/// Times, sizes and ids as a description writes them.
extension Duration {
  private static let units: [(name: String, nanoseconds: Int64)] = [
    ("min", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1000), ("ns", 1),
  ]

  /// Reads `250 ms`, `1.5 s`, `16us`; nil where the text is no time, or no whole number of
  /// nanoseconds. Micro may be written u, µ (U+00B5) or μ (U+03BC).
  init?(described text: String) {
    let body = text.drop { $0 == "-" }
    let number = body.prefix { ("0"..."9").contains($0) || $0 == "." }
    var name = String(body.dropFirst(number.count).drop { $0 == " " })
    if name == "µs" || name == "μs" { name = "us" }
    let parts = number.split(separator: ".", omittingEmptySubsequences: false)
    guard let unit = Self.units.first(where: { $0.name == name }), (1...2).contains(parts.count),
      let whole = Int64(parts[0]), text.count - body.count <= 1
    else { return nil }
    let (base, overflow) = whole.multipliedReportingOverflow(by: unit.nanoseconds)
    guard !overflow else { return nil }
    var part: Int64 = 0
    if parts.count == 2 {
      guard (1...9).contains(parts[1].count), let digits = Int64(parts[1]) else { return nil }
      let scale = (0..<parts[1].count).reduce(Int64(1)) { scale, _ in scale * 10 }
      let product = Int128(digits) * Int128(unit.nanoseconds)
      guard product.isMultiple(of: Int128(scale)) else { return nil }
      // Less than one unit.
      part = Int64(product / Int128(scale))
    }
    let (sum, sumOverflow) = base.addingReportingOverflow(part)
    guard !sumOverflow else { return nil }
    self = .nanoseconds(body.count < text.count ? -sum : sum)
  }

  /// The time in the largest unit of which it is a whole number, for example `250 ms`.
  var described: String {
    let (seconds, attoseconds) = components
    let nanoseconds = Int64(attoseconds / 1_000_000_000)
    guard nanoseconds != 0 else { return "\(seconds) s" }
    let (base, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    // Beyond 292 years the nanoseconds do not count.
    guard !overflow else { return "\(seconds) s" }
    let total = base + nanoseconds
    let unit = Self.units.dropFirst(2).first { total.isMultiple(of: $0.nanoseconds) }
    return unit.map { "\(total / $0.nanoseconds) \($0.name)" } ?? "\(total) ns"
  }
}

/// A number of bytes in the largest unit that divides it: `16K`, `2M`, `528`.
func describedSize(_ count: UInt64) -> JSONValue {
  let (number, unit) = scaledByteCount(count)
  switch unit {
  case 0: return JSONValue(.number(JSONNumber(number)))
  case 1: return .text("\(number)K")
  case 2: return .text("\(number)M")
  default: return .text("\(number * 1024)M")
  }
}

/// Vendor and product as `VVVV:PPPP` in hexadecimal digits; nil where the text is something else.
func describedIDs(_ text: String) -> (vendor: VendorID, product: ProductID)? {
  let parts = text.split(separator: ":", omittingEmptySubsequences: false)
  guard parts.count == 2, let vendor = describedID(parts[0]), let product = describedID(parts[1])
  else { return nil }
  return (VendorID(vendor), ProductID(product))
}

private func describedID(_ text: Substring) -> UInt16? {
  let digits = text.lowercased().hasPrefix("0x") ? text.dropFirst(2) : text
  guard (1...4).contains(digits.count), digits.first != "+", digits.first != "-" else { return nil }
  return UInt16(digits, radix: 16)
}

/// Bytes as pairs of hexadecimal digits, with blanks between them or not; nil for other text.
func describedBytes(_ text: String) -> [UInt8]? {
  var bytes: [UInt8] = []
  var high: UInt8?
  for character in text.utf8 where character != UInt8(ascii: " ") {
    guard let digit = Character(Unicode.Scalar(character)).hexDigitValue.flatMap(UInt8.init)
    else { return nil }
    if let first = high {
      bytes.append(first << 4 | digit)
      high = nil
    } else {
      high = digit
    }
  }
  return high == nil ? bytes : nil
}
