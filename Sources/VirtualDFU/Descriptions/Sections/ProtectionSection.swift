internal import USB

/// `protection` and `contents`: how the part leaves the factory.
extension DescriptionKeys {
  static let protection = [
    "read-protected", "write-protected-sectors", "level-byte", "sector-bits",
  ]
  static let content = ["address", "bytes"]
}

extension DescriptionDecoder {
  private static let contentLimit = 1024

  mutating func readProtection(_ whole: Fields, into draft: inout ProfileDraft) {
    guard let fields = section("protection", DescriptionKeys.protection, of: whole, draft) else {
      return
    }
    if let flag = flag(fields["read-protected"]) { draft.profile.isReadProtected = flag }
    if let item = fields["write-protected-sectors"], draft.unusableMemories.isEmpty,
      let sectors = sectors(item, draft)
    {
      draft.profile.writeProtectedSectors = sectors
    }
    if let item = fields["level-byte"] {
      draft.profile.protectionByte = item.isNull ? nil : optionAddress(item, 1, draft)
    }
    if let item = fields["sector-bits"] {
      draft.profile.sectorProtectionBits = item.isNull ? nil : optionAddress(item, 2, draft)
    }
  }

  /// Numbers of sectors of the first memory.
  private mutating func sectors(_ item: Located, _ draft: ProfileDraft) -> Set<Int>? {
    guard let entries = list(item, of: "number", limit: 1024),
      let first = draft.profile.memories.first
    else { return nil }
    // A state file keeps the numbers in 16 bits.
    let count = min(first.sectorCount, 65536)
    var sectors: Set<Int> = []
    for entry in entries {
      guard let number = integer(entry, 0...count - 1, "A sector of \(first.name)") else {
        continue
      }
      sectors.insert(Int(number))
    }
    return sectors
  }

  /// An address at which `count` option bytes are.
  private mutating func optionAddress(
    _ item: Located, _ count: UInt64, _ draft: ProfileDraft
  ) -> UInt64? {
    guard let address = address(item), draft.unusableMemories.isEmpty else { return nil }
    let options = draft.profile.memories.filter { $0.kind == .optionBytes }
    guard options.contains(where: { $0.range.contains(address..<address + count) }) else {
      let ranges = options.map {
        "\(addressText($0.range.lowerBound)) to \(addressText($0.range.upperBound - 1))"
      }
      refuse(
        item, "There are no option bytes at \(addressText(address)).",
        ranges.isEmpty
          ? "Describe a memory of the kind \"option-bytes\", or write null."
          : "There are \(listText(ranges)).")
      return nil
    }
    return address
  }

  mutating func readContents(_ whole: Fields, into draft: inout ProfileDraft) {
    guard let item = whole["contents"],
      let entries = list(item, of: "entry", limit: Self.contentLimit)
    else { return }
    draft.profile.factoryContents = []
    for entry in entries {
      guard let fields = object(entry, DescriptionKeys.content) else { continue }
      for (name, example) in [("address", "\"0x1FFFC000\""), ("bytes", "\"EF AA\"")]
      where fields[name] == nil {
        refuse(
          fields.place(of: name), "This has to be told.",
          "Write, for example, \"\(name)\": \(example).")
      }
      guard let address = address(fields["address"]), let item = fields["bytes"],
        let text = text(item, example: "\"EF AA\"")
      else { continue }
      guard let bytes = describedBytes(text), !bytes.isEmpty else {
        refuse(
          item, "Bytes are pairs of hexadecimal digits.", "Write, for example, \"EF AA 00\".")
        continue
      }
      let range = address..<address + UInt64(bytes.count)
      guard
        draft.profile.memories.contains(where: { $0.range.contains(range) })
          || !draft.unusableMemories.isEmpty
      else {
        refuse(
          fields.place(of: "address"),
          "No memory has \(byteCountText(UInt64(bytes.count))) at "
            + "\(addressText(address)).", "Write bytes that one memory holds.")
        continue
      }
      draft.profile.factoryContents.append(
        Profile.FactoryContents(address: address, bytes: bytes))
    }
  }

  /// What the base says of protection and contents has to fit the memories that are there now.
  mutating func checkProtection(_ draft: ProfileDraft, _ whole: Fields) {
    checkLevel(draft.profile, whole)
    guard draft.base != nil, draft.unusableMemories.isEmpty, let item = whole["memories"]
    else { return }
    let profile = draft.profile
    func has(_ range: Range<UInt64>) -> Bool {
      profile.memories.contains { $0.range.contains(range) }
    }
    let first = profile.memories.first?.sectorCount ?? 0
    if profile.writeProtectedSectors.contains(where: { $0 >= first }) {
      refuse(
        item, "The base protects sectors that the first memory has no longer.",
        "Write \"protection\": { \"write-protected-sectors\": [] }.")
    }
    for (name, address, count) in [
      ("level-byte", profile.protectionByte, UInt64(1)),
      ("sector-bits", profile.sectorProtectionBits, 2),
    ] {
      guard let address, !has(address..<address + count) else { continue }
      refuse(
        item, "The base has “\(name)” at \(addressText(address)), where no memory is any longer.",
        "Write \"protection\": { \"\(name)\": null }, or keep the memory.")
    }
    for content in profile.factoryContents
    where !has(content.address..<content.address + UInt64(content.bytes.count)) {
      refuse(
        item,
        "The base has contents at \(addressText(content.address)), where no memory is any "
          + "longer.", "Write \"contents\" anew, or keep the memory.")
    }
  }
}

extension DescriptionDecoder {
  /// A blank level byte means protection: the next write of option bytes would switch it on.
  private mutating func checkLevel(_ profile: Profile, _ whole: Fields) {
    guard isSound, let address = profile.protectionByte, !profile.isReadProtected,
      let item = whole["protection"]
    else { return }
    let level = profile.factoryContents.last {
      ($0.address..<$0.address + UInt64($0.bytes.count)).contains(address)
    }.map { $0.bytes[Int(address - $0.address)] }
    guard level != 0xAA else { return }
    note(
      item,
      "The part begins without protection, and its level byte does not say so: writing the "
        + "option bytes may protect it.",
      "Write \"contents\": [ { \"address\": \"\(addressText(address))\", \"bytes\": \"AA\" } ].")
  }
}

extension Range<UInt64> {
  fileprivate func contains(_ part: Range<UInt64>) -> Bool {
    lowerBound <= part.lowerBound && part.upperBound <= upperBound
  }
}

extension DescriptionEncoder {
  static func protection(_ profile: Profile) -> JSONValue {
    .object([
      "read-protected": .flag(profile.isReadProtected),
      "write-protected-sectors": .array(
        profile.writeProtectedSectors.sorted().map { .number(UInt64(clamping: $0)) }),
      "level-byte": .text(profile.protectionByte.map(addressText)),
      "sector-bits": .text(profile.sectorProtectionBits.map(addressText)),
    ])
  }

  static func contents(_ profile: Profile) -> JSONValue {
    .array(
      profile.factoryContents.map { content in
        .object([
          "address": .text(addressText(content.address)),
          "bytes": .text(content.bytes.map { hex($0) }.joined(separator: " ").uppercased()),
        ])
      })
  }
}
