internal import Synchronization
internal import USB

/// A device in the hands of a client, opened and with all its interfaces claimed.
final class ImportedDevice: Sendable {
  private let port: ExportedPort
  private let clock: AnyClock
  private let state: Mutex<State>
  private let onFollow: @Sendable (DeviceInfo) -> Void

  private struct State {
    var device: any USBDevice
    var interfaces: ClaimedInterfaces
    /// How often the first 64 bytes of the device descriptor were read.
    var headReads = 0
    /// Between a reset and what comes back.
    var isFollowing = false
    var isGone = false
  }

  /// A client waits as long as it likes, and unlinks what it no longer waits for.
  private static let forever = Duration.seconds(86_400)
  /// How long a device may take to come back from a reset.
  private static let returnLimit = Duration.seconds(3)

  private init(
    _ device: any USBDevice, _ interfaces: ClaimedInterfaces, _ port: ExportedPort,
    clock: AnyClock, onFollow: @escaping @Sendable (DeviceInfo) -> Void
  ) {
    self.port = port
    self.clock = clock
    self.onFollow = onFollow
    state = Mutex(State(device: device, interfaces: interfaces))
  }

  /// Why a device cannot be had.
  struct Refusal: Error {
    var status: OperationStatus
    var reason: String
  }

  /// Opens the device of a port.
  static func open(
    _ port: ExportedPort, clock: AnyClock, onFollow: @escaping @Sendable (DeviceInfo) -> Void
  ) async throws(Refusal) -> ImportedDevice {
    do throws(HostError) {
      guard let info = try await port.device() else {
        throw HostError(.notFound, "Nothing is plugged in there.")
      }
      let (device, interfaces) = try await claimed(info, port)
      return ImportedDevice(device, interfaces, port, clock: clock, onFollow: onFollow)
    } catch {
      let status: OperationStatus =
        switch error.code {
        case .notFound: .noDevice
        case .busy: .busy
        case .permission, .unreachable, .other: .deviceError
        }
      throw Refusal(status: status, reason: error.sentence.asPart)
    }
  }

  /// Opens a device and claims all that it has.
  private static func claimed(
    _ info: DeviceInfo, _ port: ExportedPort
  ) async throws(HostError) -> (any USBDevice, ClaimedInterfaces) {
    let device = try await port.host.open(info.id)
    var interfaces = ClaimedInterfaces(device.info)
    do throws(TransferError) {
      try await claim(&interfaces, of: device)
    } catch {
      await device.close()
      let code: HostError.Code = error.code == .busy ? .busy : .other
      throw HostError(code, "Its interfaces cannot be claimed: \(error.sentence)")
    }
    return (device, interfaces)
  }

  private static func claim(
    _ interfaces: inout ClaimedInterfaces, of device: any USBDevice
  ) async throws(TransferError) {
    for number in interfaces.numbers {
      try await device.claimInterface(number)
      try interfaces.claim(number)
    }
  }

  /// What the device is now.
  var info: DeviceInfo { state.withLock { $0.device.info } }

  /// What happens on its bus, from now on.
  var events: AsyncStream<HostEvent> { port.host.events() }

  /// Whether the device with this id was the client's and is gone.
  func hasLost(_ id: DeviceID) -> Bool {
    state.withLock { !$0.isFollowing && $0.device.info.id == id }
  }

  func close() async { await state.withLock { $0.device }.close() }

  // MARK: Transfers

  /// What a transfer on endpoint 0 is besides bytes.
  enum Care: Sendable {
    case setAddress
    case setConfiguration(UInt8)
    case setInterface(UInt8, setting: UInt8)
    case clearHalt(endpoint: UInt8)
    /// A reset that the client wants, or that went before this read.
    case reset(thenReads: Bool)
  }

  /// What has to be done with a transfer other than passing it on; nil for most. Such a one runs alone on
  /// endpoint 0.
  func care(for submission: URBSubmission) -> Care? {
    guard submission.endpoint == 0 else { return nil }
    let setup = submission.setup
    switch (setup.requestType.rawValue, setup.request) {
    case (0x00, 5): return .setAddress
    case (0x00, 9): return .setConfiguration(UInt8(truncatingIfNeeded: setup.value))
    case (0x01, 11):
      return .setInterface(
        UInt8(truncatingIfNeeded: setup.index), setting: UInt8(truncatingIfNeeded: setup.value))
    case (0x02, 1) where setup.value == 0:
      return .clearHalt(endpoint: UInt8(truncatingIfNeeded: setup.index))
    case (0x23, 3) where setup.value == 4: return .reset(thenReads: false)
    case (0x80, 6) where setup.value == 0x0100 && setup.length == 64:
      let reads = state.withLock { state in
        state.headReads += 1
        return state.headReads
      }
      return reads > 1 ? .reset(thenReads: true) : nil
    default: return nil
    }
  }

  /// Carries a transfer out. What is passed on has its place in the device's queue before this suspends.
  func perform(_ submission: URBSubmission, _ care: Care?) async -> URBCompletion {
    do throws(TransferError) {
      if let care {
        let data = try await attend(to: care, submission)
        return submission.completion(data: data)
      }
      if submission.isIsochronous { return submission.refused }
      return try await pass(submission)
    } catch {
      return submission.completion(LinuxErrorNumber(error))
    }
  }

  private func pass(
    _ submission: URBSubmission
  ) async throws(TransferError) -> URBCompletion {
    let (device, found) = state.withLock { state in
      (state.device, state.interfaces.endpoint(submission.endpointAddress)?.endpoint)
    }
    let isIn = submission.direction == .in
    let address = submission.endpointAddress
    guard submission.endpoint != 0 else {
      guard submission.setup.requestType.direction == .in else {
        try await device.controlOut(
          submission.setup, data: submission.data, timeout: Self.forever)
        return submission.completion()
      }
      return submission.completion(
        data: try await device.controlIn(submission.setup, timeout: Self.forever))
    }
    guard let found else { throw TransferError(.unsupported) }
    switch (found.transferType, isIn) {
    case (.bulk, true):
      return submission.completion(
        data: try await device.bulkIn(
          endpoint: address, length: submission.length, timeout: Self.forever))
    case (.bulk, false):
      let count = try await device.bulkOut(
        endpoint: address, data: submission.data, timeout: Self.forever)
      let packet = Int(found.maxPacketSize & 0x7FF)
      if submission.flags.contains(.zeroPacket), count > 0, packet > 0, count % packet == 0 {
        _ = try await device.bulkOut(endpoint: address, data: [], timeout: Self.forever)
      }
      return submission.completion(sent: count)
    case (.interrupt, true):
      return submission.completion(
        data: try await device.interruptIn(
          endpoint: address, length: submission.length, timeout: Self.forever))
    case (.interrupt, false):
      return submission.completion(
        sent: try await device.interruptOut(
          endpoint: address, data: submission.data, timeout: Self.forever))
    default: throw TransferError(.unsupported)
    }
  }

  // MARK: What the bus has to know of

  private func attend(
    to care: Care, _ submission: URBSubmission
  ) async throws(TransferError) -> [UInt8] {
    let device = state.withLock { $0.device }
    switch care {
    // The device has its address, from its own bus.
    case .setAddress: return []
    case .setConfiguration(let value):
      try await configure(value, device)
      return []
    case .setInterface(let number, let setting):
      try await device.setAlternateSetting(setting, interface: number)
      state.withLock { $0.interfaces.selected(setting, interface: number) }
      return []
    case .clearHalt(let endpoint):
      try await device.clearHalt(endpoint: endpoint)
      return []
    case .reset(let thenReads):
      try await reset(device)
      guard thenReads else { return [] }
      return try await state.withLock { $0.device }.controlIn(
        submission.setup, timeout: Self.forever)
    }
  }

  private func configure(_ value: UInt8, _ device: any USBDevice) async throws(TransferError) {
    var interfaces = state.withLock { $0.interfaces }
    for number in interfaces.claims {
      try await device.releaseInterface(number)
      try interfaces.release(number)
    }
    defer { state.withLock { $0.interfaces = interfaces } }
    do throws(TransferError) {
      try await device.setConfiguration(value)
    } catch {
      try? await Self.claim(&interfaces, of: device)
      throw error
    }
    interfaces.configured(value)
    try await Self.claim(&interfaces, of: device)
  }

  private func reset(_ device: any USBDevice) async throws(TransferError) {
    state.withLock { $0.isFollowing = true }
    defer { state.withLock { $0.isFollowing = false } }
    do throws(TransferError) {
      try await device.reset()
      state.withLock { $0.interfaces.wasReset() }
      return
    } catch {
      guard error.code == .disconnected else { throw error }
    }
    let old = device.info.id
    await device.close()
    let deadline = clock.now.advanced(by: Self.returnLimit)
    while clock.now < deadline {
      if let info = try? await port.device(), info.id != old,
        let (back, interfaces) = try? await Self.claimed(info, port)
      {
        state.withLock { state in
          (state.device, state.interfaces) = (back, interfaces)
        }
        onFollow(info)
        return
      }
      guard (try? await clock.sleep(for: .milliseconds(20))) != nil else { break }
    }
    throw TransferError(.disconnected)
  }
}

extension URBSubmission {
  /// Its end, done or not.
  func completion(_ status: LinuxErrorNumber = .none) -> URBCompletion {
    let isSent = status == .none && direction == .out
    return URBCompletion(
      sequence: sequence, status: status, actualLength: isSent ? length : 0,
      packetCount: packetCount)
  }

  /// Its end with the data that have come; the end of a transfer to the device where there are none.
  func completion(data: [UInt8]) -> URBCompletion {
    guard direction == .in else { return completion() }
    let isShort = flags.contains(.shortNotOK) && data.count < length
    return URBCompletion(
      sequence: sequence, status: isShort ? .remoteIO : .none, actualLength: data.count,
      packetCount: packetCount, data: data)
  }

  /// Its end with so many bytes sent.
  func completion(sent count: Int) -> URBCompletion {
    URBCompletion(
      sequence: sequence, status: .none, actualLength: count, packetCount: packetCount)
  }

  /// Isochronous transfers are not to be had: each packet of this one failed.
  var refused: URBCompletion {
    URBCompletion(
      sequence: sequence, status: .invalid, actualLength: 0, startFrame: startFrame,
      packetCount: packetCount, errorCount: packetCount,
      packets: packets.map { packet in
        IsochronousPacket(
          offset: packet.offset, length: packet.length, actualLength: 0, status: .invalid)
      })
  }
}
