public import Captures
internal import Reports
internal import Synchronization
public import SystemPackage
public import USB

/// A recording on its way into a file: every event is in the file when the next one begins, so that a
/// process that is killed leaves all that had happened.
///
/// Writing it never disturbs what is recorded. If it fails the recording ends there, and ``failure``
/// tells why.
public final class RecordingFile: Sendable {
  private struct State {
    var writer = RecordingWriter()
    var descriptor: FileDescriptor?
    var events = 0
    var bytes = 0
    var failure: FileError?
  }

  /// The file.
  public let path: FilePath
  private let output: OutputFile
  private let state = Mutex(State())

  /// Begins a recording: creates the file, and writes its first lines.
  ///
  /// - Parameters:
  ///   - output: where it goes; not standard output.
  ///   - program: the program that records, with its version.
  ///   - selector: what names the device.
  /// - Throws: ``FileError`` with `.exists` or `.cannotCreate`.
  public init(_ output: OutputFile, program: String, selector: String) throws(FileError) {
    self.output = output
    path = output.path
    let descriptor = try output.openForAppending()
    state.withLock { state in
      state.descriptor = descriptor
      append(state.writer.header(program: program, selector: selector), &state)
    }
  }

  deinit { end() }

  /// A host whose devices are those of `base`, and which is recorded here.
  ///
  /// - Parameters:
  ///   - base: where the devices are.
  ///   - clock: the time in which they live.
  /// - Returns: the host to use from now on.
  public func host(recording base: any USBHost, clock: AnyClock) -> RecordingHost {
    RecordingHost(base, clock: clock) { [self] event in
      state.withLock { state in add(event, &state) }
    }
  }

  /// Why the recording ended before the work; nil where it did not.
  public var failure: FileError? { state.withLock { $0.failure } }

  /// Ends the recording.
  public func end() {
    state.withLock { state in
      append(state.writer.end(), &state)
      try? state.descriptor?.close()
      state.descriptor = nil
    }
  }

  private func add(_ event: Recording.Event, _ state: inout State) {
    guard state.descriptor != nil else { return }
    let bytes = Recording.dataLength(of: event.kind)
    state.events += 1
    state.bytes += bytes
    if let excess = excess(bytes, state) {
      return fail(FileError(.writeFailed, "The recording \(path) ends early: \(excess)."), &state)
    }
    append(state.writer.text(of: event), &state)
  }

  /// What is more than a recording can hold; a clause.
  private func excess(_ bytes: Int, _ state: State) -> String? {
    if state.events > Recording.maximumEventCount {
      return "more than \(Recording.maximumEventCount) things have happened"
    }
    if state.bytes > Recording.maximumTotalLength {
      return "more than \(sizeText(UInt64(Recording.maximumTotalLength))) have gone over the wire"
    }
    guard bytes > Recording.maximumDataLength else { return nil }
    return "a transfer has \(sizeText(UInt64(bytes)))"
  }

  private func append(_ text: [UInt8], _ state: inout State) {
    guard let descriptor = state.descriptor, !text.isEmpty else { return }
    do {
      try descriptor.writeAll(text)
    } catch {
      let reason = describe(error as? Errno)
      fail(
        FileError(
          .writeFailed, "The recording \(path) ends early: it cannot be written (\(reason)).",
          help: error as? Errno == .noSpace ? "Free some space, or choose another place." : nil),
        &state)
    }
  }

  private func fail(_ error: FileError, _ state: inout State) {
    state.failure = error
    try? state.descriptor?.close()
    state.descriptor = nil
  }
}
