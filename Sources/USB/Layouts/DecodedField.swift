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
  /// The fields of a descriptor, as far as its bytes go.
  ///
  /// - Parameter bytes: the descriptor, from its first byte to its last.
  /// - Returns: the fields; then the bytes that no field has, as one named `extra`.
  public func fields(of bytes: ArraySlice<UInt8>) -> [DecodedField] {
    places(in: bytes).map { field(at: $0, of: bytes) }
  }

  /// One field with its bytes.
  ///
  /// - Parameters:
  ///   - place: where it is, as ``places(in:)`` has found it.
  ///   - bytes: the descriptor.
  /// - Returns: the field.
  func field(at place: FieldPlace, of bytes: ArraySlice<UInt8>) -> DecodedField {
    let start = bytes.startIndex + place.offset
    let own = place.field.map { fields[$0] }
    return DecodedField(
      name: own?.name ?? "extra", index: place.index, offset: place.offset,
      bytes: Array(bytes[start..<start + place.length]), size: place.size,
      kind: own?.kind ?? .bytes)
  }
}
