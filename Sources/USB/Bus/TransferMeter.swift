internal import Synchronization

/// What went over the wire: how many transfers, how many bytes.
public struct TransferCount: Hashable, Sendable {
  /// Control transfers, those that failed included.
  public var controlTransfers = 0
  /// Bytes of data stages that went to the device.
  public var bytesOut = 0
  /// Bytes of data stages that came from the device.
  public var bytesIn = 0
  /// How many control transfers of each kind: `DNLOAD`, `GETSTATUS`, `SET_INTERFACE`…
  public var byRequest: [RequestKey: Int] = [:]

  /// Nothing yet.
  public init() {}

  /// The type and number of a request: what it is, whatever its parameters.
  public struct RequestKey: Hashable, Sendable {
    /// `bmRequestType`.
    public var requestType: RequestType
    /// `bRequest`.
    public var request: UInt8

    /// The key of a setup packet.
    public init(_ setup: SetupPacket) {
      requestType = setup.requestType
      request = setup.request
    }
  }
}

/// An open device that counts what passes through it.
///
/// `SET_INTERFACE`, `SET_CONFIGURATION` and `CLEAR_FEATURE` count as the control transfers that they
/// are on the wire, although a transport may have calls of its own for them.
public final class TransferMeter: USBDevice {
  private let device: any USBDevice
  private let state = Mutex(TransferCount())

  /// Counts what goes to and comes from `device`.
  public init(_ device: any USBDevice) { self.device = device }

  /// What has been counted so far.
  public var count: TransferCount { state.withLock { $0 } }

  /// What was known when the device was opened.
  public var info: DeviceInfo { device.info }

  private func note(_ setup: SetupPacket, out: Int = 0, in bytesIn: Int = 0) {
    state.withLock {
      $0.controlTransfers += 1
      $0.bytesOut += out
      $0.bytesIn += bytesIn
      $0.byRequest[TransferCount.RequestKey(setup), default: 0] += 1
    }
  }

  /// A control transfer to the host, counted.
  public func controlIn(
    _ setup: SetupPacket, timeout: Duration
  )
    async throws(TransferError) -> [UInt8]
  {
    note(setup)
    let answer = try await device.controlIn(setup, timeout: timeout)
    state.withLock { $0.bytesIn += answer.count }
    return answer
  }

  /// A control transfer to the device, counted.
  public func controlOut(
    _ setup: SetupPacket, data: [UInt8], timeout: Duration
  )
    async throws(TransferError)
  {
    note(setup, out: data.count)
    try await device.controlOut(setup, data: data, timeout: timeout)
  }

  /// Reads from a bulk endpoint, counted in bytes.
  public func bulkIn(
    endpoint: UInt8, length: Int, timeout: Duration
  )
    async throws(TransferError) -> [UInt8]
  {
    let answer = try await device.bulkIn(endpoint: endpoint, length: length, timeout: timeout)
    state.withLock { $0.bytesIn += answer.count }
    return answer
  }

  /// Writes to a bulk endpoint, counted in bytes.
  public func bulkOut(
    endpoint: UInt8, data: [UInt8], timeout: Duration
  )
    async throws(TransferError) -> Int
  {
    let sent = try await device.bulkOut(endpoint: endpoint, data: data, timeout: timeout)
    state.withLock { $0.bytesOut += sent }
    return sent
  }

  /// Reads from an interrupt endpoint, counted in bytes.
  public func interruptIn(
    endpoint: UInt8, length: Int, timeout: Duration
  )
    async throws(TransferError) -> [UInt8]
  {
    let answer = try await device.interruptIn(endpoint: endpoint, length: length, timeout: timeout)
    state.withLock { $0.bytesIn += answer.count }
    return answer
  }

  /// Writes to an interrupt endpoint, counted in bytes.
  public func interruptOut(
    endpoint: UInt8, data: [UInt8], timeout: Duration
  )
    async throws(TransferError) -> Int
  {
    let sent = try await device.interruptOut(endpoint: endpoint, data: data, timeout: timeout)
    state.withLock { $0.bytesOut += sent }
    return sent
  }

  /// SET_CONFIGURATION, counted as a control transfer.
  public func setConfiguration(_ value: UInt8) async throws(TransferError) {
    note(.setConfiguration(value))
    try await device.setConfiguration(value)
  }

  /// Takes an interface; nothing goes over the wire.
  public func claimInterface(_ number: UInt8) async throws(TransferError) {
    try await device.claimInterface(number)
  }

  /// Gives an interface back; nothing goes over the wire.
  public func releaseInterface(_ number: UInt8) async throws(TransferError) {
    try await device.releaseInterface(number)
  }

  /// SET_INTERFACE, counted as a control transfer.
  public func setAlternateSetting(
    _ setting: UInt8, interface number: UInt8
  )
    async throws(TransferError)
  {
    note(.setInterface(number, alternateSetting: setting))
    try await device.setAlternateSetting(setting, interface: number)
  }

  /// CLEAR_FEATURE(ENDPOINT_HALT), counted as a control transfer.
  public func clearHalt(endpoint: UInt8) async throws(TransferError) {
    note(.clearHalt(endpoint: endpoint))
    try await device.clearHalt(endpoint: endpoint)
  }

  /// Resets the device; not a transfer.
  public func reset() async throws(TransferError) { try await device.reset() }

  /// Ends the use of the device.
  public func close() async { await device.close() }
}
