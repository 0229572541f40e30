public import DFU
public import USB

/// Why something with a DFU device failed: always with the phase, and with what the device said.
public struct DFUError: ExplainedError, Hashable {
  /// The kinds of error; the raw value is the slug.
  public enum Code: String, Hashable, Sendable, CaseIterable {
    /// Somebody asked for it to end. The device is in ``DFUError/state``.
    case cancelled
    /// The device is gone.
    case lost = "device-lost"
    /// The device did not answer in time.
    case timeout = "device-timeout"
    /// The device refused a request without saying why.
    case stalled
    /// The device answered with an error status.
    case refused = "device-refused"
    /// Read-out protection is on.
    case readProtected = "read-protected"
    /// Memory reads back as it was: the sector is write-protected.
    case writeProtected = "write-protected"
    /// Memory reads back as something else than was written.
    case differs = "contents-differ"
    /// Memory that should be erased is not.
    case notBlank = "not-blank"
    /// The device is busy without end.
    case stillBusy = "still-busy"
    /// The device is in a state that the protocol does not allow here.
    case unexpectedState = "unexpected-state"
    /// An answer has the wrong form.
    case malformedAnswer = "malformed-answer"
    /// An upload brought fewer bytes than there are.
    case shortRead = "short-read"
    /// An upload does not end.
    case endlessUpload = "endless-upload"
    /// A transfer broke.
    case transferFailed = "transfer-failed"
    /// The device runs its application.
    case runtimeMode = "run-time-mode"
    /// The device must not, or need not, be told to detach.
    case cannotDetach = "cannot-detach"
    /// The device was told to detach and is not in DFU mode.
    case didNotDetach = "did-not-detach"
    /// A device has gone away and has not come back in time.
    case notReturned = "not-returned"
    /// The device has manifested and waits for a USB reset.
    case waitsForReset = "waits-for-reset"
    /// The device has no DFU interface.
    case notDFU = "not-dfu"
    /// There is no such device.
    case deviceNotFound = "device-not-found"
    /// Another program has the device.
    case deviceBusy = "device-busy"
    /// The system refuses access to the device.
    case permission
    /// The host of the device cannot be reached.
    case hostUnreachable = "host-unreachable"
    /// Something else already runs on this device.
    case inUse = "in-use"
    /// The device, or its alternate setting, cannot do this.
    case unsupported
    /// The device has no alternate setting with that number.
    case noSuchTarget = "no-such-target"
    /// An address that the wire cannot carry, or memory that is not there.
    case badAddress = "bad-address"
    /// A fault of this program.
    case internalFault = "internal-fault"
  }

  /// The kind of error.
  public var code: Code
  /// What was being done.
  public var phase: DFUPhase
  /// The number of the block, where one was on its way.
  public var block: UInt16?
  /// The address that it was about.
  public var address: UInt64?
  /// `bStatus`, where the device said one.
  public var status: DFUStatus?
  /// `bState`: where the device was last seen.
  public var state: DFUState?
  /// `iString` of the answer: a text of the device, 0 for none.
  public var stringIndex: UInt8
  /// The text of the device, where it has one.
  public var deviceText: String?
  /// The transfer that failed.
  public var transfer: TransferError?
  /// What is certain about the device's memory, where it was being changed.
  public var condition: MemoryCondition?
  /// A sentence instead of the one that follows from the rest.
  public var ownSentence: String?
  /// Advice instead of the one that follows from the rest.
  public var ownHelp: String?

  /// An error; only what is known need be given.
  public init(
    _ code: Code, during phase: DFUPhase, block: UInt16? = nil, address: UInt64? = nil,
    status: DFUStatus? = nil, state: DFUState? = nil, stringIndex: UInt8 = 0,
    transfer: TransferError? = nil, sentence: String? = nil, help: String? = nil
  ) {
    self.code = code
    self.phase = phase
    self.block = block
    self.address = address
    self.status = status
    self.state = state
    self.stringIndex = stringIndex
    self.transfer = transfer
    self.ownSentence = sentence
    self.ownHelp = help
  }

  /// The error of a transfer that failed, sorted by what it means.
  public init(
    _ error: TransferError, during phase: DFUPhase, block: UInt16? = nil, address: UInt64? = nil,
    state: DFUState? = nil
  ) {
    let code: Code =
      switch error.code {
      case .stall: .stalled
      case .timeout: .timeout
      case .disconnected, .closed: .lost
      case .cancelled: .cancelled
      case .busy: .deviceBusy
      case .permission: .permission
      case .unsupported: .unsupported
      case .protocolError, .overflow, .other: .transferFailed
      }
    self.init(
      code, during: phase, block: block, address: address, state: state, transfer: error)
  }

  /// The error of a host that would not open the device.
  public init(_ error: HostError) {
    let code: Code =
      switch error.code {
      case .notFound: .deviceNotFound
      case .permission: .permission
      case .busy: .deviceBusy
      case .unreachable: .hostUnreachable
      case .other: .transferFailed
      }
    self.init(code, during: .describe, sentence: error.sentence, help: error.help)
  }

  /// The raw value of the code.
  public var slug: String { code.rawValue }
}

extension DFUError {
  private var place: String {
    var words = "While \(phase.words)"
    if let address { words += " at \(addressText(address))" }
    if let block, block >= 2 || phase == .download { words += " (block \(block))" }
    return words
  }

  private var said: String {
    var words = ""
    if let status { words += " with status \(status)" }
    if let state { words += status == nil ? " in state \(state)" : " in state \(state)" }
    if let deviceText { words += " (“\(deviceText)”)" }
    return words
  }

  /// What happened, where, and what the device said; then what is certain about its memory.
  public var sentence: String {
    var text = ownSentence ?? defaultSentence
    if let state, !text.contains(state.description) { text += " It was last in \(state)." }
    // Whoever interrupts wants to know, even that there is nothing to know.
    guard let condition, !condition.isUntouched || code == .cancelled else { return text }
    return "\(text) \(condition.sentence)"
  }

  /// What the transport says of it, in parentheses: who holds the device, for example.
  private var detail: String { transfer?.detail.map { " (\($0))" } ?? "" }

  private var defaultSentence: String {
    switch code {
    case .cancelled:
      return "\(place) it was stopped"
        + (state.map { "; the device is in \($0), still in its bootloader." } ?? ".")
    case .lost: return "\(place) the device was lost\(detail)."
    case .timeout: return "\(place) the device did not answer in time."
    case .stalled: return "\(place) the device refused the request (stall)\(said)."
    case .refused: return "\(place) the device answered\(said): \(meaning)."
    case .readProtected:
      return "\(place) the device refused\(said): its read-out protection is on."
    case .writeProtected:
      return "\(place) the memory stayed as it was although the device reported success: "
        + "the sector is write-protected."
    case .differs: return "\(place) the memory holds something else than was written."
    case .notBlank: return "\(place) the memory is not blank."
    case .stillBusy: return "\(place) the device stayed busy without end\(said)."
    case .unexpectedState:
      return "\(place) the device was\(said), which the protocol does not allow there."
    case .malformedAnswer: return "\(place) the device's answer had the wrong form."
    case .shortRead: return "\(place) the device gave fewer bytes than it has."
    case .endlessUpload: return "\(place) the device did not end its upload."
    case .transferFailed:
      return "\(place) a transfer failed: \(transfer?.sentence ?? "no reason is known.")"
    case .runtimeMode:
      return "The device runs its application\(state.map { " (\($0))" } ?? ""), not its bootloader."
    case .cannotDetach: return "The device cannot be told to detach."
    case .didNotDetach: return "The device was told to detach, and is not in DFU mode."
    case .notReturned: return "The device has gone away and has not come back in time."
    case .waitsForReset: return "The device has taken a file over and waits for a USB reset."
    case .notDFU: return "The device has no DFU interface."
    case .deviceNotFound: return "The device is not there any more."
    case .deviceBusy: return "Another program or driver has the device\(detail)."
    case .permission: return "The system does not let this program use the device\(detail)."
    case .hostUnreachable: return "The host of the device cannot be reached."
    case .inUse: return "Something else is already running on this device."
    case .unsupported: return "\(place): the device cannot do this\(detail)."
    case .noSuchTarget: return "The device has no such alternate setting."
    case .badAddress: return "\(place): there is no such memory."
    case .internalFault: return "\(place) this program made a mistake."
    }
  }

  /// What the status byte means, as a clause.
  private var meaning: String {
    switch status {
    case .errTarget?: "it has no such memory, or forbids it"
    case .errFile?: "the file is not what it expects"
    case .errWrite?, .errProg?: "the memory could not be written"
    case .errErase?: "the memory could not be erased"
    case .errCheckErased?: "the memory is not blank after the erase"
    case .errVerify?: "what was written does not read back"
    case .errAddress?: "the address is out of its range"
    case .errNotDone?: "it expects more bytes than the file has"
    case .errFirmware?: "its application is damaged"
    case .errVendor?: "its maker knows why"
    case .errStalledPkt?: "it does not know this request, or not in this state"
    case .errUsbReset?: "it saw an unexpected USB reset"
    case .errPowerOnReset?: "it saw an unexpected power-on reset"
    default: "it does not say why"
    }
  }

  /// What to do: the command that repairs it, where there is one.
  public var help: String? {
    if let ownHelp { return ownHelp }
    if let condition, condition.isIncomplete {
      let rest = condition.lost.isEmpty ? "" : " It cannot bring back what is lost."
      switch code {
      case .lost, .timeout, .transferFailed, .stillBusy:
        return "Put the board in bootloader mode again and repeat the same `dfu flash`: it reads "
          + "what is there and does what is missing." + rest
      case .cancelled:
        return "Repeat the same `dfu flash`: it reads what is there and does what is missing."
          + rest
      case .writeProtected:
        return "Clear the write protection with `dfu options`, then repeat the same `dfu flash`."
      case .differs:
        return "Repeat the same `dfu flash`; if it fails at the same address, check the map of the "
          + "device with `dfu list`."
      default: return "Repeat the same `dfu flash` when the cause is gone."
      }
    }
    return plainHelp
  }

  private var plainHelp: String? {
    switch code {
    case .readProtected:
      return "`dfu unprotect` takes the protection away. It erases everything on the part."
    case .writeProtected: return "Clear the write protection with `dfu options` first."
    case .lost, .timeout, .stillBusy:
      return "Check the cable, put the board in bootloader mode again, and repeat."
    case .transferFailed: return transfer?.help
    case .runtimeMode:
      return
        "`dfu detach` brings it into DFU mode, and `--detach` does so first; or use its button or a "
        + "jumper."
    case .cannotDetach, .didNotDetach:
      return "Start its bootloader with its button or a jumper."
    case .notReturned: return "Unplug the device and plug it in again, then look with `dfu list`."
    case .waitsForReset: return "Unplug the device and plug it in again."
    case .deviceBusy: return "Close the other program, or try again."
    case .inUse: return "Wait until it has ended."
    case .notDFU, .deviceNotFound, .noSuchTarget: return "`dfu list` shows what is there."
    case .refused where status == .errTarget || status == .errAddress:
      return "`dfu list` shows the memory of the device."
    case .internalFault: return "Please report it."
    default: return nil
    }
  }
}
