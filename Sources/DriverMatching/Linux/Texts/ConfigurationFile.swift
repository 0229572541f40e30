public import USB

/// A file of settings as its text, with the folder that it lies in: what `modprobe.d` and `udev/rules.d` are
/// made of.
public struct ConfigurationFile: Hashable, Sendable {
  /// Its folder, absolute: `/etc/udev/rules.d`; empty where it has none, and then it goes before all.
  public var directory: String
  /// Its name without the folder: `70-board.rules`.
  public var name: String
  /// What is in it; nothing where it is empty or a link to `/dev/null`, which masks its like in lower
  /// folders.
  public var bytes: [UInt8]

  /// More bytes of one file than these are not read.
  public static let sizeLimit = 16 << 20

  /// A file with its bytes.
  public init(directory: String, name: String, bytes: [UInt8]) {
    self.directory = directory
    self.name = name
    self.bytes = bytes
  }

  /// A file with its text.
  public init(directory: String, name: String, text: String) {
    self.init(directory: directory, name: name, bytes: Array(text.utf8))
  }

  /// Folder and name.
  public var path: String {
    directory.isEmpty ? name : directory.hasSuffix("/") ? directory + name : directory + "/" + name
  }

  /// The files that count, in the order in which they are read.
  ///
  /// Those of all folders are sorted by name, byte by byte; of several with one name only the one of the
  /// highest folder is left, and none where that one is empty (systemd, `conf_files_list_strv`; kmod,
  /// `conf_files_list`).
  ///
  /// - Parameters:
  ///   - files: all of them, in any order.
  ///   - directories: the folders, highest first; one that is not named here goes last.
  ///   - suffix: what a name has to end in.
  ///   - emptyMasks: whether an empty file is left out with its like; it counts for modprobe.
  /// - Returns: the files that are read, and those that another one replaces.
  static func merged(
    _ files: [ConfigurationFile], directories: [String], suffix: String, emptyMasks: Bool
  ) -> (read: [ConfigurationFile], hidden: [(file: ConfigurationFile, by: ConfigurationFile)]) {
    func rank(_ file: ConfigurationFile) -> Int {
      var directory = file.directory[...]
      while directory.count > 1, directory.last == "/" { directory.removeLast() }
      if directory.isEmpty { return -1 }
      return directories.firstIndex(of: String(directory)) ?? directories.count
    }
    let ranked = files.enumerated().filter { $0.element.name.hasSuffix(suffix) }
      .map { (order: $0.offset, rank: rank($0.element), file: $0.element) }
    // Those that are handed in without a folder are a list of the caller's, and nothing hides them.
    let sorted = ranked.sorted { left, right in
      let (first, second) = (Array(left.file.name.utf8), Array(right.file.name.utf8))
      if first != second { return first.lexicographicallyPrecedes(second) }
      return (left.rank, left.order) < (right.rank, right.order)
    }
    var read: [ConfigurationFile] = []
    var hidden: [(file: ConfigurationFile, by: ConfigurationFile)] = []
    var winner: ConfigurationFile?
    for (_, _, file) in sorted {
      if let winner, winner.name == file.name {
        hidden.append((file, winner))
        continue
      }
      winner = file
      if !(emptyMasks && file.bytes.isEmpty) { read.append(file) }
    }
    return (read, hidden)
  }
}

/// Something in a text of settings that is wrong, or does not do what its author will have meant.
public struct SettingsFinding: ExplainedError, Hashable, Codable {
  /// What the system makes of it.
  public enum Consequence: String, Hashable, Sendable, Codable, CaseIterable {
    /// The whole line does nothing.
    case lineIgnored = "line-ignored"
    /// A part of the line does nothing, the rest holds.
    case partIgnored = "part-ignored"
    /// The file is not read, or not to its end.
    case fileIgnored = "file-ignored"
    /// It holds, and may surprise.
    case advice
  }

  /// A stable name for what it is.
  public var slug: String
  /// The file.
  public var file: String
  /// Its line, from 1; 0 for the file as a whole.
  public var line: Int
  /// What becomes of it.
  public var consequence: Consequence
  /// What is wrong, without the place.
  public var what: String
  /// What to do.
  public var help: String?
  /// How well it is known that the system treats it so.
  public var evidence: Evidence

  /// A finding; see the properties.
  public init(
    _ slug: String, file: String, line: Int, _ consequence: Consequence, _ what: String,
    help: String? = nil, _ evidence: Evidence
  ) {
    self.slug = slug
    self.file = file
    self.line = line
    self.consequence = consequence
    self.what = what
    self.help = help
    self.evidence = evidence
  }

  /// Where it is: `70-board.rules:3`.
  public var place: String { line > 0 ? "\(file):\(line)" : file }

  /// The place, and what is wrong there.
  public var sentence: String { "\(place): \(what)" }
}
