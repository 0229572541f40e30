internal import USB

/// `launch`: where programs are started, and which the bootloader takes for programs.
extension DescriptionKeys {
  static let launch = ["pointer", "address", "ram", "code", "starts-anything"]
  static let range = ["address", "size"]
}

extension DescriptionDecoder {
  private static let rangeLimit = 64

  mutating func readLaunch(_ whole: Fields, into draft: inout ProfileDraft) {
    if draft.base == nil { setUsualLaunch(&draft) }
    guard let fields = section("launch", DescriptionKeys.launch, of: whole, draft) else { return }
    if let pointer = address(fields["pointer"]) {
      draft.profile.defaultPointer = UInt32(truncatingIfNeeded: pointer)
    }
    if let item = fields["address"] {
      if item.isNull {
        draft.profile.applicationAddress = nil
      } else if let address = address(item) {
        draft.profile.applicationAddress = UInt32(truncatingIfNeeded: address)
      }
    }
    if let ranges = ranges(fields["ram"], of: "RAM range") {
      // A stack grows down from the address behind the last byte.
      draft.profile.ramRanges = ranges.map { $0.lowerBound...$0.upperBound }
    }
    if let ranges = ranges(fields["code"], of: "code range") { draft.profile.codeRanges = ranges }
    if let flag = flag(fields["starts-anything"]) { draft.profile.startsAnything = flag }
  }

  /// Without a base: the pointer at the first memory, RAM where RAM is, code where flash is.
  private func setUsualLaunch(_ draft: inout ProfileDraft) {
    let memories = draft.profile.memories
    if draft.profile.dialect.isDfuSe, let first = memories.first {
      draft.profile.defaultPointer = UInt32(truncatingIfNeeded: first.range.lowerBound)
    }
    draft.profile.ramRanges = memories.filter { $0.kind == .ram }.map {
      $0.range.lowerBound...$0.range.upperBound
    }
    draft.profile.codeRanges = memories.filter { $0.kind == .flash }.map(\.range)
  }

  private mutating func ranges(_ item: Located?, of noun: String) -> [Range<UInt64>]? {
    guard let entries = list(item, of: noun, limit: Self.rangeLimit) else { return nil }
    var ranges: [Range<UInt64>] = []
    for entry in entries {
      guard let fields = object(entry, DescriptionKeys.range) else { continue }
      for (name, example) in [("address", "\"0x20000000\""), ("size", "\"128K\"")]
      where fields[name] == nil {
        refuse(
          fields.place(of: name), "This has to be told.",
          "Write, for example, \"\(name)\": \(example).")
      }
      guard let start = address(fields["address"]), let size = size(fields["size"]) else {
        continue
      }
      ranges.append(start..<start + size)
    }
    return ranges
  }

  /// Whether anything can be started at all.
  mutating func checkLaunch(_ draft: ProfileDraft, _ whole: Fields) {
    let profile = draft.profile
    guard profile.dialect.isDfuSe else { return }
    let fields = whole["launch"].map { Fields(located: $0, members: [:]) }
    if let address = profile.applicationAddress.map({ UInt64($0) }), whole["launch"] != nil,
      draft.unusableMemories.isEmpty,
      !profile.memories.contains(where: { $0.range.contains(address) })
    {
      refuse(
        whole.place(of: "launch"),
        "No memory is at \(addressText(address)), where the program is "
          + "to be started.", "Write an \"address\" inside a memory, or null.")
    }
    guard draft.base == nil || fields != nil,
      profile.ramRanges.isEmpty || profile.codeRanges.isEmpty
    else { return }
    let what = profile.ramRanges.isEmpty ? "RAM" : "code"
    note(
      whole.place(of: "launch"),
      "No \(what) is described: the bootloader will take nothing for a "
        + "program, and start none.",
      "Write \"launch\": { \"\(what.lowercased())\": [ { \"address\": …, \"size\": … } ] }.")
  }
}

extension DescriptionEncoder {
  static func launch(_ profile: Profile) -> JSONValue {
    func range(_ start: UInt64, _ end: UInt64) -> JSONValue {
      .object(["address": .text(addressText(start)), "size": describedSize(end - start)])
    }
    return .object([
      "pointer": .text(addressText(UInt64(profile.defaultPointer))),
      "address": .text(profile.applicationAddress.map { addressText(UInt64($0)) }),
      "ram": .array(profile.ramRanges.map { range($0.lowerBound, $0.upperBound) }),
      "code": .array(profile.codeRanges.map { range($0.lowerBound, $0.upperBound) }),
      "starts-anything": .flag(profile.startsAnything),
    ])
  }
}
