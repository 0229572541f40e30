internal import DFU
internal import USB
internal import VirtualUSB

/// `dfu`: the DFU interface with its alternate settings, and the functional descriptor.
extension DescriptionKeys {
  static let dfu = [
    "dialect", "attributes", "transfer-size", "detach-timeout", "version", "protocol",
    "functional-descriptor", "settings",
  ]
  static let dfuSeSetting = ["string", "memory", "name"]
  static let plainSetting = ["string", "memory"]
}

/// Where the functional descriptor stands in the configuration; devices have it in all these places.
enum FunctionalDescriptorPlace: String, Hashable, Sendable, CaseIterable {
  case afterLastSetting = "after-last-setting"
  case afterFirstSetting = "after-first-setting"
  case afterEachSetting = "after-each-setting"
  case inConfiguration = "in-configuration"
  case nowhere
}

/// The bits of bmAttributes by the names of DFU 1.1, table 4.2.
private let attributeNames: [(name: String, bit: DFUFunctionalDescriptor.Attributes)] = [
  ("can-download", .canDownload), ("can-upload", .canUpload),
  ("manifestation-tolerant", .manifestationTolerant), ("will-detach", .willDetach),
  ("can-accelerate", .canAccelerate),
]

/// An alternate setting as it is described.
struct SettingDraft: Hashable, Sendable {
  var text: String?
  /// Plain DFU: which memory it writes.
  var memory: Int?
}

extension DescriptionDecoder {
  /// No bootloader comes near it, and each takes an index of the 255 that strings have.
  private static let settingLimit = 64

  mutating func readFunction(_ whole: Fields, into draft: inout ProfileDraft) {
    let fields = section(
      "dfu", DescriptionKeys.dfu, of: whole, draft,
      orSay: "Write \"dfu\": { \"dialect\": …, \"transfer-size\": …, \"settings\": … }.")
    guard let fields else {
      keepPartitions(whole, &draft)
      return
    }
    requireMember("dialect", of: fields, draft, "\"dialect\": \"st-library\"")
    requireMember("transfer-size", of: fields, draft, "\"transfer-size\": 1024")
    requireMember(
      "settings", of: fields, draft, "\"settings\": [ { \"memory\": \"Internal Flash\" } ]")
    let dialect: BootloaderDialect? = choice(fields["dialect"])
    if let dialect { draft.profile.dialect = dialect }
    readFunctional(fields, into: &draft)

    var place = draft.profile.description.functionalPlace
    if draft.base == nil { place = .afterLastSetting }
    if let wanted: FunctionalDescriptorPlace = choice(fields["functional-descriptor"]) {
      place = wanted
    }
    let protocolCode = integer(fields["protocol"], 0...255, "bInterfaceProtocol").map { UInt8($0) }
    // Without a dialect it is not known what a setting has to say.
    if fields["settings"] != nil, draft.base != nil || dialect != nil {
      let old = draft.profile.description.configurations.first?.interfaces.first?.interfaceClass
      readSettings(
        fields, protocolCode ?? (draft.base == nil ? 2 : old?.protocolCode ?? 2), into: &draft)
    } else {
      keepPartitions(whole, &draft)
      if let protocolCode { draft.profile.description.setProtocol(protocolCode) }
    }
    draft.profile.description.place(draft.profile.functional, place)
  }

  // MARK: The functional descriptor

  private mutating func readFunctional(_ fields: Fields, into draft: inout ProfileDraft) {
    var functional = draft.profile.functional
    if draft.base == nil {
      let isDfuSe = draft.profile.dialect.isDfuSe
      functional.attributes =
        isDfuSe ? [.canDownload, .canUpload, .willDetach] : [.canDownload, .canUpload]
      functional.version = BCDVersion(isDfuSe ? 0x011A : 0x0110)
    }
    let names = attributeNames.map(\.name)
    if let words = words(fields["attributes"], of: "attribute", among: names) {
      functional.attributes = []
      for (name, bit) in attributeNames where words.contains(name) {
        functional.attributes.insert(bit)
      }
    }
    if let size = integer(fields["transfer-size"], 1...0xFFFF, "A transfer size") {
      functional.transferSize = UInt16(size)
      let packet = draft.profile.description.device.maxPacketSize0
      if size < UInt64(packet), let item = fields["transfer-size"] {
        note(item, "DFU 1.1 wants at least a packet of endpoint 0 here, which is \(packet) bytes.")
      }
    }
    if let timeout = milliseconds(fields["detach-timeout"], limit: 0xFFFF) {
      functional.detachTimeout = UInt16(timeout)
    }
    if let item = fields["version"] {
      if item.isNull {
        functional.version = nil
      } else if let version = version(item) {
        functional.version = version
      }
    }
    draft.profile.functional = functional
  }

  // MARK: The alternate settings

  private mutating func readSettings(
    _ fields: Fields, _ protocolCode: UInt8, into draft: inout ProfileDraft
  ) {
    let item = fields.place(of: "settings")
    guard
      let entries = list(item, of: "setting", limit: Self.settingLimit, first: 0)
    else { return }
    guard !entries.isEmpty else {
      refuse(item, "A device in DFU mode has at least one alternate setting.", "Write [ { … } ].")
      return
    }
    var settings: [SettingDraft] = []
    for entry in entries {
      let setting: SettingDraft? =
        draft.profile.dialect.isDfuSe
        ? dfuSeSetting(entry, draft) : plainSetting(entry, draft)
      // What is wrong is wrong already; the others are checked at their places.
      settings.append(setting ?? SettingDraft(text: nil, memory: nil))
    }
    draft.profile.description.setSettings(settings.map(\.text), protocolCode)
    draft.profile.partitions =
      draft.profile.dialect.isDfuSe ? [] : settings.map { $0.memory ?? 0 }
  }

  private mutating func dfuSeSetting(_ entry: Located, _ draft: ProfileDraft) -> SettingDraft? {
    guard let fields = object(entry, DescriptionKeys.dfuSeSetting) else { return nil }
    switch (fields["string"], fields["memory"]) {
    case (nil, nil):
      refuse(
        entry, "This setting tells nothing.",
        "Write \"memory\" with the name of a memory, or \"string\" with the whole layout string.")
      return nil
    case (_?, let memory?):
      refuse(
        memory, "The string says which memory it is, true or not.",
        "Write \"string\" or \"memory\", not both.")
      return nil
    case (let item?, nil):
      if let name = fields["name"] {
        refuse(name, "A name belongs to a string that is made from memories.", "Remove it.")
      }
      return SettingDraft(text: item.isNull ? nil : descriptorText(item), memory: nil)
    case (nil, let item?):
      return madeSetting(item, name: fields["name"], draft)
    }
  }

  /// A setting whose string is made from one memory, or from several.
  private mutating func madeSetting(
    _ item: Located, name nameItem: Located?, _ draft: ProfileDraft
  ) -> SettingDraft? {
    var items = [item]
    if case .array = item.value.content {
      guard let entries = list(item, of: "name", limit: 16) else { return nil }
      items = entries
    }
    let memories = items.compactMap { memoryIndex($0, draft) }.map { draft.profile.memories[$0] }
    guard memories.count == items.count, let first = memories.first else {
      if items.isEmpty { refuse(item, "This names no memory.", "Name at least one.") }
      return nil
    }
    let name = text(nameItem) ?? first.name
    let runs = memories.flatMap(\.map.runs).sorted { $0.start < $1.start }
    guard let text = MemoryMap(name: name, runs: runs).dfuseString else {
      refuse(
        nameItem ?? item,
        name.contains("/")
          ? "A slash in the name would end it." : "Sectors without any rights have no letter.",
        "Write another \"name\", or the whole \"string\".")
      return nil
    }
    guard text.utf16.count <= Self.descriptorTextLimit else {
      refuse(
        item,
        "The layout string has \(text.utf16.count) characters, and a string descriptor holds "
          + "\(Self.descriptorTextLimit).",
        "Spread the memories over several settings, or write a shorter \"string\".")
      return nil
    }
    return SettingDraft(text: text, memory: nil)
  }

  private mutating func plainSetting(_ entry: Located, _ draft: ProfileDraft) -> SettingDraft? {
    guard let fields = object(entry, DescriptionKeys.plainSetting) else { return nil }
    guard let item = fields["memory"] else {
      refuse(
        entry, "A setting of a plain DFU device writes one memory, and this one has none.",
        "Write \"memory\" with the name of a memory.")
      return nil
    }
    guard let memory = memoryIndex(item, draft) else { return nil }
    guard let text = fields["string"] else {
      return SettingDraft(text: draft.profile.memories[memory].name, memory: memory)
    }
    return SettingDraft(text: text.isNull ? nil : descriptorText(text), memory: memory)
  }

  private mutating func memoryIndex(_ item: Located, _ draft: ProfileDraft) -> Int? {
    guard let name = text(item, example: "\"Internal Flash\"") else { return nil }
    let names = draft.profile.memories.map(\.name)
    if let index = names.firstIndex(of: name) { return index }
    guard !draft.unusableMemories.contains(name) else { return nil }
    let near = nearestName(to: name, of: names).map { "Did you mean “\(shown($0))”?" }
    let all =
      names.isEmpty
      ? "Describe it in \"memories\"."
      : "There \(names.count == 1 ? "is" : "are") \(listText(names.map(shown)))."
    refuse(
      item, "There is no memory “\(shown(name))”.",
      near.map { names.count == 1 ? $0 : "\($0) \(all)" } ?? all)
    return nil
  }

  /// The base's settings stay: they write the memories that have the names of those they wrote.
  private mutating func keepPartitions(_ whole: Fields, _ draft: inout ProfileDraft) {
    guard let base = draft.base else { return }
    guard !draft.profile.dialect.isDfuSe else {
      draft.profile.partitions = []
      return
    }
    let item = whole["memories"] ?? whole.place(of: "dfu")
    let names = draft.profile.memories.map(\.name)
    var partitions: [Int] = []
    for partition in base.partitions {
      let name = base.memories[partition].name
      if let index = names.firstIndex(of: name) {
        partitions.append(index)
      } else if !draft.unusableMemories.contains(name) {
        refuse(
          item, "A setting of “\(base.name)” writes “\(name)”, which is no longer there.",
          "Keep it with { \"name\": \"\(name)\" }, or write \"settings\" in \"dfu\".")
      }
    }
    if base.partitions.isEmpty {
      refuse(
        whole.place(of: "dfu"), "The settings of “\(base.name)” write no memories of their own.",
        "Write \"settings\" in \"dfu\", each with its \"memory\".")
    }
    draft.profile.partitions = partitions
  }
}

extension DescriptionEncoder {
  static func function(_ profile: Profile) -> JSONValue {
    let functional = profile.functional
    let interfaces = profile.description.configurations.first?.interfaces ?? []
    let settings = interfaces.enumerated().map { number, interface in
      let text = JSONValue.text(profile.description.strings[interface.nameIndex])
      guard !profile.dialect.isDfuSe, number < profile.partitions.count,
        profile.memories.indices.contains(profile.partitions[number])
      else { return JSONValue.object(["string": text]) }
      let memory = profile.memories[profile.partitions[number]].name
      return JSONValue.object(["string": text, "memory": .text(memory)])
    }
    let attributes = attributeNames.filter { functional.attributes.contains($0.bit) }
    return .object([
      "dialect": .text(profile.dialect.rawValue),
      "attributes": .array(attributes.map { .text($0.name) }),
      "transfer-size": .number(UInt64(functional.transferSize)),
      "detach-timeout": .text("\(functional.detachTimeout) ms"),
      "version": .text(functional.version?.description),
      "protocol": .number(UInt64(interfaces.first?.interfaceClass.protocolCode ?? 2)),
      "functional-descriptor": .text(profile.description.functionalPlace.rawValue),
      "settings": .array(settings),
    ])
  }
}

/// The DFU interface in the descriptors.
extension DeviceDescription {
  private static func isFunctional(_ raw: RawDescriptor) -> Bool { raw.type == .dfuFunctional }

  /// Where the functional descriptor stands.
  var functionalPlace: FunctionalDescriptorPlace {
    guard let configuration = configurations.first else { return .nowhere }
    if configuration.extra.contains(where: Self.isFunctional) { return .inConfiguration }
    let places = configuration.interfaces.indices.filter {
      configuration.interfaces[$0].extra.contains(where: Self.isFunctional)
    }
    switch places.count {
    case 0: return .nowhere
    case 1 where places[0] == configuration.interfaces.count - 1: return .afterLastSetting
    case 1: return .afterFirstSetting
    default: return .afterEachSetting
    }
  }

  /// Puts the functional descriptor into one place, and out of all others.
  mutating func place(
    _ functional: DFUFunctionalDescriptor, _ place: FunctionalDescriptorPlace
  ) {
    guard let old = configurations.first else { return }
    let raw = RawDescriptor(bytes: functional.bytes, offset: 0)
    var extra = old.extra.filter { !Self.isFunctional($0) }
    var interfaces = old.interfaces
    for index in interfaces.indices {
      interfaces[index].extra.removeAll(where: Self.isFunctional)
      let belongs =
        switch place {
        case .afterLastSetting: index == interfaces.count - 1
        case .afterFirstSetting: index == 0
        case .afterEachSetting: true
        case .inConfiguration, .nowhere: false
        }
      if belongs { interfaces[index].extra.insert(raw, at: 0) }
    }
    if place == .inConfiguration { extra.insert(raw, at: 0) }
    rebuild(extra: extra, interfaces: interfaces)
  }

  /// Gives the DFU interface alternate settings with these texts.
  mutating func setSettings(_ texts: [String?], _ protocolCode: UInt8) {
    guard let old = configurations.first else { return }
    for interface in old.interfaces { strings[interface.nameIndex] = nil }
    var interfaces: [InterfaceDescriptor] = []
    for (number, text) in texts.enumerated() {
      var index: UInt8 = 0
      if let text {
        // The device's own texts have 1 to 3.
        index = freeIndex(from: 4)
        strings[index] = text
      }
      interfaces.append(
        InterfaceDescriptor(
          number: 0, alternateSetting: UInt8(truncatingIfNeeded: number),
          interfaceClass: ClassTriple(0xFE, 0x01, protocolCode), nameIndex: index))
    }
    rebuild(extra: old.extra, interfaces: interfaces)
  }

  mutating func setProtocol(_ code: UInt8) {
    guard let old = configurations.first else { return }
    rebuild(
      extra: old.extra,
      interfaces: old.interfaces.map { interface in
        var interface = interface
        interface.interfaceClass.protocolCode = code
        return interface
      })
  }

  /// The configuration with other contents, and with the lengths that belong to them.
  private mutating func rebuild(extra: [RawDescriptor], interfaces: [InterfaceDescriptor]) {
    let old = configurations[0]
    configurations[0] = ConfigurationDescriptor(
      value: old.value, nameIndex: old.nameIndex, attributes: old.attributes,
      maxPower: old.maxPower, extra: extra, interfaces: interfaces)
  }
}
