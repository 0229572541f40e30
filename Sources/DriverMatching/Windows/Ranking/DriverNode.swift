/// One way in which a driver fits a device: a line of an INF, and the id by which both know each other.
public struct DriverNode: Codable, Hashable, Sendable {
  /// The name of the file: `oem12.inf`.
  public var file: String
  /// The number of the line; nil for built-in knowledge of a file that is not at hand.
  public var line: Int?
  /// What Device Manager shows.
  public var description: String
  /// Who has made the device, as the file says.
  public var manufacturer: String
  /// Who has made the driver, as the file says.
  public var provider: String
  /// The models section with its decoration; empty where it is not known.
  public var modelsSection: String
  /// The install section as the line names it.
  public var installName: String
  /// The install section that is used; empty where it is not known.
  public var installSection: String
  /// What matched.
  public var match: IdentifierMatch
  /// How well.
  public var rank: DriverRank
  /// How old it is.
  public var version: DriverVersion
  /// Who has signed it.
  public var signer: DriverSigner
  /// The setup class, with braces.
  public var classGUID: String
  /// The name of the setup class as the file says it.
  public var className: String
  /// The service; an empty name where none is needed; nil where the file names none.
  public var service: INFInstallation.Value?
  /// The file of the service as the INF says it; nil where it says none.
  public var serviceBinary: INFInstallation.Value?
  /// When the service is started, as the INF says it: `3`; nil where it says nothing.
  public var serviceStart: INFInstallation.Value?
  /// The device interfaces that programs find the device by.
  public var interfaceGUIDs: [INFInstallation.Value]
  /// GUIDs in the keys of the service.
  public var serviceGUIDs: [INFInstallation.Value]
  /// How usbccgp is to divide the device; nil where the file says nothing of it.
  public var composite: CompositeSettings?
  /// What the group of its setup class is called where the file says it.
  public var shownClass: String?
  /// What keeps it from counting although it matches; nil for nothing.
  public var objection: DriverDecision.Step?
  /// What is to be said of it besides.
  public var notes: [DriverDecision.Step]

  /// Where it stands: `oem12.inf:34`.
  public var place: String { line.map { "\(file):\($0)" } ?? file }

  /// Whether Windows takes no such package, as it is not signed.
  func isRefused(on windows: WindowsProfile) -> Bool {
    signer == .unsigned && windows.architecture != .x86
  }

  /// How tools name it: `inf:models-section:install-section:version:id`.
  public var identity: String {
    [file, modelsSection, installSection, version.version, match.id].joined(separator: ":")
  }

  /// How the event log lists it among "Outranked Drivers": `inf:id:rank`.
  public var outrankedText: String { "\(file):\(match.id):\(rank.text.dropFirst(2))" }

  /// Whether Windows prefers it to another: by rank, then by date, then by version.
  func isBetter(than other: DriverNode) -> Bool {
    rank != other.rank ? rank < other.rank : version > other.version
  }

  /// By what it loses against a better one; nil where nothing tells them apart.
  func defeat(by winner: DriverNode) -> String? {
    if rank.signatureScore != winner.rank.signatureScore { return "loses by its signature (SS)" }
    if rank.featureScore != winner.rank.featureScore { return "loses by its feature score (GG)" }
    if rank.identifierScore >> 12 != winner.rank.identifierScore >> 12 {
      return "loses by the kind of match (T)"
    }
    if rank != winner.rank { return "loses by the place of the id (HHH)" }
    let date = { (version: DriverVersion) in [version.year, version.month, version.day] }
    if date(version) != date(winner.version) {
      return "loses by date: \(version.date) is older than \(winner.version.date)"
    }
    if version != winner.version {
      return "loses by version: \(version.version) is lower than \(winner.version.version)"
    }
    return nil
  }
}

/// A driver package that a machine has: one INF and who has signed its catalog.
public struct StoredINF: Hashable, Sendable {
  /// The file, with the name that it has in the store: `oem12.inf`.
  public var inf: INF
  /// Who has signed it. What has no catalog counts as not signed, whatever is said here.
  public var signer: DriverSigner

  /// A package.
  public init(_ inf: INF, signer: DriverSigner = .whql) {
    self.inf = inf
    self.signer = signer
  }

  /// The name of the file.
  public var name: String { inf.name }
}
