internal import USB

/// What Linux asks a device that has its address, and how it is configured.
extension Enumeration {
  mutating func becomeDevice(_ start: Candidate) -> EnumeratedDevice? {
    var candidate = start
    candidate.set.speed = candidate.speed
    guard readDevice(&candidate) else { return nil }
    let version = UInt16(candidate.set.device[2]) | UInt16(candidate.set.device[3]) << 8
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
    let count = min(Int(candidate.set.device[17]), BusState.maximumConfigurations)
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
      (candidate.set.device[15], "product"), (candidate.set.device[14], "manufacturer"),
      (candidate.set.device[16], "serial number"),
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
    let version = candidate.set.device[12...13].reversed().map { hex($0) }
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

  mutating func register(_ found: EnumeratedDevice) {
    var device = found
    var candidate = Candidate(
      address: device.address, speed: device.speed, packetSize: 64,
      set: device.descriptors)
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
