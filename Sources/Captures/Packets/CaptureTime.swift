/// Times of captures, in nanoseconds since 1970.
enum CaptureTime {
  /// Seconds and microseconds; nil for what is before 1970 or after 2262.
  static func nanoseconds(seconds: Int64, _ microseconds: Int32) -> Int64? {
    guard seconds >= 0, microseconds >= 0 else { return nil }
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, overflow2) = whole.addingReportingOverflow(Int64(microseconds) * 1000)
    return overflow || overflow2 ? nil : sum
  }

  /// The unit of an interface's times: `if_tsresol` of pcapng, a negative power of 10, or with bit 7 of 2.
  struct Resolution {
    var rawValue: UInt8 = 6
    /// `if_tsoffset`: seconds to add.
    var offset: Int64 = 0

    /// Ticks as nanoseconds; nil for what is before 1970 or after 2262.
    func nanoseconds(_ ticks: UInt64) -> Int64? {
      let exponent = Int(rawValue & 0x7F)
      guard
        let value = rawValue & 0x80 == 0
          ? Self.decimal(ticks, exponent) : Self.binary(ticks, exponent),
        let result = Int64(exactly: value)
      else { return nil }
      let (added, overflow) = offset.multipliedReportingOverflow(by: 1_000_000_000)
      let (sum, overflow2) = result.addingReportingOverflow(added)
      return overflow || overflow2 || sum < 0 ? nil : sum
    }

    private static func decimal(_ ticks: UInt64, _ exponent: Int) -> UInt64? {
      var value = ticks
      for _ in exponent..<max(exponent, 9) {
        let (product, overflow) = value.multipliedReportingOverflow(by: 10)
        if overflow { return nil }
        value = product
      }
      for _ in 9..<max(9, min(exponent, 32)) { value /= 10 }
      return value
    }

    private static func binary(_ ticks: UInt64, _ exponent: Int) -> UInt64? {
      let (high, low) = ticks.multipliedFullWidth(by: 1_000_000_000)
      if exponent == 0 { return high == 0 ? low : nil }
      if exponent >= 64 { return high >> UInt64(exponent - 64) }
      guard high >> UInt64(exponent) == 0 else { return nil }
      return high << UInt64(64 - exponent) | low >> UInt64(exponent)
    }
  }
}
