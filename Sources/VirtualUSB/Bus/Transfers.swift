internal import USB

/// A transfer that the host has started.
struct TransferRequest: Sendable {
  var device: DeviceID
  var handle: UInt64
  var endpoint: UInt8
  var setup: SetupPacket?
  var data: [UInt8] = []
  var length = 0
  /// When the host gives up.
  var deadline: Duration

  func error(_ code: TransferError.Code, _ detail: String? = nil) -> TransferError {
    TransferError(code, setup: setup, detail: detail)
  }
}

/// A transfer whose turn has come.
struct Flight: Sendable {
  /// When it ends.
  var end: Duration
  /// How it ends, if nothing comes between.
  var result: Result<[UInt8], TransferError>
  /// When the device next does something by itself: it may be gone then.
  var nextEvent: Duration?
  /// What happens when it ends.
  var ending: Ending?
  /// The device holds it (NAK) until something happens to it.
  var held: Held?

  struct Held: Sendable {
    /// How often something had happened to the device when it was asked.
    var stirs: Int
    var data: [UInt8]
    /// What befalls the answer when it comes.
    var faults: [TransferFault]
  }

  enum Ending: Sendable {
    /// The cable is pulled before the host sees the answer.
    case pullsCable(comesBackAfter: Duration?)
    /// The cable is pulled when the host has seen it.
    case pullsCableAfterwards(comesBackAfter: Duration?)
    case cutsPower(comesBackAfter: Duration?)
    case losesLink(for: Duration)
  }
}

extension BusState {
  // MARK: The order on a pipe

  /// Takes the pipe, or a place in its queue.
  func enter(_ request: TransferRequest) throws(TransferError) -> Gate? {
    guard let pipe = pipe(of: request) else { throw request.error(.disconnected) }
    guard pipe.isBusy else {
      pipe.isBusy = true
      return nil
    }
    let gate = Gate()
    pipe.queue.append(Pipe.Place(gate: gate, handle: request.handle))
    return gate
  }

  /// Gives the pipe to the next in the queue.
  mutating func leave(_ request: TransferRequest) {
    guard let pipe = pipe(of: request) else { return }
    if pipe.queue.isEmpty {
      pipe.isBusy = false
    } else {
      effects.append(.open(pipe.queue.removeFirst().gate))
    }
  }

  /// Leaves the queue before the turn has come; if it has come, gives it on.
  mutating func withdraw(_ request: TransferRequest, _ gate: Gate) {
    guard let pipe = pipe(of: request) else { return }
    if let place = pipe.queue.firstIndex(where: { $0.gate === gate }) {
      pipe.queue.remove(at: place)
    } else {
      leave(request)
    }
  }

  private func pipe(of request: TransferRequest) -> Pipe? {
    portIndex(of: request.device).flatMap { ports[$0].attachment?.pipe(request.endpoint) }
  }

  // MARK: The transfer

  /// What an interceptor gets to see; nil when there is none.
  mutating func interception(
    _ request: TransferRequest, at now: Duration
  ) -> (TransferInterceptor, InterceptedTransfer)? {
    guard let interceptor, let index = portIndex(of: request.device) else { return nil }
    return (
      interceptor,
      InterceptedTransfer(
        number: transferCount, path: ports[index].path, endpoint: request.endpoint,
        setup: request.setup, data: request.data, time: now)
    )
  }

  /// The transfer's turn has come: starts it, or gives the pipe to the next.
  mutating func startOrLeave(
    _ request: TransferRequest, fault: TransferFault, at now: Duration
  ) throws(TransferError) -> Flight {
    transferCount += 1
    do throws(TransferError) {
      return try start(request, fault: fault, at: now)
    } catch {
      leave(request)
      throw error
    }
  }

  /// Asks the device.
  private mutating func start(
    _ request: TransferRequest, fault: TransferFault, at now: Duration
  ) throws(TransferError) -> Flight {
    guard let index = portIndex(of: request.device) else { throw request.error(.disconnected) }
    guard now < request.deadline else { throw request.error(.timeout) }
    var data = request.data
    var flight = Flight(end: now, result: .success([]))
    let faults = fault.parts
    for case .plugIn(let other) in faults { _ = plugIn(other, path: nil, at: now) }
    for fault in faults {
      switch fault {
      case .stall:
        flight.end = now + time(request, bytes: 0, on: index)
        flight.result = .failure(request.error(.stall))
        return flight
      case .broken:
        flight.end = now + time(request, bytes: 0, on: index)
        flight.result = .failure(request.error(.protocolError))
        return flight
      case .timeout:
        flight.end = request.deadline
        flight.result = .failure(request.error(.timeout))
        return flight
      case .disconnect(let pause):
        unplug(index, at: now, comesBackAfter: pause)
        throw request.error(.disconnected)
      case .corrupt(let change) where !data.isEmpty:
        change(&data)
      default: break
      }
    }
    ask(&flight, request, data: data, faults: faults, on: index, at: now)
    followConnection(index, at: now)
    flight.nextEvent = nextEvent
    return flight
  }

  /// Asks the device, and notes when and how the transfer ends.
  private mutating func ask(
    _ flight: inout Flight, _ request: TransferRequest, data: [UInt8], faults: [TransferFault],
    on index: Int, at now: Duration
  ) {
    let response = answer(request, data: data, on: index, at: now)
    guard response.outcome != .nak else {
      flight.held = Flight.Held(
        stirs: ports[index].attachment?.stirs ?? 0, data: data, faults: faults)
      flight.end = request.deadline
      flight.result = .failure(request.error(.timeout))
      return
    }
    flight.held = nil
    stir(index)
    settle(&flight, response, request, on: index, at: now)
    for fault in faults { apply(fault, to: &flight) }
    if flight.end > request.deadline {
      flight.end = request.deadline
      flight.result = .failure(request.error(.timeout))
    }
  }

  private mutating func answer(
    _ request: TransferRequest, data: [UInt8], on index: Int, at now: Duration
  ) -> VirtualResponse {
    ports[index].device.advance(to: now)
    guard ports[index].device.isConnected else { return .noAnswer }
    if let setup = request.setup {
      return ports[index].device.respond(to: setup, data: data, at: now)
    }
    return ports[index].device.respond(
      onEndpoint: request.endpoint, data: data, length: request.length, at: now)
  }

  /// When and how the transfer ends, by what the device has answered.
  private func settle(
    _ flight: inout Flight, _ response: VirtualResponse, _ request: TransferRequest,
    on index: Int, at now: Duration
  ) {
    let length = request.setup.map { Int($0.length) } ?? request.length
    switch response.outcome {
    case .data(let bytes) where bytes.count > length:
      flight.end = now + time(request, bytes: length, on: index)
      flight.result = .failure(request.error(.overflow))
    case .data(let bytes):
      flight.end = now + time(request, bytes: bytes.count, on: index)
      flight.result = .success(bytes)
    case .acknowledged:
      flight.end = now + time(request, bytes: request.data.count, on: index)
    case .stall:
      flight.end = now + time(request, bytes: 0, on: index)
      flight.result = .failure(request.error(.stall))
    case .noAnswer, .nak:
      flight.end = request.deadline
      flight.result = .failure(request.error(.timeout))
    }
    if let ready = response.readyAt, ready > now {
      // What was held back still has to cross the wire.
      flight.end = max(flight.end, ready + time(request, bytes: 0, on: index))
    }
  }

  private func apply(_ fault: TransferFault, to flight: inout Flight) {
    switch fault {
    case .delay(let delay): flight.end += delay
    case .disconnectInside(let pause): flight.ending = .pullsCable(comesBackAfter: pause)
    case .disconnectAfter(let pause): flight.ending = .pullsCableAfterwards(comesBackAfter: pause)
    case .cutPower(let pause): flight.ending = .cutsPower(comesBackAfter: pause)
    case .reconnect(let pause): flight.ending = .losesLink(for: pause)
    case .corrupt(let change), .corruptAnswer(let change):
      if case .success(var bytes) = flight.result, !bytes.isEmpty {
        change(&bytes)
        flight.result = .success(bytes)
      }
    case .pass, .stall, .timeout, .broken, .disconnect, .plugIn, .together: break
    }
  }

  private func time(_ request: TransferRequest, bytes: Int, on index: Int) -> Duration {
    guard let attachment = ports[index].attachment else { return wire.turnaround }
    if request.setup != nil {
      return wire.control(
        bytes: bytes, packetSize: attachment.packetSize, speed: attachment.speed)
    }
    let size = endpoint(request.endpoint, of: index)?.endpoint.maxPacketSize ?? 64
    return wire.stream(bytes: bytes, packetSize: Int(size & 0x7FF), speed: attachment.speed)
  }

  /// Time has passed: nil while the transfer still runs.
  mutating func finish(
    _ flight: inout Flight, _ request: TransferRequest, at now: Duration
  ) -> Result<[UInt8], TransferError>? {
    guard let index = portIndex(of: request.device) else {
      return .failure(request.error(.disconnected))
    }
    if let held = flight.held, now < flight.end, held.stirs != ports[index].attachment?.stirs {
      ask(&flight, request, data: held.data, faults: held.faults, on: index, at: now)
      followConnection(index, at: now)
    }
    guard now >= flight.end else {
      flight.nextEvent = nextEvent
      return nil
    }
    if case .pullsCable(let pause) = flight.ending {
      unplug(index, at: now, comesBackAfter: pause)
      return .failure(request.error(.disconnected))
    }
    if let setup = request.setup, case .success = flight.result {
      ports[index].device.advance(to: now)
      ports[index].device.completed(setup, at: now)
      stir(index)
      followConnection(index, at: now)
    }
    switch flight.ending {
    case .pullsCableAfterwards(let pause): unplug(index, at: now, comesBackAfter: pause)
    case .cutsPower(let pause): cutPower(index, at: now, comesBackAfter: pause)
    case .losesLink(let pause): loseLink(index, at: now, for: pause)
    case .pullsCable, nil: break
    }
    return flight.result
  }

  // MARK: Claims

  /// The endpoint with this address in the selected settings of the active configuration.
  func endpoint(
    _ address: UInt8, of index: Int
  ) -> (endpoint: EndpointDescriptor, interface: UInt8)? {
    guard let attachment = ports[index].attachment else { return nil }
    let configuration = attachment.info.configurations.first {
      $0.value == attachment.info.activeConfiguration
    }
    for interface in configuration?.interfaces ?? []
    where interface.alternateSetting == attachment.settings[interface.number] ?? 0 {
      if let endpoint = interface.endpoints.first(where: { $0.address == address }) {
        return (endpoint, interface.number)
      }
    }
    return nil
  }

  /// Refuses a transfer to an interface that this handle has not claimed.
  func checkClaim(_ request: TransferRequest) throws(TransferError) {
    guard let index = portIndex(of: request.device) else { throw request.error(.disconnected) }
    guard let setup = request.setup else {
      return try checkClaim(ofEndpoint: request.endpoint, request)
    }
    guard setup.requestType.recipient == .interface else { return }
    try checkClaim(of: UInt8(truncatingIfNeeded: setup.index), request, on: index)
  }

  /// Refuses what is about an endpoint that is not there, or of an interface that is not claimed.
  func checkClaim(
    ofEndpoint address: UInt8, _ request: TransferRequest
  ) throws(TransferError) {
    guard let index = portIndex(of: request.device) else { throw request.error(.disconnected) }
    guard let found = endpoint(address, of: index) else {
      throw request.error(.unsupported, "no endpoint 0x\(hex(address))")
    }
    try checkClaim(of: found.interface, request, on: index)
  }

  private func checkClaim(
    of interface: UInt8, _ request: TransferRequest, on index: Int
  ) throws(TransferError) {
    guard ports[index].attachment?.claims[interface] == request.handle else {
      throw request.error(.closed, "interface \(interface) is not claimed")
    }
  }
}
