internal import DFU
internal import USB
public import VirtualUSB

/// What a part with an application knows of its way between the two modes.
struct ModeChange: Hashable, Sendable {
  /// As what a part comes back when it has been away.
  enum Arrival: Hashable, Sendable {
    /// As after power-up.
    case asAfterPowerUp
    case application
    case detour
    case bootloader
  }

  /// As what it comes back next.
  var arrival = Arrival.asAfterPowerUp
  /// Something without a DFU interface is on the bus.
  var isOnDetour = false
  /// When appDETACH is over, for a part that waits for a reset.
  var timerEnd: Duration?
  /// How many times DFU mode has been reset.
  var resetCount = 0
}

/// Run time, and the ways from it into DFU mode and back (DFU 1.1, chapter 5 and annex A, states 0
/// and 1).
extension VirtualBootloader {
  /// Whether the application runs, and not the bootloader.
  public var runsApplication: Bool { state == .appIdle || state == .appDetach }

  /// `bInterfaceNumber` of the DFU interface that the bus sees now.
  var interfaceNumber: UInt8 { runsApplication ? profile.application?.interface ?? 0 : 0 }

  /// Whether there is an application that may be started.
  ///
  /// Bootloaders without a vector table to judge by note that a download has begun, and look whether
  /// the first word is blank.
  var isFirmwareIntact: Bool { jumpTarget != nil }

  /// Whether the first partition holds a whole image; parts without an application never look.
  var isImageIntact: Bool {
    guard profile.application != nil, let first = profile.partitions.first else { return true }
    guard !isDownloadUnfinished else { return false }
    let start = memories[first].range.lowerBound
    return contents(start..<start + 4) != [0xFF, 0xFF, 0xFF, 0xFF]
  }

  /// A download into the application's memory has begun.
  mutating func noteReplacement(in memory: Int) {
    if profile.application != nil, memory == profile.partitions.first {
      isDownloadUnfinished = true
    }
  }

  // MARK: Beginning

  /// Puts on the bus what the part begins as; false where that is the bootloader, in DFU mode.
  mutating func beginsWithoutBootloader(at time: Duration) -> Bool {
    let arrival = modeChange.arrival
    modeChange = ModeChange()
    guard let application = profile.application else { return false }
    switch arrival {
    case .bootloader: return false
    case .detour:
      guard let detour = application.detour else { return false }
      becomeIdle()
      modeChange.isOnDetour = true
      standard = StandardRequests(detour.description)
      departure = Departure(time: time + detour.duration, cause: .detach)
      return true
    case .application:
      runApplication()
      return true
    case .asAfterPowerUp:
      guard let address = jumpTarget else { return false }
      note(.launched(address), at: time)
      runApplication()
      return true
    }
  }

  /// The application takes the bus.
  mutating func runApplication() {
    becomeIdle()
    modeChange = ModeChange()
    state = .appIdle
    standard = standardOfApplication
  }

  /// The bootloader takes the bus without having left it.
  private mutating func enterDFUModeOnTheSpot() {
    modeChange = ModeChange()
    standard = standardOfBootloader
    begin()
  }

  /// Goes off the bus, to come back in DFU mode.
  mutating func departForDFUMode(at time: Duration) {
    let isOver = modeChange.isOnDetour
    modeChange = ModeChange()
    if !isOver { note(.detached, at: time) }
    guard let application = profile.application else { return }
    modeChange.arrival = isOver || application.detour == nil ? .bootloader : .detour
    returnsAt = application.absence.map { time + $0 }
  }

  // MARK: Resets

  /// A reset on the port of a part that has an application; false where it means nothing special.
  ///
  /// Enumeration begins with a reset, too: one that comes before SET_CONFIGURATION is part of that.
  mutating func changesMode(byResetAt now: Duration, wasConfigured: Bool) -> Bool {
    guard let application = profile.application else { return false }
    if modeChange.isOnDetour { return true }
    switch state {
    case .appIdle: return true
    case .appDetach:
      guard !application.isDisturbedByReset else {
        // “The host must not issue a USB reset” (4.1.3): the request is forgotten.
        departure = nil
        leaveRule = nil
        state = .appIdle
        note(.detachDisturbed, at: now)
        return true
      }
      leaveRule = nil
      departure = nil
      if application.returnTime == .zero, application.detour == nil {
        note(.detached, at: now)
        enterDFUModeOnTheSpot()
      } else {
        depart(Departure(time: now, cause: .detach))
      }
      return true
    default:
      guard wasConfigured else { return false }
      return leavesDFUMode(byResetAt: now, application)
    }
  }

  private mutating func leavesDFUMode(
    byResetAt now: Duration, _ application: Application
  ) -> Bool {
    modeChange.resetCount += 1
    switch application.wayBack {
    case .reset: break
    case .secondReset where modeChange.resetCount >= 2: break
    case .secondReset, .detach:
      finishManifestation()
      begin()
      return true
    }
    finishManifestation()
    guard let address = jumpTarget else { return false }
    guard application.returnTime == .zero else {
      depart(Departure(time: now, cause: .leave))
      return true
    }
    interruptOperation(at: now)
    note(.launched(address), at: now)
    runApplication()
    return true
  }

  /// A part that waits for the reset has its image whole.
  private mutating func finishManifestation() {
    if state == .dfuManifestWaitReset { isDownloadUnfinished = false }
  }

  // MARK: Requests

  /// A DFU request while the application runs.
  mutating func respondAsApplication(
    _ request: DFURequest?, _ setup: SetupPacket, at now: Duration
  ) -> VirtualResponse {
    guard let application = profile.application, let request else { return .stall }
    let trigger: DFUTrigger =
      switch request {
      case .detach: .detach
      case .download: setup.length > 0 ? .download : .downloadEnd
      case .upload: .upload
      case .getStatus: .getStatus
      case .clearStatus: .clearStatus
      case .getState: .getState
      case .abort: .abort
      }
    if !application.answersStatus, trigger == .getStatus || trigger == .getState { return .stall }
    // By the letter: what a bootloader does otherwise is not its application's business.
    let transition = DFUTransition.annexA(state, trigger, conditions)
    state = transition.state
    if state == .appIdle { modeChange.timerEnd = nil }
    guard transition.answer == .answered else {
      // Annex A: any other request ends appDETACH.
      leaveRule = nil
      departure = nil
      return .stall
    }
    switch request {
    case .detach:
      if application.detachesByItself {
        leaveRule = (.detach, application.detachDelay)
      } else {
        let timeout = min(setup.value, application.functional.detachTimeout)
        modeChange.timerEnd = now + .milliseconds(Int64(timeout))
      }
      return .acknowledged
    case .getStatus:
      let answer = GetStatusResponse(status: .ok, pollTimeout: 0, state: state)
      return .data(Array(answer.bytes.prefix(Int(setup.length))))
    default: return .data(Array([state.rawValue].prefix(Int(setup.length))))
    }
  }

  /// DFU_DETACH in DFU mode, where that is the way back; nil where it is not.
  mutating func respondToDetachInDFUMode() -> VirtualResponse? {
    guard let application = profile.application, application.wayBack == .detach,
      isFirmwareIntact
    else { return nil }
    leaveRule = (.detach, application.detachDelay)
    return .acknowledged
  }

  /// The time that appDETACH lasts is over.
  mutating func endDetachTimer(at time: Duration) {
    modeChange.timerEnd = nil
    state = .appIdle
    note(.detachExpired, at: time)
  }

  /// The application's own endpoints: it takes what is sent to it, and has nothing to say.
  public mutating func respond(
    onEndpoint endpoint: UInt8, data: [UInt8], length: Int, at now: Duration
  ) -> VirtualResponse {
    guard runsApplication, !modeChange.isOnDetour, standard.configurationValue != 0 else {
      return .stall
    }
    return endpoint & 0x80 != 0 ? .noAnswer : .acknowledged
  }
}
