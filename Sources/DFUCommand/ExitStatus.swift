import DriverMatching
import Firmware
import Synchronization
import USB
import Workbench

/// With which number the process ends. (64 to 78 have their meaning from `sysexits.h`.)
enum ExitStatus: Int32, Error, CaseIterable {
  /// Done, and proved, unless told not to.
  case done = 0
  /// The command line cannot be understood.
  case usage = 64
  /// A file is damaged, or contradicts itself or the command line.
  case damagedInput = 65
  /// No such input.
  case noInput = 66
  /// No device or no target fits.
  case noDevice = 69
  /// A mistake of this program.
  case ourBug = 70
  /// The output cannot be created.
  case cannotCreate = 73
  /// USB, protocol or file transfers failed.
  case transferFailed = 74
  /// Busy or timed out: try again.
  case tryAgain = 75
  /// The device broke the protocol.
  case protocolBroken = 76
  /// No permission, or the wrong driver.
  case noPermission = 77
  /// A configuration file is wrong.
  case badConfiguration = 78
  /// Contents differ: verify, blank check, diff.
  case different = 80
  /// More than one device fits.
  case ambiguousDevice = 81
  /// The memory is protected.
  case protected = 82
  /// The image does not fit the device.
  case doesNotFit = 83
  /// Some boards of a gang failed.
  case someFailed = 84
  /// Interrupted by the user.
  case interrupted = 130

  /// The status for an error that ends a verb.
  init(for error: any Error) {
    switch error {
    case let status as ExitStatus: self = status
    case let error as UsageError: self = error.status
    case let error as FileError: self = Self.status(of: error.code)
    case is CancellationError, is Interrupted: self = .interrupted
    default:
      self = Self.firmwareStatus(for: error) ?? Self.deviceStatus(for: error) ?? .ourBug
    }
  }

  private static func status(of code: FileError.Code) -> ExitStatus {
    switch code {
    case .notFound, .isDirectory, .notReadable: .noInput
    case .empty, .tooLarge: .damagedInput
    case .readFailed, .writeFailed: .transferFailed
    case .exists, .cannotCreate: .cannotCreate
    case .interrupted: .interrupted
    }
  }

  private static func firmwareStatus(for error: any Error) -> ExitStatus? {
    switch error {
    case is FirmwareInputError, is FirmwareError, is ParseError: .damagedInput
    case is PlaceError, is OutputFormatError, is ModaliasError: .usage
    default: nil
    }
  }
}

/// A command line whose words contradict each other or their files.
struct UsageError: ExplainedError, Hashable {
  var slug = "usage"
  var sentence: String
  var help: String?
  var status = ExitStatus.usage

  init(_ sentence: String, help: String? = nil) {
    self.sentence = sentence
    self.help = help
  }
}

/// Somebody wanted an end: what is true of the device then, as far as it is known.
struct Interrupted: ExplainedError, Hashable {
  var slug: String { "interrupted" }
  var sentence: String
  var help: String?

  init(_ sentence: String, help: String? = nil) {
    self.sentence = sentence
    self.help = help
  }
}

/// What has gone wrong beside the work, and was told: the work went on, but the process does not end
/// with 0.
final class Shortfall: Sendable {
  private let noted = Mutex<ExitStatus?>(nil)

  /// Notes the status to end with; the first one counts.
  func note(_ status: ExitStatus) { noted.withLock { $0 = $0 ?? status } }

  /// The status of a job that ended with `status`.
  func status(after status: ExitStatus) -> ExitStatus {
    status == .done ? noted.withLock { $0 } ?? .done : status
  }
}
