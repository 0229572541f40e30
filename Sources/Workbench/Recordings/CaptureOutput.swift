public import Captures
internal import Reports
internal import Synchronization
public import SystemPackage
public import USB

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// A capture that becomes a file when the work ends: whole, or not at all.
///
/// Writing it never disturbs what is captured. What is more than a capture can hold is left out, and
/// ``failure`` tells.
public final class CaptureOutput: Sendable {
  private struct State {
    var writer: CaptureWriter
    var bytes: [UInt8]
    var failure: FileError?
    var isOver = false
  }

  /// The file.
  public let path: FilePath
  private let output: OutputFile
  private let state: Mutex<State>

  /// Begins a capture.
  ///
  /// - Parameters:
  ///   - output: where it goes; not standard output.
  ///   - program: the program that captures, with its version.
  ///   - start: the first moment, in nanoseconds since 1970; 0 for simulated time.
  public init(_ output: OutputFile, program: String, start: Int64) {
    self.output = output
    path = output.path
    let writer = CaptureWriter(start: start)
    state = Mutex(State(writer: writer, bytes: writer.header(program: program)))
  }

  deinit { end() }

  /// A host whose devices are those of `base`, and which is captured here.
  ///
  /// - Parameters:
  ///   - base: where the devices are.
  ///   - clock: the time in which they live.
  /// - Returns: the host to use from now on.
  public func host(capturing base: any USBHost, clock: AnyClock) -> RecordingHost {
    RecordingHost(base, clock: clock) { [self] event in
      state.withLock { state in add(event, &state) }
    }
  }

  /// Why there is no capture, or not all of it; nil where there is.
  public var failure: FileError? { state.withLock { $0.failure } }

  /// Writes the file.
  public func end() {
    state.withLock { state in
      guard !state.isOver else { return }
      state.isOver = true
      do throws(FileError) {
        try output.write(state.bytes)
      } catch { state.failure = error }
      state.bytes = []
    }
  }

  private func add(_ event: Recording.Event, _ state: inout State) {
    guard !state.isOver, state.failure == nil else { return }
    let bytes = state.writer.packets(of: event)
    guard state.bytes.count + bytes.count <= CaptureFile.sizeLimit else {
      state.failure = FileError(
        .writeFailed,
        "The capture \(path) ends early: more than \(sizeText(UInt64(CaptureFile.sizeLimit))) have "
          + "gone over the wire.")
      return
    }
    state.bytes += bytes
  }

  /// Now, in nanoseconds since 1970.
  static var now: Int64 {
    var time = timespec()
    guard clock_gettime(CLOCK_REALTIME, &time) == 0 else { return 0 }
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
