/// What a device says of itself, byte by byte: its descriptors, and its strings.
public struct DescriptorSet: Hashable, Sendable {
  /// Something that was asked for and did not come as it should.
  public struct Note: Hashable, Sendable {
    /// What was asked for.
    public var subject: String
    /// What happened, as a part of a sentence.
    public var reason: String
  }

  /// The speed at which they were read; nil where nobody knows.
  public var speed: USBSpeed?
  /// The device descriptor; empty where it is not known.
  public var device: [UInt8]
  /// The configurations, each with all that follows it.
  public var configurations: [[UInt8]]
  /// The binary object store; nil where there is none.
  public var binaryObjectStore: [UInt8]?
  /// The device qualifier; nil where there is none.
  public var deviceQualifier: [UInt8]?
  /// `wLANGID` of the strings; nil where the device has none.
  public var language: LanguageID?
  /// The strings that descriptors name, by their indices.
  public var strings: [UInt8: String] = [:]
  /// The other documents: of hubs, of HID interfaces, Microsoft's.
  public var others: [Document: [UInt8]] = [:]
  /// Which bytes of a document nobody knows, because a dump does not have them; they stand in it as 0, and every
  /// rendering shows them as unknown.
  public var unknown: [Document: Set<Int>] = [:]
  /// What the system has told of its port and its state, in the order in which a dump had it.
  public var portFacts: [PortFact] = []
  /// What did not come.
  public var notes: [Note] = []
  /// What else there is to say of them, in sentences: what the program that wrote a dump has got wrong.
  public var remarks: [String] = []

  /// A set.
  public init(
    device: [UInt8], configurations: [[UInt8]], binaryObjectStore: [UInt8]? = nil,
    speed: USBSpeed? = nil
  ) {
    self.device = device
    self.configurations = configurations
    self.binaryObjectStore = binaryObjectStore
    self.speed = speed
  }

  /// Device and configurations, as they stand in the `descriptors` file of sysfs.
  public var bytes: [UInt8] { device + configurations.flatMap(\.self) }

  /// The device and its configurations, decoded as one document, so that they are compared with each other.
  public var tree: DescriptorTree { tree(of: .descriptors) }

  /// Which strings the descriptors name, in order, each once.
  public var stringIndices: [UInt8] {
    var indices: [UInt8] = []
    for document in documents where document == .descriptors || document == .binaryObjectStore {
      let tree = tree(of: document)
      for node in tree.nodes {
        for field in tree.fields(of: node) where field.kind == .string && field.unknown.isEmpty {
          guard let index = field.bytes.first, index > 0, !indices.contains(index) else { continue }
          indices.append(index)
        }
      }
    }
    return indices
  }
}

extension DescriptorSet {
  /// Reads them from some bytes: a `descriptors` file of sysfs, or any descriptors behind each other.
  ///
  /// - Parameters:
  ///   - bytes: device, configurations and a BOS, each where it is there.
  ///   - speed: at which speed; nil where nobody knows.
  ///   - unknown: which of the bytes nobody knows.
  public init(parsing bytes: [UInt8], speed: USBSpeed? = nil, unknown: Set<Int> = []) {
    self.init(device: [], configurations: [], speed: speed)
    let tree = DescriptorTree(parsing: bytes, speed: speed, unknown: unknown)
    let starts = tree.nodes.filter { $0.depth == 0 }
    for (index, node) in starts.enumerated() {
      let end = index + 1 < starts.count ? starts[index + 1].offset : bytes.count
      let part = Array(bytes[node.offset..<end])
      var (document, at) = (Document.descriptors, self.bytes.count)
      switch node.type {
      case .device? where device.isEmpty && configurations.isEmpty: device = part
      case .binaryObjectStore? where binaryObjectStore == nil:
        binaryObjectStore = part
        (document, at) = (.binaryObjectStore, 0)
      case .deviceQualifier? where deviceQualifier == nil:
        deviceQualifier = part
        (document, at) = (.deviceQualifier, 0)
      default: configurations.append(part)
      }
      let own = unknown.filter { node.offset <= $0 && $0 < end }.map { $0 - node.offset + at }
      if !own.isEmpty { self.unknown[document, default: []].formUnion(own) }
    }
  }
}

extension DescriptorSet {
  /// Puts documents together, as a file has them.
  ///
  /// - Parameters:
  ///   - documents: their bytes; nil for one that nobody knows.
  ///   - speed: at which speed; nil where nobody knows.
  public init(documents: [Document: [UInt8?]], speed: USBSpeed? = nil) {
    func unknown(_ bytes: [UInt8?]) -> Set<Int> { Set(bytes.indices.filter { bytes[$0] == nil }) }
    let main = documents[.descriptors] ?? []
    self.init(parsing: main.map { $0 ?? 0 }, speed: speed, unknown: unknown(main))
    for (document, bytes) in documents where document != .descriptors {
      let plain = bytes.map { $0 ?? 0 }
      switch document {
      case .binaryObjectStore: binaryObjectStore = plain
      case .deviceQualifier: deviceQualifier = plain
      default: others[document] = plain
      }
      let missing = unknown(bytes)
      if !missing.isEmpty { self.unknown[document] = missing }
    }
  }
}
