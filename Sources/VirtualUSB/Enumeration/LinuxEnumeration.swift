internal import USB

/// The order of Linux 6.12: `hub_port_connect`, `hub_port_init`, `usb_new_device` of `drivers/usb/core/hub.c`,
/// `usb_get_configuration` of `config.c`, `usb_set_configuration` of `message.c`.
extension Enumeration {
  /// `PORT_INIT_TRIES`.
  private static let tries = 4
  /// `USB_MAXCONFIG`.
  private static let mostConfigurations = 8

  /// What is known of a device on its way.
  private struct Candidate {
    var address: UInt8
    var speed: USBSpeed
    var packetSize: Int
    var device: [UInt8] = []
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
        append(
          reply, "First look at the device descriptor: \(failure.kind.words).", .deviceDescriptor)
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
      let result = ask(
        address: 0, packetSize: candidate.packetSize, .setAddress(candidate.address),
        "From now on the device answers to address \(candidate.address), and address 0 is free.",
        .address)
      switch result {
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

  // MARK: At its address

  private mutating func becomeDevice(_ start: Candidate) -> EnumeratedDevice? {
    var candidate = start
    candidate.set.speed = candidate.speed
    guard readDevice(&candidate) else { return nil }
    let version = UInt16(candidate.device[2]) | UInt16(candidate.device[3]) << 8
    if version >= 0x0201 { readStore(&candidate) }
    if candidate.speed == .full, version >= 0x0200 { readQualifier(&candidate) }
    guard readConfigurations(&candidate) else { return nil }
    readStrings(&candidate)
    let device = EnumeratedDevice(
      path: current, address: candidate.address, speed: candidate.speed,
      descriptors: candidate.set, time: now)
    announce(device, candidate)
    return device
  }

  private mutating func question(
    _ candidate: Candidate, _ setup: SetupPacket, _ sentence: String
  ) -> Result<[UInt8], Failure> {
    ask(
      address: candidate.address, packetSize: candidate.packetSize, setup, sentence, .descriptors)
  }

  private mutating func readDevice(_ candidate: inout Candidate) -> Bool {
    let result = question(
      candidate, .getDescriptor(.device, length: 18), "The whole device descriptor.")
    let error: Int
    switch result {
    case .success(let bytes) where bytes.count < 18: error = -90
    case .success(let bytes) where bytes[1] != DescriptorType.device.rawValue: error = -61
    case .success(let bytes):
      candidate.device = bytes
      candidate.set.device = bytes
      return true
    case .failure(let failure): error = failure.kind.linuxError
    }
    tell(
      .failure, "The device descriptor is not to be had.",
      message: "usb \(current): device descriptor read/all, error \(error)")
    return false
  }

  private mutating func readStore(_ candidate: inout Candidate) {
    let head = question(
      candidate, .getDescriptor(.binaryObjectStore, length: 5),
      "BOS, its first 5 bytes: asked because bcdUSB is 2.01 or more.")
    guard case .success(let start) = head, start.count == 5 else {
      tell(
        .descriptors, "No BOS; the device goes on without.",
        message: "usb \(current): unable to get BOS descriptor or descriptor too short")
      return
    }
    let length = UInt16(start[2]) | UInt16(start[3]) << 8
    let whole = question(
      candidate, .getDescriptor(.binaryObjectStore, length: length), "The whole BOS.")
    if case .success(let bytes) = whole { candidate.set.binaryObjectStore = bytes }
  }

  /// Asked only to say that the device could be faster (`check_highspeed`).
  private mutating func readQualifier(_ candidate: inout Candidate) {
    for _ in 0..<3 {
      let result = question(
        candidate, .getDescriptor(.deviceQualifier, length: 10),
        "Device qualifier: could it be faster? A stall means no.")
      guard case .success(let bytes) = result else { continue }
      candidate.set.deviceQualifier = bytes
      tell(
        .descriptors, "It could run at high speed, and does not.",
        message: "usb \(current): not running at top speed; connect to a high speed hub")
      return
    }
  }

  private mutating func readConfigurations(_ candidate: inout Candidate) -> Bool {
    let count = min(Int(candidate.device[17]), Self.mostConfigurations)
    var error = 0
    if count == 0 { error = -22 }
    for index in 0..<UInt8(count) {
      let head = question(
        candidate, .getDescriptor(.configuration, index: index, length: 9),
        "Configuration \(index), its first 9 bytes: how long it is.")
      guard case .success(let start) = head else {
        if case .failure(let failure) = head { error = failure.kind.linuxError }
        break
      }
      guard start.count >= 4 else {
        error = -22
        break
      }
      let length = max(9, UInt16(start[2]) | UInt16(start[3]) << 8)
      let whole = question(
        candidate, .getDescriptor(.configuration, index: index, length: length),
        "Configuration \(index) with all that follows it: \(length) bytes.")
      switch whole {
      case .success(let bytes):
        guard bytes.count >= 9, bytes[1] == DescriptorType.configuration.rawValue else {
          error = bytes.count >= 9 ? -61 : -22
          break
        }
        candidate.set.configurations.append(bytes)
      case .failure(let failure): error = failure.kind.linuxError
      }
      if error != 0 { break }
    }
    guard error != 0 else { return true }
    tell(
      .failure, "A device all of whose configurations cannot be read is refused.",
      message: "usb \(current): can't read configurations, error \(error)")
    return false
  }

  /// Product, manufacturer, serial number, in this order.
  private mutating func readStrings(_ candidate: inout Candidate) {
    let wanted: [(UInt8, String)] = [
      (candidate.device[15], "product"), (candidate.device[14], "manufacturer"),
      (candidate.device[16], "serial number"),
    ]
    guard wanted.contains(where: { $0.0 != 0 }) else { return }
    for (index, name) in wanted { readString(index, name, &candidate, .descriptors) }
  }

  /// A string; which languages there are is asked before the first.
  private mutating func readString(
    _ index: UInt8, _ name: String, _ candidate: inout Candidate, _ stage: EnumerationStep.Stage
  ) {
    guard index != 0 else { return }
    if candidate.set.language == nil {
      let result = ask(
        address: candidate.address, packetSize: candidate.packetSize,
        .getDescriptor(.string, length: 255), "In which languages are there strings?", stage)
      if case .success(let bytes) = result, bytes.count >= 4 {
        candidate.set.language = LanguageID(rawValue: UInt16(bytes[2]) | UInt16(bytes[3]) << 8)
      } else {
        candidate.set.language = .englishUnitedStates
        tell(
          stage, "None is told; English is taken.",
          message:
            "usb \(current): language id specifier not provided by device, defaulting to English")
      }
    }
    let language = candidate.set.language ?? .englishUnitedStates
    let setup = SetupPacket.getDescriptor(
      .string, index: index, language: language.rawValue, length: 255)
    let reply = send(setup, address: candidate.address, packetSize: candidate.packetSize)
    var text: String?
    if case .success(let bytes) = reply.result {
      var reader = ByteReader(bytes.span.bytes)
      text = try? StringDescriptor(parsing: &reader).text
    }
    if let text { candidate.set.strings[index] = text }
    append(reply, "String \(index), the \(name)" + (text.map { ": “\($0)”." } ?? "."), stage)
  }

  private mutating func announce(_ device: EnumeratedDevice, _ candidate: Candidate) {
    guard let descriptor = device.descriptor else { return }
    let version = candidate.device[12...13].reversed().map { hex($0) }
    // The kernel writes %2x.%02x.
    let high = version[0].first == "0" ? " " + version[0].dropFirst() : version[0]
    tell(
      .descriptors, "The device is known.",
      message: "usb \(current): New USB device found, idVendor=\(descriptor.vendor), "
        + "idProduct=\(descriptor.product), bcdDevice=\(high).\(version[1])")
    tell(
      .descriptors, "Its strings are known.",
      message: "usb \(current): New USB device strings: Mfr=\(descriptor.manufacturerIndex), "
        + "Product=\(descriptor.productIndex), SerialNumber=\(descriptor.serialNumberIndex)")
    let named: [(String, UInt8)] = [
      ("Product", descriptor.productIndex), ("Manufacturer", descriptor.manufacturerIndex),
      ("SerialNumber", descriptor.serialNumberIndex),
    ]
    for (name, index) in named {
      guard let text = candidate.set.strings[index] else { continue }
      tell(.descriptors, "\(name): “\(text)”.", message: "usb \(current): \(name): \(text)")
    }
  }

  // MARK: Configuration and drivers

  private mutating func register(_ found: EnumeratedDevice) {
    var device = found
    var candidate = Candidate(
      address: device.address, speed: device.speed, packetSize: 64,
      device: device.descriptors.device, set: device.descriptors)
    let configurations = device.configurations
    tell(
      .driver,
      "The device is published (uevent add); its driver is usb, which chooses a configuration.")
    guard let configuration = configurations.first else {
      devices.append(device)
      return
    }
    readString(configuration.nameIndex, "configuration", &candidate, .configuration)
    devices.append(device)
    let result = ask(
      address: device.address, packetSize: 64, .setConfiguration(configuration.value),
      "Configuration \(configuration.value) is chosen"
        + (configurations.count == 1 ? ", the only one." : ", the first that fits."),
      .configuration)
    guard case .success = result else {
      if case .failure(let failure) = result {
        tell(
          .failure, "It stays without a configuration, and without drivers.",
          message: "usb \(current): can't set config #\(configuration.value), "
            + "error \(failure.kind.linuxError)")
      }
      return
    }
    device.configuration = configuration.value
    for interface in configuration.interfaces where interface.alternateSetting == 0 {
      readString(
        interface.nameIndex, "interface \(interface.number)", &candidate, .configuration)
    }
    device.descriptors = candidate.set
    devices[devices.count - 1] = device
    for words in driverWords(device) { tell(.driver, words) }
    if isHub(device) { startHub(device.path) }
  }

  func isHub(_ device: EnumeratedDevice) -> Bool {
    device.descriptor?.deviceClass.classCode == 0x09
      && topology.index(of: device.path).map { topology.portCount(of: $0) > 0 } ?? false
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
