internal import USB

extension MemoryMap {
  /// The interface string that tells this memory, as ST's bootloaders write it: a group for each
  /// stretch without a gap, counts of two digits and sizes of three, for example
  /// `@Internal Flash/0x08000000/04*016Kg,01*064Kg,07*128Kg`.
  ///
  /// nil for a map that no string can tell: one without sectors, with a slash in its name, or with
  /// sectors that have no rights at all.
  public var dfuseString: String? {
    guard !runs.isEmpty, !name.contains("/") else { return nil }
    var text = "@\(name)"
    for area in areas {
      text += "/\(addressText(area.lowerBound))/"
      var segments: [String] = []
      for run in runs where area.contains(run.start) {
        guard let letter = run.rights.letter else { return nil }
        segments.append("\(padded(run.count, 2))*\(MemoryMap.sizeText(run.sectorSize))\(letter)")
      }
      text += segments.joined(separator: ",")
    }
    return text
  }

  /// A size with its multiplier. Hosts have refused numbers of more than three digits, so mebibytes
  /// are written as such.
  private static func sizeText(_ size: UInt64) -> String {
    let (number, unit) = scaledByteCount(size)
    switch unit {
    case 0: return padded(number, 3) + " "
    case 1: return padded(number, 3) + "K"
    case 2: return padded(number, 3) + "M"
    default: return "\(number * 1024)M"
    }
  }
}

private func padded(_ number: UInt64, _ digits: Int) -> String {
  let text = "\(number)"
  return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
}
