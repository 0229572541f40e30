internal import DFU
internal import USB

/// A memory that the name of a DFU interface's setting tells of.
public struct DescribedMemory: Encodable, Hashable, Sendable {
  /// `bInterfaceNumber`.
  public var interface: UInt8
  /// `bAlternateSetting`.
  public var setting: UInt8
  /// `iInterface`.
  public var string: UInt8
  /// What the string says, in words.
  public var words: String

  /// The memories of all DFU interfaces whose names can be read.
  static func memories(of set: DescriptorSet) -> [DescribedMemory] {
    namedSettings(of: set).map { setting in
      DescribedMemory(
        interface: setting.interface, setting: setting.setting, string: setting.string,
        words: setting.map.describedInWords)
    }
  }

  typealias NamedSetting = (interface: UInt8, setting: UInt8, string: UInt8, map: MemoryMap)

  /// The settings of interfaces FE/01 whose string is a layout of DfuSe.
  static func namedSettings(of set: DescriptorSet) -> [NamedSetting] {
    let tree = set.tree
    var settings: [NamedSetting] = []
    for node in tree.nodes where node.type == .interface && node.length >= 9 {
      guard node.interface?.isDFU == true else { continue }
      let bytes = Array(tree.bytes(of: node))
      guard let text = set.strings[bytes[8]], let map = try? MemoryMap(dfuseString: text) else {
        continue
      }
      settings.append((bytes[2], bytes[3], bytes[8], map))
    }
    return settings
  }
}

/// What a field probably holds whose bytes nobody knows.
public struct InferredField: Encodable, Hashable, Sendable {
  /// Where it begins in the descriptors, in bytes.
  public var offset: Int
  /// Its name.
  public var field: String
  /// Its number.
  public var value: UInt64
  /// Its bytes, two hexadecimal digits each, as they would stand there.
  public var bytes: String
  /// What the number says.
  public var words: String
  /// What it is inferred from, in a sentence.
  public var reason: String

  /// What is inferred about functional descriptors of DFU; only what does not contradict the bytes that are known.
  static func fields(of set: DescriptorSet) -> [InferredField] {
    let tree = set.tree
    guard !tree.unknown.isEmpty, let chip = chip(of: set) else { return [] }
    let reason =
      "the memories are those of \(chip.certainty == .certain ? "an" : "probably an") \(chip.name), whose "
      + "bootloader in ROM says so in other dumps."
    var fields: [InferredField] = []
    for node in tree.nodes where node.type == .dfuFunctional && node.interface?.isDFU == true {
      for field in tree.fields(of: node) where !field.unknown.isEmpty {
        let guess: (value: UInt16, words: String)? =
          switch field.name {
          case "wTransferSize": chip.bootloaderTransferSize.map { ($0, "\($0) bytes") }
          case "bcdDFUVersion": chip.bootloaderVersion.map { ($0.rawValue, "\($0)") }
          default: nil
          }
        guard let guess, field.bytes.count == 2 else { continue }
        let bytes = [UInt8(guess.value & 0xFF), UInt8(guess.value >> 8)]
        let fits = (0..<2).allSatisfy { field.unknown.contains($0) || field.bytes[$0] == bytes[$0] }
        guard fits else { continue }
        fields.append(
          InferredField(
            offset: node.offset + field.offset, field: field.name, value: UInt64(guess.value),
            bytes: bytes.map { hex($0) }.joined(), words: guess.words, reason: reason))
      }
    }
    return fields
  }

  private static func chip(of set: DescriptorSet) -> Chip? {
    let device = set.device
    guard device.count >= 18 else { return nil }
    func word(_ offset: Int) -> UInt16 { UInt16(device[offset]) | UInt16(device[offset + 1]) << 8 }
    return Chip.identify(
      vendor: VendorID(word(8)), product: ProductID(word(10)), version: BCDVersion(word(12)),
      productString: set.strings[device[15]], serialNumber: set.strings[device[16]],
      maps: DescribedMemory.namedSettings(of: set).map(\.map))
  }
}
