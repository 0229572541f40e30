extension DescriptorSet {
  /// Bytes that came together: each of a set's documents is one answer, or some that belong together.
  public enum Document: Hashable, Sendable {
    /// The device and its configurations.
    case descriptors
    /// The BOS.
    case binaryObjectStore
    /// The device qualifier.
    case deviceQualifier
    /// The hub descriptor.
    case hub
    /// The HID report descriptor of an interface.
    case report(interface: UInt8)
    /// String 0xEE, by which Microsoft OS 1.0 descriptors are announced.
    case microsoftString
    /// The extended compat id descriptor of Microsoft OS 1.0.
    case compatibleIDs
    /// The extended properties descriptor of Microsoft OS 1.0, of an interface.
    case properties(interface: UInt8)
    /// The descriptor set of Microsoft OS 2.0.
    case microsoftSet

    /// Its name, as reports and files of digits have it.
    public var name: String {
      switch self {
      case .descriptors: "descriptors"
      case .binaryObjectStore: "binary object store"
      case .deviceQualifier: "device qualifier"
      case .hub: "hub"
      case .report(let interface): "HID report of interface \(interface)"
      case .microsoftString: "Microsoft OS string"
      case .compatibleIDs: "Microsoft compatible ids"
      case .properties(let interface): "Microsoft properties of interface \(interface)"
      case .microsoftSet: "Microsoft OS 2.0 set"
      }
    }

    /// The document of a name.
    ///
    /// - Returns: nil for the name of none.
    public init?(name: some StringProtocol) {
      let plain: [Self] = [
        .descriptors, .binaryObjectStore, .deviceQualifier, .hub, .microsoftString, .compatibleIDs,
        .microsoftSet,
      ]
      if let found = plain.first(where: { $0.name == name }) {
        self = found
        return
      }
      guard let last = name.split(separator: " ").last, let number = UInt8(last) else { return nil }
      let numbered: [Self] = [.report(interface: number), .properties(interface: number)]
      guard let found = numbered.first(where: { $0.name == name }) else { return nil }
      self = found
    }

    fileprivate var order: Int {
      switch self {
      case .descriptors: 0
      case .deviceQualifier: 1
      case .binaryObjectStore: 2
      case .hub: 3
      case .microsoftString: 4
      case .compatibleIDs: 5
      case .microsoftSet: 6
      case .report(let interface): 0x100 + Int(interface)
      case .properties(let interface): 0x200 + Int(interface)
      }
    }
  }

  /// The documents that there are, in the order in which they are shown.
  public var documents: [Document] {
    var all = Array(others.keys)
    if !bytes.isEmpty { all.append(.descriptors) }
    if binaryObjectStore != nil { all.append(.binaryObjectStore) }
    if deviceQualifier != nil { all.append(.deviceQualifier) }
    return all.sorted { $0.order < $1.order }
  }

  /// The bytes of a document; none where it is not there.
  public func bytes(of document: Document) -> [UInt8] {
    switch document {
    case .descriptors: bytes
    case .binaryObjectStore: binaryObjectStore ?? []
    case .deviceQualifier: deviceQualifier ?? []
    default: others[document] ?? []
    }
  }

  /// A document, decoded.
  public func tree(of document: Document) -> DescriptorTree {
    let bytes = bytes(of: document)
    let unknown = unknown[document] ?? []
    switch document {
    case .descriptors, .binaryObjectStore, .hub:
      return DescriptorTree(parsing: bytes, speed: speed, unknown: unknown)
    case .deviceQualifier: return DescriptorTree(parsing: bytes, unknown: unknown)
    case .report: return DescriptorTree(report: bytes, unknown: unknown)
    case .microsoftString:
      return DescriptorTree(bytes, as: OtherClassLayouts.microsoftString, unknown: unknown)
    case .compatibleIDs:
      return DescriptorTree(bytes, as: MicrosoftLayouts.compatibleHeader, unknown: unknown)
    case .properties:
      return DescriptorTree(bytes, as: MicrosoftLayouts.propertiesHeader, unknown: unknown)
    case .microsoftSet: return DescriptorTree(microsoftSet: bytes, unknown: unknown)
    }
  }

  /// Whether any byte of it is not known.
  public var isComplete: Bool { unknown.allSatisfy(\.value.isEmpty) }
}

extension DescriptorTree {
  /// Bytes that are one thing whose layout is known.
  init(_ bytes: [UInt8], as layout: DescriptorLayout, unknown: Set<Int>) {
    let node = Node(
      offset: 0, length: bytes.count, depth: 0, type: DescriptorType(rawValue: 0), layout: layout,
      interface: nil)
    self.init(bytes: bytes, nodes: bytes.isEmpty ? [] : [node], faults: [], unknown: unknown)
  }

  /// The parts of a Microsoft OS 2.0 descriptor set, each of which begins with its length in two bytes.
  ///
  /// - Parameters:
  ///   - bytes: what the vendor request has answered.
  ///   - unknown: which of the bytes nobody knows.
  init(microsoftSet bytes: [UInt8], unknown: Set<Int>) {
    var nodes: [Node] = []
    var faults: [DescriptorFault] = []
    var position = 0
    var depth = 0
    while position < bytes.count {
      let left = bytes.count - position
      let length = left < 4 ? 0 : Int(bytes[position]) | Int(bytes[position + 1]) << 8
      guard length >= 4, length <= left else {
        faults.append(
          DescriptorFault(
            position, "wLength",
            left < 4
              ? "\(left) bytes are left; a part has at least 4."
              : "wLength is \(length), and \(left) bytes are left."))
        nodes.append(
          Node(offset: position, length: left, depth: 0, type: nil, layout: nil, interface: nil))
        break
      }
      let type = UInt16(bytes[position + 2]) | UInt16(bytes[position + 3]) << 8
      // Headers hold what follows them.
      let own = type <= 2 ? Int(type) : depth
      nodes.append(
        Node(
          offset: position, length: length, depth: own, type: DescriptorType(rawValue: 0),
          layout: MicrosoftLayouts.parts[type] ?? MicrosoftLayouts.unknownPart, interface: nil))
      if type <= 2 { depth = Int(type) + 1 }
      position += length
    }
    self.init(bytes: bytes, nodes: nodes, faults: faults, unknown: unknown)
  }
}
