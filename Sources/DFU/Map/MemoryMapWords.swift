internal import USB

extension MemoryMap {
  /// The map in words, for example `Internal flash, 1 MiB at 0x08000000, 4×16 K + 64 K + 7×128 K,
  /// readable, erasable, writable`.
  ///
  /// Each stretch of memory without a gap is told for itself, joined by semicolons. Where the rights
  /// of its sectors differ, they stand in brackets behind the sectors that they are about. Characters
  /// of the name that are not for display are replaced.
  public var describedInWords: String {
    let title = displayName
    guard !runs.isEmpty else { return "\(title), no memory" }
    return "\(title), " + areas.map(words).joined(separator: "; ")
  }

  /// The name as it is shown: the usual spelling for the usual names, and never more than 64
  /// characters or anything that is not printable.
  public var displayName: String {
    switch name.lowercased() {
    case "internal flash": "Internal flash"
    case "external flash": "External flash"
    case "option byte", "option bytes": "Option bytes"
    case "otp memory": "OTP memory"
    case "device feature": "Device feature"
    case "": "Memory"
    default: name.unicodeScalars.prefix(64).map(MemoryMapParser.printable).joined()
    }
  }

  private func words(of area: Range<UInt64>) -> String {
    let inside = runs.filter { area.contains($0.start) }
    // Neighbouring segments of one size and kind are one thing to a reader.
    var stretches: [(rights: SectorRights, groups: [(count: UInt64, size: UInt64)])] = []
    for run in inside {
      if let last = stretches.last, last.rights == run.rights {
        let end = stretches.count - 1
        if let group = last.groups.last, group.size == run.sectorSize {
          stretches[end].groups[last.groups.count - 1].count += run.count
        } else {
          stretches[end].groups.append((run.count, run.sectorSize))
        }
      } else {
        stretches.append((run.rights, [(run.count, run.sectorSize)]))
      }
    }
    let place =
      "\(byteCountText(area.upperBound - area.lowerBound)) at \(addressText(area.lowerBound))"
    func sectors(_ groups: [(count: UInt64, size: UInt64)]) -> String {
      groups.map { $0.count == 1 ? sizeText($0.size) : "\($0.count)×\(sizeText($0.size))" }
        .joined(separator: " + ")
    }
    if let only = stretches.first, stretches.count == 1 {
      if only.groups.count == 1, only.groups[0].count == 1 {
        return "\(place), \(only.rights.words)"
      }
      return "\(place), \(sectors(only.groups)), \(only.rights.words)"
    }
    return "\(place), "
      + stretches.map { "\(sectors($0.groups)) (\($0.rights.words))" }.joined(separator: " + ")
  }

  private func sizeText(_ size: UInt64) -> String {
    let (number, unit) = scaledByteCount(size)
    return "\(number) \(["B", "K", "M", "G"][unit])"
  }
}
