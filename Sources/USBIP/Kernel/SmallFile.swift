internal import SystemPackage

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// The small files by which the kernel is spoken to.
enum SmallFile {
  /// More than any of them has.
  private static let limit = 1 << 16

  /// What a file says; nil where it cannot be read.
  static func read(_ path: FilePath) -> String? {
    guard let file = try? FileDescriptor.open(path, .readOnly) else { return nil }
    return try? file.closeAfter {
      var bytes: [UInt8] = []
      while bytes.count < limit {
        let more = try [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
          count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
        guard !more.isEmpty else { break }
        bytes += more
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  /// Whether a file may be written.
  static func checkWritable(_ path: FilePath) throws(USBIPError) {
    do {
      try FileDescriptor.open(path, .writeOnly).close()
    } catch {
      throw USBIPError(path, error)
    }
  }

  /// Writes a text in one piece.
  ///
  /// - Returns: false where the kernel says that what it is about is busy, and `busyIsFalse`.
  @discardableResult
  static func write(
    _ text: String, to path: FilePath, creating: Bool = false, busyIsFalse: Bool = false
  ) throws(USBIPError) -> Bool {
    do {
      let file = try FileDescriptor.open(
        path, .writeOnly, options: creating ? [.create, .truncate] : [],
        permissions: creating ? [.ownerReadWrite, .groupRead, .otherRead] : nil)
      try file.closeAfter { _ = try file.writeAll(text.utf8) }
      return true
    } catch Errno.resourceBusy where busyIsFalse {
      return false
    } catch {
      throw USBIPError(path, error)
    }
  }

  static func remove(_ path: FilePath) { _ = path.withPlatformString { unlink($0) } }

  static func makeFolder(_ path: FilePath) { _ = path.withPlatformString { mkdir($0, 0o700) } }
}

extension USBIPError {
  fileprivate init(_ path: FilePath, _ error: any Error) {
    let errno = error as? Errno
    guard errno == .permissionDenied || errno == .notPermitted else {
      self.init(
        .noController,
        "The kernel does not take it: \(path): \(errno.map { "\($0)" } ?? "\(error)").",
        help: "`dmesg` may tell why.")
      return
    }
    self.init(
      .permission, "Only root may give the kernel a device or take one away: \(path) refuses.",
      help: "Run it again with sudo.")
  }
}
