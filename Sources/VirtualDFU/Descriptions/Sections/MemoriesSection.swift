internal import DFU
internal import USB

/// `memories`: all memories of the part, with their sectors and how they take being written.
extension DescriptionKeys {
  static let memory = [
    "name", "kind", "address", "sectors", "unit", "reprogramming", "erased-byte", "locks", "times",
  ]
  static let sectors = ["count", "size", "rights"]
  static let locks = ["address", "count", "block"]
}

private let rightNames: [(name: String, right: SectorRights)] = [
  ("read", .readable), ("erase", .erasable), ("write", .writable),
]

extension MemoryDescription.Kind: CaseIterable {
  /// Every kind of memory.
  public static let allCases: [MemoryDescription.Kind] = [
    .flash, .optionBytes, .writeOnce, .register, .ram,
  ]

  /// What may be done with its sectors, where nothing else is said.
  var usualRights: SectorRights { self == .flash ? .all : .readWrite }
}

extension MemoryDescription.Reprogramming: CaseIterable {
  /// Every answer to being programmed twice.
  public static let allCases: [MemoryDescription.Reprogramming] = [
    .clearsBits, .skippedUnlessBlank, .refusedUnlessBlank, .refused,
  ]
}

extension DescriptionDecoder {
  private static let memoryLimit = 32
  private static let runLimit = 256
  /// Sectors of all memories together. Four times those of the finest layout that has been seen.
  static let sectorLimit: UInt64 = 1 << 18
  /// Bytes of all memories together. The largest memories behind DFU have 128 MiB; a state file of
  /// this many bytes can still be read.
  static let byteLimit: UInt64 = 192 << 20
  private static let addressEnd: UInt64 = 1 << 32

  mutating func readMemories(_ whole: Fields, into draft: inout ProfileDraft) {
    guard let item = whole["memories"] else {
      guard draft.base == nil else { return }
      refuse(
        whole.place(of: "memories"),
        "A device has memories, and there is no base to take them from.",
        "Write \"memories\": [ { \"name\": …, \"kind\": …, \"address\": …, \"sectors\": … } ].")
      return
    }
    guard let entries = list(item, of: "memory", limit: Self.memoryLimit) else { return }
    guard !entries.isEmpty else {
      refuse(item, "A device has at least one memory.", "Write [ { … } ].")
      return
    }
    let old = draft.profile.memories
    draft.profile.memories = []
    draft.memoryPlaces = []
    for entry in entries {
      guard let memory = memory(entry, of: old, draft) else {
        draft.unusableMemories.insert(Self.name(of: entry) ?? "")
        continue
      }
      draft.profile.memories.append(memory)
      draft.memoryPlaces.append(entry)
    }
  }

  private static func name(of entry: Located) -> String? {
    guard case .object(let members) = entry.value.content,
      case .text(let name)? = members.first(where: { $0.name == "name" })?.value.content
    else { return nil }
    return name
  }

  private mutating func memory(
    _ entry: Located, of old: [MemoryDescription], _ draft: ProfileDraft
  ) -> MemoryDescription? {
    guard let fields = object(entry, DescriptionKeys.memory) else { return nil }
    guard let name = memoryName(fields, draft) else { return nil }
    let base = old.first { $0.name == name }
    let kind: MemoryDescription.Kind? = choice(fields["kind"]) ?? base?.kind
    if fields["kind"] == nil, base == nil { missing("kind", of: fields, "\"kind\": \"flash\"") }
    if fields["address"] == nil, base == nil {
      missing("address", of: fields, "\"address\": \"0x08000000\"")
    }
    if fields["sectors"] == nil, base == nil {
      missing("sectors", of: fields, "\"sectors\": [ { \"count\": 8, \"size\": \"128K\" } ]")
    }
    let start = address(fields["address"]) ?? base?.range.lowerBound
    let runs: [SectorRun]?
    if let item = fields["sectors"] {
      // What else is wrong is told as well where the address is.
      runs = self.runs(item, from: start ?? 0, kind ?? .flash)
    } else {
      runs = base.map { moved($0.map.runs, to: start ?? 0) }
    }
    var memory = base ?? MemoryDescription(name, kind ?? .ram, runs: [])
    memory.kind = kind ?? memory.kind
    memory.map = MemoryMap(name: name, runs: runs ?? [])
    if let unit = integer(fields["unit"], 1...65536, "A unit of programming") {
      memory.unit = Int(unit)
    }
    if let rule: MemoryDescription.Reprogramming = choice(fields["reprogramming"]) {
      memory.reprogramming = rule
    }
    if let byte = integer(fields["erased-byte"], 0...0xFF, "A byte") {
      memory.erasedByte = UInt8(byte)
    }
    readLocks(fields, into: &memory)
    checkUnit(memory, fields)
    checkRights(memory, fields)
    readTimes(fields, isNew: base == nil, into: &memory)
    guard kind != nil, start != nil, let runs, !runs.isEmpty, fits(runs, entry) else { return nil }
    return memory
  }

  private mutating func missing(_ name: String, of fields: Fields, _ example: String) {
    refuse(fields.place(of: name), "This has to be told.", "Write, for example, \(example).")
  }

  private mutating func memoryName(_ fields: Fields, _ draft: ProfileDraft) -> String? {
    guard let item = fields["name"] else {
      missing("name", of: fields, "\"name\": \"Internal Flash\"")
      return nil
    }
    guard let name = text(item) else { return nil }
    guard (1...64).contains(name.utf16.count) else {
      refuse(item, "The name of a memory has 1 to 64 characters.", "Choose another.")
      return nil
    }
    guard !draft.profile.memories.contains(where: { $0.name == name }) else {
      refuse(item, "A memory before this one is called “\(name)” already.", "Choose another name.")
      return nil
    }
    return name
  }

  // MARK: Sectors

  private mutating func runs(
    _ item: Located, from start: UInt64, _ kind: MemoryDescription.Kind
  ) -> [SectorRun]? {
    guard let entries = list(item, of: "sector run", limit: Self.runLimit) else { return nil }
    guard !entries.isEmpty else {
      refuse(item, "A memory has at least one sector.", "Write [ { \"size\": … } ].")
      return nil
    }
    var runs: [SectorRun] = []
    var next = start
    for entry in entries {
      guard let fields = object(entry, DescriptionKeys.sectors) else { return nil }
      if fields["size"] == nil { missing("size", of: fields, "\"size\": \"16K\"") }
      guard let size = size(fields["size"]),
        let count = fields["count"] == nil
          ? 1 : integer(fields["count"], 1...Self.sectorLimit, "A count of sectors")
      else { return nil }
      let words = words(fields["rights"], of: "right", among: rightNames.map(\.name))
      let rights = words.map { words in
        SectorRights(rightNames.filter { words.contains($0.name) }.map(\.right))
      }
      // At most 2^18 sectors of 2^32 bytes, behind an address below 2^33.
      runs.append(
        SectorRun(
          start: next, count: count, sectorSize: size, rights: rights ?? kind.usualRights))
      next += count * size
      guard next <= Self.addressEnd else {
        refuse(
          entry, "The memory ends behind 0xFFFFFFFF: addresses have 32 bits.",
          "Begin lower, or have fewer or smaller sectors.")
        return nil
      }
    }
    return runs
  }

  private func moved(_ runs: [SectorRun], to start: UInt64) -> [SectorRun] {
    var next = start
    return runs.map { run in
      defer { next += run.size }
      return SectorRun(
        start: next, count: run.count, sectorSize: run.sectorSize, rights: run.rights)
    }
  }

  /// Whether a memory of the base still ends below 2^32 where it has been moved to.
  private mutating func fits(_ runs: [SectorRun], _ entry: Located) -> Bool {
    guard let end = runs.last?.range.upperBound, end > Self.addressEnd else { return true }
    refuse(
      entry, "The memory ends behind 0xFFFFFFFF: addresses have 32 bits.", "Begin lower.")
    return false
  }

  private mutating func checkUnit(_ memory: MemoryDescription, _ fields: Fields) {
    let unit = UInt64(memory.unit)
    guard let run = memory.map.runs.first(where: { !$0.sectorSize.isMultiple(of: unit) }) else {
      return
    }
    refuse(
      fields["unit"] ?? fields["sectors"] ?? fields.located,
      "A sector of \(byteCountText(run.sectorSize)) is no whole number of units of "
        + "\(byteCountText(unit)).", "Choose a unit that divides every sector.")
  }

  private mutating func checkRights(_ memory: MemoryDescription, _ fields: Fields) {
    guard memory.kind == .optionBytes || memory.kind == .writeOnce,
      memory.map.runs.contains(where: { $0.rights.contains(.erasable) })
    else { return }
    refuse(
      fields["sectors"] ?? fields["kind"] ?? fields.located,
      memory.kind == .writeOnce
        ? "What can be written once is never erased."
        : "Option bytes are not erased: writing replaces them.",
      "Leave \"erase\" away. The string of a setting may say otherwise, as real ones do.")
  }

  /// Bytes that each lock a block, inside the memory that they lock.
  private mutating func readLocks(_ whole: Fields, into memory: inout MemoryDescription) {
    guard let item = whole["locks"] else { return }
    guard !item.isNull else {
      memory.locks = nil
      return
    }
    guard let fields = object(item, DescriptionKeys.locks) else { return }
    for (name, example) in [("address", "\"0x1FFF7A00\""), ("count", "16"), ("block", "32")]
    where fields[name] == nil { missing(name, of: fields, "\"\(name)\": \(example)") }
    guard let start = address(fields["address"]),
      let count = integer(fields["count"], 1...65536, "A count of lock bytes"),
      let block = size(fields["block"])
    else { return }
    let bytes = start..<start + count
    guard memory.kind == .writeOnce else {
      refuse(item, "Only what can be written once is locked.", "Write \"kind\": \"write-once\".")
      return
    }
    // At most 2^16 blocks of 2^32 bytes.
    guard memory.range.lowerBound <= bytes.lowerBound, bytes.upperBound <= memory.range.upperBound,
      count * block <= bytes.lowerBound - memory.range.lowerBound
    else {
      refuse(
        item, "The lock bytes lie in the memory that they lock, behind its blocks.",
        "Write another \"address\", or fewer or smaller blocks.")
      return
    }
    memory.locks = MemoryDescription.Locks(bytes, blockSize: block)
  }

  // MARK: All of them

  /// Bounds and overlaps of all memories.
  mutating func checkMemories(_ draft: ProfileDraft) {
    var bytes: UInt64 = 0
    var sectors: UInt64 = 0
    for (number, memory) in draft.profile.memories.enumerated() {
      let place = draft.memoryPlaces[number]
      bytes += memory.map.size
      sectors += memory.sectorCount
      if bytes > Self.byteLimit {
        refuse(
          place,
          "With this memory the device has more than \(byteCountText(Self.byteLimit)), which is "
            + "the limit.", "Make it smaller.")
        return
      }
      if sectors > Self.sectorLimit {
        refuse(
          place,
          "With this memory the device has more than \(Self.sectorLimit) sectors, which is the "
            + "limit.", "Make them larger.")
        return
      }
      let other =
        draft.profile.memories[..<number].firstIndex { $0.range.overlaps(memory.range) }
      if let other {
        let range = draft.profile.memories[other].range
        refuse(
          place,
          "It overlaps \(draft.memoryPlaces[other].path.words ?? "another memory"), which "
            + "has \(addressText(range.lowerBound)) to \(addressText(range.upperBound - 1)).",
          "Move one of the two.")
      }
    }
  }
}

extension DescriptionEncoder {
  static func memories(_ profile: Profile) -> JSONValue {
    .array(
      profile.memories.map { memory in
        let runs = memory.map.runs.map { run in
          let rights = rightNames.filter { run.rights.contains($0.right) }
          return JSONValue.object([
            "count": .number(run.count), "size": describedSize(run.sectorSize),
            "rights": .array(rights.map { .text($0.name) }),
          ])
        }
        return .object([
          "name": .text(memory.name), "kind": .text(memory.kind.rawValue),
          "address": .text(addressText(memory.range.lowerBound)), "sectors": .array(runs),
          "unit": .number(UInt64(clamping: memory.unit)),
          "reprogramming": .text(memory.reprogramming.rawValue),
          "erased-byte": .text("0x" + hex(memory.erasedByte).uppercased()),
          "locks": memory.locks.map(locks) ?? .text(nil), "times": times(memory),
        ])
      })
  }

  private static func locks(_ locks: MemoryDescription.Locks) -> JSONValue {
    .object([
      "address": .text(addressText(locks.addresses.lowerBound)),
      "count": .number(locks.addresses.upperBound - locks.addresses.lowerBound),
      "block": describedSize(locks.blockSize),
    ])
  }
}
