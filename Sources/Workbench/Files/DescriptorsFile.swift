internal import Reports
public import USB

/// Descriptors that somebody has saved: the document of `dfu usb describe --json`.
public enum DescriptorsFile {
  /// The document is nested five deep.
  static let deepest = 16

  /// Whether a file begins as JSON does, and as nothing else that holds descriptors.
  public static func isWritten(in content: [UInt8]) -> Bool {
    content.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } == UInt8(ascii: "{")
      && content.contains(UInt8(ascii: "\""))
  }

  /// Reads the bytes, strings and facts of a document; what it says of them is told anew.
  ///
  /// - Parameters:
  ///   - bytes: the file.
  ///   - name: its name, for errors.
  /// - Returns: what the device says of itself.
  /// - Throws: where it is no such document.
  public static func parse(
    _ bytes: [UInt8], name: String
  ) throws(DescriptorsFileError) -> DescriptorSet {
    let saved: SavedDescriptors
    do {
      saved = try SavedDocument.decode(from: bytes, deepest: deepest)
    } catch { throw DescriptorsFileError(file: name, reason: error.reason) }
    guard saved.schema == DescriptorsReport.currentSchema else {
      throw DescriptorsFileError(
        file: name,
        reason:
          "its schema is “\(saved.schema.prefix(40))”, and not “\(DescriptorsReport.currentSchema)”"
      )
    }
    do {
      return try saved.set
    } catch {
      throw DescriptorsFileError(file: name, reason: error.reason)
    }
  }
}

/// A document that holds no descriptors.
public struct DescriptorsFileError: ExplainedError, Hashable {
  /// The file.
  public var file: String
  /// What is wrong with it, as a part of a sentence.
  public var reason: String

  /// An error of a file.
  public init(file: String, reason: String) {
    self.file = file
    self.reason = reason
  }

  /// `descriptors-file`.
  public var slug: String { "descriptors-file" }
  /// What is wrong.
  public var sentence: String { "\(file) is no document of descriptors: \(reason)." }
  /// Where one comes from.
  public var help: String? { "`dfu usb describe --json > FILE` writes one." }
}
