internal import Synchronization
public import USB

/// The devices of a USB/IP server: Linux's `usbipd`, usbipd-win, or our own ``USBIPServer``.
///
/// Pure Swift over TCP: no kernel module and no root. A server lists what nobody has imported, so what is in
/// use elsewhere is not seen; what this host has open counts as present. A list tells of the interfaces only
/// their classes (`DeviceInfo.isOutline`); the rest is read when a device is opened, which imports it.
/// Closing it gives it back.
///
/// A server tells nothing of comings and goings: it is asked for its list, four times in a second, while
/// somebody listens. That an open device has left is known at once, for the server closes its connection.
public final class USBIPHost: USBHost {
  /// The server; with a bus id only that device is seen.
  public let address: USBIPAddress
  private let clock: AnyClock
  private let limits: USBIPLimits
  private let state = Mutex(State())

  private struct State {
    var devices = RemoteDevices()
    var listeners: [UInt64: AsyncStream<HostEvent>.Continuation] = [:]
    var nextListener: UInt64 = 0
    var poller: Task<Void, Never>?
  }

  /// How long a server may take to answer.
  static let answerLimit = Duration.seconds(5)
  /// The pause between two looks at the list.
  static let pollInterval = Duration.milliseconds(250)

  /// The devices of a server. Nothing is connected yet.
  ///
  /// - Parameters:
  ///   - address: the server.
  ///   - clock: measures deadlines: of real time, since the server lives in that.
  ///   - limits: what is taken of the server at most.
  public init(_ address: USBIPAddress, clock: AnyClock, limits: USBIPLimits = USBIPLimits()) {
    self.address = address
    self.clock = clock
    self.limits = limits
  }

  deinit { state.withLock { $0.poller }?.cancel() }

  // MARK: Listing

  /// The devices that the server lists, and those that are open here, in the order of their paths.
  ///
  /// - Throws: `HostError` with `.unreachable` where there is no server, `.other` where it breaks the
  ///   protocol.
  public func devices() async throws(HostError) -> [DeviceInfo] {
    let listed: [ExportedDevice]
    do throws(USBIPError) {
      listed = try await list()
    } catch {
      throw HostError(error)
    }
    return update(with: listed)
  }

  /// The bus id of a device that has been listed; nil for one that has not.
  public func busID(of id: DeviceID) -> BusID? { state.withLock { $0.devices.busID(of: id) } }

  private func list() async throws(USBIPError) -> [ExportedDevice] {
    let connection = try await ClientConnection.open(
      ClientSession(listing: limits), at: address, clock: clock)
    defer { connection.drop() }
    switch try await connection.answer(within: Self.answerLimit) {
    case .listed(let devices):
      return devices.filter { address.busID == nil || $0.busID == address.busID }
    case .refused(let status):
      throw USBIPError(.refused, "The server refuses its list: \(status.words).")
    case .imported, .completed, .unlinked:
      throw USBIPError(.violation, "The server has answered what was not asked.")
    }
  }

  private func update(with listed: [ExportedDevice]) -> [DeviceInfo] {
    let (infos, events, listeners) = state.withLock { state in
      let events = state.devices.update(with: listed)
      return (state.devices.present, events, Array(state.listeners.values))
    }
    for event in events { for listener in listeners { listener.yield(event) } }
    return infos
  }

  // MARK: Opening

  /// Imports a device, and reads its descriptors.
  ///
  /// - Throws: `HostError` with `.notFound`, `.busy` where another client has it, `.unreachable` or `.other`.
  public func open(_ id: DeviceID) async throws(HostError) -> any USBDevice {
    guard let (busID, listed, isOpen) = state.withLock({ $0.devices.find(id) }) else {
      throw HostError(
        .notFound, "The device is no longer at \(address.place).", help: "List the devices again.")
    }
    guard !isOpen else {
      throw HostError(
        .busy, "\(busID) of \(address.place) is open already, and USB/IP gives a device once.",
        help: "End what uses it, and try again.")
    }
    let connection: ClientConnection
    do throws(USBIPError) {
      connection = try await imported(busID, listed)
    } catch {
      throw HostError(error)
    }
    do throws(TransferError) {
      let found = try await connection.descriptors()
      var info = listed
      info.isOutline = false
      info.descriptor = found.device
      info.configurations = found.configurations
      info.serialNumber = try await connection.serialNumber(found.device)
      // Linux's server takes the configuration away when it takes a device over.
      if info.activeConfiguration == nil, let first = found.configurations.first {
        try await connection.configure(first.value)
        info.activeConfiguration = first.value
      }
      let device = USBIPDevice(
        connection, info, clock: clock,
        onConfigure: { [weak self] value in
          self?.state.withLock { $0.devices.configured(id, value) }
        }, onClose: { [weak self] in self?.closed(id) })
      state.withLock { $0.devices.opened(id, info) }
      connection.onEnd { [weak self] end in self?.ended(id, end) }
      return device
    } catch {
      await connection.close(clock: clock)
      throw HostError(
        .other, "\(busID) of \(address.place) could not be read: \(error.sentence)",
        help: "Is the device still attached to the server?")
    }
  }

  private func imported(
    _ busID: BusID, _ listed: DeviceInfo
  ) async throws(USBIPError) -> ClientConnection {
    let connection = try await ClientConnection.open(
      ClientSession(importing: busID, limits: limits), at: address, clock: clock)
    do throws(USBIPError) {
      let record = try await connection.importedRecord(busID, at: address)
      guard record.vendor == listed.descriptor.vendor,
        record.product == listed.descriptor.product
      else {
        throw USBIPError(
          .refused, "\(busID) of \(address.place) has become another device meanwhile.",
          help: "List the devices again.")
      }
      return connection
    } catch {
      connection.drop()
      throw error
    }
  }

  /// A device was given back: it is there until a list says otherwise.
  private func closed(_ id: DeviceID) { state.withLock { $0.devices.closed(id) } }

  /// A connection has ended.
  private func ended(_ id: DeviceID, _ end: ConnectionEnd) {
    guard end == .closedByPeer else { return closed(id) }
    let (event, listeners) = state.withLock { state in
      (state.devices.left(id), Array(state.listeners.values))
    }
    guard let event else { return }
    for listener in listeners { listener.yield(event) }
  }

  // MARK: Events

  /// Attachments and detachments from now on, as the list of the server shows them.
  public func events() -> AsyncStream<HostEvent> {
    AsyncStream { continuation in
      let number = state.withLock { state in
        state.nextListener += 1
        state.listeners[state.nextListener] = continuation
        if state.poller == nil { state.poller = poller() }
        return state.nextListener
      }
      continuation.onTermination = { [weak self] _ in self?.forget(number) }
    }
  }

  private func forget(_ number: UInt64) {
    state.withLock { state in
      state.listeners[number] = nil
      guard state.listeners.isEmpty else { return }
      state.poller?.cancel()
      state.poller = nil
    }
  }

  private func poller() -> Task<Void, Never> {
    let clock = clock
    return Task { [weak self] in
      while !Task.isCancelled {
        // A server that cannot be reached for a while has not lost its devices.
        if let listed = try? await self?.list() { _ = self?.update(with: listed) }
        guard (try? await clock.sleep(for: Self.pollInterval)) != nil else { return }
      }
    }
  }
}

extension HostError {
  init(_ error: USBIPError) {
    let code: Code =
      switch error.code {
      case .unreachable, .timeout: .unreachable
      case .busy, .noFreePort: .busy
      case .permission: .permission
      case .noDevice: .notFound
      case .violation, .refused, .closed, .cannotListen, .noController: .other
      }
    self.init(code, error.sentence, help: error.help)
  }
}
