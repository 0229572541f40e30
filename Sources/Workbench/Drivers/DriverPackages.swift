public import DriverMatching
public import SystemPackage

/// INF files that somebody names, one by one or by their folders.
public struct DriverPackages: Sendable {
  /// The files.
  public private(set) var files: [StoredINF] = []
  /// What is wrong with them, as `file:line: sentence`.
  public private(set) var findings: [String] = []

  /// Everything that is said of one file.
  static let mostFindings = 8

  /// Reads the files, and all below the folders.
  ///
  /// - Parameter paths: files, or folders with INF files at any depth.
  /// - Throws: ``FileError`` where a path is neither, `INFError` where a file that was named is rejected.
  public init(_ paths: [FilePath]) throws {
    for path in paths {
      guard SettingsFolder.isFolder(path.string) else {
        let inf = try INF(
          try InputFile.read(path, limit: INF.sizeLimit),
          name: path.lastComponent?.string ?? path.string)
        add(inf)
        continue
      }
      let found = SettingsFolder.files(below: path.string, suffix: ".inf")
      guard !found.isEmpty else {
        throw FileError(
          .notFound, "There is no INF file below \(path.string).",
          help: "Name a file that ends in .inf, or a folder that has some.")
      }
      for name in found {
        do {
          let inf = try INF(
            try InputFile.read(FilePath(name), limit: INF.sizeLimit),
            name: FilePath(name).lastComponent?.string ?? name)
          add(inf)
        } catch let error as INFError {
          findings.append("Windows rejects it. \(error.sentence)")
        } catch let error as FileError {
          findings.append(error.sentence)
        }
      }
    }
  }

  private mutating func add(_ inf: INF) {
    files.append(StoredINF(inf))
    for finding in inf.findings.prefix(Self.mostFindings) {
      findings.append("\(inf.name):\(finding.line): \(finding.sentence)")
    }
  }
}
