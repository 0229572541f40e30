internal import USB

/// How a host gets to know a device (USB 2.0, 9.1.2). What is said on the wire here is not counted,
/// and takes no time of its own: `BusState.settleTime` stands for it.
extension BusState {
  /// What the device says of itself.
  struct Introduction: Hashable {
    var descriptor: DeviceDescriptor
    var configurations: [ConfigurationDescriptor]
    var serialNumber: String?
  }

  /// Linux reads no more configurations than this (`USB_MAXCONFIG`).
  static let maximumConfigurations = 8

  /// Resets the device, asks what it is, gives it an address and its first configuration.
  mutating func enumerate(_ index: Int, at now: Duration, id: DeviceID?) {
    guard let address = freeAddress else {
      ports[index].hasFailed = true
      return
    }
    guard let introduction = introduce(index, address: address, at: now) else {
      ports[index].hasFailed = true
      return
    }
    let configuration = introduction.configurations.first?.value
    let isConfigured = configuration.map { request(index, .setConfiguration($0), at: now) != nil }
    if id == nil { nextID += 1 }
    let info = DeviceInfo(
      id: id ?? DeviceID(rawValue: nextID), path: ports[index].path, address: address,
      speed: ports[index].device.speed, descriptor: introduction.descriptor,
      configurations: introduction.configurations,
      activeConfiguration: isConfigured == true ? configuration : nil,
      serialNumber: introduction.serialNumber)
    lastAddress = address
    ports[index].attachment = Attachment(info: info)
    tell(.attached(info))
  }

  /// The next address that no device has: Linux, too, goes round rather than reusing the last one.
  private var freeAddress: UInt8? {
    let used = Set(ports.compactMap(\.attachment?.info.address))
    for step in 1...127 {
      let address = UInt8((Int(lastAddress) + step - 1) % 127 + 1)
      if !used.contains(address) { return address }
    }
    return nil
  }

  /// Resets the device and reads its descriptors.
  mutating func introduce(_ index: Int, address: UInt8, at now: Duration) -> Introduction? {
    ports[index].device.busReset(at: now)
    // The first eight bytes tell how large packets may be (5.5.3).
    guard
      let start = request(index, .getDescriptor(.device, length: 8), at: now), start.count == 8,
      request(index, .setAddress(address), at: now) != nil,
      let bytes = request(index, .getDescriptor(.device, length: 18), at: now)
    else { return nil }
    var reader = ByteReader(bytes.span.bytes)
    guard let descriptor = try? DeviceDescriptor(parsing: &reader) else { return nil }
    var configurations: [ConfigurationDescriptor] = []
    let count = min(Int(descriptor.configurationCount), BusState.maximumConfigurations)
    for number in 0..<UInt8(count) {
      guard let configuration = readConfiguration(index, number, at: now) else { continue }
      configurations.append(configuration)
    }
    guard !configurations.isEmpty || count == 0 else { return nil }
    let serial = readString(index, descriptor.serialNumberIndex, at: now)
    return Introduction(
      descriptor: descriptor, configurations: configurations, serialNumber: serial)
  }

  private mutating func readConfiguration(
    _ index: Int, _ number: UInt8, at now: Duration
  ) -> ConfigurationDescriptor? {
    guard
      let start = request(
        index, .getDescriptor(.configuration, index: number, length: 9), at: now),
      start.count == 9
    else { return nil }
    let length = UInt16(start[2]) | UInt16(start[3]) << 8
    guard
      let bytes = request(
        index, .getDescriptor(.configuration, index: number, length: max(length, 9)), at: now)
    else { return nil }
    var reader = ByteReader(bytes.span.bytes)
    return try? ConfigurationDescriptor(parsing: &reader)
  }

  private mutating func readString(_ index: Int, _ string: UInt8, at now: Duration) -> String? {
    guard string != 0 else { return nil }
    let setup = SetupPacket.getDescriptor(
      .string, index: string, language: LanguageID.englishUnitedStates.rawValue, length: 255)
    guard let bytes = request(index, setup, at: now) else { return nil }
    var reader = ByteReader(bytes.span.bytes)
    return try? StringDescriptor(parsing: &reader).text
  }

  /// A control transfer of the host's own; nil when it fails.
  private mutating func request(_ index: Int, _ setup: SetupPacket, at now: Duration) -> [UInt8]? {
    let response = ports[index].device.respond(to: setup, data: [], at: now)
    switch response.outcome {
    case .data(let bytes) where bytes.count <= Int(setup.length):
      ports[index].device.completed(setup, at: now)
      return bytes
    case .acknowledged:
      ports[index].device.completed(setup, at: now)
      return []
    case .data, .stall, .noAnswer, .nak:
      return nil
    }
  }
}
