/// What specifications ask of descriptors beyond their lengths, and what hosts make of the rest (facts of Linux 6.12,
/// `drivers/usb/core/config.c`).
struct DescriptorRules {
  let tree: DescriptorTree
  private(set) var faults: [DescriptorFault] = []
  private let bytes: [UInt8]

  init(tree: DescriptorTree) {
    self.tree = tree
    bytes = tree.bytes
  }

  /// A setting of an interface, while a configuration is checked.
  private struct Setting {
    var offset: Int
    var number: UInt8
    var alternate: UInt8
    var endpointCount: Int
    var interface: ClassTriple
    var endpoints: [(address: UInt8, offset: Int)] = []
  }

  private struct Configuration {
    var node: DescriptorTree.Node
    var settings: [Setting] = []
    var associations: [DescriptorTree.Node] = []
  }

  mutating func check() {
    var device: DescriptorTree.Node?
    var configurations: [Configuration] = []
    for node in tree.nodes {
      checkLength(node)
      switch node.type {
      case .device?:
        if device == nil, configurations.isEmpty {
          device = node
          checkDevice(node)
        } else {
          tell(
            node.offset, "bDescriptorType", "A device descriptor stands inside of a configuration.",
            linux: "It notes that, and skips it.")
        }
      case .configuration?, .otherSpeedConfiguration?:
        guard node.depth == 0 else {
          tell(
            node.offset, "bDescriptorType", "A configuration descriptor stands inside of another.",
            linux: "It notes that, and skips it.")
          continue
        }
        configurations.append(Configuration(node: node))
      case .interfaceAssociation? where node.length >= 8 && !configurations.isEmpty:
        configurations[configurations.count - 1].associations.append(node)
      case .interface? where node.length >= 9 && !configurations.isEmpty:
        let at = node.offset
        configurations[configurations.count - 1].settings.append(
          Setting(
            offset: at, number: bytes[at + 2], alternate: bytes[at + 3],
            endpointCount: Int(bytes[at + 4]),
            interface: ClassTriple(bytes[at + 5], bytes[at + 6], bytes[at + 7])))
      case .endpoint? where node.length >= 7 && !configurations.isEmpty:
        let last = configurations.count - 1
        guard let setting = configurations[last].settings.indices.last else {
          tell(node.offset, "bDescriptorType", "An endpoint stands in front of every interface.")
          continue
        }
        configurations[last].settings[setting].endpoints.append(
          (bytes[node.offset + 2], node.offset))
        checkEndpoint(node)
      default: break
      }
    }
    for configuration in configurations { check(configuration) }
    if let device, device.length >= 18 { compare(device, configurations) }
  }

  private mutating func tell(
    _ offset: Int, _ field: String, _ sentence: String, linux: String? = nil,
    windows: String? = nil
  ) {
    faults.append(DescriptorFault(offset, field, sentence, linux: linux, windows: windows))
  }

  private mutating func checkLength(_ node: DescriptorTree.Node) {
    guard let layout = node.layout, node.length < layout.minimumLength else { return }
    let consequence: String? =
      switch node.type {
      case .interface?, .endpoint?, .interfaceAssociation?: "It skips the descriptor."
      case .device?, .configuration?: "It refuses the device."
      case .deviceCapability?: "It reads no capability from here on."
      default: nil
      }
    tell(
      node.offset, "bLength",
      "bLength is \(node.length); a descriptor “\(layout.name)” has at least \(layout.minimumLength) bytes (\(layout.section)).",
      linux: consequence,
      windows: node.type == .device
        ? .invalidDevice : node.type == .configuration ? .invalidConfiguration : nil)
  }

  // MARK: The device

  private mutating func checkDevice(_ node: DescriptorTree.Node) {
    guard node.length >= 18 else { return }
    let at = node.offset
    let packet = bytes[at + 7]
    let allowed: [UInt8]
    switch tree.speed {
    case .low?: allowed = [8]
    case .full?: allowed = [8, 16, 32, 64]
    case .high?: allowed = [64]
    case .superSpeed?, .superSpeedPlus?: allowed = [9]
    case nil: allowed = [8, 16, 32, 64, 9]
    }
    if !allowed.contains(packet) {
      let list = allowed.map { "\($0)" }.joined(separator: ", ")
      let words = tree.speed.map { " at \($0.words)" } ?? ""
      let isNumber = [8, 16, 32, 64, 9].contains(packet)
      tell(
        at + 7, "bMaxPacketSize0", "bMaxPacketSize0 is \(packet); \(list) is allowed\(words).",
        linux: isNumber ? nil : "It refuses the device (invalid ep0 maxpacket).",
        windows: .invalidDevice)
    }
    let count = bytes[at + 17]
    if count == 0 {
      tell(
        at + 17, "bNumConfigurations", "bNumConfigurations is 0; a device has at least one.",
        linux: "It refuses the device (no configurations).", windows: .invalidDevice)
    } else if count > 8 {
      tell(
        at + 17, "bNumConfigurations", "bNumConfigurations is \(count).",
        linux: "It uses the first 8, and all of them have to be readable.")
    }
    if bytes[at + 4] == 0, bytes[at + 5] != 0 || bytes[at + 6] != 0 {
      tell(
        at + 5, "bDeviceSubClass",
        "bDeviceClass is 0, so that subclass and protocol have to be 0 (USB 2.0, 9.6.1).")
    }
  }

  private mutating func compare(
    _ device: DescriptorTree.Node, _ configurations: [Configuration]
  ) {
    let at = device.offset
    let own = configurations.filter { $0.node.type == .configuration }
    let count = Int(bytes[at + 17])
    if !own.isEmpty, count > own.count, count <= 8 {
      tell(
        at + 17, "bNumConfigurations",
        "bNumConfigurations is \(count), and \(own.count) \(own.count == 1 ? "is" : "are") there.",
        linux: "It refuses a device that does not have all of them (error -32).")
    }
    let triple = ClassTriple(bytes[at + 4], bytes[at + 5], bytes[at + 6])
    let hasAssociations = own.contains { !$0.associations.isEmpty }
    if hasAssociations, triple != ClassTriple(0xEF, 0x02, 0x01) {
      tell(
        at + 4, "bDeviceClass",
        "There are interface associations, and the class is \(triple) and not ef/02/01.",
        windows: "It may not see the functions, and look for a driver for each interface.")
    }
  }

  // MARK: A configuration

  private mutating func check(_ configuration: Configuration) {
    let at = configuration.node.offset
    guard configuration.node.length >= 9 else { return }
    let numbers = Set(configuration.settings.map(\.number))
    let said = Int(bytes[at + 4])
    if said != numbers.count {
      tell(
        at + 4, "bNumInterfaces",
        "bNumInterfaces is \(said), and \(numbers.count) \(numbers.count == 1 ? "interface is" : "interfaces are") described.",
        linux: "It warns, and uses those that it has found.")
    }
    if bytes[at + 5] == 0 {
      tell(
        at + 5, "bConfigurationValue",
        "bConfigurationValue is 0, which means “not configured” in SET_CONFIGURATION.",
        linux: "It warns, and configures it all the same.")
    }
    if bytes[at + 7] & 0x80 == 0 {
      tell(at + 7, "bmAttributes", "Bit 7 of bmAttributes is 0; it has to be 1 (USB 2.0, 9.6.3).")
    }
    checkNumbers(configuration, numbers)
    checkSettings(configuration)
    for association in configuration.associations { check(association, numbers) }
  }

  private mutating func checkNumbers(_ configuration: Configuration, _ numbers: Set<UInt8>) {
    for (index, number) in numbers.sorted().enumerated() where Int(number) != index {
      guard let setting = configuration.settings.first(where: { $0.number == number }) else {
        continue
      }
      tell(
        setting.offset + 2, "bInterfaceNumber",
        "bInterfaceNumber is \(number); interfaces are numbered from 0 without gaps, and \(index) is missing.",
        linux: "It warns, and keeps the number.")
      break
    }
    for (before, setting) in zip(configuration.settings, configuration.settings.dropFirst())
    where setting.number < before.number {
      tell(
        setting.offset + 2, "bInterfaceNumber",
        "Interface \(setting.number) stands behind interface \(before.number).",
        windows: .invalidConfiguration)
      break
    }
  }

  private mutating func checkSettings(_ configuration: Configuration) {
    var seen: Set<[UInt8]> = []
    var owners: [UInt8: UInt8] = [:]
    for setting in configuration.settings {
      if !seen.insert([setting.number, setting.alternate]).inserted {
        tell(
          setting.offset + 3, "bAlternateSetting",
          "Interface \(setting.number) has had a setting \(setting.alternate) before.",
          linux: "It skips the second one.")
      }
      if setting.endpointCount != setting.endpoints.count {
        tell(
          setting.offset + 4, "bNumEndpoints",
          "bNumEndpoints is \(setting.endpointCount), and \(setting.endpoints.count) \(setting.endpoints.count == 1 ? "is" : "are") described.",
          linux: "It warns, and keeps as many as were announced at most.")
      }
      var own: Set<UInt8> = []
      for endpoint in setting.endpoints {
        if !own.insert(endpoint.address).inserted {
          tell(
            endpoint.offset + 2, "bEndpointAddress",
            "Endpoint 0x\(hex(endpoint.address)) is described twice in one setting.",
            linux: "It skips the second one.", windows: .invalidConfiguration)
        } else if let owner = owners[endpoint.address], owner != setting.number {
          tell(
            endpoint.offset + 2, "bEndpointAddress",
            "Endpoint 0x\(hex(endpoint.address)) belongs to interface \(owner) already.",
            linux: "It skips it here.")
        } else {
          owners[endpoint.address] = setting.number
        }
      }
    }
    for number in Set(configuration.settings.map(\.number)).sorted() {
      let settings = configuration.settings.filter { $0.number == number }
      guard let first = settings.first, !settings.contains(where: { $0.alternate == 0 }) else {
        continue
      }
      tell(
        first.offset + 3, "bAlternateSetting", "Interface \(number) has no setting 0.",
        linux: "It warns.")
    }
  }

  private mutating func check(_ association: DescriptorTree.Node, _ numbers: Set<UInt8>) {
    let at = association.offset
    let first = Int(bytes[at + 2])
    let count = Int(bytes[at + 3])
    if count == 0 {
      tell(
        at + 3, "bInterfaceCount", "bInterfaceCount is 0; a function has at least one interface.")
    }
    for number in first..<first + count where !numbers.contains(UInt8(clamping: number)) {
      tell(
        at + 2, "bFirstInterface",
        "The association is of interfaces \(first) to \(first + count - 1), and there is no interface \(number)."
      )
      break
    }
  }

  // MARK: An endpoint

  private mutating func checkEndpoint(_ node: DescriptorTree.Node) {
    let at = node.offset
    let address = bytes[at + 2]
    if address & 0x0F == 0 {
      tell(
        at + 2, "bEndpointAddress", "Endpoint 0 is described; it has no descriptor.",
        linux: "It skips it.")
    }
    if address & 0x70 != 0 {
      tell(
        at + 2, "bEndpointAddress",
        "Bits 6 to 4 of bEndpointAddress are reserved, and 0x\(hex(address)) has some of them.",
        linux: "It clears them.")
    }
    let size = Int(bytes[at + 4]) | Int(bytes[at + 5]) << 8
    let kind = TransferKind(attributes: bytes[at + 3])
    if let rule = packetRule(kind, size) {
      tell(at + 4, "wMaxPacketSize", rule.sentence, linux: rule.linux)
    }
    if let rule = intervalRule(kind, Int(bytes[at + 6])) {
      tell(at + 6, "bInterval", rule.sentence, linux: rule.linux)
    }
  }

  private typealias Rule = (sentence: String, linux: String?)

  private func packetRule(_ kind: TransferKind, _ raw: Int) -> Rule? {
    guard let speed = tree.speed else { return nil }
    let size = raw & 0x7FF
    let limit: Int
    switch (speed, kind) {
    case (.low, .bulk), (.low, .isochronous):
      return (
        "A low-speed device has no \(kind.words) endpoints (USB 2.0, 5.\(kind == .bulk ? 8 : 6)).",
        kind == .bulk ? "It makes an interrupt endpoint of it." : nil
      )
    case (.low, _): limit = 8
    case (.full, .isochronous): limit = 1023
    case (.full, _): limit = 64
    case (.high, .bulk):
      guard size != 512 else { return nil }
      return (
        "wMaxPacketSize of a bulk endpoint is \(size); at high speed it is 512 (USB 2.0, 5.8.3).",
        "It warns, and uses it."
      )
    case (.high, .control): limit = 64
    case (.high, _): limit = 1024
    case (_, .bulk):
      guard size != 1024 else { return nil }
      return (
        "wMaxPacketSize of a bulk endpoint is \(size); at SuperSpeed it is 1024.", "It warns."
      )
    case (_, .control): limit = 512
    case (_, _): limit = 1024
    }
    if size > limit {
      return (
        "wMaxPacketSize is \(size); \(kind.article) \(kind.words) endpoint has at most \(limit) at \(speed.words).",
        "It uses \(limit)."
      )
    }
    if speed == .full, kind == .bulk, ![8, 16, 32, 64].contains(size) {
      return (
        "wMaxPacketSize of a bulk endpoint is \(size); 8, 16, 32 and 64 are allowed at full speed.",
        nil
      )
    }
    return nil
  }

  private func intervalRule(_ kind: TransferKind, _ interval: Int) -> Rule? {
    guard let speed = tree.speed else { return nil }
    let isFast = speed != .low && speed != .full
    switch kind {
    case .interrupt where isFast && !(1...16).contains(interval):
      return (
        "bInterval is \(interval); at \(speed.words) it is an exponent from 1 to 16 (USB 2.0, 9.6.6).",
        interval == 0 ? "It uses 7." : "It takes the number for milliseconds."
      )
    case .interrupt where interval == 0:
      return (
        "bInterval is 0; an interrupt endpoint is asked every 1 to 255 ms.", "It uses 10."
      )
    case .isochronous where !(1...16).contains(interval):
      return (
        "bInterval is \(interval); for isochronous endpoints it is an exponent from 1 to 16.",
        isFast ? "It uses 7." : "It uses 4."
      )
    default: return nil
    }
  }
}

extension String {
  /// Windows makes another device of it, in Device Manager with code 43.
  static let invalidDevice =
    "It shows “Unknown USB Device (Invalid Device Descriptor)”, code 43, USB\\VID_0000&PID_0005."
  static let invalidConfiguration =
    "It shows “Unknown USB Device (Invalid Configuration Descriptor)”, code 43, USB\\VID_0000&PID_0003."
}

/// How an endpoint transfers.
public enum TransferKind: UInt8, Hashable, Sendable, CaseIterable {
  /// Control.
  case control = 0
  /// Isochronous.
  case isochronous = 1
  /// Bulk.
  case bulk = 2
  /// Interrupt.
  case interrupt = 3

  /// The kind in bits 1 and 0 of `bmAttributes`.
  public init(attributes: UInt8) { self = Self(rawValue: attributes & 3) ?? .control }

  /// Its name.
  public var words: String { "\(self)" }

  var article: String { self == .isochronous || self == .interrupt ? "an" : "a" }
}

extension USBSpeed {
  /// Its name in a sentence: `high speed`.
  public var words: String {
    switch self {
    case .low: "low speed"
    case .full: "full speed"
    case .high: "high speed"
    case .superSpeed: "SuperSpeed"
    case .superSpeedPlus: "SuperSpeedPlus"
    }
  }
}
