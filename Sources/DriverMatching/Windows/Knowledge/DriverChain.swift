/// How a device comes by its driver, link by link, and where that stops.
public struct DriverChain: Codable, Hashable, Sendable {
  /// What happens at a link.
  public enum State: String, Codable, Hashable, Sendable, CaseIterable {
    /// It gives what the next needs.
    case passes
    /// It is not needed.
    case skipped
    /// It ends here.
    case stops
    /// What happens depends on what is not known here.
    case open
  }

  /// One link.
  public struct Link: Codable, Hashable, Sendable {
    /// Its stable name: `driver-store`, `windows-update`, `prompt`, `install`, `load`.
    public var name: String
    /// What happens.
    public var state: State
    /// What Windows does, in one sentence or two.
    public var sentence: String
    /// What the user sees; empty for nothing.
    public var seen: String
    /// What that rests on.
    public var evidence: Evidence
  }

  /// The links in their order.
  public var links: [Link]

  /// The first link that ends it; nil where the driver is loaded, as far as is known.
  public var end: Link? { links.first { $0.state == .stops } }

  /// The chain for a decision.
  ///
  /// - Parameters:
  ///   - decision: what the store gives.
  ///   - windows: the Windows: what it asks, and whom, has changed with its versions.
  public init(_ decision: WindowsDecision, on windows: WindowsProfile) {
    let learn = "Microsoft Learn, How Windows Selects Drivers"
    let node = decision.binding?.node
    links = []
    func add(
      _ name: String, _ state: State, _ sentence: String, _ seen: String = "",
      _ certainty: Certainty = .documented, _ source: String = learn
    ) {
      links.append(
        Link(
          name: name, state: state, sentence: sentence, seen: seen,
          evidence: Evidence(source, certainty)))
    }
    if let node {
      add(
        "driver-store", .passes,
        node.isRefused(on: windows)
          ? "\(node.file) would be the best in the driver store."
          : "\(node.file) in the driver store is the best there, and is installed at once.",
        "", node.line == nil ? .documented : .read, node.place)
    } else {
      add("driver-store", .passes, "Nothing in the driver store matches, so that others are asked.")
    }
    add("windows-update", .open, Self.update(windows, hasDriver: node != nil))
    guard let node else {
      add(
        "prompt", .stops,
        windows.isAtLeast(6, 2)
          ? "Windows since 8 asks nobody: the device stays as it is."
          : "Windows tells that no driver was found; a person may point it to a folder.",
        "The device under \"Other devices\" with a yellow mark, Code 28.", .known)
      return
    }
    add("prompt", .skipped, "There is nothing to ask: the store has a driver.", "", .known)
    if node.isRefused(on: windows) {
      add(
        "install", .stops,
        "The package is not signed, and Windows of 64 bits takes no such package.",
        "Code 52 or Code 28, or a refusal when it is added.", .documented,
        "Microsoft Learn, Driver Signing Policy")
      return
    }
    add(
      "install", .passes,
      "Windows writes the driver key with InfPath = \(node.file) and MatchingDeviceId = "
        + "\(node.match.id.lowercased()).", "", .documented,
      "Microsoft Learn, Device and Driver Registry Keys")
    switch decision.binding?.service {
    case nil:
      add(
        "load", .stops, "The file names no function driver, so that nothing is loaded.",
        "Code 31 or Code 1.", .derived)
    case ""?: add("load", .skipped, "The file says that no driver is needed.")
    case let service?:
      let mayBeBlocked = service.lowercased() == "sttub30"
      add(
        "load", mayBeBlocked && windows.isAtLeast(10, 0, 22000) ? .open : .passes,
        "\(service) is loaded, and it, not the hub, sets the configuration of the device."
          + (mayBeBlocked ? " Memory integrity of Windows 11 blocks older files of it." : ""),
        mayBeBlocked ? "Code 39 where its file is blocked." : "", .known,
        "Microsoft Learn, USB device enumeration")
    }
  }

  private static func update(_ windows: WindowsProfile, hasDriver: Bool) -> String {
    let permission = "where the settings allow it"
    if windows.isAtLeast(10, 0, 19041) {
      return
        "Windows Update is asked for critical and automatic drivers, \(permission); optional ones come "
        + "only through Settings."
        + (hasDriver ? " What it has replaces the driver only where it is better." : "")
    }
    if hasDriver, windows.isAtLeast(10, 0, 15063) {
      return
        "Windows Update is asked at the next daily scan, \(permission); what it has replaces the driver only "
        + "where it is better."
    }
    return "Windows Update is asked, \(permission)"
      + (hasDriver ? "; what it has replaces the driver only where it is better." : ".")
  }
}
