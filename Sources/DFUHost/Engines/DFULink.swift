internal import DFU
internal import USB

/// What an engine has to know of the way to the device and of the device's habits.
public struct DFULink: Hashable, Sendable {
  /// `bInterfaceNumber`: the `wIndex` of every request.
  public var interface: UInt8
  /// The bytes of a full block, 1 to 4096 (rule 9).
  public var transferSize: Int
  /// How many requests may be outstanding. 1 suits a local bus; more pay off over a distance.
  public var window: Int
  /// `bwPollTimeout` of this device means nothing: a short constant is used instead.
  public var ignoresPollTimeout: Bool
  /// DFU_GETSTATUS between uploads breaks this device (Openmoko).
  public var noStatusWhileUploading: Bool
  /// It is gone as soon as it has acknowledged the empty download: no DFU_GETSTATUS (GD32VF103).
  public var leavesWithoutStatus: Bool
  /// Addresses from which on an erase that never ends is cured by two DFU_CLRSTATUS (STM32H7 ROM).
  public var stuckEraseFrom: UInt64?
  /// How long an ordinary control transfer may take.
  public var timeout: Duration
  /// How long a DFU_GETSTATUS may be held while the device works (rule 8).
  public var busyTimeout: Duration

  /// The most that one announced `bwPollTimeout` is believed: the field reaches 4 h 39 min.
  public static let maximumWait = Duration.seconds(60)
  /// The wait for devices whose `bwPollTimeout` means nothing.
  public static let substitutePollTimeout = Duration.milliseconds(5)

  /// A link with the values that suit nearly every device.
  public init(
    interface: UInt8, transferSize: Int, window: Int = 1, ignoresPollTimeout: Bool = false,
    noStatusWhileUploading: Bool = false, leavesWithoutStatus: Bool = false,
    stuckEraseFrom: UInt64? = nil,
    timeout: Duration = .seconds(5), busyTimeout: Duration = .seconds(35)
  ) {
    self.interface = interface
    self.transferSize = min(max(transferSize, 1), 4096)
    self.window = max(window, 1)
    self.ignoresPollTimeout = ignoresPollTimeout
    self.noStatusWhileUploading = noStatusWhileUploading
    self.leavesWithoutStatus = leavesWithoutStatus
    self.stuckEraseFrom = stuckEraseFrom
    self.timeout = timeout
    self.busyTimeout = busyTimeout
  }

  /// The announced pause, as far as it is believed.
  func pause(_ answer: GetStatusResponse) -> Duration {
    if ignoresPollTimeout { return DFULink.substitutePollTimeout }
    return min(.milliseconds(Int64(answer.pollTimeout)), DFULink.maximumWait)
  }

  func getStatus(_ token: Token, busy: Bool = false) -> DFUAction {
    .controlIn(
      token, DFURequest.getStatus(interface: interface), timeout: busy ? busyTimeout : timeout)
  }

  func download(_ token: Token, block: UInt16, _ data: [UInt8]) -> DFUAction {
    .controlOut(
      token,
      DFURequest.download.setup(
        value: block, interface: interface, length: UInt16(truncatingIfNeeded: data.count)),
      data, timeout: timeout)
  }

  func upload(_ token: Token, block: UInt16, length: Int) -> DFUAction {
    .controlIn(
      token,
      DFURequest.upload.setup(
        value: block, interface: interface, length: UInt16(truncatingIfNeeded: length)),
      timeout: busyTimeout)
  }

  func bare(_ request: DFURequest, _ token: Token) -> DFUAction {
    .controlOut(token, request.setup(interface: interface), [], timeout: timeout)
  }
}

/// How long a device may be busy with one thing, the time inside single transfers not counted.
struct Patience: Hashable, Sendable {
  /// The sum of all pauses; what the device announces first is granted on top.
  var total: Duration
  /// How many busy answers are taken, whatever the pauses.
  var answers = 10_000
  /// How many stalls in a row are taken for “still busy”, each after twice the pause before it.
  var stalls = 3

  /// Set Address Pointer and blocks of data; SPI flash behind DFU may take 2.5 s for one.
  static let block = Patience(total: .seconds(35))
  /// One sector.
  static let erase = Patience(total: .seconds(60))
  /// The whole memory: 32 s on an STM32F4, minutes on a large serial flash.
  ///
  /// An STM32L4 announces 10 ms whatever it does and stalls until it is done, so that three pauses of
  /// that are too few; ten that double make ten seconds.
  static let massErase = Patience(total: .seconds(300), stalls: 10)
  /// Taking read-out protection away: a mass erase, at whose end the device is gone. A stall is taken
  /// for that end only after a while, for an STM32L4 stalls while it is still at work.
  static let unprotect = Patience(total: .seconds(300), stalls: 7)
  /// Manifestation.
  static let manifest = Patience(total: .seconds(120))
}
