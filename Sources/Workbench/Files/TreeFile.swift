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
    guard depth(of: bytes) <= deepest else {
      throw TreeFileError(file: name, reason: "it is nested more than \(deepest) deep")
    }
    let decoder = JSONDecoder()
    let tree: BusTreeReport
    do {
      tree = try decoder.decode(BusTreeReport.self, from: Data(bytes))
    } catch let error as DecodingError {
      throw TreeFileError(file: name, reason: Self.words(error))
    } catch {
      throw TreeFileError(file: name, reason: "it is no JSON")
    }
    guard tree.schema == BusTreeReport.currentSchema else {
      throw TreeFileError(
        file: name,
        reason:
          "its schema is “\(tree.schema.prefix(40))”, and not “\(BusTreeReport.currentSchema)”")
    }
    return tree
  }

  /// How deep brackets are nested, text left out.
  private static func depth(of bytes: [UInt8]) -> Int {
    var depth = 0
    var deepest = 0
    var isText = false
    var isEscaped = false
    for byte in bytes {
      if isText {
        if isEscaped {
          isEscaped = false
        } else if byte == 0x5C {
          isEscaped = true
        } else if byte == 0x22 {
          isText = false
        }
        continue
      }
      switch byte {
      case 0x22: isText = true
      case 0x5B, 0x7B:
        depth += 1
        deepest = max(deepest, depth)
      case 0x5D, 0x7D: depth -= 1
      default: break
      }
    }
    return deepest
  }

  private static func words(_ error: DecodingError) -> String {
    func place(_ context: DecodingError.Context) -> String {
      let path = context.codingPath.map { key in
        key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue)"
      }.joined()
      return path.isEmpty ? "the document" : "“\(path.prefix(120))”"
    }
    switch error {
    case .keyNotFound(let key, let context):
      return "\(place(context)) has no “\(key.stringValue)”"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      return "\(place(context)) is of another kind than it should be"
    case .dataCorrupted(let context):
      return context.codingPath.isEmpty ? "it is no JSON" : "\(place(context)) cannot be read"
    @unknown default: return "it cannot be read"
    }
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
