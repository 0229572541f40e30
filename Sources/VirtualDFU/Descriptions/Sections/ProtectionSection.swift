internal import DFU
internal import USB

/// `protection` and `contents`: how the part leaves the factory.
extension DescriptionKeys {
  static let protection = [
    "read-protected", "write-protected-sectors", "option-bytes",
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
    if let item = fields["option-bytes"] {
      draft.profile.optionBytes = item.isNull ? nil : optionLayout(item, draft)
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

  /// A layout of option bytes by its key, whose blocks begin where memory for them is.
  private mutating func optionLayout(_ item: Located, _ draft: ProfileDraft) -> OptionByteLayout? {
    let names = OptionByteLayout.all.map(\.key)
    guard let name = choice(item, of: names), let layout = OptionByteLayout.named(name),
      draft.unusableMemories.isEmpty
    else { return nil }
    guard let missing = layout.missingBlock(in: draft.profile.memories) else { return layout }
    refuse(
      item,
      "A \(layout.name) has option bytes at \(addressText(missing)), where no memory for them is.",
      "Describe a memory of the kind \"option-bytes\" there, or write null.")
    return nil
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

  /// Option bytes may be unable to say which sectors are protected: several may share a bit.
  mutating func checkSectors(_ draft: ProfileDraft, _ whole: Fields) {
    guard isSound, let item = whole["protection"], !draft.profile.writeProtectedSectors.isEmpty,
      let layout = draft.profile.optionBytes
    else { return }
    let told = draft.profile.writeProtectedSectors
    let protected = VirtualBootloader(draft.profile).writeProtectedSectors
    guard told != protected else { return }
    note(
      item,
      "The option bytes of a \(layout.name) protect \(protected.count) "
        + "\(protected.count == 1 ? "sector" : "sectors"), not the \(told.count) that are told.",
      "Some sectors share a bit, and some have none: tell those that belong together.")
  }

  /// What the base says of protection and contents has to fit the memories that are there now.
  mutating func checkProtection(_ draft: ProfileDraft, _ whole: Fields) {
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
    if let address = profile.optionBytes?.missingBlock(in: profile.memories) {
      refuse(
        item,
        "The base has option bytes at \(addressText(address)), where no memory for them is any "
          + "longer.",
        "Write \"protection\": { \"option-bytes\": null }, or keep the memory.")
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

extension OptionByteLayout {
  /// Where its first block begins, where no memory of option bytes holds any of its blocks. Some
  /// bootloaders show only one of two (L4).
  fileprivate func missingBlock(in memories: [MemoryDescription]) -> UInt64? {
    let addresses = blocks.map(\.address)
    let isThere = addresses.contains { address in
      memories.contains { memory in
        memory.kind == .optionBytes && memory.map.runs.contains { $0.start == address }
      }
    }
    return isThere ? nil : addresses.first
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
      "option-bytes": .text(profile.optionBytes?.key),
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
