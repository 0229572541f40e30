public import Captures
public import DFU
internal import DFUHost
public import USB

/// A device that was found, with what is needed to talk to it.
public struct FoundDevice: Sendable {
  /// What a person types to name it, and nothing else.
  public var selector: String
  /// The selector by which it was found; it may have named others too. Empty where none was given.
  public var typed: String
  /// What is known of it without opening it.
  public var info: DeviceInfo
  /// Where it is.
  public var host: any USBHost
  /// The time in which it lives.
  public var clock: AnyClock
  /// The emulated board, where it is one: to be kept after use.
  public var board: VirtualBoard?
  /// The device as it was at run time, where it was detached to be used.
  public var cameFrom: DeviceInfo?
  /// The recording that is played back, where the device is one of a recording.
  public var replay: Replayed?
  /// Where everything is recorded, if it is.
  public var recording: RecordingFile?
  /// Where everything that goes over the wire is captured, if it is.
  public var capture: CaptureOutput?

  /// A device that was found.
  public init(
    selector: String, typed: String? = nil, info: DeviceInfo, host: any USBHost, clock: AnyClock,
    board: VirtualBoard? = nil, replay: Replayed? = nil, recording: RecordingFile? = nil,
    capture: CaptureOutput? = nil
  ) {
    self.selector = selector
    self.typed = typed ?? selector
    self.info = info
    self.host = host
    self.clock = clock
    self.board = board
    self.replay = replay
    self.recording = recording
    self.capture = capture
  }

  /// A recording that is played back.
  public struct Replayed: Sendable {
    /// The host of the recording: what differs, what is not used.
    public var host: ReplayHost
    /// The line in which the recording was cut off; nil where it was not.
    public var cutLine: Int?
  }
}

extension FoundDevice {
  /// Whether its application or its bootloader runs, as far as its descriptors tell; nil where it has no
  /// DFU interface.
  public var mode: DFUMode? { info.dfuMode }
}

/// Where everything that passes to and from a device is to be recorded, or captured, or both.
public struct RecordingRequest: Hashable, Sendable {
  /// The file of the recording; nil where none is wanted.
  public var output: OutputFile?
  /// The file of the capture; nil where none is wanted.
  public var capture: OutputFile?
  /// The program that records, with its version.
  public var program: String

  /// A request.
  public init(_ output: OutputFile?, capture: OutputFile? = nil, program: String) {
    self.output = output
    self.capture = capture
    self.program = program
  }
}
