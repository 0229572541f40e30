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
  /// What did not come.
  public var notes: [Note] = []

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
  public var tree: DescriptorTree { DescriptorTree(parsing: bytes, speed: speed) }

  /// Which strings the descriptors name, in order, each once.
  public var stringIndices: [UInt8] {
    var indices: [UInt8] = []
    for tree in [tree] + [binaryObjectStore.map { DescriptorTree(parsing: $0) }].compactMap(\.self)
    {
      for node in tree.nodes {
        for field in tree.fields(of: node) where field.kind == .string {
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
  public init(parsing bytes: [UInt8], speed: USBSpeed? = nil) {
    self.init(device: [], configurations: [], speed: speed)
    let tree = DescriptorTree(parsing: bytes, speed: speed)
    let starts = tree.nodes.filter { $0.depth == 0 }
    for (index, node) in starts.enumerated() {
      let end = index + 1 < starts.count ? starts[index + 1].offset : bytes.count
      let part = Array(bytes[node.offset..<end])
      switch node.type {
      case .device? where device.isEmpty && configurations.isEmpty: device = part
      case .binaryObjectStore? where binaryObjectStore == nil: binaryObjectStore = part
      case .deviceQualifier? where deviceQualifier == nil: deviceQualifier = part
      default: configurations.append(part)
      }
    }
  }

  /// Asks a device for all of them. What it refuses is noted, and no failure.
  ///
  /// - Parameters:
  ///   - device: an open device.
  ///   - timeout: how long to wait for each answer.
  /// - Throws: `TransferError` where the device descriptor does not come, or the device goes away.
  public init(
    asking device: any USBDevice, timeout: Duration = .seconds(1)
  ) async throws(TransferError) {
    self.init(device: [], configurations: [], speed: device.info.speed)
    self.device = try await device.controlIn(.getDescriptor(.device, length: 18), timeout: timeout)
    guard self.device.count == 18 else { return }
    for index in 0..<min(self.device[17], 8) {
      try await readConfiguration(index, of: device, timeout)
    }
    let version = UInt16(self.device[2]) | UInt16(self.device[3]) << 8
    if version >= 0x0201 { try await readStore(of: device, timeout) }
    // Asked only of those that must know it: some slower ones answer with something else.
    if version >= 0x0200, speed == .high {
      deviceQualifier = try await ask(
        "the device qualifier", .getDescriptor(.deviceQualifier, length: 10), device, timeout)
    }
    try await readStrings(of: device, timeout)
  }

  /// The most that usbfs moves in one control transfer.
  private static let mostBytes = 4096

  private mutating func readConfiguration(
    _ index: UInt8, of device: any USBDevice, _ timeout: Duration
  ) async throws(TransferError) {
    let name = "configuration \(index)"
    guard
      let head = try await ask(
        name, .getDescriptor(.configuration, index: index, length: 9), device, timeout)
    else { return }
    let total = head.count < 4 ? 9 : Int(head[2]) | Int(head[3]) << 8
    let length = UInt16(min(max(total, 9), Self.mostBytes))
    guard
      let whole = try await ask(
        name, .getDescriptor(.configuration, index: index, length: length), device, timeout)
    else { return }
    configurations.append(whole)
  }

  private mutating func readStore(
    of device: any USBDevice, _ timeout: Duration
  ) async throws(TransferError) {
    let name = "the binary object store"
    guard
      let head = try await ask(
        name, .getDescriptor(.binaryObjectStore, length: 5), device, timeout), head.count == 5
    else { return }
    let total = max(5, min(Int(head[2]) | Int(head[3]) << 8, Self.mostBytes))
    binaryObjectStore = try await ask(
      name, .getDescriptor(.binaryObjectStore, length: UInt16(total)), device, timeout)
  }

  private mutating func readStrings(
    of device: any USBDevice, _ timeout: Duration
  ) async throws(TransferError) {
    let indices = stringIndices
    guard !indices.isEmpty else { return }
    let languages = try await ask(
      "the languages of its strings", .getDescriptor(.string, length: 255), device, timeout)
    guard let languages, languages.count >= 4 else { return }
    let number = UInt16(languages[2]) | UInt16(languages[3]) << 8
    language = LanguageID(rawValue: number)
    for index in indices {
      let bytes = try await ask(
        "string \(index)",
        .getDescriptor(.string, index: index, language: number, length: 255), device, timeout)
      guard let bytes else { continue }
      var reader = ByteReader(bytes.span.bytes)
      do throws(ParseError) {
        strings[index] = try StringDescriptor(parsing: &reader).text
      } catch {
        notes.append(Note(subject: "string \(index)", reason: error.sentence))
      }
    }
  }

  /// An answer; nil for one that was refused, which is noted.
  private mutating func ask(
    _ subject: String, _ setup: SetupPacket, _ device: any USBDevice, _ timeout: Duration
  ) async throws(TransferError) -> [UInt8]? {
    do {
      return try await device.controlIn(setup, timeout: timeout)
    } catch {
      switch error.code {
      case .stall: notes.append(Note(subject: subject, reason: "the device refuses it (stall)"))
      case .timeout: notes.append(Note(subject: subject, reason: "the device does not answer"))
      case .overflow, .protocolError, .other, .unsupported:
        notes.append(Note(subject: subject, reason: error.sentence))
      case .disconnected, .cancelled, .busy, .permission, .closed: throw error
      }
      return nil
    }
  }
}
