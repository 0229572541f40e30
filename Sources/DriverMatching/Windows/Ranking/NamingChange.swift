import USB

/// What a package would need to win against the driver that a device has: packages are made up and ranked against
/// it, from the least that one can ask for.
struct NamingChange {
  private let ids: DeviceIDs
  private let winner: DriverNode?
  private let windows: WindowsProfile

  init(_ ids: DeviceIDs, _ winner: DriverNode?, on windows: WindowsProfile) {
    self.ids = ids
    self.winner = winner
    self.windows = windows
  }

  /// A package that is signed and names a hardware id in the first field of its line.
  private struct Package {
    var index: Int
    var feature: UInt8?
    /// Whether it is newer than the winner; else it is the oldest that there can be.
    var isNewer: Bool
  }

  private func rank(_ package: Package) -> DriverRank {
    let match = IdentifierMatch(
      id: ids.hardware[package.index], list: .hardware, index: package.index, field: .hardware)
    let signature = DriverSigner.whql.signatureScore(on: windows, isDecorated: true)
    return DriverRank(signature: signature, feature: package.feature, match)
  }

  /// Whether it is preferred to the winner, by the same rule as the drivers of the store.
  private func wins(_ package: Package) -> Bool {
    guard let winner else { return true }
    var node = winner
    node.rank = rank(package)
    node.version = .none
    if package.isNewer {
      node.version = winner.version
      node.version.year += 1
    }
    return node.isBetter(than: winner)
  }

  /// The least specific id with which a package wins.
  private func package(feature: UInt8?, isNewer: Bool) -> Package? {
    ids.hardware.indices.reversed().lazy.map {
      Package(index: $0, feature: feature, isNewer: isNewer)
    }.first { wins($0) }
  }

  /// What was found; empty for a device without hardware ids.
  var steps: [DriverDecision.Step] {
    var scores: [UInt8?] = [nil]
    // A better score than the winner's is asked for only where it is not enough to have the same.
    if let score = winner?.rank.featureScore, score < 0xFF { scores += [score] }
    for score in scores {
      let newer = package(feature: score, isNewer: true)
      let any = package(feature: score, isNewer: false)
      // Where the date does not matter to the same id, it is not asked for.
      let isDated = newer.map { $0.index > (any?.index ?? -1) } ?? false
      let found = [isDated ? newer : nil, any].compactMap { $0 }
      if !found.isEmpty { return found.map { step($0) } }
    }
    return []
  }

  private func step(_ package: Package) -> DriverDecision.Step {
    let rank = rank(package)
    let feature = package.feature.map { ", has FeatureScore=\(hex($0).uppercased())" } ?? ""
    let name = "A signed package that names \(ids.hardware[package.index])" + feature
    let date =
      winner.map { $0.version.hasDate ? "a date after \($0.version.date)" : "any date" } ?? ""
    let then =
      package.isNewer
      ? "and has \(date) would win at \(rank.text)"
      : "would win at \(rank.text), whatever its date"
    return DriverDecision.Step(
      package.isNewer ? "newer-file" : "named-by-product",
      "\(name)\(feature.isEmpty ? " " : ", ")\(then)"
        + (ids.isComposite ? "; no function of the device would appear then." : "."),
      Evidence("decided again with a package made up for it", .derived))
  }
}
