internal import USB
internal import VirtualUSB

/// `usb`: what the device descriptor and the configuration say.
extension DescriptionKeys {
  static let usb = [
    "id", "version", "usb", "class", "packet-size", "speed", "manufacturer", "product", "serial",
    "more-strings", "self-powered", "max-power",
  ]
}

extension DescriptionDecoder {
  mutating func readIdentity(_ whole: Fields, into draft: inout ProfileDraft) {
    let example = "\"usb\": { \"id\": \"1209:0001\" }"
    guard
      let fields = section(
        "usb", DescriptionKeys.usb, of: whole, draft, orSay: "Write, for example, \(example).")
    else { return }
    requireMember("id", of: fields, draft, "\"id\": \"1209:0001\"")
    var description = draft.profile.description
    readDevice(fields, into: &description.device)
    readTexts(fields, into: &description)
    if let speed = speed(fields["speed"]) { draft.profile.speed = speed }
    if !description.configurations.isEmpty {
      readPower(fields, into: &description.configurations[0])
    }
    draft.profile.description = description
    checkPacketSize(fields, draft)
  }

  private mutating func readDevice(_ fields: Fields, into device: inout DeviceDescriptor) {
    if let item = fields["id"], let text = text(item, example: "\"1209:0001\"") {
      if let ids = describedIDs(text) {
        device.vendor = ids.vendor
        device.product = ids.product
      } else {
        refuse(
          item, "“\(shown(text))” is no vendor and product.",
          "Write four hexadecimal digits each, for example \"1209:0001\".")
      }
    }
    if let version = version(fields["version"]) { device.deviceVersion = version }
    if let version = version(fields["usb"]) { device.usbVersion = version }
    if let item = fields["class"], let text = text(item, example: "\"00/00/00\"") {
      if let triple = Self.classTriple(text) {
        device.deviceClass = triple
      } else {
        refuse(
          item, "“\(shown(text))” is no class, subclass and protocol.",
          "Write three pairs of hexadecimal digits: \"00/00/00\", or \"fe/01/00\" for DFU 1.0.")
      }
    }
    if let item = fields["packet-size"] {
      switch integer(item, 8...64, "The packet size of endpoint 0") {
      case let size? where [8, 16, 32, 64].contains(size): device.maxPacketSize0 = UInt8(size)
      case nil: break
      default:
        refuse(item, "Packets of endpoint 0 have 8, 16, 32 or 64 bytes.", "64 is usual.")
      }
    }
  }

  private static func classTriple(_ text: String) -> ClassTriple? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, parts.allSatisfy({ $0.count <= 2 && $0.first != "+" }) else {
      return nil
    }
    let codes = parts.compactMap { UInt8($0, radix: 16) }
    return codes.count == 3 ? ClassTriple(codes[0], codes[1], codes[2]) : nil
  }

  private mutating func readTexts(_ fields: Fields, into description: inout DeviceDescription) {
    let all: [(key: String, index: WritableKeyPath<DeviceDescriptor, UInt8>, usual: UInt8)] = [
      ("manufacturer", \.manufacturerIndex, 1), ("product", \.productIndex, 2),
      ("serial", \.serialNumberIndex, 3),
    ]
    for (key, index, usual) in all {
      guard let item = fields[key] else { continue }
      if item.isNull {
        description.setText(nil, at: index, usual: usual)
      } else if let text = descriptorText(item) {
        description.setText(text, at: index, usual: usual)
      }
    }
    readMoreStrings(fields["more-strings"], into: &description)
  }

  /// Texts by their index, to which nothing in the descriptors points; a status may (iString).
  private mutating func readMoreStrings(
    _ item: Located?, into description: inout DeviceDescription
  ) {
    guard let item else { return }
    guard case .object(let members) = item.value.content, members.count <= 32 else {
      refuse(
        item, "This is an object of at most 32 texts, each by its index.",
        "Write, for example, { \"16\": \"Address out of range\" }.")
      return
    }
    for index in description.unreferencedStrings { description.strings[index] = nil }
    for member in members {
      let path = item.path.appending(.member(member.name))
      guard let index = UInt8(member.name), index > 0, member.name == "\(index)" else {
        refuse(
          member.namePlace, path, "“\(shown(member.name))” is no index of a string.",
          "Write a number from 1 to 255.")
        continue
      }
      guard description.strings[index] == nil else {
        refuse(
          member.namePlace, path, "The string \(index) is used for something else.",
          "Choose another index.")
        continue
      }
      let text = descriptorText(Located(value: member.value, path: path))
      description.strings[index] = text
    }
  }

  private mutating func speed(_ item: Located?) -> USBSpeed? {
    guard let item else { return nil }
    // Faster ones have other descriptors beside these.
    return choice(item, of: [USBSpeed.low, .full, .high].map(\.rawValue)).flatMap(
      USBSpeed.init(rawValue:))
  }

  private mutating func readPower(
    _ fields: Fields, into configuration: inout ConfigurationDescriptor
  ) {
    if let isSelfPowered = flag(fields["self-powered"]) {
      configuration.attributes = configuration.attributes & ~0x40 | (isSelfPowered ? 0x40 : 0)
    }
    if let item = fields["max-power"], let text = text(item, example: "\"100 mA\"") {
      let number = text.hasSuffix("mA") ? typedNumber(text.dropLast(2).filter { $0 != " " }) : nil
      if let number, number <= 510, number.isMultiple(of: 2) {
        configuration.maxPower = UInt8(number / 2)
      } else {
        refuse(
          item, "A configuration draws an even number of mA, 510 at most (USB 2.0, 9.6.3).",
          "Write, for example, \"100 mA\".")
      }
    }
  }

  /// USB 2.0, 5.5.3.
  private mutating func checkPacketSize(_ fields: Fields, _ draft: ProfileDraft) {
    let size = draft.profile.description.device.maxPacketSize0
    let place = fields["speed"] ?? fields.place(of: "packet-size")
    switch draft.profile.speed {
    case .low where size != 8:
      refuse(
        place, "At low speed packets of endpoint 0 have 8 bytes, not \(size).",
        "Write \"packet-size\": 8.")
    case .high where size != 64:
      refuse(
        place, "At high speed packets of endpoint 0 have 64 bytes, not \(size).",
        "Write \"packet-size\": 64.")
    default: break
    }
  }
}

extension DescriptionEncoder {
  static func identity(_ profile: Profile) -> JSONValue {
    let device = profile.description.device
    let strings = profile.description.strings
    let configuration = profile.description.configurations.first
    let product = hex(device.product.rawValue)
    return .object([
      "id": .text("\(hex(device.vendor.rawValue)):\(product)"),
      "version": .text(device.deviceVersion.description),
      "usb": .text(device.usbVersion.description),
      "class": .text(device.deviceClass.description),
      "packet-size": .number(UInt64(device.maxPacketSize0)),
      "speed": .text(profile.speed.rawValue),
      "manufacturer": .text(strings[device.manufacturerIndex]),
      "product": .text(strings[device.productIndex]),
      "serial": .text(strings[device.serialNumberIndex]),
      "more-strings": JSONValue(
        .object(
          profile.description.unreferencedStrings.map {
            JSONMember("\($0)", .text(strings[$0]))
          })),
      "self-powered": .flag((configuration?.attributes ?? 0) & 0x40 != 0),
      "max-power": .text("\(Int(configuration?.maxPower ?? 0) * 2) mA"),
    ])
  }
}

extension DeviceDescription {
  /// Gives the device a text under the index that it has, or else a free one; nil takes the text away.
  ///
  /// - Parameters:
  ///   - text: the text.
  ///   - index: the field of the device descriptor.
  ///   - usual: the index to take where the field has none.
  mutating func setText(
    _ text: String?, at index: WritableKeyPath<DeviceDescriptor, UInt8>, usual: UInt8
  ) {
    let old = device[keyPath: index]
    guard let text else {
      strings[old] = nil
      device[keyPath: index] = 0
      return
    }
    let place = old != 0 ? old : strings[usual] == nil ? usual : freeIndex(from: usual)
    strings[place] = text
    device[keyPath: index] = place
  }

  /// The indices of texts to which no descriptor points, ascending.
  var unreferencedStrings: [UInt8] {
    var used: Set<UInt8> = [
      device.manufacturerIndex, device.productIndex, device.serialNumberIndex,
    ]
    for configuration in configurations {
      used.insert(configuration.nameIndex)
      used.formUnion(configuration.interfaces.map(\.nameIndex))
    }
    return strings.keys.filter { !used.contains($0) }.sorted()
  }

  /// The first index at or above `start` that no text has.
  func freeIndex(from start: UInt8) -> UInt8 {
    (start...255).first { strings[$0] == nil } ?? 255
  }
}
