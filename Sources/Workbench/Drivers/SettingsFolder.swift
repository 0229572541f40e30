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
      return names(in: folder).filter { $0.hasSuffix(suffix) }.compactMap { name in
        let path = "\(folder)/\(name)"
        // A link to /dev/null masks, and a pipe would be waited for.
        guard isFile(path) else {
          return isFolder(path)
            ? nil : ConfigurationFile(directory: directory, name: name, bytes: [])
        }
        let bytes = try? InputFile.read(FilePath(path), limit: ConfigurationFile.sizeLimit)
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
    (try? Stat(FilePath(path)))?.type == .directory
  }

  /// Whether it is a file that has an end.
  static func isFile(_ path: String) -> Bool { (try? Stat(FilePath(path)))?.type == .regular }

  /// All files below a folder whose names end so, letters of either case. Folders behind links are left out: they may
  /// lead back.
  static func files(below folder: String, suffix: String) -> [String] {
    var found: [String] = []
    var folders = [(path: folder, depth: 0)]
    var left = mostFiles
    while let (path, depth) = folders.popLast(), left > 0 {
      for name in names(in: path) where left > 0 {
        left -= 1
        let inner = "\(path)/\(name)"
        switch (try? Stat(FilePath(inner), followTargetSymlink: false))?.type {
        case .directory?: if depth < deepest { folders.append((inner, depth + 1)) }
        case .regular?, .symbolicLink?:
          if name.lowercased().hasSuffix(suffix), isFile(inner) { found.append(inner) }
        default: break
        }
      }
    }
    return found.sorted()
  }
}
