internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// A file that is replaced again and again while a process runs, which may be killed at any moment.
///
/// What is under its name is always one whole state: a new one is written beside it, goes to the disk,
/// and takes the name. The name beside it follows from that of the file, so that killed processes leave
/// one such file at most, and the next one that writes takes it away. It is locked while it is there:
/// processes replace the state one after the other, and each looks first whether the state is still
/// the one that it knows.
struct StateFile: Hashable, Sendable {
  private let output: OutputFile
  /// Its name.
  var path: FilePath { output.path }

  /// Says where the state is kept, and refuses early what cannot work.
  ///
  /// - Throws: ``FileError`` with `.cannotCreate`.
  init(_ path: FilePath) throws(FileError) {
    output = try OutputFile(path, overwrites: true)
  }

  /// What is there; nil where there is no file.
  ///
  /// - Throws: ``FileError``; `.empty` where it has no bytes.
  func read() throws(FileError) -> [UInt8]? {
    guard (try? Stat(path)) != nil else { return nil }
    return try InputFile.read(path)
  }

  /// Replaces the state.
  ///
  /// - Parameters:
  ///   - known: what was there last; nil where there was no file.
  ///   - bytes: the new state.
  /// - Returns: false where something else is there by now; then it is left as it is.
  /// - Throws: ``FileError``; what is there is whole.
  func replace(_ known: [UInt8]?, with bytes: [UInt8]) throws(FileError) -> Bool {
    let existing = try? Stat(path)
    let target = existing == nil ? path : path.resolved
    let temporary = StateFile.temporary(beside: target)
    let descriptor = try lockedFile(temporary)
    var isInPlace = false
    defer {
      if !isInPlace { _ = temporary.withPlatformString { unlink($0) } }
      try? descriptor.close()
    }
    guard try read() == known else { return false }
    if let existing { _ = fchmod(descriptor.rawValue, existing.permissions.rawValue) }
    do {
      try descriptor.writeAll(bytes)
    } catch {
      throw output.writeFailed(error as? Errno)
    }
    guard fsync(descriptor.rawValue) == 0 else { throw output.writeFailed(Errno(rawValue: errno)) }
    let result = temporary.withPlatformString { from in
      target.withPlatformString { rename(from, $0) }
    }
    guard result == 0 else { throw output.cannotCreate(Errno(rawValue: errno)) }
    isInPlace = true
    return true
  }

  /// The name beside a file: short, for the file's own may have all the 255 bytes that there are.
  static func temporary(beside target: FilePath) -> FilePath {
    // FNV-1a. Two files that share a name only wait for each other.
    let name = target.lastComponent?.string ?? ""
    let hash = name.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3
    }
    return target.removingLastComponent().appending(".dfu-\(String(hash, radix: 36)).state")
  }

  // MARK: The lock

  /// How often a lock is tried for, 10 ms apart. Who holds it writes a megabyte at most.
  private static let patience = 500

  /// A new file of this name, locked. One that a killed process has left is taken away first.
  private func lockedFile(_ temporary: FilePath) throws(FileError) -> FileDescriptor {
    var last: Errno?
    for _ in 0..<StateFile.patience {
      do {
        let isLeft = try takeAway(temporary)
        if !isLeft, let descriptor = try create(temporary) { return descriptor }
      } catch {
        last = error
        guard error == .resourceTemporarilyUnavailable else { break }
      }
      usleep(10_000)
    }
    throw output.cannotCreate(last)
  }

  /// Creates and locks the file; nil where somebody else was faster.
  private func create(_ temporary: FilePath) throws(Errno) -> FileDescriptor? {
    let descriptor: FileDescriptor
    do {
      descriptor = try FileDescriptor.open(
        temporary, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec],
        permissions: [.ownerReadWrite, .groupReadWrite, .otherReadWrite])
    } catch {
      if error as? Errno == .fileExists { return nil }
      throw error as? Errno ?? .ioError
    }
    do {
      try lock(descriptor)
      if isStill(descriptor, temporary) { return descriptor }
    } catch {
      try? descriptor.close()
      throw error
    }
    try? descriptor.close()
    return nil
  }

  /// Removes a file that nobody holds.
  ///
  /// - Returns: whether there may still be one.
  private func takeAway(_ temporary: FilePath) throws(Errno) -> Bool {
    let descriptor: FileDescriptor
    do {
      descriptor = try FileDescriptor.open(
        temporary, .readWrite, options: [.noFollow, .nonBlocking, .closeOnExec])
    } catch {
      if error as? Errno == .noSuchFileOrDirectory { return false }
      throw error as? Errno ?? .ioError
    }
    defer { try? descriptor.close() }
    try lock(descriptor)
    if isStill(descriptor, temporary) { _ = temporary.withPlatformString { unlink($0) } }
    return true
  }

  /// Takes the lock, or says that it is held. Where a file system has no locks, nobody has one.
  private func lock(_ descriptor: FileDescriptor) throws(Errno) {
    guard flock(descriptor.rawValue, LOCK_EX | LOCK_NB) != 0 else { return }
    let failure = Errno(rawValue: errno)
    if failure == .wouldBlock || failure == .interrupted {
      throw .resourceTemporarilyUnavailable
    }
  }

  /// Whether the name still means the file that was opened.
  private func isStill(_ descriptor: FileDescriptor, _ temporary: FilePath) -> Bool {
    guard let opened = try? Stat(descriptor),
      let named = try? Stat(temporary, followTargetSymlink: false)
    else { return false }
    return opened.inode == named.inode && opened.deviceID == named.deviceID
  }
}
