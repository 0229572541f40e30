public import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// A file that appears whole or not at all: the bytes go to a temporary file in the same folder, to
/// the disk, and only then to the name. What was there before is lost only to a complete successor.
public struct OutputFile: Hashable, Sendable {
  /// The name it will have; `-` is standard output.
  public let path: FilePath
  /// Whether a file of that name may be replaced.
  public let overwrites: Bool

  /// Says where the output will go, and refuses early what cannot work, before any device is asked.
  ///
  /// - Parameters:
  ///   - path: the name; `-` is standard output.
  ///   - overwrites: whether a file of that name may be replaced.
  /// - Throws: ``FileError`` with `.exists` or `.cannotCreate`.
  public init(_ path: FilePath, overwrites: Bool) throws(FileError) {
    self.path = path
    self.overwrites = overwrites
    guard path != "-" else { return }
    let existing: Stat?
    do {
      existing = try Stat(path)
    } catch {
      existing = nil
      if error == .fileNameTooLong { throw cannotCreate(error) }
    }
    if let existing {
      if existing.type == .directory {
        throw FileError(
          .cannotCreate, "\(path) is a directory; the output needs the name of a file.",
          help: "Name a file inside it.")
      }
      if existing.type == .regular, !overwrites { throw existsError }
      // A device or a pipe is written to; a file is replaced by one that is made in its folder.
      guard existing.type == .regular else { return }
    }
    let target = existing == nil ? path : path.resolved
    let folder = target.removingLastComponent()
    if !folder.isEmpty, (try? Stat(folder))?.type != .directory {
      throw FileError(
        .cannotCreate, "There is no directory \(folder) to put \(path.lastComponentText) in.",
        help: "Create it, or choose another place.")
    }
    let place = folder.isEmpty ? FilePath(".") : folder
    guard place.withPlatformString({ access($0, W_OK | X_OK) }) == 0 else {
      throw cannotCreate(Errno(rawValue: errno))
    }
  }

  /// Writes the file.
  ///
  /// - Parameter bytes: the whole content.
  /// - Throws: ``FileError`` with `.exists`, `.cannotCreate` or `.writeFailed`; then nothing has
  ///   changed.
  public func write(_ bytes: [UInt8]) throws(FileError) {
    if path == "-" { return try write(bytes, to: .standardOutput) }
    // A symbolic link stays one: what it points to is replaced.
    let existing = try? Stat(path)
    let target = existing == nil ? path : path.resolved
    if let existing, existing.type != .regular {
      // A device or a pipe cannot be replaced by a file; the bytes go into it.
      let descriptor: FileDescriptor
      do {
        descriptor = try FileDescriptor.open(path, .writeOnly, options: [.closeOnExec])
      } catch {
        throw cannotCreate(error as? Errno)
      }
      defer { try? descriptor.close() }
      return try write(bytes, to: descriptor)
    }
    try replace(target, with: bytes, permissions: existing?.permissions)
  }

  /// Opens the file to be written bit by bit: it is there from now on, with what has been written.
  ///
  /// - Returns: the open file, empty.
  /// - Throws: ``FileError`` with `.exists` or `.cannotCreate`.
  func openForAppending() throws(FileError) -> FileDescriptor {
    let isRegular = (try? Stat(path)).map { $0.type == .regular } ?? true
    let options: FileDescriptor.OpenOptions =
      isRegular ? [.create, overwrites ? .truncate : .exclusiveCreate, .closeOnExec] : .closeOnExec
    do {
      return try FileDescriptor.open(
        path, .writeOnly, options: options,
        permissions: [.ownerReadWrite, .groupReadWrite, .otherReadWrite])
    } catch {
      throw error as? Errno == .fileExists ? existsError : cannotCreate(error as? Errno)
    }
  }

  /// Creates a directory, where there is none yet. The one above it must exist.
  ///
  /// - Parameter path: the directory.
  /// - Throws: ``FileError`` with `.cannotCreate`.
  public static func createDirectory(_ path: FilePath) throws(FileError) {
    if (try? Stat(path))?.type == .directory { return }
    guard path.withPlatformString({ mkdir($0, 0o777) }) == 0 else {
      throw FileError(
        .cannotCreate,
        "The directory \(path) cannot be created: \(describe(Errno(rawValue: errno))).",
        help: "Create it by hand, or choose another place.")
    }
  }

  private func replace(
    _ target: FilePath, with bytes: [UInt8], permissions: FilePermissions?
  ) throws(FileError) {
    let (descriptor, temporary) = try createTemporary(
      beside: target,
      permissions: permissions ?? [.ownerReadWrite, .groupReadWrite, .otherReadWrite])
    var isInPlace = false
    defer {
      try? descriptor.close()
      if !isInPlace { _ = temporary.withPlatformString { unlink($0) } }
    }
    // open() subtracts the umask; a file that is replaced keeps exactly what it had.
    if let permissions { _ = fchmod(descriptor.rawValue, permissions.rawValue) }
    try write(bytes, to: descriptor)
    guard fsync(descriptor.rawValue) == 0 else { throw writeFailed(Errno(rawValue: errno)) }

    let result = temporary.withPlatformString { from in
      target.withPlatformString { to in
        // link() fails where the name has come into being meanwhile; rename() would replace it.
        overwrites ? rename(from, to) : link(from, to)
      }
    }
    if result == 0 {
      isInPlace = overwrites
      return
    }
    let failure = Errno(rawValue: errno)
    if failure == .fileExists { throw existsError }
    guard !overwrites, (try? Stat(target)) == nil else { throw cannotCreate(failure) }
    // Some file systems have no hard links.
    let renamed = temporary.withPlatformString { from in
      target.withPlatformString { rename(from, $0) }
    }
    guard renamed == 0 else { throw cannotCreate(Errno(rawValue: errno)) }
    isInPlace = true
  }

  private func createTemporary(
    beside target: FilePath, permissions: FilePermissions
  ) throws(FileError) -> (FileDescriptor, FilePath) {
    var last: Errno?
    for _ in 0..<16 {
      let unique = String(UInt64.random(in: .min ... .max), radix: 36)
      // Kept short, for a name may already have the 255 bytes that file systems allow.
      let temporary = target.removingLastComponent().appending(".dfu-\(unique).part")
      do {
        let descriptor = try FileDescriptor.open(
          temporary, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
          permissions: permissions)
        return (descriptor, temporary)
      } catch {
        last = error as? Errno
        if last != .fileExists { break }
      }
    }
    throw cannotCreate(last)
  }

  private func write(_ bytes: [UInt8], to descriptor: FileDescriptor) throws(FileError) {
    do {
      try descriptor.writeAll(bytes)
    } catch {
      // The reader of standard output may have seen enough.
      if path == "-", (error as? Errno) == .brokenPipe { return }
      throw writeFailed(error as? Errno)
    }
  }

  var existsError: FileError {
    FileError(
      .exists, "\(path) exists already, and is left as it is.",
      help: "Choose another name, or add --overwrite to replace it.")
  }

  func cannotCreate(_ errno: Errno?) -> FileError {
    FileError(
      .cannotCreate, "\(path) cannot be created: \(describe(errno)).",
      help: "Check the permissions of its directory, or choose another place.")
  }

  func writeFailed(_ errno: Errno?) -> FileError {
    FileError(
      .writeFailed,
      "Writing \(path == "-" ? "standard output" : path.string) failed: \(describe(errno)). Nothing has been changed.",
      help: errno == .noSpace ? "Free some space, or choose another place." : nil)
  }
}

extension FilePath {
  fileprivate var lastComponentText: String { lastComponent?.string ?? string }

  // The path with its symbolic links followed; itself where that is not possible.
  var resolved: FilePath {
    withPlatformString { path in
      guard let real = realpath(path, nil) else { return self }
      defer { free(real) }
      return FilePath(platformString: real)
    }
  }
}
