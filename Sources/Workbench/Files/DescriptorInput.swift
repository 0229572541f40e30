internal import Captures
public import SystemPackage
public import USB

/// What a device says of itself, from a file of whatever kind: raw, digits, the text of another program, a capture, or
/// our own document.
public struct DescriptorInput: Sendable {
  /// The descriptors.
  public var set: DescriptorSet
  /// Bus and address of the device of a capture; nil for any other file.
  public var captured: String?

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: the file; `-` is standard input.
  ///   - speed: the speed of the device, where the file does not tell it.
  ///   - address: which device of a capture; nil for the only one.
  /// - Throws: ``FileError``, `CaptureInputError`, `CaptureError`, `DescriptorDumpError` or ``DescriptorsFileError``.
  public init(_ path: FilePath, speed: USBSpeed? = nil, address: String? = nil) throws {
    let content = try InputFile.read(path, limit: CaptureFile.sizeLimit)
    guard CaptureFile.isWritten(in: content) else {
      if DescriptorsFile.isWritten(in: content) {
        set = try DescriptorsFile.parse(content, name: path.string)
        if let speed { set.speed = speed }
      } else {
        set = try DescriptorDump.read(content, speed: speed).set
      }
      return
    }
    let capture: CaptureFile
    do throws(CaptureError) {
      capture = try CaptureFile(parsing: content)
    } catch { throw CaptureInputError(path: path.string, error: error) }
    let (found, device) = try capture.descriptors(of: address)
    set = found
    set.speed = speed
    captured = "\(device)"
  }
}
