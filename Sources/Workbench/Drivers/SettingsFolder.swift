public import DriverMatching
internal import FoundationEssentials
public import SystemPackage

/// Folders of settings, read as they are: what cannot be read is passed over, for it does not count for the system
/// either when it may not read it.
public enum SettingsFolder {
  /// A hundred times what a machine has in one folder.
  static let mostFiles = 20_000
  /// Drivers' folders lie in folders; deeper than this none is looked for.
  static let deepest = 8

  /// The files of some folders, each with its folder; what is no folder has none.
  ///
  /// - Parameters:
  ///   - directories: the folders.
  ///   - suffix: what names end in, `.rules`.
  ///   - root: what stands in front of the folders, for a tree that is mounted somewhere; nil for this machine.
  /// - Returns: the files, an empty one for each link to `/dev/null`.
  public static func files(
    in directories: [String], suffix: String, under root: FilePath? = nil
  ) -> [ConfigurationFile] {
    directories.flatMap { directory -> [ConfigurationFile] in
      let folder = root.map { $0.string + directory } ?? directory
      return names(in: folder).filter { $0.hasSuffix(suffix) }.map { name in
        let bytes = try? InputFile.read(
          FilePath("\(folder)/\(name)"), limit: ConfigurationFile.sizeLimit)
        return ConfigurationFile(directory: directory, name: name, bytes: bytes ?? [])
      }
    }
  }

  /// The names in a folder, sorted; none where it is none.
  static func names(in folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return Array(names.sorted().prefix(mostFiles))
  }

  static func isFolder(_ path: String) -> Bool {
    var isFolder = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder
  }

  /// All files below a folder whose names end so, letters of either case.
  static func files(below folder: String, suffix: String) -> [String] {
    var found: [String] = []
    var folders = [(path: folder, depth: 0)]
    while let (path, depth) = folders.popLast(), found.count < mostFiles {
      for name in names(in: path) {
        let inner = "\(path)/\(name)"
        if isFolder(inner) {
          if depth < deepest { folders.append((inner, depth + 1)) }
        } else if name.lowercased().hasSuffix(suffix) {
          found.append(inner)
        }
      }
    }
    return found.sorted()
  }
}
