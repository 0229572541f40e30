internal import USB

/// Control transfers of an enumeration: what goes out, what comes back, how long it takes.
extension Enumeration {
  struct Reply {
    var begin: Duration
    var address: UInt8?
    var setup: SetupPacket
    var result: Result<[UInt8], Failure>
  }

  /// How a transfer failed, as an error for `Result`.
  struct Failure: Error {
    var kind: TransferFailure
  }

  /// Linux: `initial_descriptor_timeout` and `USB_CTRL_GET_TIMEOUT`, 5 s both.
  static let timeout = Duration.seconds(5)

  /// Asks a hub, or a device that has its address, and tells it.
  @discardableResult
  mutating func ask(
    _ path: PortPath, _ setup: SetupPacket, _ sentence: String, _ stage: EnumerationStep.Stage
  ) -> Result<[UInt8], Failure> {
    let reply = send(setup, to: path)
    append(reply, sentence, stage)
    return reply.result
  }

  /// Asks whoever has an address, and tells it.
  mutating func ask(
    address: UInt8, packetSize: Int, _ setup: SetupPacket, _ sentence: String,
    _ stage: EnumerationStep.Stage
  ) -> Result<[UInt8], Failure> {
    let reply = send(setup, address: address, packetSize: packetSize)
    append(reply, sentence, stage)
    return reply.result
  }

  mutating func append(
    _ reply: Reply, _ sentence: String, _ stage: EnumerationStep.Stage, message: String? = nil
  ) {
    var transfer = EnumerationStep.Transfer(
      address: reply.address, setup: reply.setup, answer: [], failure: nil)
    switch reply.result {
    case .success(let bytes): transfer.answer = bytes
    case .failure(let failure): transfer.failure = failure.kind
    }
    steps.append(
      EnumerationStep(
        time: reply.begin, path: current, stage: stage, sentence: sentence, transfer: transfer,
        message: message))
  }

  mutating func tell(
    _ stage: EnumerationStep.Stage, _ sentence: String, message: String? = nil
  ) {
    steps.append(
      EnumerationStep(
        time: now, path: current, stage: stage, sentence: sentence, transfer: nil, message: message)
    )
  }

  /// To a hub by its path; the root hub takes no time.
  mutating func send(_ setup: SetupPacket, to hub: PortPath) -> Reply {
    guard hub.ports.isEmpty else {
      guard let address = address(of: hub) else {
        return Reply(
          begin: now, address: nil, setup: setup, result: .failure(Failure(kind: .noResponse)))
      }
      return send(setup, address: address, packetSize: 64)
    }
    let response = topology.respond(0, to: setup, at: now)
    let result: Result<[UInt8], Failure>
    switch response.outcome {
    case .data(let bytes): result = .success(bytes)
    case .acknowledged: result = .success([])
    case .stall, .noAnswer, .nak: result = .failure(Failure(kind: .stall))
    }
    return Reply(begin: now, address: nil, setup: setup, result: result)
  }

  /// Over the wire, to an address.
  ///
  /// - Parameters:
  ///   - setup: the setup packet; there is no OUT data stage in an enumeration.
  ///   - address: 0 before SET_ADDRESS.
  ///   - packetSize: what the host takes `bMaxPacketSize0` for.
  /// - Returns: what was asked, and what came.
  mutating func send(_ setup: SetupPacket, address: UInt8, packetSize: Int) -> Reply {
    let begin = now
    let number = transferCount
    transferCount += 1
    topology.advance(to: now)
    let listeners = topology.listeners(to: address)
    let path = listeners.first.map { topology.nodes[$0].path } ?? current
    let fault =
      interceptor?(
        InterceptedTransfer(
          number: number, path: path, endpoint: 0, setup: setup, data: [], time: now)) ?? .pass
    func reply(_ result: Result<[UInt8], Failure>) -> Reply {
      Reply(begin: begin, address: address, setup: setup, result: result)
    }
    guard let listener = listeners.first, listeners.count == 1 else {
      // Nobody, or two at once whose packets collide: three errors in a row end a transfer.
      now += .milliseconds(1)
      return reply(.failure(Failure(kind: .noResponse)))
    }
    for part in fault.parts {
      switch part {
      case .stall:
        now += .milliseconds(1)
        return reply(.failure(Failure(kind: .stall)))
      case .timeout:
        now += Self.timeout
        return reply(.failure(Failure(kind: .timeout)))
      case .broken:
        now += .milliseconds(1)
        return reply(.failure(Failure(kind: .noResponse)))
      case .disconnect:
        topology.pullOut(path)
        now += .milliseconds(1)
        return reply(.failure(Failure(kind: .noResponse)))
      default: break
      }
    }
    var outcome = topology.respond(listener, to: setup, at: now)
    for part in fault.parts {
      switch part {
      case .delay(let delay): outcome.readyAt = max(outcome.readyAt ?? now, now) + delay
      case .corrupt(let change), .corruptAnswer(let change):
        if case .data(var bytes) = outcome.outcome {
          change(&bytes)
          outcome.outcome = .data(bytes)
        }
      default: break
      }
    }
    let ready = max(outcome.readyAt ?? now, now)
    guard ready - now < Self.timeout else {
      now += Self.timeout
      return reply(.failure(Failure(kind: .timeout)))
    }
    let speed = topology.speed(of: listener)
    func pass(_ count: Int) {
      now = ready + wire.control(bytes: count, packetSize: max(packetSize, 8), speed: speed)
    }
    switch outcome.outcome {
    case .data(let bytes):
      let sent = asSent(bytes, setup, packetSize: packetSize)
      pass(sent.count)
      guard sent.count <= Int(setup.length) else {
        return reply(.failure(Failure(kind: .overflow)))
      }
      topology.complete(listener, setup, at: now)
      finish(fault)
      return reply(.success(sent))
    case .acknowledged:
      pass(0)
      topology.complete(listener, setup, at: now)
      finish(fault)
      return reply(.success([]))
    case .stall:
      pass(0)
      return reply(.failure(Failure(kind: .stall)))
    case .noAnswer, .nak:
      now += Self.timeout
      return reply(.failure(Failure(kind: .timeout)))
    }

    func finish(_ fault: TransferFault) {
      for part in fault.parts {
        switch part {
        case .disconnectAfter, .disconnectInside, .cutPower, .reconnect: topology.pullOut(path)
        default: break
        }
      }
    }
  }

  /// A packet that is shorter than the host expects ends the data stage (USB 2.0, 5.5.3): a device whose packets
  /// have 8 bytes answers the first, larger question with 8.
  private func asSent(_ bytes: [UInt8], _ setup: SetupPacket, packetSize: Int) -> [UInt8] {
    guard setup.request == StandardRequest.getDescriptor.rawValue,
      setup.value >> 8 == UInt16(DescriptorType.device.rawValue), bytes.count > 8
    else { return bytes }
    let own = Int(bytes[7])
    guard [8, 16, 32, 64].contains(own), own < packetSize else { return bytes }
    return Array(bytes.prefix(own))
  }
}
