import ArgumentParser
import USB

/// The verbs that talk to a device, in the order in which the help lists them.
let deviceVerbs: [any ParsableCommand.Type] = []

extension ExitStatus {
  /// The status for an error of a host, a device, a plan or an engine; nil for others.
  static func deviceStatus(for error: any Error) -> ExitStatus? {
    switch error {
    case let error as HostError:
      switch error.code {
      case .notFound, .unreachable: .noDevice
      case .permission: .noPermission
      case .busy: .tryAgain
      case .other: .transferFailed
      }
    case let error as TransferError:
      switch error.code {
      case .permission: .noPermission
      case .timeout, .busy: .tryAgain
      case .cancelled: .interrupted
      default: .transferFailed
      }
    default: nil
    }
  }
}
