import ArgumentParser
import Captures
import DFU
import DFUHost
import DriverMatching
import USB
import USBIP
import VirtualDFU
import VirtualUSB
import Workbench

/// The verbs that talk to a device, in the order in which the help lists them.
let deviceVerbs: [any ParsableCommand.Type] = [
  List.self, Wait.self, Flash.self, Read.self, Verify.self, Erase.self, BlankCheck.self,
  Detach.self, Leave.self, Options.self, Unprotect.self, Doctor.self,
]

/// The verbs that offer devices to others.
let networkVerbs: [any ParsableCommand.Type] = [Emulate.self, Share.self]

extension ExitStatus {
  /// The status for an error of a host, a device, a plan or an engine; nil for others.
  static func deviceStatus(for error: any Error) -> ExitStatus? {
    switch error {
    case let error as HostError: status(of: error.code)
    case let error as TransferError: status(of: error.code)
    case let error as SessionError:
      switch error {
      case .plan(let error): status(of: error.code)
      case .device(let error): status(of: error)
      }
    case let error as PlanError: status(of: error.code)
    case let error as DFUError: status(of: error)
    case is SelectorError, is ProfileOptionError, is FaultScheduleError: .usage
    case is VirtualTopology.PlugError: .usage
    case is ProfileDescriptionError: .badConfiguration
    case is ReplayFileError, is DescriptorDumpError, is DescriptorsFileError, is TreeFileError,
      is CaptureInputError, is INFError:
      .damagedInput
    case let error as KernelLogError: error.isRefused ? .noPermission : .noInput
    case let error as CapturedRecordingError:
      switch error.reason {
      case .several: .ambiguousDevice
      case .nothingThere, .notThere: .noDevice
      case .notDescribed: .damagedInput
      }
    case let error as UsbFlagError: error.file == nil ? .usage : .damagedInput
    case is ReplayDifference: .protocolBroken
    case let error as OptionPlanError: status(of: error)
    case let error as USBIPError: status(of: error.code)
    case let error as BoardError:
      switch error.slug {
      case "unknown-profile": .noDevice
      case "state-changed": .tryAgain
      case "device-description": .badConfiguration
      case "too-many-boards", "instant-export", "shared-state", "not-shareable": .usage
      default: .damagedInput
      }
    case let error as DeviceSearchError:
      switch error.reason {
      case .several: .ambiguousDevice
      case .notInTime: .tryAgain
      case .stopped: .interrupted
      case .severalRecorded: .usage
      case .nothingThere, .noneNamed, .noDFU, .notDFU, .notOffered: .noDevice
      }
    default: nil
    }
  }

  private static func status(of code: HostError.Code) -> ExitStatus {
    switch code {
    case .notFound, .unreachable: .noDevice
    case .permission: .noPermission
    case .busy: .tryAgain
    case .other: .transferFailed
    }
  }

  private static func status(of code: USBIPError.Code) -> ExitStatus {
    switch code {
    case .unreachable, .noDevice, .noController: .noDevice
    case .cannotListen, .busy, .timeout, .noFreePort: .tryAgain
    case .permission: .noPermission
    case .violation: .protocolBroken
    case .refused, .closed: .transferFailed
    }
  }

  private static func status(of code: TransferError.Code) -> ExitStatus {
    switch code {
    case .permission: .noPermission
    case .timeout, .busy: .tryAgain
    case .cancelled: .interrupted
    default: .transferFailed
    }
  }

  private static func status(of code: PlanError.Code) -> ExitStatus {
    switch code {
    case .doesNotFit, .readOnly, .notErasable, .cannotKeepNeighbours, .wrongDevice,
      .partialOptionBytes, .notAddressable, .prefixMissing, .alreadyProgrammed, .mapMissing,
      .sectorTooLarge, .tooManySectors, .misaligned:
      .doesNotFit
    case .lockingOptionBytes: .protected
    case .noSuchTarget, .ambiguousTarget, .cannotDownload, .cannotUpload: .noDevice
    case .addressMissing, .addressUnexpected: .usage
    case .emptyImage, .contradiction: .damagedInput
    }
  }

  private static func status(of error: OptionPlanError) -> ExitStatus {
    switch error {
    case .options(let error):
      switch error.code {
      case .unknownField, .hidden, .badValue: .usage
      case .short, .noBlock: .doesNotFit
      }
    case .unknownPart, .blockTooLong: .doesNotFit
    case .forEver: .protected
    }
  }

  private static func status(of error: DFUError) -> ExitStatus {
    switch error.code {
    // The device has no such memory: the fault is the file's or the command line's.
    case .refused where error.status == .errTarget || error.status == .errAddress: .doesNotFit
    case .cancelled: .interrupted
    case .timeout, .stillBusy, .deviceBusy, .inUse, .notReturned: .tryAgain
    case .lost, .transferFailed: .transferFailed
    case .stalled, .refused, .unexpectedState, .malformedAnswer, .shortRead, .endlessUpload,
      .waitsForReset, .didNotDetach:
      .protocolBroken
    case .readProtected, .writeProtected: .protected
    case .differs, .notBlank: .different
    case .runtimeMode, .cannotDetach, .notDFU, .deviceNotFound, .hostUnreachable, .noSuchTarget:
      .noDevice
    case .permission: .noPermission
    case .unsupported, .badAddress: .doesNotFit
    case .internalFault: .ourBug
    }
  }
}
