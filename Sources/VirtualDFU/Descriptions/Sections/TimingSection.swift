internal import DFU
internal import USB

/// `times` of a memory and `timing` of the part: how long things take, and what is announced.
extension DescriptionKeys {
  static let times = ["program", "erase", "mass-erase"]
  static let timing = ["poll-timeout", "set-address", "manifestation", "restart"]
}

extension DescriptionDecoder {
  /// Sizes of sectors for which an erase time may be told.
  private static let eraseTimeLimit = 64

  // MARK: A memory

  mutating func readTimes(
    _ fields: Fields, isNew: Bool, into memory: inout MemoryDescription
  ) {
    let example = "\"times\": { \"program\": \"10 us\", \"erase\": \"40 ms\" }"
    let mustTell = isNew && memory.kind == .flash
    guard let item = fields["times"] else {
      if mustTell {
        refuse(
          fields.place(of: "times"),
          "Flash takes its time, and a device that takes none would be "
            + "kinder than silicon.", "Write, for example, \(example).")
      }
      return
    }
    guard let times = object(item, DescriptionKeys.times) else { return }
    for name in ["program", "erase"] where mustTell && times[name] == nil {
      refuse(
        times.place(of: name), "This has to be told for flash.", "Write, for example, \(example).")
    }
    if let time = time(times["program"]) { memory.unitTime = time }
    if let item = times["erase"], let erase = eraseTimes(item, memory) { memory.eraseTimes = erase }
    if let item = times["mass-erase"] {
      memory.massEraseTime = item.isNull ? nil : time(item)
    }
  }

  /// One time for all sectors, or a time for each size.
  private mutating func eraseTimes(
    _ item: Located, _ memory: MemoryDescription
  ) -> [UInt64: Duration]? {
    guard case .object(let members) = item.value.content else {
      let smallest = memory.map.runs.map(\.sectorSize).min() ?? 1
      return time(item).map { [smallest: $0] }
    }
    guard members.count <= Self.eraseTimeLimit else {
      refuse(item, "There are more than \(Self.eraseTimeLimit) sizes.")
      return nil
    }
    var times: [UInt64: Duration] = [:]
    for member in members {
      let path = item.path.appending(.member(member.name))
      guard let size = typedByteCount(member.name), (1...1 << 32).contains(size) else {
        refuse(
          member.namePlace, path, "“\(shown(member.name))” is no size of a sector.",
          "Write, for example, \"16K\": \"250 ms\".")
        continue
      }
      if times[size] != nil {
        refuse(member.namePlace, path, "This size has a time already.", "Keep one of the two.")
      }
      times[size] = time(Located(value: member.value, path: path)) ?? .zero
    }
    return times
  }

  // MARK: The part

  mutating func readTiming(_ whole: Fields, into draft: inout ProfileDraft) {
    guard let fields = section("timing", DescriptionKeys.timing, of: whole, draft) else { return }
    if let item = fields["poll-timeout"], let policy = pollPolicy(item) {
      draft.profile.pollPolicy = policy
    }
    if let time = time(fields["set-address"]) { draft.profile.setAddressTime = time }
    if let time = time(fields["manifestation"]) { draft.profile.manifestTime = time }
    if let item = fields["restart"], let time = time(item) {
      if time < .milliseconds(1) {
        refuse(
          item, "A part that restarts is gone from the bus for a moment.",
          "Write \"1 ms\" or more; 500 ms is usual.")
      }
      draft.profile.restartTime = time
    }
  }

  /// A policy in words, its number in milliseconds.
  private mutating func pollPolicy(_ item: Located) -> PollPolicy? {
    guard let text = text(item, example: "\"exact\"") else { return nil }
    if let policy = PollPolicy(text) { return policy }
    refuse(
      item, "“\(shown(text))” does not tell what bwPollTimeout says.",
      "Write \(PollPolicy.words).")
    return nil
  }
}

extension DescriptionEncoder {
  static func times(_ memory: MemoryDescription) -> JSONValue {
    let erase = memory.eraseTimes.sorted { $0.key < $1.key }.map { size, time in
      let name: String =
        switch describedSize(size).content {
        case .text(let text): text
        default: "\(size)"
        }
      return JSONMember(name, .text(time.described))
    }
    return .object([
      "program": .text(memory.unitTime.described), "erase": JSONValue(.object(erase)),
      "mass-erase": .text(memory.massEraseTime?.described),
    ])
  }

  static func timing(_ profile: Profile) -> JSONValue {
    return .object([
      "poll-timeout": .text(profile.pollPolicy.description),
      "set-address": .text(profile.setAddressTime.described),
      "manifestation": .text(profile.manifestTime.described),
      "restart": .text(profile.restartTime.described),
    ])
  }
}
