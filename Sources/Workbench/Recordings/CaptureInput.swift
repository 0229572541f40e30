public import Captures
public import SystemPackage
public import USB

/// A capture that is read from a file.
public enum CaptureInput {
  /// Reads a capture.
  ///
  /// - Parameter path: the file; `-` is standard input.
  /// - Returns: the capture.
  /// - Throws: ``FileError`` where it cannot be read, ``CaptureInputError`` where it is no capture.
  public static func read(_ path: FilePath) throws -> CaptureFile {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try InputFile.read(path, limit: CaptureFile.sizeLimit)
    } catch {
      // The words of an input speak of firmware.
      switch error.code {
      case .empty: bytes = []
      case .isDirectory:
        throw FileError(
          error.code, "\(path) is a directory, not a capture.", help: "Name a file inside it.")
      case .tooLarge:
        throw FileError(
          error.code, error.sentence, help: "Capture less at a time, or cut it with editcap.")
      default: throw error
      }
    }
    do throws(CaptureError) {
      return try CaptureFile(parsing: bytes)
    } catch { throw CaptureInputError(path: path.string, error: error) }
  }
}

/// A file that should be a capture and is none.
public struct CaptureInputError: ExplainedError, Hashable {
  /// The file.
  public var path: String
  /// What is wrong with it.
  public var error: CaptureError

  /// An error with the name of its file.
  public init(path: String, error: CaptureError) {
    self.path = path
    self.error = error
  }

  /// The slug of the error inside.
  public var slug: String { error.slug }
  /// The file, the byte, and what is wrong.
  public var sentence: String {
    "\(path == "-" ? "standard input" : path) is no capture of USB: byte \(error.offset): \(error.rule)."
  }
  /// The help of the error inside.
  public var help: String? { error.help }
}
