internal import Reports
public import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// A file that is read whole, and never more of it than firmware can be.
public enum InputFile {
  /// The largest file that is read. The largest memories behind DFU have 64 MiB, and as hexadecimal
  /// text those take 180 MiB.
  public static let sizeLimit = 256 << 20

  /// Reads a file; `-` is standard input.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - limit: how many bytes are accepted.
  /// - Returns: the bytes, at least one.
  /// - Throws: ``FileError`` with `.notFound`, `.isDirectory`, `.notReadable`, `.empty`,
  ///   `.tooLarge`, `.readFailed`, or `.interrupted` where the task is cancelled while a pipe or a
  ///   terminal has nothing to read.
  public static func read(_ path: FilePath, limit: Int = sizeLimit) throws(FileError) -> [UInt8] {
    let name = path == "-" ? "standard input" : path.string
    if path == "-" { return try read(.standardInput, name: name, limit: limit) }
    let descriptor: FileDescriptor
    do {
      descriptor = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
    } catch {
      throw openError(error as? Errno, name: name)
    }
    defer { try? descriptor.close() }
    return try read(descriptor, name: name, limit: limit)
  }

  private static func openError(_ errno: Errno?, name: String) -> FileError {
    switch errno {
    case .noSuchFileOrDirectory?, .notDirectory?:
      FileError(
        .notFound, "There is no file \(name).", help: "Check the spelling and the folder.")
    case .isDirectory?: directoryError(name)
    case .permissionDenied?, .notPermitted?:
      FileError(
        .notReadable, "\(name) may not be read by this user.",
        help: "Change its permissions, or copy it with the rights of its owner.")
    default:
      FileError(.notReadable, "\(name) cannot be opened: \(describe(errno)).")
    }
  }

  private static func directoryError(_ name: String) -> FileError {
    FileError(
      .isDirectory, "\(name) is a directory, not a firmware file.",
      help: "Name a file inside it.")
  }

  private static func read(
    _ descriptor: FileDescriptor, name: String, limit: Int
  ) throws(FileError) -> [UInt8] {
    // The size is asked first, so that a huge file is refused before a byte of it is read.
    let status = try? Stat(descriptor)
    if status?.type == .directory { throw directoryError(name) }
    let size = status?.type == .regular ? Int(status?.size ?? 0) : 0
    if size > limit { throw tooLarge(name, size: size, limit: limit) }

    let bytes: [UInt8]
    do {
      bytes = try readAll(
        descriptor, expected: size, limit: limit, mayWait: status?.type != .regular)
    } catch {
      if error == .canceled { throw FileError(.interrupted, "Interrupted while reading \(name).") }
      if error == .isDirectory { throw directoryError(name) }
      throw FileError(.readFailed, "Reading \(name) failed: \(describe(error)).")
    }
    if bytes.count > limit { throw tooLarge(name, size: nil, limit: limit) }
    if bytes.isEmpty {
      throw FileError(
        .empty, "\(name) is empty.",
        help: "Make or download it again; an interrupted download leaves such files.")
    }
    return bytes
  }

  private static func tooLarge(_ name: String, size: Int?, limit: Int) -> FileError {
    let has =
      size.map { "has \(sizeText(UInt64($0)))" } ?? "has more than \(sizeText(UInt64(limit)))"
    return FileError(
      .tooLarge, "\(name) \(has); files of at most \(sizeText(UInt64(limit))) are read.",
      help: "This is no firmware file; check that it is the one you mean.")
  }

  // Reads to the end, but at most one byte more than `limit`.
  private static func readAll(
    _ descriptor: FileDescriptor, expected: Int, limit: Int, mayWait: Bool
  ) throws(Errno) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(expected + 1)
    let chunk = 1 << 20
    while bytes.count <= limit {
      let room = min(max(chunk, expected + 1 - bytes.count), limit + 1 - bytes.count)
      let part: [UInt8]
      if mayWait, !waitForInput(descriptor) { throw .canceled }
      do {
        part = try [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
          count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
      } catch {
        let errno = error as? Errno ?? .ioError
        // Somebody else was faster.
        if mayWait, errno == .wouldBlock || errno == .interrupted { continue }
        throw errno
      }
      if part.isEmpty { break }
      if bytes.isEmpty { bytes = part } else { bytes += part }
    }
    return bytes
  }
}

/// Waits until there is something to read, or the end of it.
///
/// - Parameter descriptor: a pipe or a terminal.
/// - Returns: false where the task was cancelled meanwhile.
public func waitForInput(_ descriptor: FileDescriptor) -> Bool {
  while !Task.isCancelled {
    var request = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
    // A tenth of a second is how long Ctrl-C may take. What poll cannot wait for is read at once.
    if poll(&request, 1, 100) != 0 { return true }
  }
  return false
}

func describe(_ errno: Errno?) -> String {
  guard let errno else { return "unknown reason" }
  let text = errno.description
  return text.prefix(1).lowercased() + text.dropFirst()
}
