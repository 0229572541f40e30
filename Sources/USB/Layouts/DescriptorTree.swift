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
    faults = (faults + rules.faults).enumerated()
      .sorted { ($0.element.offset, $0.offset) < ($1.element.offset, $1.offset) }.map(\.element)
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
    let slice = bytes[node.offset..<node.offset + node.length]
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

/// One pass over the bytes.
private struct DescriptorWalk {
  let bytes: [UInt8]
  var nodes: [DescriptorTree.Node] = []
  var faults: [DescriptorFault] = []
  private var position = 0
  private var interface: ClassTriple?
  private var isInEndpoint = false
  private var isInStore = false
  /// Where the configuration that is being read says that it ends.
  private var configuration: (start: Int, end: Int)?

  init(bytes: [UInt8], interface: ClassTriple?) {
    self.bytes = bytes
    self.interface = interface
  }

  mutating func run() {
    while position < bytes.count { step() }
    if let configuration, configuration.end > bytes.count {
      tellShort(configuration.start, said: configuration.end - configuration.start)
    }
  }

  private mutating func step() {
    let isAtEnd = configuration.map { position >= $0.end } ?? false
    if isAtEnd, let ended = configuration {
      // Behind a configuration stands another one, or something of the device; anything else is of this one.
      if !isTopLevel(at: position) {
        faults.append(
          DescriptorFault(
            ended.start + 2, "wTotalLength",
            "wTotalLength is \(ended.end - ended.start), and more descriptors follow.",
            linux: "It reads only so many bytes; what is behind them is lost.",
            windows: .invalidConfiguration))
        configuration?.end = .max
      } else {
        configuration = nil
      }
    }
    let limit = min(configuration?.end ?? bytes.count, bytes.count)
    let length = Int(bytes[position])
    guard length >= 2, length <= limit - position else {
      return skip(to: limit, length: length)
    }
    let type = DescriptorType(rawValue: bytes[position + 1])
    enter(type, length)
    nodes.append(
      DescriptorTree.Node(
        offset: position, length: length, depth: depth(of: type), type: type,
        layout: DescriptorLayout.layout(
          of: bytes[position..<position + length], interface: interface, isInStore: isInStore),
        interface: interface))
    position += length
  }

  /// Bytes whose length leads nowhere.
  private mutating func skip(to limit: Int, length: Int) {
    let left = limit - position
    let rule =
      length < 2
      ? "bLength is \(length); a descriptor has at least 2 bytes."
      : "bLength is \(length), and only \(left) \(left == 1 ? "byte is" : "bytes are") left."
    let isTrailing = left == 1 && configuration != nil
    faults.append(
      DescriptorFault(
        position, "bLength", rule,
        linux: isTrailing
          ? "It ignores the excess byte." : "It skips the rest of the configuration.",
        windows: configuration == nil ? nil : .invalidConfiguration))
    nodes.append(
      DescriptorTree.Node(
        offset: position, length: left, depth: configuration == nil ? 0 : 2, type: nil,
        layout: nil, interface: interface))
    position = limit
  }

  private mutating func tellShort(_ start: Int, said: Int) {
    guard said < Int(UInt16.max) + 1 else { return }
    faults.append(
      DescriptorFault(
        start + 2, "wTotalLength",
        "wTotalLength is \(said), and \(bytes.count - start) bytes are there.",
        linux: "It notes that the descriptor is too short, and uses what has come.",
        windows: .invalidConfiguration))
  }

  /// Whether what begins here stands beside configurations and not in one.
  private func isTopLevel(at position: Int) -> Bool {
    guard position + 1 < bytes.count else { return false }
    return [0x01, 0x02, 0x03, 0x06, 0x07, 0x0F].contains(bytes[position + 1])
  }

  private mutating func enter(_ type: DescriptorType, _ length: Int) {
    switch type {
    case .device, .deviceQualifier, .string, .binaryObjectStore:
      // Inside a configuration they are out of place, which the rules tell.
      guard configuration == nil else { return }
      isInStore = type == .binaryObjectStore
    case .configuration, .otherSpeedConfiguration:
      guard configuration == nil, length >= 4 else { return }
      let total = Int(bytes[position + 2]) | Int(bytes[position + 3]) << 8
      configuration = (position, position + max(total, length))
      (interface, isInEndpoint, isInStore) = (nil, false, false)
    case .interface:
      guard length >= 8 else { return }
      interface = ClassTriple(
        bytes[position + 5], bytes[position + 6], bytes[position + 7])
      isInEndpoint = false
    case .endpoint: isInEndpoint = true
    default: break
    }
  }

  private func depth(of type: DescriptorType) -> Int {
    if isInStore, type == .deviceCapability { return 1 }
    guard configuration != nil else { return 0 }
    switch type {
    case .device, .deviceQualifier, .configuration, .otherSpeedConfiguration:
      return configuration?.start == position ? 0 : 1
    case .interfaceAssociation, .interface, .onTheGo: return 1
    case .endpoint: return interface == nil ? 1 : 2
    case .superSpeedEndpointCompanion, DescriptorType(rawValue: 0x31),
      DescriptorType(rawValue: 0x25):
      return isInEndpoint ? 3 : 2
    case DescriptorType(rawValue: 0x24) where interface?.classCode == 0x08:
      return isInEndpoint ? 3 : 2
    default: return interface == nil ? 1 : 2
    }
  }
}

extension DescriptorLayout {
  /// The layout of a descriptor by its type, and by the interface that it stands in: a type of a class alone says
  /// nothing (0x21 is HID, DFU or a smart card reader).
  ///
  /// - Parameters:
  ///   - bytes: the descriptor.
  ///   - interface: the interface that it stands in.
  ///   - isInStore: whether it stands in a BOS.
  /// - Returns: nil for one that is not known.
  package static func layout(
    of bytes: ArraySlice<UInt8>, interface: ClassTriple?, isInStore: Bool = false
  ) -> DescriptorLayout? {
    guard bytes.count >= 2 else { return nil }
    let start = bytes.startIndex
    switch bytes[start + 1] {
    case 0x01: return StandardLayouts.device
    case 0x02: return StandardLayouts.configuration
    case 0x03: return StandardLayouts.string
    case 0x04: return StandardLayouts.interface
    case 0x05: return StandardLayouts.endpoint
    case 0x06: return StandardLayouts.deviceQualifier
    case 0x07: return StandardLayouts.otherSpeedConfiguration
    case 0x09: return StandardLayouts.onTheGo
    case 0x0A: return StandardLayouts.debug
    case 0x0B: return StandardLayouts.interfaceAssociation
    case 0x0F: return CapabilityLayouts.binaryObjectStore
    case 0x10: return capability(bytes)
    case 0x29: return StandardLayouts.hub
    case 0x2A: return StandardLayouts.superSpeedHub
    case 0x30: return StandardLayouts.superSpeedCompanion
    case 0x31: return StandardLayouts.isochronousCompanion
    case 0x21...0x26:
      guard let interface else { return nil }
      return classLayout(bytes, interface)
    default: return nil
    }
  }

  private static func capability(_ bytes: ArraySlice<UInt8>) -> DescriptorLayout? {
    let start = bytes.startIndex
    guard bytes.count >= 3 else { return nil }
    if bytes[start + 2] == 0x05, bytes.count >= 20 {
      let identifier = bytes[start + 4..<start + 20]
      if identifier.elementsEqual(CapabilityLayouts.webUSBIdentifier), bytes.count >= 24 {
        return CapabilityLayouts.webUSB
      }
      if identifier.elementsEqual(CapabilityLayouts.microsoftIdentifier), bytes.count >= 28 {
        return CapabilityLayouts.microsoft
      }
    }
    return CapabilityLayouts.all[bytes[start + 2]]
  }

  private static func classLayout(
    _ bytes: ArraySlice<UInt8>, _ interface: ClassTriple
  ) -> DescriptorLayout? {
    let start = bytes.startIndex
    let subtype = bytes.count > 2 ? bytes[start + 2] : 0
    switch (bytes[start + 1], interface.classCode, interface.subclass) {
    case (0x21, 0x03, _): return OtherClassLayouts.humanInterface
    case (0x21, 0xFE, 0x01): return OtherClassLayouts.dfuFunctional
    case (0x21, 0x0B, _): return OtherClassLayouts.smartCard
    case (0x21, 0x07, _): return OtherClassLayouts.printer
    // Vendors put HID's and a reader's descriptor into interfaces of their own: only their shape tells.
    case (0x21, 0xFF, _) where bytes.count == 54: return OtherClassLayouts.smartCard
    case (0x21, 0xFF, _) where bytes.count == 9 && bytes[start + 6] == 0x22:
      return OtherClassLayouts.humanInterfaceShaped
    case (0x24, 0x02, _), (0x24, 0x0A, _), (0x24, 0xE0, 0x01), (0x24, 0xEF, 0x04):
      return CommunicationLayouts.all[subtype]
    case (0x24, 0x08, _): return OtherClassLayouts.pipeUsage
    case (0x24, 0x01, 0x01):
      return interface.protocolCode == 0x20
        ? AudioLayouts.control2[subtype] : AudioLayouts.control[subtype]
    case (0x24, 0x01, 0x02):
      return interface.protocolCode == 0x20
        ? AudioLayouts.streaming2[subtype] : AudioLayouts.streaming[subtype]
    case (0x24, 0x01, 0x03): return AudioLayouts.midi[subtype]
    case (0x25, 0x01, 0x03): return AudioLayouts.midiEndpoint
    case (0x25, 0x01, _):
      return interface.protocolCode == 0x20 ? AudioLayouts.endpoint2 : AudioLayouts.endpoint
    case (0x26, 0x01, 0x03): return AudioLayouts.groupTerminalBlock
    case (0x24, 0x0E, 0x01): return VideoLayouts.control[subtype]
    case (0x24, 0x0E, 0x02): return VideoLayouts.streaming[subtype]
    case (0x25, 0x0E, _): return subtype == 3 ? VideoLayouts.endpoint : nil
    default: return nil
    }
  }
}
