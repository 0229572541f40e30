internal import FoundationEssentials
public import Reports
public import SystemPackage
public import USB

/// A tree of devices that somebody has saved: the document of `dfu usb tree --json`.
public enum TreeFile {
  /// More than thousands of devices take.
  static let sizeLimit = 64 << 20
  /// Nesting beyond what a tree has, counted before anything recursive sees it.
  static let deepest = 64

  /// Reads a tree.
  ///
  /// - Parameter path: the file; `-` is standard input.
  /// - Returns: the tree.
  /// - Throws: ``FileError`` where it cannot be read; ``TreeFileError`` where it is no tree.
  public static func read(_ path: FilePath) throws -> BusTreeReport {
    try parse(try InputFile.read(path, limit: sizeLimit), name: path.string)
  }

  static func parse(_ bytes: [UInt8], name: String) throws(TreeFileError) -> BusTreeReport {
    let tree: BusTreeReport
    do {
      tree = try SavedDocument.decode(from: bytes, deepest: deepest)
    } catch { throw TreeFileError(file: name, reason: error.reason) }
    guard tree.schema == BusTreeReport.currentSchema else {
      throw TreeFileError(
        file: name,
        reason:
          "its schema is “\(tree.schema.prefix(40))”, and not “\(BusTreeReport.currentSchema)”")
    }
    return tree
  }
}

/// A file that holds no tree.
public struct TreeFileError: ExplainedError, Hashable {
  /// The file.
  public var file: String
  /// What is wrong with it, as a part of a sentence.
  public var reason: String

  /// `tree-file`.
  public var slug: String { "tree-file" }
  /// What is wrong.
  public var sentence: String { "\(file) is no tree of USB devices: \(reason)." }
  /// Where one comes from.
  public var help: String? { "`dfu usb tree --json > FILE` writes one." }
}
