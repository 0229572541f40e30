public import USBIP

/// Virtual boards that are offered over USB/IP: `1-1`, `1-2` and so on, each on a bus of its own.
public struct ExportedBoards: Sendable {
  /// One of them.
  public struct Board: Sendable {
    /// What a person typed to name it, without `virtual:`.
    public var name: String
    /// The name to import it by.
    public var busID: BusID
    /// The board.
    public var board: VirtualBoard
  }

  /// The boards, in the order in which they were named.
  public let boards: [Board]

  /// USB allows a root hub 255 ports.
  public static let mostBoards = 255

  /// Builds the boards and plugs them in.
  ///
  /// - Parameter names: profiles with their settings, `virtual:` in front of them or not.
  /// - Throws: ``SelectorError``, ``BoardError`` and what ``VirtualBoard/init(_:)`` throws.
  public init(_ names: [String]) throws {
    guard names.count <= Self.mostBoards else {
      throw BoardError(
        slug: "too-many-boards",
        sentence:
          "\(names.count) virtual devices are more than a hub has ports, \(Self.mostBoards).",
        help: "Export the others with a second `dfu emulate --port`.")
    }
    var files: Set<String> = []
    var boards: [Board] = []
    for (index, name) in names.enumerated() {
      let text = name.hasPrefix("virtual:") ? name : "virtual:\(name)"
      guard case .virtual(let selector) = try DeviceSelector(text) else { continue }
      guard selector.speed == .real else {
        throw BoardError(
          slug: "instant-export",
          sentence: """
            “\(name)” cannot be exported with speed=instant: its time would stand still between the \
            transfers, while that of its clients passes.
            """, help: "Leave speed away.")
      }
      if let path = selector.statePath, !files.insert(path).inserted {
        throw BoardError(
          slug: "shared-state", sentence: "\(path) is named as the state of two boards.",
          help: "Give each board a file of its own.")
      }
      guard let busID = BusID("1-\(index + 1)") else { continue }
      boards.append(
        Board(
          name: String(text.dropFirst("virtual:".count)), busID: busID,
          board: try VirtualBoard(selector)))
    }
    self.boards = boards
  }

  /// The ports that a server exports.
  public var ports: [ExportedPort] {
    boards.map { ExportedPort($0.busID, of: $0.board.bus, at: $0.board.path) }
  }
}
