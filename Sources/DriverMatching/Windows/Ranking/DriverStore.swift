/// The drivers that a Windows has at hand: packages that were added, and its own.
public struct DriverStore: Sendable {
  /// The packages, in the order in which they were given.
  public let files: [StoredINF]
  /// The Windows that decides.
  public let windows: WindowsProfile
  /// What is known of Windows' own drivers; files at hand take their place.
  public let inbox: [InboxDriver]
  let readings: [INFReading]
  let library: INFLibrary

  /// Nodes that one file may give, and all together: bounds against files with an id on every line.
  static let nodeLimit = 64
  static let totalLimit = 4096

  /// A store.
  ///
  /// - Parameters:
  ///   - files: the packages.
  ///   - windows: the Windows that has it.
  ///   - hasInbox: whether Windows' own drivers take part.
  public init(_ files: [StoredINF], on windows: WindowsProfile, hasInbox: Bool = true) {
    let readings = files.map { INFReading($0.inf, language: windows.language) }
    let names = Set(files.map { $0.name.lowercased() })
    self.init(
      files, readings, windows,
      hasInbox ? InboxDriver.all(on: windows).filter { !names.contains($0.file) } : [])
  }

  private init(
    _ files: [StoredINF], _ readings: [INFReading], _ windows: WindowsProfile,
    _ inbox: [InboxDriver]
  ) {
    self.files = files
    self.windows = windows
    self.inbox = inbox
    self.readings = readings
    library = INFLibrary(readings)
  }

  /// The same store without the files of some names; of Windows' own as well.
  public func without(_ names: [String]) -> DriverStore {
    let names = Set(names.map { $0.lowercased() })
    let kept = files.indices.filter { !names.contains(files[$0].name.lowercased()) }
    return DriverStore(
      kept.map { files[$0] }, kept.map { readings[$0] }, windows,
      inbox.filter { !names.contains($0.file.lowercased()) })
  }

  /// Everything in the store that has to do with a device.
  func search(_ ids: DeviceIDs) -> DriverSearch {
    var search = DriverSearch(ids)
    for index in files.indices where search.nodes.count < Self.totalLimit {
      search.add(files[index], readings[index], library, windows)
    }
    for driver in inbox { search.add(driver, windows) }
    search.sort()
    return search
  }

  /// Every node that fits a device and may bind, best first.
  public func nodes(for ids: DeviceIDs) -> [DriverNode] { search(ids).nodes }
}
