internal import USB

/// The order of Linux 6.12: `hub_port_connect`, `hub_port_init`, `usb_new_device` of `drivers/usb/core/hub.c`,
/// `usb_get_configuration` of `config.c`, `usb_set_configuration` of `message.c`.
extension Enumeration {
  /// `PORT_INIT_TRIES`.
  private static let tries = 4

  /// What is known of a device on its way.
  struct Candidate {
    var address: UInt8
    var speed: USBSpeed
    var packetSize: Int
    var set = DescriptorSet(device: [], configurations: [])
  }

  /// Up to four tries; true where one of them has made a device of what is in the port.
  mutating func tryAsLinux(_ port: UInt8, of hub: PortPath) -> Bool {
    for attempt in 0..<Self.tries {
      guard let address = nextAddress() else {
        tell(
          .failure,
          "All 127 addresses of the bus are taken (7 bits, of which 0 is for new devices).",
          message: "usb \(hubName(hub))-port\(port): couldn't allocate usb_device")
        return false
      }
      lastAddress = address
      addresses.insert(address)
      let isNew = (attempt < Self.tries / 2) != (host == .linuxOldScheme)
      if let candidate = introduce(port, of: hub, address, isNewScheme: isNew),
        let device = becomeDevice(candidate)
      {
        register(device)
        return true
      }
      addresses.remove(address)
      guard isConnected(port, of: hub) else {
        tell(.failure, "Nothing is connected any more; there is nothing to try again.")
        return false
      }
      if attempt == Self.tries / 2 - 1 { cyclePower(port, of: hub) }
    }
    tell(
      .failure,
      "Four tries have failed; the port is left alone until something is plugged in anew.",
      message: "usb \(hubName(hub))-port\(port): unable to enumerate USB device")
    return false
  }

  private func hubName(_ hub: PortPath) -> String { hub.description }

  /// `choose_devnum`: the next one behind the last, going round.
  private func nextAddress() -> UInt8? {
    for step in 1...127 {
      let address = UInt8((Int(lastAddress) + step - 1) % 127 + 1)
      if !addresses.contains(address) { return address }
    }
    return nil
  }

  private mutating func isConnected(_ port: UInt8, of hub: PortPath) -> Bool {
    portStatus(port, of: hub, .failure, isQuiet: true)?.status.contains(.connected) ?? false
  }

  private mutating func cyclePower(_ port: UInt8, of hub: PortPath) {
    tell(
      .failure, "Half of the tries are used up: the port is switched off and on.",
      message: "usb \(hubName(hub))-port\(port): attempt power cycle")
    ask(hub, .clearPortFeature(.power, port: port), "Power off.", .failure)
    now += .milliseconds(200)
    topology.advance(to: now)
    ask(hub, .setPortFeature(.power, port: port), "Power on.", .failure)
    now += .milliseconds(100)
    topology.advance(to: now)
    ask(
      hub, .clearPortFeature(.connectionChange, port: port),
      "Clear the change that this has made.", .failure)
  }

  // MARK: One try

  /// Reset, the first look, the address: `hub_port_init`.
  private mutating func introduce(
    _ port: UInt8, of hub: PortPath, _ address: UInt8, isNewScheme: Bool
  ) -> Candidate? {
    guard let speed = reset(port, of: hub, "Reset the port: D+ and D- are held low.") else {
      return nil
    }
    tell(
      .reset,
      "\(isNewScheme ? "New" : "Old") scheme: "
        + (isNewScheme
          ? "the device descriptor at address 0 first, as Windows does."
          : "the address first."),
      message: "usb \(current): new \(speed.kernelWord) USB device number \(address) using virtual")
    var candidate = Candidate(address: address, speed: speed, packetSize: speed.guessedPacketSize)
    if isNewScheme {
      guard lookAtDevice(&candidate, port, of: hub), setAddress(&candidate) else { return nil }
    } else {
      guard setAddress(&candidate), lookAtStart(&candidate) else { return nil }
    }
    return candidate
  }

  /// 64 bytes at address 0, three times; only type and packet size of the answer count. Then a second reset.
  private mutating func lookAtDevice(
    _ candidate: inout Candidate, _ port: UInt8, of hub: PortPath
  ) -> Bool {
    let setup = SetupPacket.getDescriptor(.device, length: 64)
    var error = 0
    var isFound = false
    for _ in 0..<3 where !isFound {
      let reply = send(setup, address: 0, packetSize: candidate.packetSize)
      switch reply.result {
      case .success(let bytes):
        let size = bytes.count >= 8 ? Int(bytes[7]) : 0
        isFound =
          bytes.count >= 8 && bytes[1] == DescriptorType.device.rawValue
          && [8, 16, 32, 64, 9].contains(size)
        append(
          reply,
          "First look at the device descriptor: 64 bytes are asked for, "
            + (isFound
              ? "one packet is enough: bMaxPacketSize0 is \(size)."
              : "and what comes is none."),
          .deviceDescriptor)
        if isFound { candidate.packetSize = size } else { error = -71 }
      case .failure(let failure):
        append(reply, "First look at the device descriptor.", .deviceDescriptor)
        error = failure.kind.linuxError
      }
    }
    guard isFound else {
      tell(
        .failure, "Three times without a device descriptor.",
        message: "usb \(current): device descriptor read/64, error \(error)")
      return false
    }
    return reset(port, of: hub, "Second reset: some devices have to forget what they were asked.")
      != nil
  }

  private mutating func setAddress(_ candidate: inout Candidate) -> Bool {
    var error = 0
    for attempt in 0..<2 {
      if attempt > 0 { now += .milliseconds(200) }
      switch giveAddress(candidate.address, packetSize: candidate.packetSize) {
      case .success:
        tell(.address, "Wait 10 ms until it has changed its address.")
        now += .milliseconds(10)
        return true
      case .failure(let failure): error = failure.kind.linuxError
      }
    }
    tell(
      .failure, "The address was not taken.",
      message: "usb \(current): device not accepting address \(candidate.address), error \(error)")
    return false
  }

  /// SET_ADDRESS, told by how it went.
  mutating func giveAddress(_ address: UInt8, packetSize: Int) -> Result<[UInt8], Failure> {
    let reply = send(.setAddress(address), address: 0, packetSize: packetSize)
    var sentence = "SET_ADDRESS: the device is to answer to address \(address)."
    if case .success = reply.result {
      sentence = "From now on the device answers to address \(address), and address 0 is free."
    }
    append(reply, sentence, .address)
    return reply.result
  }

  /// 8 bytes, for the packet size: the old scheme.
  private mutating func lookAtStart(_ candidate: inout Candidate) -> Bool {
    let result = ask(
      address: candidate.address, packetSize: 8, .getDescriptor(.device, length: 8),
      "First look at the device descriptor: 8 bytes, of which the last is bMaxPacketSize0.",
      .deviceDescriptor)
    let error: Int
    switch result {
    case .success(let bytes) where bytes.count == 8 && [8, 16, 32, 64, 9].contains(bytes[7]):
      candidate.packetSize = Int(bytes[7])
      return true
    case .success: error = -71
    case .failure(let failure): error = failure.kind.linuxError
    }
    tell(
      .failure, "There is no device descriptor.",
      message: "usb \(current): device descriptor read/8, error \(error)")
    return false
  }
}

extension USBSpeed {
  /// How the kernel writes it.
  var kernelWord: String {
    switch self {
    case .low: "low-speed"
    case .full: "full-speed"
    case .high: "high-speed"
    case .superSpeed: "SuperSpeed"
    case .superSpeedPlus: "SuperSpeed Plus"
    }
  }

  /// What `bMaxPacketSize0` is taken for before it is known.
  var guessedPacketSize: Int {
    switch self {
    case .low: 8
    case .full, .high: 64
    case .superSpeed, .superSpeedPlus: 512
    }
  }
}
