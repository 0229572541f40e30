public import Captures
public import SystemPackage
public import USB

/// A recording that is to be played back.
public enum ReplayFile {
  /// The largest recording that is read: 512 MiB, which hold a flash of 64 MiB with its proof.
  public static let sizeLimit = 512 << 20

  /// Reads a recording.
  ///
  /// - Parameter path: the file; `-` is standard input.
  /// - Returns: the recording.
  /// - Throws: ``FileError`` where it cannot be read, ``ReplayFileError`` where it is no recording.
  public static func read(_ path: FilePath) throws -> RecordingDocument {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try InputFile.read(path, limit: sizeLimit)
    } catch {
      // The words of an input speak of firmware.
      switch error.code {
      case .empty: bytes = []
      case .isDirectory:
        throw FileError(
          error.code, "\(path) is a directory, not a recording.", help: "Name a file inside it.")
      case .tooLarge:
        throw FileError(error.code, error.sentence, help: "Record less at a time.")
      default: throw error
      }
    }
    do throws(RecordingError) {
      return try RecordingDocument(parsing: bytes)
    } catch { throw ReplayFileError(path: path.string, error: error) }
  }
}

/// A file that should be a recording and is none.
public struct ReplayFileError: ExplainedError, Hashable {
  /// The file.
  public var path: String
  /// What is wrong with it.
  public var error: RecordingError

  /// The slug of the error inside.
  public var slug: String { error.slug }
  /// The file, the line, and what is wrong.
  public var sentence: String {
    "\(path) cannot be played back: line \(error.line): \(error.reason)."
  }
  /// The help of the error inside.
  public var help: String? { error.help }
}
