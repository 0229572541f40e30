internal import DFU
internal import USB
internal import VirtualUSB

/// What the parts of a description have to do with each other.
extension DescriptionDecoder {
  mutating func check(_ draft: ProfileDraft, _ whole: Fields) {
    checkMemories(draft)
    checkLaunch(draft, whole)
    checkProtection(draft, whole)
    checkSectors(draft, whole)
    // Strings that lie on purpose are noted; a base's own lies are known.
    let settings = whole["dfu"].flatMap(Self.settings)
    guard isSound, draft.profile.dialect.isDfuSe, settings != nil || whole["memories"] != nil else {
      return
    }
    let place = settings ?? whole.place(of: "memories")
    compareStrings(of: draft.profile, at: place)
  }

  private static func settings(_ dfu: Located) -> Located? {
    guard case .object(let members) = dfu.value.content,
      let member = members.first(where: { $0.name == "settings" })
    else { return nil }
    return Located(value: member.value, path: dfu.path.appending(.member("settings")))
  }

  private mutating func compareStrings(of profile: Profile, at settings: Located) {
    let interfaces = profile.description.configurations.first?.interfaces ?? []
    for (number, interface) in interfaces.enumerated() {
      guard let text = profile.description.strings[interface.nameIndex] else { continue }
      var item = settings
      if case .array(let entries) = settings.value.content, number < entries.count,
        settings.path.steps.last == .member("settings")
      {
        let step = DescriptionPath.Step.entry(
          noun: "setting", number: number, index: number, name: nil)
        item = Located(value: entries[number], path: settings.path.appending(step))
      }
      compare(text, with: profile.memories, number, item)
    }
  }

  private mutating func compare(
    _ text: String, with memories: [MemoryDescription], _ number: Int, _ item: Located
  ) {
    let help =
      "Real devices do that too. Where this one should not, write \"memory\" instead of \"string\"."
    let map: MemoryMap
    do throws(MemoryMapError) {
      map = try MemoryMap(dfuseString: text)
    } catch {
      note(item, "No host finds a memory in the string of setting \(number).", help)
      return
    }
    guard let run = map.runs.first(where: { !Self.agrees($0, with: memories) }) else { return }
    note(
      item,
      "The string of setting \(number) tells of \(run.count) × "
        + "\(byteCountText(run.sectorSize)) at \(addressText(run.start)), \(run.rights.words); the "
        + "memories have something else there.", help)
  }

  /// Whether the memories have sectors of this size and these rights, all through the run.
  private static func agrees(_ run: SectorRun, with memories: [MemoryDescription]) -> Bool {
    var found: UInt64 = 0
    for memory in memories where memory.range.overlaps(run.range) {
      for other in memory.map.runs where other.range.overlaps(run.range) {
        let distance = max(other.start, run.start) - min(other.start, run.start)
        guard other.sectorSize == run.sectorSize, distance.isMultiple(of: run.sectorSize),
          other.rights == run.rights
        else { return false }
        let part = other.range.clamped(to: run.range)
        found += part.upperBound - part.lowerBound
      }
    }
    return found == run.size
  }
}
