public import USB

/// The state machine of DFU 1.1, annex A, as a table.
///
/// This is what the specification says, not what a device does: it explains traces, and both host and
/// virtual devices are tested against it.
public enum DFUStateMachine {
  /// What can happen to a device.
  public enum Event: String, Hashable, Sendable, CaseIterable {
    /// DFU_DETACH.
    case detach
    /// DFU_DNLOAD with data.
    case download
    /// DFU_DNLOAD without data.
    case downloadEmpty = "download-empty"
    /// DFU_UPLOAD.
    case upload
    /// DFU_GETSTATUS.
    case getStatus = "get-status"
    /// DFU_CLRSTATUS.
    case clearStatus = "clear-status"
    /// DFU_GETSTATE.
    case getState = "get-state"
    /// DFU_ABORT.
    case abort
    /// A reset on the bus.
    case usbReset = "usb-reset"
    /// The power has been away.
    case powerOnReset = "power-on-reset"
    /// The announced poll time-out is over.
    case pollTimeout = "poll-timeout"
    /// The time after DFU_DETACH is over.
    case detachTimeout = "detach-timeout"

    /// The event of a request; `length` is `wLength`.
    public init(_ request: DFURequest, length: UInt16) {
      switch request {
      case .detach: self = .detach
      case .download: self = length > 0 ? .download : .downloadEmpty
      case .upload: self = .upload
      case .getStatus: self = .getStatus
      case .clearStatus: self = .clearStatus
      case .getState: self = .getState
      case .abort: self = .abort
      }
    }
  }

  /// What the device does with the request itself.
  public enum Reply: String, Hashable, Sendable {
    /// It carries it out, or there is nothing to answer.
    case accept
    /// It stalls the control pipe.
    case stall
    /// It does not answer at all.
    case silence
  }

  /// When an outcome is the one that happens.
  public enum Condition: String, Hashable, Sendable {
    /// Always.
    case always
    /// The block is still being programmed.
    case blockInProgress = "block-in-progress"
    /// The block has been programmed.
    case blockDone = "block-done"
    /// The device agrees that the download is complete.
    case deviceAgrees = "device-agrees"
    /// The device expects more data.
    case deviceExpectsMore = "device-expects-more"
    /// Manifestation has yet to happen, or goes on.
    case manifesting
    /// Manifestation is over.
    case manifested
    /// The answer has as many bytes as were asked for.
    case fullBlock = "full-block"
    /// The answer is shorter: the upload is over.
    case shortBlock = "short-block"
    /// The application can be run.
    case firmwareUsable = "firmware-usable"
    /// The application is missing or damaged.
    case firmwareCorrupt = "firmware-corrupt"
  }

  /// What may come of an event.
  public struct Outcome: Hashable, Sendable {
    /// When it does.
    public var condition: Condition
    /// What the device does with the request.
    public var reply: Reply
    /// The state afterwards.
    public var state: DFUState
    /// The status afterwards; nil where it stays as it is.
    public var status: DFUStatus?

    init(
      _ state: DFUState, when condition: Condition = .always, reply: Reply = .accept,
      status: DFUStatus? = nil
    ) {
      self.condition = condition
      self.reply = reply
      self.state = state
      self.status = status
    }

    /// The request is refused, and DFU mode is in error.
    static let error = Outcome(.dfuError, reply: .stall, status: .errStalledPkt)
    /// The request is refused, and the application goes on.
    static let refused = Outcome(.appIdle, reply: .stall)
  }

  /// What may come of an event in a state; several outcomes exclude each other by their conditions.
  ///
  /// - Parameters:
  ///   - state: one of the eleven states.
  ///   - event: what happens.
  ///   - attributes: `bmAttributes`: downloads and uploads need their bits, and manifestation
  ///     tolerance decides what follows it.
  /// - Returns: the possible outcomes; empty where the event cannot happen or means nothing there,
  ///   and for a state that the specification does not have.
  public static func transition(
    from state: DFUState, on event: Event, attributes: DFUFunctionalDescriptor.Attributes
  ) -> [Outcome] {
    guard Int(state.rawValue) < table.count, let column = Event.allCases.firstIndex(of: event)
    else { return [] }
    return outcomes(table[Int(state.rawValue)][column], state, attributes)
  }

  /// A cell of the table.
  private enum Cell {
    case none
    case stay
    case go(DFUState)
    case error
    case refused
    case silent
    /// Leads to this state if the attribute is set, else to dfuERROR.
    case ifAble(DFUFunctionalDescriptor.Attributes, DFUState)
    case cases([Outcome])
    /// DFU_GETSTATUS while manifesting; only a tolerant device can have finished.
    case manifestSync
    /// The end of manifestation: the first if the device tolerates it, else the second.
    case ifTolerant(DFUState, else: DFUState)
    /// A reset in DFU mode: to the application if there is one.
    case restart(DFUStatus)
  }

  private static func outcomes(
    _ cell: Cell, _ state: DFUState, _ attributes: DFUFunctionalDescriptor.Attributes
  ) -> [Outcome] {
    switch cell {
    case .none: []
    case .stay: [Outcome(state)]
    case .go(let next): [Outcome(next)]
    case .error: [.error]
    case .refused: [.refused]
    case .silent: [Outcome(state, reply: .silence)]
    case .ifAble(let needed, let next):
      attributes.contains(needed) ? [Outcome(next)] : [.error]
    case .cases(let outcomes): outcomes
    case .manifestSync:
      [Outcome(.dfuManifest, when: .manifesting)]
        + (attributes.contains(.manifestationTolerant)
          ? [Outcome(.dfuIdle, when: .manifested)] : [])
    case .ifTolerant(let tolerant, let intolerant):
      [Outcome(attributes.contains(.manifestationTolerant) ? tolerant : intolerant)]
    case .restart(let status):
      [
        Outcome(.appIdle, when: .firmwareUsable, status: .ok),
        Outcome(.dfuError, when: .firmwareCorrupt, status: status),
      ]
    }
  }

  // Columns in the order of Event.allCases: DETACH, DNLOAD with and without data, UPLOAD, GETSTATUS,
  // CLRSTATUS, GETSTATE, ABORT, USB reset, power-on reset, poll time-out, detach time-out.
  // After a reset a device without a usable application may show errFIRMWARE, errPOR or errUSBR;
  // errFIRMWARE stands for the three here.
  private static let reset: [Cell] = [.restart(.errFirmware), .restart(.errFirmware)]
  private static let table: [[Cell]] = [
    // appIDLE
    [
      .go(.appDetach), .refused, .refused, .refused, .stay, .refused, .stay, .refused,
      .go(.appIdle), .go(.appIdle), .none, .none,
    ],
    // appDETACH
    [
      .refused, .refused, .refused, .refused, .stay, .refused, .stay, .refused,
      .cases([
        Outcome(.dfuIdle, when: .firmwareUsable),
        Outcome(.dfuError, when: .firmwareCorrupt, status: .errFirmware),
      ]), .go(.appIdle), .none, .go(.appIdle),
    ],
    // dfuIDLE
    [
      .error, .ifAble(.canDownload, .dfuDnloadSync), .error, .ifAble(.canUpload, .dfuUploadIdle),
      .stay, .error, .stay, .stay,
    ] + reset + [.none, .none],
    // dfuDNLOAD-SYNC
    [
      .error, .error, .error, .error,
      .cases([
        Outcome(.dfuDnBusy, when: .blockInProgress), Outcome(.dfuDnloadIdle, when: .blockDone),
      ]), .error, .stay, .error,
    ] + reset + [.none, .none],
    // dfuDNBUSY
    [.error, .error, .error, .error, .error, .error, .error, .error]
      + reset + [.go(.dfuDnloadSync), .none],
    // dfuDNLOAD-IDLE
    [
      .error, .go(.dfuDnloadSync),
      .cases([
        Outcome(.dfuManifestSync, when: .deviceAgrees),
        Outcome(.dfuError, when: .deviceExpectsMore, reply: .stall, status: .errNotDone),
      ]), .error, .stay, .error, .stay, .go(.dfuIdle),
    ] + reset + [.none, .none],
    // dfuMANIFEST-SYNC
    [
      .error, .error, .error, .error,
      .manifestSync, .error, .stay, .error,
    ] + reset + [.none, .none],
    // dfuMANIFEST
    [.error, .error, .error, .error, .error, .error, .error, .error]
      + reset + [.ifTolerant(.dfuManifestSync, else: .dfuManifestWaitReset), .none],
    // dfuMANIFEST-WAIT-RESET
    [.silent, .silent, .silent, .silent, .silent, .silent, .silent, .silent]
      + reset + [.none, .none],
    // dfuUPLOAD-IDLE
    [
      .error, .error, .error,
      .cases([Outcome(.dfuUploadIdle, when: .fullBlock), Outcome(.dfuIdle, when: .shortBlock)]),
      .stay, .error, .stay, .go(.dfuIdle),
    ] + reset + [.none, .none],
    // dfuERROR
    [
      .error, .error, .error, .error, .stay, .cases([Outcome(.dfuIdle, status: .ok)]), .stay,
      .error,
    ] + reset + [.none, .none],
  ]
}
