/// What specifications ask of descriptors beyond their lengths, and what hosts make of the rest (facts of Linux 6.12,
/// `drivers/usb/core/config.c`).
struct DescriptorRules {
  let tree: DescriptorTree
  private(set) var faults: [DescriptorFault] = []
  let bytes: [UInt8]

  init(tree: DescriptorTree) {
    self.tree = tree
    bytes = tree.bytes
  }

  mutating func check() {
    var device: Range<Int>?
    // The node of each configuration; what belongs to it is behind it.
    var configurations: [Int] = []
    var hasSetting = false
    for index in tree.nodes.indices {
      // Only parts of a node are looked at: a copy of a whole one would count references.
      let offset = tree.nodes[index].offset
      switch tree.nodes[index].type {
      case .device?:
        if device == nil, configurations.isEmpty {
          device = offset..<offset + tree.nodes[index].length
          checkDevice(offset, tree.nodes[index].length)
        } else {
          tell(
            offset, "bDescriptorType", "A device descriptor stands inside of a configuration.",
            linux: "It notes that, and skips it.")
        }
      case .configuration?, .otherSpeedConfiguration?:
        guard tree.nodes[index].depth == 0 else {
          tell(
            offset, "bDescriptorType", "A configuration descriptor stands inside of another.",
            linux: "It notes that, and skips it.")
          continue
        }
        configurations.append(index)
        hasSetting = false
      case .interface? where !configurations.isEmpty && tree.nodes[index].length >= 9:
        hasSetting = true
      case .endpoint? where !configurations.isEmpty && tree.nodes[index].length >= 7:
        guard hasSetting else {
          tell(offset, "bDescriptorType", "An endpoint stands in front of every interface.")
          continue
        }
        checkEndpoint(offset)
      default: break
      }
    }
    for (place, index) in configurations.enumerated() {
      let end = place + 1 < configurations.count ? configurations[place + 1] : tree.nodes.count
      checkConfiguration(index..<end)
    }
    if let device, device.count >= 18 { compare(device.lowerBound, configurations) }
  }

  mutating func tell(
    _ offset: Int, _ field: String, _ sentence: String, linux: String? = nil,
    windows: String? = nil
  ) {
    faults.append(DescriptorFault(offset, field, sentence, linux: linux, windows: windows))
  }

  // MARK: The device

  private mutating func checkDevice(_ at: Int, _ length: Int) {
    guard length >= 18 else { return }
    let packet = bytes[at + 7]
    let isNumber = packet == 8 || packet == 16 || packet == 32 || packet == 64 || packet == 9
    let isAllowed: Bool
    let list: StaticString
    switch tree.speed {
    case .low?: (isAllowed, list) = (packet == 8, "8")
    case .full?: (isAllowed, list) = (isNumber && packet != 9, "8, 16, 32, 64")
    case .high?: (isAllowed, list) = (packet == 64, "64")
    case .superSpeed?, .superSpeedPlus?: (isAllowed, list) = (packet == 9, "9")
    case nil: (isAllowed, list) = (isNumber, "8, 16, 32, 64, 9")
    }
    if !isAllowed {
      let words = tree.speed.map { " at \($0.words)" } ?? ""
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

  private mutating func compare(_ at: Int, _ configurations: [Int]) {
    let own = configurations.reduce(0) { $0 + (tree.nodes[$1].type == .configuration ? 1 : 0) }
    let count = Int(bytes[at + 17])
    if own > 0, count > own, count <= 8 {
      tell(
        at + 17, "bNumConfigurations",
        "bNumConfigurations is \(count), and \(own) \(own == 1 ? "is" : "are") there.",
        linux: "It refuses a device that does not have all of them (error -32).")
    }
    let triple = ClassTriple(bytes[at + 4], bytes[at + 5], bytes[at + 6])
    let hasAssociations = hasAssociations(configurations)
    if hasAssociations, triple != ClassTriple(0xEF, 0x02, 0x01) {
      tell(
        at + 4, "bDeviceClass",
        "There are interface associations, and the class is \(triple) and not ef/02/01.",
        windows: "It may not see the functions, and look for a driver for each interface.")
    }
  }

  /// Whether a configuration, and not one of another speed, has associations.
  private func hasAssociations(_ configurations: [Int]) -> Bool {
    guard let first = configurations.first else { return false }
    var isOwn = false
    for index in first..<tree.nodes.count {
      switch tree.nodes[index].type {
      case .configuration? where tree.nodes[index].depth == 0: isOwn = true
      case .otherSpeedConfiguration? where tree.nodes[index].depth == 0: isOwn = false
      case .interfaceAssociation? where isOwn && tree.nodes[index].length >= 8: return true
      default: break
      }
    }
    return false
  }
}

extension String {
  /// Windows makes another device of it, in Device Manager with code 43.
  static let invalidDevice =
    "It shows “Unknown USB Device (Invalid Device Descriptor)”, code 43, USB\\VID_0000&PID_0005."
  static let invalidConfiguration =
    "It shows “Unknown USB Device (Invalid Configuration Descriptor)”, code 43, USB\\VID_0000&PID_0003."
}
