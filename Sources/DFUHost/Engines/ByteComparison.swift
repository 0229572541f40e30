/// Whether two stretches hold the same bytes, compared eight at a time: proofs compare megabytes.
func sameBytes(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Bool {
  guard left.count == right.count else { return false }
  let left = left.span.bytes
  let right = right.span.bytes
  let count = left.byteCount
  var offset = 0
  while offset + 8 <= count {
    guard
      left.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
        == right.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
    else { return false }
    offset += 8
  }
  while offset < count {
    guard
      left.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
        == right.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
    else { return false }
    offset += 1
  }
  return true
}

/// Whether a stretch holds nothing but one byte, looked at eight bytes at a time.
func holdsOnly(_ byte: UInt8, _ bytes: ArraySlice<UInt8>) -> Bool {
  let word = UInt64(byte) * 0x0101_0101_0101_0101
  let bytes = bytes.span.bytes
  let count = bytes.byteCount
  var offset = 0
  while offset + 8 <= count {
    guard bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self) == word else {
      return false
    }
    offset += 8
  }
  while offset < count {
    guard bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self) == byte else {
      return false
    }
    offset += 1
  }
  return true
}
