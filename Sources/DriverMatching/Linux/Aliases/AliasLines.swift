/// The lines of a text in the form of `modules.alias` that are worth a closer look: those whose pattern may
/// match a name that begins in one way. The others, most of a kernel's, cost a glance.
struct AliasLines {
  private let bytes: [UInt8]
  private let key: [UInt8]
  private var at = 0
  private var number = 0

  /// The lines of `bytes` for names that begin with `key`.
  init(_ bytes: [UInt8], _ key: [UInt8]) {
    self.bytes = bytes
    self.key = key
  }

  /// The next one and its number, from 1.
  mutating func next() -> (number: Int, bytes: ArraySlice<UInt8>)? {
    let (bytes, key) = (bytes, key)
    let text = bytes.span
    while at < text.count {
      let start = at
      var end = start
      while end < text.count, text[end] != 0x0A { end += 1 }
      at = end + 1
      number += 1
      if Self.isWanted(text.extracting(start..<end), key.span) {
        return (number, bytes[start..<end])
      }
    }
    return nil
  }

  private static func isWanted(_ line: Span<UInt8>, _ key: Span<UInt8>) -> Bool {
    let blank = UInt8(ascii: " ")
    let tab = UInt8(ascii: "\t")
    // What else begins with an `a` is sorted out by whoever reads the line.
    guard line.count > 6, line[0] == UInt8(ascii: "a"), line[5] == blank || line[5] == tab else {
      return false
    }
    var at = 6
    while at < line.count, line[at] == blank || line[at] == tab { at += 1 }
    return mayMatch(line.extracting(at...), key)
  }

  /// Whether the beginning of a pattern, up to its first wildcard, is one of `key`. With `-` for `_` it is
  /// none: no name of USB begins so.
  static func mayMatch(_ pattern: Span<UInt8>, _ key: Span<UInt8>) -> Bool {
    for index in 0..<min(pattern.count, key.count) where pattern[index] != key[index] {
      return switch pattern[index] {
      case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["), UInt8(ascii: "\\"): true
      default: false
      }
    }
    return pattern.count >= key.count
  }
}
