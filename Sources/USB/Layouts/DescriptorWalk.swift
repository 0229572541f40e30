/// One pass over the bytes.
struct DescriptorWalk {
  let bytes: [UInt8]
  private(set) var nodes: [DescriptorTree.Node] = []
  private(set) var faults: [DescriptorFault] = []
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
    // Most descriptors have nine bytes or seven.
    nodes.reserveCapacity(bytes.count / 7 + 1)
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
    let layout = DescriptorLayout.layout(
      of: bytes[position..<position + length], interface: interface, isInStore: isInStore)
    if let layout, length < layout.minimumLength { tell(type, length, shortFor: layout) }
    nodes.append(
      DescriptorTree.Node(
        offset: position, length: length, depth: depth(of: type), type: type, layout: layout,
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

  private mutating func tell(
    _ type: DescriptorType, _ length: Int, shortFor layout: DescriptorLayout
  ) {
    let consequence: String? =
      switch type {
      case .interface, .endpoint, .interfaceAssociation: "It skips the descriptor."
      case .device, .configuration: "It refuses the device."
      case .deviceCapability: "It reads no capability from here on."
      default: nil
      }
    faults.append(
      DescriptorFault(
        position, "bLength",
        "bLength is \(length); a descriptor “\(layout.name)” has at least \(layout.minimumLength) bytes (\(layout.section)).",
        linux: consequence,
        windows: type == .device
          ? .invalidDevice : type == .configuration ? .invalidConfiguration : nil))
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
    return switch bytes[position + 1] {
    case 0x01, 0x02, 0x03, 0x06, 0x07, 0x0F: true
    default: false
    }
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
