/// Decisions taken from the bytes of a fuzzer: what is left of them, first to last, and zeros behind.
public struct FuzzInput {
  private var rest: ArraySlice<UInt8>

  /// The decisions in `bytes`.
  public init(_ bytes: [UInt8]) { rest = bytes[...] }

  /// What libFuzzer hands over.
  public init(_ start: UnsafePointer<UInt8>?, _ count: Int) {
    self.init(Array(UnsafeBufferPointer(start: start, count: count)))
  }

  /// Whether every byte is used up.
  public var isEmpty: Bool { rest.isEmpty }

  /// One byte.
  public mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

  /// A number of any width, the first byte lowest.
  public mutating func number<Number: FixedWidthInteger & UnsignedInteger>(
    _ type: Number.Type = Number.self
  ) -> Number {
    (0..<Number.bitWidth / 8).reduce(0) { $0 | Number(byte()) << Number($1 * 8) }
  }

  /// A number from 0 to `limit` - 1.
  public mutating func below(_ limit: Int) -> Int {
    limit <= 1 ? 0 : limit <= 256 ? Int(byte()) % limit : Int(number(UInt32.self)) % limit
  }

  /// One of `choices`.
  public mutating func one<Choice>(of choices: [Choice]) -> Choice { choices[below(choices.count)] }

  /// Yes or no; no when nothing is left.
  public mutating func bool() -> Bool { byte() & 1 == 1 }

  /// Up to `count` bytes.
  public mutating func bytes(_ count: Int) -> [UInt8] {
    let bytes = Array(rest.prefix(count))
    rest = rest.dropFirst(count)
    return bytes
  }

  /// Everything that is left.
  public mutating func remaining() -> [UInt8] { bytes(rest.count) }
}

/// Ends the program, and so reports a finding, where a property does not hold.
public func require(
  _ holds: Bool, _ property: @autoclosure () -> String,
  file: StaticString = #fileID, line: UInt = #line
) {
  guard holds else { fatalError(property(), file: file, line: line) }
}
