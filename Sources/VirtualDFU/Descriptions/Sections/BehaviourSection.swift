/// `behaviour`: where the bootloader is peculiar.
extension DescriptionKeys {
  static let behaviour = ["busy", "leave", "quirks", "reports-missing-firmware"]
}

/// The ways to disappear after a download, by their names in a description.
private let leaveVariants: [(name: String, variant: LeaveVariant)] = [
  ("after-download", .afterDownload), ("inside-get-status", .insideGetStatus),
  ("after-get-status", .afterGetStatus), ("later", .later),
]

extension DescriptionDecoder {
  mutating func readBehaviour(_ whole: Fields, into draft: inout ProfileDraft) {
    guard let fields = section("behaviour", DescriptionKeys.behaviour, of: whole, draft) else {
      return
    }
    if let busy: BusyBehaviour = choice(fields["busy"]) { draft.profile.busy = busy }
    if let item = fields["leave"], let name = choice(item, of: leaveVariants.map(\.name)),
      let leave = leaveVariants.first(where: { $0.name == name })
    {
      draft.profile.leave = leave.variant
    }
    if let words = words(fields["quirks"], of: "quirk", among: BootloaderQuirks.named.map(\.name)) {
      draft.profile.quirks = BootloaderQuirks(
        BootloaderQuirks.named.filter { words.contains($0.name) }.map(\.quirk))
    }
    if let reports = flag(fields["reports-missing-firmware"]) {
      draft.profile.reportsMissingFirmware = reports
    }
  }
}

extension DescriptionEncoder {
  static func behaviour(_ profile: Profile) -> JSONValue {
    let quirks = BootloaderQuirks.named.filter { profile.quirks.contains($0.quirk) }
    let leave = leaveVariants.first { $0.variant == profile.leave }
    return .object([
      "busy": .text(profile.busy.rawValue), "leave": .text(leave?.name),
      "quirks": .array(quirks.map { .text($0.name) }),
      "reports-missing-firmware": .flag(profile.reportsMissingFirmware),
    ])
  }
}
