/// A shell pattern as glibc's `fnmatch` reads it without flags (glob(7)): `*`, `?`, `[a-z]`, `[!a]`, and `\`
/// before a byte that means itself.
///
/// kmod compares module aliases by it and udev the values of match keys. It works on bytes, as in the C
/// locale. An unterminated bracket is a bracket. The time is bounded by the product of both lengths,
/// whatever the stars.
public struct ShellPattern: Hashable, Sendable {
  /// One place of the pattern: a byte, or one of these, or from 258 on a set. Patterns may be many and long.
  private typealias Token = UInt16
  private static let any: Token = 256
  private static let star: Token = 257
  private static let firstSet = 258

  /// A set of bytes.
  struct ByteSet: Hashable, Sendable {
    private var low: UInt64 = 0
    private var middle: UInt64 = 0
    private var upper: UInt64 = 0
    private var high: UInt64 = 0

    mutating func insert(_ byte: UInt8) {
      let bit: UInt64 = 1 << UInt64(byte & 63)
      switch byte >> 6 {
      case 0: low |= bit
      case 1: middle |= bit
      case 2: upper |= bit
      default: high |= bit
      }
    }

    func contains(_ byte: UInt8) -> Bool {
      let word: UInt64
      switch byte >> 6 {
      case 0: word = low
      case 1: word = middle
      case 2: word = upper
      default: word = high
      }
      return word >> UInt64(byte & 63) & 1 == 1
    }

    mutating func invert() {
      low = ~low
      middle = ~middle
      upper = ~upper
      high = ~high
    }
  }

  private var tokens: [Token] = []
  private var sets: [ByteSet] = []

  /// The bytes before the first wildcard; all that it matches begins with them.
  public private(set) var literalPrefix: [UInt8] = []

  /// How many places it has, wildcards counted once.
  var count: Int { tokens.count }

  /// Whether it has no wildcard: it matches one text.
  public var isLiteral: Bool { literalPrefix.count == tokens.count }

  /// A pattern from its text.
  public init(_ text: some StringProtocol) { self.init(bytes: Array(text.utf8)) }

  /// A pattern from its bytes.
  public init(bytes: [UInt8]) {
    tokens.reserveCapacity(bytes.count)
    var at = 0
    var isPrefix = true
    // A `[` without end stays without end: looking for it once is enough.
    var noBracketEnds = false
    while at < bytes.count {
      let byte = bytes[at]
      switch byte {
      case UInt8(ascii: "*"):
        if tokens.last != Self.star { tokens.append(Self.star) }
        isPrefix = false
        at += 1
        continue
      case UInt8(ascii: "?"):
        tokens.append(Self.any)
        isPrefix = false
        at += 1
        continue
      case UInt8(ascii: "[") where !noBracketEnds:
        if let (set, end) = Self.bracket(bytes, at + 1) {
          append(set)
          isPrefix = false
          at = end
          continue
        }
        noBracketEnds = true
      case UInt8(ascii: "\\"):
        guard at + 1 < bytes.count else {
          // A last backslash matches nothing.
          append(ByteSet())
          isPrefix = false
          at += 1
          continue
        }
        at += 1
      default: break
      }
      tokens.append(Token(bytes[at]))
      if isPrefix { literalPrefix.append(bytes[at]) }
      at += 1
    }
  }

  /// Whether it matches the whole of `text`.
  public func matches(_ text: some StringProtocol) -> Bool { matches(bytes: Array(text.utf8)) }

  /// Whether it matches all `bytes`.
  public func matches(bytes: [UInt8]) -> Bool {
    let count = tokens.count
    var token = 0
    var at = 0
    // Only the last star has to be tried again: an earlier one that took more could not help.
    var star = -1
    var retry = 0
    while at < bytes.count {
      if token < count, tokens[token] == Self.star {
        star = token
        retry = at
        token += 1
      } else if token < count, accepts(tokens[token], bytes[at]) {
        token += 1
        at += 1
      } else if star >= 0 {
        retry += 1
        at = retry
        token = star + 1
      } else {
        return false
      }
    }
    while token < count, tokens[token] == Self.star { token += 1 }
    return token == count
  }

  private func accepts(_ token: Token, _ byte: UInt8) -> Bool {
    if token < Self.any { return token == Token(byte) }
    if Int(token) >= Self.firstSet { return sets[Int(token) - Self.firstSet].contains(byte) }
    return token == Self.any
  }

  private mutating func append(_ set: ByteSet) {
    // Beyond so many sets nothing real is; the last one stands for all others.
    guard sets.count < 60_000 else { return tokens.append(Token(Self.firstSet + sets.count - 1)) }
    tokens.append(Token(Self.firstSet + sets.count))
    sets.append(set)
  }

  /// The set behind a `[`, and where the pattern goes on; nil where the bracket has no end.
  private static func bracket(_ bytes: [UInt8], _ start: Int) -> (ByteSet, Int)? {
    var at = start
    var set = ByteSet()
    var isNegated = false
    if at < bytes.count, bytes[at] == UInt8(ascii: "!") || bytes[at] == UInt8(ascii: "^") {
      isNegated = true
      at += 1
    }
    // A `]` in the first place is a member.
    var isFirst = true
    while at < bytes.count {
      var byte = bytes[at]
      if byte == UInt8(ascii: "]"), !isFirst {
        if isNegated { set.invert() }
        return (set, at + 1)
      }
      isFirst = false
      if byte == UInt8(ascii: "["), let (members, end) = namedClass(bytes, at) {
        for member in members { set.insert(member) }
        at = end
        continue
      }
      if byte == UInt8(ascii: "\\") {
        at += 1
        guard at < bytes.count else { return nil }
        byte = bytes[at]
      }
      at += 1
      guard at + 1 < bytes.count, bytes[at] == UInt8(ascii: "-"), bytes[at + 1] != UInt8(ascii: "]")
      else {
        set.insert(byte)
        continue
      }
      at += 1
      var last = bytes[at]
      if last == UInt8(ascii: "\\") {
        at += 1
        guard at < bytes.count else { return nil }
        last = bytes[at]
      }
      at += 1
      if byte <= last { for member in byte...last { set.insert(member) } }
    }
    return nil
  }

  /// The bytes of `[:alpha:]` and its like inside a bracket, and where that goes on.
  private static func namedClass(_ bytes: [UInt8], _ start: Int) -> ([UInt8], Int)? {
    guard start + 1 < bytes.count, bytes[start + 1] == UInt8(ascii: ":") else { return nil }
    var end = start + 2
    // The longest name has six letters.
    while end < bytes.count, end < start + 9, bytes[end] != UInt8(ascii: ":") { end += 1 }
    guard end + 1 < bytes.count, bytes[end] == UInt8(ascii: ":"),
      bytes[end + 1] == UInt8(ascii: "]"),
      let members = classMembers(String(decoding: bytes[(start + 2)..<end], as: UTF8.self))
    else { return nil }
    return (members, end + 2)
  }

  /// The members of a class of characters in the C locale (POSIX, 7.3.1).
  private static func classMembers(_ name: String) -> [UInt8]? {
    let digits = Array<UInt8>(0x30...0x39)
    let upper = Array<UInt8>(0x41...0x5A)
    let lower = Array<UInt8>(0x61...0x7A)
    switch name {
    case "digit": return digits
    case "upper": return upper
    case "lower": return lower
    case "alpha": return upper + lower
    case "alnum": return digits + upper + lower
    case "xdigit": return digits + Array<UInt8>(0x41...0x46) + Array<UInt8>(0x61...0x66)
    case "blank": return [0x20, 0x09]
    case "space": return [0x20] + Array<UInt8>(0x09...0x0D)
    case "cntrl": return Array<UInt8>(0x00...0x1F) + [0x7F]
    case "graph": return Array<UInt8>(0x21...0x7E)
    case "print": return Array<UInt8>(0x20...0x7E)
    case "punct":
      return Array<UInt8>(0x21...0x7E).filter { !(digits + upper + lower).contains($0) }
    default: return nil
    }
  }
}
