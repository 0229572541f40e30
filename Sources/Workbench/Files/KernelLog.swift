internal import SystemPackage
public import USB

/// The kernel's log, from now on: `/dev/kmsg`, or a file to which something like `dmesg -w` writes.
public struct KernelLog: Sendable {
  /// Where Linux has it.
  public static let usual = "/dev/kmsg"

  private let file: FileDescriptor
  private let clock: AnyClock

  /// Opens the log. What is in it already is passed over.
  ///
  /// - Parameters:
  ///   - path: the log.
  ///   - clock: paces the looking for new lines.
  /// - Throws: ``KernelLogError`` where it may not be read, or is not there.
  public init(_ path: String, clock: AnyClock) throws(KernelLogError) {
    do {
      file = try FileDescriptor.open(
        FilePath(path), .readOnly, options: [.nonBlocking, .closeOnExec])
    } catch {
      let isRefused = (error as? Errno) == .permissionDenied || (error as? Errno) == .notPermitted
      throw KernelLogError(path: path, isRefused: isRefused, reason: "\(error)")
    }
    // A pipe cannot be sought, and has nothing old in it.
    _ = try? file.seek(offset: 0, from: .end)
    self.clock = clock
  }

  /// Tells each line about USB, until the task is cancelled.
  public func run(tell: (KernelMessage) -> Void) async {
    defer { try? file.close() }
    var line: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: KernelMessage.longest)
    while !Task.isCancelled {
      let count = buffer.withUnsafeMutableBytes { try? file.read(into: $0) }
      guard let count, count > 0 else {
        // EPIPE says that old lines were overwritten before they were read; the next read goes on.
        try? await clock.sleep(for: .milliseconds(100))
        continue
      }
      for byte in buffer[..<count] {
        if byte == 0x0A {
          if let message = KernelMessage(String(decoding: line, as: UTF8.self)) { tell(message) }
          line = []
        } else if line.count <= KernelMessage.longest {
          line.append(byte)
        }
      }
    }
  }
}

/// A log that cannot be read.
public struct KernelLogError: ExplainedError, Hashable {
  /// Where it was to be.
  public var path: String
  /// Whether it is there, and may not be read.
  public var isRefused: Bool
  /// What the system says.
  public var reason: String

  /// `kernel-log`.
  public var slug: String { "kernel-log" }
  /// What is wrong.
  public var sentence: String { "The kernel's log \(path) cannot be read: \(reason)." }
  /// What helps.
  public var help: String? {
    isRefused
      ? "It takes root, or `sysctl kernel.dmesg_restrict=0` and membership of the group adm; without --kernel the "
        + "events alone are told."
      : "It is Linux that has one; without --kernel the events alone are told."
  }
}
