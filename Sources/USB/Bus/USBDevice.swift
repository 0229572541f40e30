/// An open device.
///
/// Transfers to one endpoint run in the order in which they were started, and **a transport queues a
/// transfer before it first suspends**. So several may be outstanding: start them with
/// `TaskGroup.addImmediateTask`, which runs each up to its first suspension, and they keep their
/// order. Cancelling the task cancels the transfer.
public protocol USBDevice: Sendable {
  /// What was known when the device was opened.
  var info: DeviceInfo { get }

  /// Performs a control transfer whose data stage goes to the host.
  ///
  /// - Parameters:
  ///   - setup: the setup packet; `wLength` bytes are asked for.
  ///   - timeout: how long to wait for the device; a device may hold a transfer by NAK.
  /// - Returns: the bytes that came, at most `wLength`; fewer is a short answer, not an error.
  /// - Throws: ``TransferError``; `.stall` where the device refuses the request.
  func controlIn(_ setup: SetupPacket, timeout: Duration) async throws(TransferError) -> [UInt8]

  /// Performs a control transfer whose data stage, if any, goes to the device.
  ///
  /// - Parameters:
  ///   - setup: the setup packet; `wLength` equals `data.count`.
  ///   - data: the bytes of the data stage.
  ///   - timeout: how long to wait for the device.
  /// - Throws: ``TransferError``; `.stall` where the device refuses the request.
  func controlOut(
    _ setup: SetupPacket, data: [UInt8], timeout: Duration)
    async throws(TransferError)

  /// Reads from a bulk endpoint: at most `length` bytes, ended by a short packet.
  func bulkIn(
    endpoint: UInt8, length: Int, timeout: Duration
  ) async throws(TransferError) -> [UInt8]

  /// Writes to a bulk endpoint; returns how many bytes went.
  func bulkOut(endpoint: UInt8, data: [UInt8], timeout: Duration) async throws(TransferError) -> Int

  /// Reads from an interrupt endpoint: at most `length` bytes.
  func interruptIn(
    endpoint: UInt8, length: Int, timeout: Duration
  )
    async throws(TransferError) -> [UInt8]

  /// Writes to an interrupt endpoint; returns how many bytes went.
  func interruptOut(
    endpoint: UInt8, data: [UInt8], timeout: Duration
  )
    async throws(TransferError) -> Int

  /// Selects a configuration by its `bConfigurationValue`; 0 unconfigures the device.
  func setConfiguration(_ value: UInt8) async throws(TransferError)

  /// Takes an interface for exclusive use. Needed before any transfer to it.
  func claimInterface(_ number: UInt8) async throws(TransferError)

  /// Gives an interface back. Claims that are left end with ``close()``.
  func releaseInterface(_ number: UInt8) async throws(TransferError)

  /// SET_INTERFACE: selects an alternate setting of a claimed interface.
  func setAlternateSetting(_ setting: UInt8, interface number: UInt8) async throws(TransferError)

  /// Clears the halt condition of an endpoint.
  func clearHalt(endpoint: UInt8) async throws(TransferError)

  /// Resets the device on its port. Afterwards it may have re-enumerated as something else; then
  /// this and every later call throws `.disconnected`, and the host reports it as attached anew.
  func reset() async throws(TransferError)

  /// Ends the use of the device. Later calls throw `.closed`.
  func close() async
}

extension USBDevice {
  /// Claims an interface, runs `body`, and gives the interface back, whatever happened.
  public func withInterface<Result, Failure: Error>(
    _ number: UInt8, onTransferError: (TransferError) -> Failure,
    _ body: () async throws(Failure) -> Result
  ) async throws(Failure) -> Result {
    do {
      try await claimInterface(number)
    } catch {
      throw onTransferError(error)
    }
    let result: Result
    do {
      result = try await body()
    } catch {
      try? await releaseInterface(number)
      throw error
    }
    // A device that has left cannot be released from; that is no failure of the work done.
    try? await releaseInterface(number)
    return result
  }

  /// Reads a string descriptor (USB 2.0, 9.6.7): one control transfer of 255 bytes.
  ///
  /// - Parameters:
  ///   - index: the string index; 0 gives nil without a transfer.
  ///   - language: which language to ask for; English (United States) is the one devices have.
  ///   - singleBytes: read the bytes as UTF-8 (see ``StringDescriptor``).
  ///   - timeout: how long to wait for the device.
  /// - Returns: the text; nil where the device stalls the request or its answer is no string.
  /// - Throws: ``TransferError`` for every other failure.
  public func string(
    _ index: UInt8, language: LanguageID = .englishUnitedStates, singleBytes: Bool = false,
    timeout: Duration = .seconds(1)
  ) async throws(TransferError) -> String? {
    guard index != 0 else { return nil }
    let answer: [UInt8]
    do {
      answer = try await controlIn(
        .getDescriptor(.string, index: index, language: language.rawValue, length: 255),
        timeout: timeout)
    } catch  where error.code == .stall {
      return nil
    }
    var reader = ByteReader(answer.span.bytes)
    return try? StringDescriptor(parsing: &reader, singleBytes: singleBytes).text
  }
}

/// Why a transfer failed.
public struct TransferError: ExplainedError, Hashable {
  /// What kind of failure it is.
  public enum Code: String, Hashable, Sendable, CaseIterable {
    /// The device stalled the pipe: it refuses this request.
    case stall = "stall"
    /// No answer within the time given.
    case timeout = "timeout"
    /// The device is gone.
    case disconnected = "disconnected"
    /// Broken packets: cable, hub, or power.
    case protocolError = "io"
    /// More bytes came than were asked for.
    case overflow = "overflow"
    /// The task was cancelled.
    case cancelled = "cancelled"
    /// Another program or driver has the interface.
    case busy = "busy"
    /// The system refuses.
    case permission = "permission"
    /// The handle has been closed, or the interface was not claimed.
    case closed = "closed"
    /// This transport, or this device, has no such endpoint or function.
    case unsupported = "unsupported"
    /// Anything else; `detail` says what.
    case other = "other"
  }

  /// What kind of failure it is.
  public var code: Code
  /// The setup packet, for a control transfer.
  public var setup: SetupPacket?
  /// What the transport says of it.
  public var detail: String?

  /// A failure.
  public init(_ code: Code, setup: SetupPacket? = nil, detail: String? = nil) {
    self.code = code
    self.setup = setup
    self.detail = detail
  }

  /// A stable name for the kind of error.
  public var slug: String { "transfer-\(code.rawValue)" }

  /// What happened, in one sentence.
  public var sentence: String {
    let what = setup.map { "The control transfer \($0)" } ?? "The transfer"
    let happened =
      switch code {
      case .stall: "was refused by the device (stall)"
      case .timeout: "was not answered in time"
      case .disconnected: "failed because the device is gone"
      case .protocolError: "broke on the wire"
      case .overflow: "brought more bytes than were asked for"
      case .cancelled: "was cancelled"
      case .busy: "was refused: another program or driver has the interface"
      case .permission: "was refused by the system: no permission"
      case .closed: "was refused: the device is closed or the interface not claimed"
      case .unsupported: "is not possible here"
      case .other: "failed"
      }
    return "\(what) \(happened)\(detail.map { " (\($0))" } ?? "")."
  }

  /// What to do next; nil where nothing useful can be said.
  public var help: String? {
    switch code {
    case .protocolError: "Check the cable, try another port without a hub, and try again."
    case .disconnected: "Check the cable; put the board in bootloader mode again and repeat."
    default: nil
    }
  }
}
