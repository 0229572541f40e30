internal import USB

/// The order of Windows' hub driver, as Microsoft has published it, and what Device Manager shows where it fails.
/// How often it tries again before it gives up is not published: one try is told.
extension Enumeration {
  /// What a device that could not be enumerated is called: code 43, with this as its only hardware id.
  private enum Problem: Int {
    case reset = 1
    case deviceDescriptor = 2
    case invalidConfiguration = 3
    case address = 4
    case invalidDevice = 5
    case configuration = 6

    var hardwareID: String {
      switch self {
      case .reset: "USB\\RESET_FAILURE"
      case .deviceDescriptor: "USB\\DEVICE_DESCRIPTOR_FAILURE"
      case .invalidConfiguration: "USB\\CONFIGURATION_DESCRIPTOR_VALIDATION_FAILURE"
      case .address: "USB\\SET_ADDRESS_FAILURE"
      case .invalidDevice: "USB\\DEVICE_DESCRIPTOR_VALIDATION_FAILURE"
      case .configuration: "USB\\CONFIG_DESCRIPTOR_FAILURE"
      }
    }

    var words: String {
      switch self {
      case .reset: "Port Reset Failed"
      case .deviceDescriptor: "Device Descriptor Request Failed"
      case .invalidConfiguration: "Invalid Configuration Descriptor"
      case .address: "Set Address Failed"
      case .invalidDevice: "Invalid Device Descriptor"
      case .configuration: "Configuration Descriptor Request Failed"
      }
    }
  }

  /// True where the device is reported with ids of its own.
  mutating func lookAsWindows(_ port: UInt8, of hub: PortPath) -> Bool {
    guard let address = (UInt8(1)...127).first(where: { !addresses.contains($0) }) else {
      tell(
        .failure, "All 127 addresses of the bus are taken (7 bits, of which 0 is for new devices).")
      return false
    }
    guard let speed = reset(port, of: hub, "Reset the port: D+ and D- are held low.") else {
      return fail(.reset)
    }
    var packetSize = speed.guessedPacketSize
    let first = ask(
      address: 0, packetSize: packetSize, .getDescriptor(.device, length: 64),
      "First look at the device descriptor: 64 bytes are asked for, only the first 8 are needed.",
      .deviceDescriptor)
    guard case .success(let start) = first, start.count >= 8 else { return fail(.deviceDescriptor) }
    packetSize = Int(start[7])
    guard [8, 16, 32, 64, 9].contains(packetSize), start[1] == DescriptorType.device.rawValue else {
      return fail(.invalidDevice)
    }
    guard reset(port, of: hub, "Second reset.") != nil else { return fail(.reset) }
    let assigned = giveAddress(address, packetSize: packetSize)
    guard case .success = assigned else { return fail(.address) }
    tell(.address, "10 ms of rest.")
    now += .milliseconds(10)
    addresses.insert(address)
    lastAddress = address
    guard let set = readAsWindows(address, packetSize, speed) else {
      addresses.remove(address)
      return false
    }
    let device = EnumeratedDevice(
      path: current, address: address, speed: speed, descriptors: set, time: now)
    devices.append(device)
    tell(
      .driver, "The device is reported to Plug and Play, which looks for its driver by these ids.")
    for words in driverWords(device) { tell(.driver, words) }
    startDriver(of: device)
    return true
  }

  private mutating func fail(_ problem: Problem) -> Bool {
    tell(
      .failure,
      "Device Manager shows “Unknown USB Device (\(problem.words))”, code 43; its only id is "
        + "\(problem.hardwareID).",
      message: "USB\\VID_0000&PID_000\(problem.rawValue)")
    return false
  }

  private mutating func readAsWindows(
    _ address: UInt8, _ packetSize: Int, _ speed: USBSpeed
  ) -> DescriptorSet? {
    var set = DescriptorSet(device: [], configurations: [], speed: speed)
    func question(_ setup: SetupPacket, _ sentence: String) -> [UInt8]? {
      try? ask(address: address, packetSize: packetSize, setup, sentence, .descriptors).get()
    }
    guard let device = question(.getDescriptor(.device, length: 18), "The whole device descriptor.")
    else {
      _ = fail(.deviceDescriptor)
      return nil
    }
    guard device.count == 18, device[0] == 18, device[1] == DescriptorType.device.rawValue else {
      _ = fail(.invalidDevice)
      return nil
    }
    set.device = device
    guard
      var configuration = question(
        .getDescriptor(.configuration, length: 255),
        "Configuration 0: 255 bytes are asked for, most are shorter.")
    else {
      _ = fail(.configuration)
      return nil
    }
    if configuration.count >= 4 {
      let total = UInt16(configuration[2]) | UInt16(configuration[3]) << 8
      if total > 255 {
        guard
          let whole = question(
            .getDescriptor(.configuration, length: total),
            "Configuration 0 again, all \(total) bytes.")
        else {
          _ = fail(.configuration)
          return nil
        }
        configuration = whole
      }
    }
    set.configurations = [configuration]
    let tree = DescriptorTree(parsing: set.bytes, speed: speed)
    if let fault = tree.faults.first(where: { $0.windows != nil }) {
      tell(.descriptors, fault.sentence)
      let isOfDevice = fault.offset < device.count
      _ = fail(isOfDevice ? .invalidDevice : .invalidConfiguration)
      return nil
    }
    let version = UInt16(device[2]) | UInt16(device[3]) << 8
    if version >= 0x0201 {
      set.binaryObjectStore = question(
        .getDescriptor(.binaryObjectStore, length: 255),
        "BOS: asked because bcdUSB is 2.01 or more.")
    }
    if let request = set.microsoftSetRequest {
      set.others[.microsoftSet] = question(
        request, "Microsoft OS 2.0 descriptor set, which the BOS announces.")
    } else if version >= 0x0200 {
      _ = question(
        .getDescriptor(.string, index: 0xEE, length: 18),
        "Microsoft OS 1.0 string 0xEE: asked only the first time that this device is seen.")
    }
    readStringsAsWindows(&set, device, address, packetSize)
    set.deviceQualifier = question(
      .getDescriptor(.deviceQualifier, length: 10), "Device qualifier; a stall is fine.")
    return set
  }

  private mutating func readStringsAsWindows(
    _ set: inout DescriptorSet, _ device: [UInt8], _ address: UInt8, _ packetSize: Int
  ) {
    func question(_ setup: SetupPacket, _ sentence: String) -> [UInt8]? {
      try? ask(address: address, packetSize: packetSize, setup, sentence, .descriptors).get()
    }
    func string(_ index: UInt8, _ name: String) {
      guard index != 0 else { return }
      let bytes = question(
        .getDescriptor(.string, index: index, language: 0x0409, length: 255),
        "String \(index), the \(name), in English.")
      guard let bytes else { return }
      var reader = ByteReader(bytes.span.bytes)
      set.strings[index] = try? StringDescriptor(parsing: &reader).text
    }
    string(device[16], "serial number")
    if device[15] != 0 {
      let bytes = question(
        .getDescriptor(.string, length: 255), "In which languages are there strings?")
      if let bytes, bytes.count >= 4 {
        set.language = LanguageID(rawValue: UInt16(bytes[2]) | UInt16(bytes[3]) << 8)
      }
    }
    string(device[15], "product")
  }

  /// What a driver sends once it has been found. A hub's always is; of others this is not known here.
  private mutating func startDriver(of found: EnumeratedDevice) {
    let whose = isHub(found) ? "The hub's driver" : "The driver, where one is found,"
    func question(_ setup: SetupPacket, _ sentence: String) -> [UInt8]? {
      try? ask(address: found.address, packetSize: 64, setup, sentence, .configuration).get()
    }
    guard let first = found.configurations.first else { return }
    _ = question(.getDescriptor(.device, length: 18), "\(whose) asks for the device descriptor.")
    _ = question(.getDescriptor(.configuration, length: 9), "For the configuration, 9 bytes.")
    _ = question(
      .getDescriptor(.configuration, length: first.totalLength), "And for all \(first.totalLength)."
    )
    let isSet = question(
      .setConfiguration(first.value),
      "The driver sets configuration \(first.value). Without a driver the device stays as it is: addressed, "
        + "not configured.")
    guard isSet != nil else { return }
    if let index = devices.firstIndex(where: { $0.path == found.path }) {
      devices[index].configuration = first.value
    }
    if isHub(found) { startHub(found.path) }
  }
}
