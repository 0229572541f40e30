import DFUHost
import Testing
import USB

@testable import DFUCommand

// Swift Testing has one too.
private typealias Status = DFUCommand.ExitStatus

/// Errors of real hardware as exit statuses, the way they come: from a host, or through a session.
@Suite struct ExitStatusTests {
  @Test(
    arguments: [
      (.notFound, .noDevice), (.unreachable, .noDevice), (.permission, .noPermission),
      (.busy, .tryAgain), (.other, .transferFailed),
    ] as [(HostError.Code, Status)])
  fileprivate func `an error of a host has one status, whatever it passes through`(
    _ code: HostError.Code, _ status: Status
  ) {
    let error = HostError(code, "It does not go.", help: "Do this.")
    #expect(Status(for: error) == status)
    #expect(Status(for: DFUError(error)) == status)
    #expect(DFUError(error).sentence == "It does not go.")
    #expect(DFUError(error).help == "Do this.")
  }

  @Test(
    arguments: [
      (.permission, .noPermission), (.busy, .tryAgain), (.timeout, .tryAgain),
      (.disconnected, .transferFailed), (.protocolError, .transferFailed),
      (.overflow, .transferFailed), (.other, .transferFailed), (.closed, .transferFailed),
      (.cancelled, .interrupted),
    ] as [(TransferError.Code, Status)])
  fileprivate func `an error of a transfer has one status, whatever it passes through`(
    _ code: TransferError.Code, _ status: Status
  ) {
    #expect(Status(for: TransferError(code)) == status)
    #expect(Status(for: DFUError(TransferError(code), during: .describe)) == status)
  }

  @Test(arguments: [TransferError.Code.busy, .permission])
  func `who holds a device is not lost on the way`(_ code: TransferError.Code) {
    let holder = "the driver cdc_acm holds interface 0; free it"
    let error = DFUError(TransferError(code, detail: holder), during: .describe)
    #expect(error.sentence.hasSuffix("(\(holder))."))
  }
}
