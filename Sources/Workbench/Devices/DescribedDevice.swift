internal import SystemPackage
internal import VirtualDFU

/// Virtual devices that are described in files.
enum DescribedDevice {
  /// Reads a description.
  ///
  /// - Throws: ``FileError`` where there is no such file, or none that can be read;
  ///   `ProfileDescriptionError` where it describes no device.
  static func read(_ path: FilePath) throws -> ProfileDescription {
    let bytes: [UInt8]
    do {
      bytes = try InputFile.read(path, limit: ProfileDescription.sizeLimit)
    } catch {
      switch error.code {
      case .isDirectory:
        throw FileError(
          .isDirectory, "\(path) is a directory, not the description of a device.",
          help: "Name a file inside it.")
      case .empty: bytes = []
      case .tooLarge:
        throw BoardError.hugeDescription(path.string)
      default: throw error
      }
    }
    return try ProfileDescription(parsing: bytes, file: path.string)
  }

  /// A note with its place.
  static func sentence(_ note: DescriptionFault, of file: String) -> String {
    let help = note.help.map { " \($0)" } ?? ""
    return "\(file):\(note.place.line):\(note.place.column): \(note.sentence)\(help)"
  }
}
