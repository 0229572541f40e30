internal import DFU

/// Something that happens to a DFU device (the columns of the transition table, DFU 1.1, annex A).
enum DFUTrigger: Hashable, Sendable, CaseIterable {
  case detach
  /// DFU_DNLOAD with data.
  case download
  /// DFU_DNLOAD with wLength 0.
  case downloadEnd
  case upload
  case getStatus
  case clearStatus
  case getState
  case abort
  case busReset
  case powerReset
  /// The poll timeout or the detach timer is over.
  case timer
}

/// What the table makes depend on the device.
struct DFUConditions: Hashable, Sendable {
  /// bitCanDnload.
  var canDownload = true
  /// bitCanUpload.
  var canUpload = true
  /// bitManifestationTolerant.
  var isTolerant = false
  /// There is run-time firmware to return to.
  var isFirmwareIntact = true
  /// The block that was sent last has been dealt with.
  var isBlockDone = false
  /// The device has got all that it expects.
  var agreesToEnd = true
  /// Manifestation is over.
  var isManifested = false
  /// The answer to this DFU_UPLOAD is shorter than was asked for.
  var isShortBlock = false
}

/// A row and a column of the table: what the device does, and where it is then.
struct DFUTransition: Hashable, Sendable {
  enum Answer: Hashable, Sendable {
    case answered
    case stalled
    /// No reply at all.
    case silent
  }

  var answer: Answer
  var state: DFUState
  /// The new bStatus; nil when it stays.
  var status: DFUStatus?

  static func to(_ state: DFUState, _ status: DFUStatus? = nil) -> DFUTransition {
    DFUTransition(answer: .answered, state: state, status: status)
  }

  /// The pipe is stalled, and nothing changes.
  static func stall(in state: DFUState) -> DFUTransition {
    DFUTransition(answer: .stalled, state: state, status: nil)
  }

  /// The pipe is stalled, and the device is in dfuERROR.
  static func stallToError(_ status: DFUStatus = .errStalledPkt) -> DFUTransition {
    DFUTransition(answer: .stalled, state: .dfuError, status: status)
  }

  static func silence(in state: DFUState) -> DFUTransition {
    DFUTransition(answer: .silent, state: state, status: nil)
  }

  /// The table of annex A, by the letter.
  static func annexA(
    _ state: DFUState, _ trigger: DFUTrigger, _ device: DFUConditions
  ) -> DFUTransition {
    // After a reset the application runs, if there is one.
    let restarted: DFUTransition =
      device.isFirmwareIntact ? .to(.appIdle, .ok) : .to(.dfuError, .errFirmware)

    switch (state, trigger) {
    case (.appIdle, .detach): return .to(.appDetach)
    case (.appIdle, .getStatus), (.appIdle, .getState): return .to(.appIdle)
    case (.appIdle, .busReset), (.appIdle, .powerReset), (.appIdle, .timer): return .to(.appIdle)
    case (.appIdle, _): return .stall(in: .appIdle)

    case (.appDetach, .getStatus), (.appDetach, .getState): return .to(.appDetach)
    case (.appDetach, .busReset):
      return device.isFirmwareIntact ? .to(.dfuIdle, .ok) : .to(.dfuError, .errFirmware)
    case (.appDetach, .powerReset), (.appDetach, .timer): return .to(.appIdle)
    case (.appDetach, _): return .stall(in: .appIdle)

    // Every row below: a reset starts the application.
    case (_, .busReset), (_, .powerReset): return restarted

    case (.dfuIdle, .download) where device.canDownload: return .to(.dfuDnloadSync)
    case (.dfuIdle, .upload) where device.canUpload: return .to(.dfuUploadIdle)
    case (.dfuIdle, .getStatus), (.dfuIdle, .getState), (.dfuIdle, .abort): return .to(.dfuIdle)

    case (.dfuDnloadSync, .getStatus):
      return .to(device.isBlockDone ? .dfuDnloadIdle : .dfuDnBusy)
    case (.dfuDnloadSync, .getState): return .to(.dfuDnloadSync)

    case (.dfuDnBusy, .timer): return .to(.dfuDnloadSync)

    case (.dfuDnloadIdle, .download): return .to(.dfuDnloadSync)
    case (.dfuDnloadIdle, .downloadEnd):
      return device.agreesToEnd ? .to(.dfuManifestSync) : .stallToError(.errNotDone)
    case (.dfuDnloadIdle, .getStatus), (.dfuDnloadIdle, .getState): return .to(.dfuDnloadIdle)
    case (.dfuDnloadIdle, .abort): return .to(.dfuIdle)

    case (.dfuManifestSync, .getStatus):
      return .to(device.isManifested && device.isTolerant ? .dfuIdle : .dfuManifest)
    case (.dfuManifestSync, .getState): return .to(.dfuManifestSync)

    case (.dfuManifest, .timer):
      return .to(device.isTolerant ? .dfuManifestSync : .dfuManifestWaitReset)

    case (.dfuManifestWaitReset, _): return .silence(in: .dfuManifestWaitReset)

    case (.dfuUploadIdle, .upload): return .to(device.isShortBlock ? .dfuIdle : .dfuUploadIdle)
    case (.dfuUploadIdle, .getStatus), (.dfuUploadIdle, .getState): return .to(.dfuUploadIdle)
    case (.dfuUploadIdle, .abort): return .to(.dfuIdle)

    case (.dfuError, .clearStatus): return .to(.dfuIdle, .ok)
    case (.dfuError, .getStatus), (.dfuError, .getState): return .to(.dfuError)

    case (_, .timer): return .to(state)
    default: return state == .dfuError ? .stall(in: .dfuError) : .stallToError()
    }
  }
}
