/// A field of a descriptor, as far as its bytes are there.
public struct DecodedField: Hashable, Sendable {
  /// Its name, as the specification spells it.
  public var name: String
  /// Which of several it is, in a repeated group, from 0; nil outside of one.
  public var index: Int?
  /// Where it begins in the descriptor, in bytes.
  public var offset: Int
  /// Its bytes; fewer than it has where the descriptor ends in it.
  public var bytes: [UInt8]
  /// How many bytes it has.
  public var size: Int
  /// What its number says.
  public var kind: FieldKind
  /// Which of its bytes nobody knows, counted from its first; they stand in `bytes` as 0.
  public var unknown: Set<Int> = []

  /// A field.
  package init(
    name: String, index: Int?, offset: Int, bytes: [UInt8], size: Int, kind: FieldKind,
    unknown: Set<Int> = []
  ) {
    self.name = name
    self.index = index
    self.offset = offset
    self.bytes = bytes
    self.size = size
    self.kind = kind
    self.unknown = unknown
  }

  /// Its number, least significant byte first; nil where bytes are missing or not known, or are more than eight.
  public var number: UInt64? {
    guard bytes.count == size, (1...8).contains(size), unknown.isEmpty else { return nil }
    return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Its bytes, two hexadecimal digits each, or two question marks for one that nobody knows.
  public var pairs: [String] {
    bytes.indices.map { unknown.contains($0) ? "??" : hex(bytes[$0]) }
  }

  /// The digits of its number as far as they are known, the most significant ones first: `??00`.
  public var digits: String { pairs.reversed().joined() }
}

extension DescriptorLayout {
  /// A descriptor is no longer than 255 bytes, but for Microsoft's, of 65535; that many fields are shown of one.
  static let mostFields = 4096

  /// The fields of a descriptor, as far as its bytes go.
  ///
  /// - Parameter bytes: the descriptor, from its first byte to its last.
  /// - Returns: the fields; then the bytes that no field has, as one named `extra`.
  public func fields(of bytes: ArraySlice<UInt8>) -> [DecodedField] {
    var decoder = FieldDecoder(bytes: bytes)
    decoder.decode(items, index: nil)
    decoder.finish()
    return decoder.fields
  }
}

private struct FieldDecoder {
  let bytes: ArraySlice<UInt8>
  var position: Int
  var fields: [DecodedField] = []

  init(bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  private var remaining: Int { bytes.endIndex - position }

  mutating func decode(_ items: [DescriptorLayout.Item], index: Int?) {
    for item in items {
      guard fields.count < DescriptorLayout.mostFields else { return }
      switch item {
      case .field(let field): decode(field, index)
      case .group(let repetition, let items): decode(repetition, items, index)
      }
    }
  }

  private mutating func decode(_ field: DescriptorLayout.Field, _ index: Int?) {
    let size =
      switch field.size {
      case .fixed(let size): size
      case .counted(let name): Int(clamping: number(of: name) ?? 0)
      case .rest(let before): max(0, remaining - before)
      }
    // One that begins behind the end is not there; whether it should be is told by the least length.
    guard size > 0, remaining > 0 else { return }
    let end = position + min(size, remaining)
    fields.append(
      DecodedField(
        name: field.name, index: index, offset: position - bytes.startIndex,
        bytes: Array(bytes[position..<end]), size: size, kind: field.kind))
    position = end
  }

  private mutating func decode(
    _ repetition: DescriptorLayout.Repetition, _ items: [DescriptorLayout.Item], _ index: Int?
  ) {
    let times: Int
    switch repetition {
    case .counted(let name, let plus): times = Int(clamping: number(of: name) ?? 0) + plus
    case .rest: times = .max
    case .when(let name, let value):
      if number(of: name) == value { decode(items, index: index) }
      return
    case .unless(let name, let value):
      if number(of: name) != value { decode(items, index: index) }
      return
    }
    var count = 0
    while count < times, remaining > 0, fields.count < DescriptorLayout.mostFields {
      let before = position
      decode(items, index: count)
      // A group without bytes would come for ever.
      if position == before { return }
      count += 1
    }
  }

  /// The number in the last field of this name.
  private func number(of name: String) -> UInt64? {
    fields.last { $0.name == name }?.number
  }

  mutating func finish() {
    guard remaining > 0 else { return }
    fields.append(
      DecodedField(
        name: "extra", index: nil, offset: position - bytes.startIndex,
        bytes: Array(bytes[position...]), size: remaining, kind: .bytes))
  }
}
