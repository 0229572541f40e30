/// A number of bytes in few words: `512 KiB`, `1 MiB`, `44.5 KiB`, `17 bytes`.
///
/// What is shown without a decimal is exact.
public func sizeText(_ bytes: UInt64) -> String {
  if bytes < 1024 { return bytes == 1 ? "1 byte" : "\(bytes) bytes" }
  let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
  var unit: UInt64 = 1024
  var index = 0
  // The next unit takes over where it is at least one, but 1.5 MiB of exact KiB stay KiB.
  while index + 1 < units.count, bytes / unit >= 1024 {
    let isExactHere = bytes % unit == 0 && bytes % (unit * 1024) != 0 && bytes / unit < 4096
    if isExactHere { break }
    unit *= 1024
    index += 1
  }
  let (whole, rest) = bytes.quotientAndRemainder(dividingBy: unit)
  if rest == 0 { return "\(whole) \(units[index])" }
  // Tenths, rounded down, so that "1.0 MiB" is never less than one; `unit / 10` cannot overflow.
  let tenths = min(9, rest / max(1, unit / 10))
  return "\(whole).\(tenths) \(units[index])"
}

/// A number of bytes, exactly, with the few words behind it: `45540 bytes (44.4 KiB)`.
public func exactSizeText(_ bytes: UInt64) -> String {
  bytes < 1024 ? sizeText(bytes) : "\(bytes) bytes (\(sizeText(bytes)))"
}

/// A count with its noun: `1 sector`, `12 sectors`.
public func countText(_ count: some BinaryInteger, _ one: String, _ many: String? = nil) -> String {
  count == 1 ? "1 \(one)" : "\(count) \(many ?? one + "s")"
}

/// A time in few words: `350 µs`, `12 ms`, `9.4 s`, `2 min 05 s`, `3 h 10 min`.
public func durationText(_ duration: Duration) -> String {
  let (seconds, attoseconds) = duration.components
  guard seconds >= 0, attoseconds >= 0 else { return "0 s" }
  if seconds == 0 {
    let microseconds = attoseconds / 1_000_000_000_000
    if microseconds == 0 { return "0 s" }
    return microseconds < 1000 ? "\(microseconds) µs" : "\(microseconds / 1000) ms"
  }
  if seconds < 60 { return "\(seconds).\(attoseconds / 100_000_000_000_000_000) s" }
  func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
  if seconds < 3600 { return "\(seconds / 60) min \(two(seconds % 60)) s" }
  return "\(seconds / 3600) h \(two(seconds % 3600 / 60)) min"
}
