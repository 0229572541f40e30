/// The descriptors in some bytes, each with its place, its layout and its rank, and what is wrong with them.
///
/// Nothing is trusted: `bLength` leads from one to the next as far as it does, `wTotalLength` bounds a
/// configuration, and what cannot be read is kept as bytes.
public struct DescriptorTree: Hashable, Sendable {
  /// One descriptor, or bytes that are none.
  public struct Node: Hashable, Sendable {
    /// Where it begins.
    public var offset: Int
    /// How many bytes of it are there.
    public var length: Int
    /// How far it is indented: 0 for a device or a configuration, 1 for interfaces and associations, 2 for
    /// endpoints and class descriptors of an interface, 3 for what belongs to an endpoint.
    public var depth: Int
    /// `bDescriptorType`; nil for bytes that are no descriptor.
    public var type: DescriptorType?
    /// How its bytes are laid out; nil for one that is not known.
    public var layout: DescriptorLayout?
    /// The interface that it stands in.
    public var interface: ClassTriple?
  }

  /// The bytes.
  public var bytes: [UInt8]
  /// The descriptors, in the order of the bytes.
  public private(set) var nodes: [Node] = []
  /// What is wrong, in the order of the bytes.
  public private(set) var faults: [DescriptorFault] = []
  /// Which of the bytes nobody knows: a dump did not have them. They stand in ``bytes`` as 0.
  public private(set) var unknown: Set<Int> = []
  /// The speed at which they were read, where it is known: some numbers mean what it says.
  public var speed: USBSpeed?

  /// Reads all that is in some bytes: a device descriptor and configurations, as sysfs has them, a BOS, a string,
  /// or any single descriptor.
  ///
  /// - Parameters:
  ///   - bytes: what the device has said.
  ///   - speed: at which speed; nil where nobody knows.
  ///   - interface: the interface that they are of, for class descriptors that stand alone.
  ///   - unknown: which of the bytes nobody knows; nothing is told of them.
  public init(
    parsing bytes: [UInt8], speed: USBSpeed? = nil, interface: ClassTriple? = nil,
    unknown: Set<Int> = []
  ) {
    self.bytes = bytes
    self.speed = speed
    self.unknown = unknown
    var walk = DescriptorWalk(bytes: bytes, interface: interface)
    walk.run()
    nodes = walk.nodes
    faults = walk.faults
    var rules = DescriptorRules(tree: self)
    rules.check()
    if !(faults.isEmpty && rules.faults.isEmpty) {
      faults = (faults + rules.faults).enumerated()
        .sorted { ($0.element.offset, $0.offset) < ($1.element.offset, $1.offset) }.map(\.element)
    }
    if !unknown.isEmpty {
      faults.removeAll { unknown.contains($0.offset) || unknown.contains($0.offset + 1) }
    }
  }

  /// Nodes that something else than `bLength` has found.
  init(bytes: [UInt8], nodes: [Node], faults: [DescriptorFault], unknown: Set<Int> = []) {
    self.bytes = bytes
    self.nodes = nodes
    self.faults = faults
    self.unknown = unknown
  }

  /// The fields of a descriptor.
  public func fields(of node: Node) -> [DecodedField] {
    let fields = layoutFields(of: node)
    guard !unknown.isEmpty else { return fields }
    return fields.map { field in
      var field = field
      let start = node.offset + field.offset
      field.unknown = Set(field.bytes.indices.filter { unknown.contains(start + $0) })
      return field
    }
  }

  private func layoutFields(of node: Node) -> [DecodedField] {
    let slice = bytes(of: node)
    if let layout = node.layout { return layout.fields(of: slice) }
    guard node.type != nil else {
      return [
        DecodedField(
          name: "bytes", index: nil, offset: 0, bytes: Array(slice), size: slice.count,
          kind: .bytes)
      ]
    }
    return Self.unknown.fields(of: slice)
  }

  private static let unknown = DescriptorLayout("Unknown", "none", [.rest("data")])

  /// Where the fields of a descriptor are, behind what is in `places` already: the fast way through many.
  ///
  /// A place counts in the fields of the node's layout, or of one with a length, a type and data where it has none;
  /// bytes that are no descriptor have no places.
  public func findPlaces(of node: Node, appendingTo places: inout [FieldPlace]) {
    guard node.type != nil else { return }
    (node.layout ?? Self.unknown).findPlaces(in: bytes(of: node), appendingTo: &places)
  }

  /// The raw bytes of a descriptor.
  public func bytes(of node: Node) -> ArraySlice<UInt8> {
    bytes[node.offset..<node.offset + node.length]
  }
}

/// Something wrong with descriptors: where, which rule, and what hosts make of it.
public struct DescriptorFault: Hashable, Sendable {
  /// Where, in bytes from the first.
  public var offset: Int
  /// Which field, as the specification spells it.
  public var field: String
  /// What is wrong, in one sentence.
  public var sentence: String
  /// What Linux does about it; nil where it does not care.
  public var linux: String?
  /// What Windows does about it; nil where it does not care, or where that is not known.
  public var windows: String?

  /// A fault.
  public init(
    _ offset: Int, _ field: String, _ sentence: String, linux: String? = nil,
    windows: String? = nil
  ) {
    self.offset = offset
    self.field = field
    self.sentence = sentence
    self.linux = linux
    self.windows = windows
  }
}
