/// A number of bytes in the largest unit that divides it: `16 bytes`, `512 KiB`, `1 MiB`.
public func byteCountText(_ count: UInt64) -> String {
  let (number, unit) = scaledByteCount(count)
  if unit == 0 { return number == 1 ? "1 byte" : "\(number) bytes" }
  return "\(number) \(["B", "KiB", "MiB", "GiB"][unit])"
}

/// A number of bytes as a multiple of the largest unit that divides it.
///
/// - Parameter count: the number of bytes.
/// - Returns: the multiple, and the unit: 0 for bytes, 1 for KiB, 2 for MiB, 3 for GiB.
public func scaledByteCount(_ count: UInt64) -> (number: UInt64, unit: Int) {
  var number = count
  var unit = 0
  while unit < 3, number >= 1024, number.isMultiple(of: 1024) {
    number /= 1024
    unit += 1
  }
  return (number, unit)
}
