extension DescriptorSet {
  /// Asks a device for all of them. What it refuses is noted, and no failure.
  ///
  /// - Parameters:
  ///   - device: an open device.
  ///   - microsoft: whether to ask for string 0xEE as well, which announces Microsoft OS 1.0 descriptors. Some
  ///     devices do not stall it, as they should, but hang.
  ///   - timeout: how long to wait for each answer.
  /// - Throws: `TransferError` where the device descriptor does not come, or the device goes away.
  public init(
    asking device: any USBDevice, microsoft: Bool = false, timeout: Duration = .seconds(1)
  ) async throws(TransferError) {
    self.init(device: [], configurations: [], speed: device.info.speed)
    self.device = try await device.controlIn(.getDescriptor(.device, length: 18), timeout: timeout)
    guard self.device.count == 18 else { return }
    for index in 0..<min(self.device[17], 8) {
      try await readConfiguration(index, of: device, timeout)
    }
    let version = UInt16(self.device[2]) | UInt16(self.device[3]) << 8
    if version >= 0x0201 { try await readStore(of: device, timeout) }
    // Asked only of those that must know it: some slower ones answer with something else.
    if version >= 0x0200, speed == .high {
      deviceQualifier = try await ask(
        "the device qualifier", .getDescriptor(.deviceQualifier, length: 10), device, timeout)
    }
    try await readStrings(of: device, timeout)
    try await readHub(of: device, timeout)
    try await readReports(of: device, timeout)
    try await readMicrosoftSet(of: device, timeout)
    if microsoft { try await readMicrosoft(of: device, timeout) }
  }

  /// The most that usbfs moves in one control transfer.
  private static let mostBytes = 4096

  private mutating func readConfiguration(
    _ index: UInt8, of device: any USBDevice, _ timeout: Duration
  ) async throws(TransferError) {
    let name = "configuration \(index)"
    guard
      let head = try await ask(
        name, .getDescriptor(.configuration, index: index, length: 9), device, timeout)
    else { return }
    let total = head.count < 4 ? 9 : Int(head[2]) | Int(head[3]) << 8
    let length = UInt16(min(max(total, 9), Self.mostBytes))
    guard
      let whole = try await ask(
        name, .getDescriptor(.configuration, index: index, length: length), device, timeout)
    else { return }
    configurations.append(whole)
  }

  private mutating func readStore(
    of device: any USBDevice, _ timeout: Duration
  ) async throws(TransferError) {
    let name = "the binary object store"
    guard
      let head = try await ask(
        name, .getDescriptor(.binaryObjectStore, length: 5), device, timeout), head.count == 5
    else { return }
    let total = max(5, min(Int(head[2]) | Int(head[3]) << 8, Self.mostBytes))
    binaryObjectStore = try await ask(
      name, .getDescriptor(.binaryObjectStore, length: UInt16(total)), device, timeout)
  }

  private mutating func readStrings(
    of device: any USBDevice, _ timeout: Duration
  ) async throws(TransferError) {
    let indices = stringIndices
    guard !indices.isEmpty else { return }
    let languages = try await ask(
      "the languages of its strings", .getDescriptor(.string, length: 255), device, timeout)
    guard let languages, languages.count >= 4 else { return }
    let number = UInt16(languages[2]) | UInt16(languages[3]) << 8
    language = LanguageID(rawValue: number)
    for index in indices {
      let bytes = try await ask(
        "string \(index)",
        .getDescriptor(.string, index: index, language: number, length: 255), device, timeout)
      guard let bytes else { continue }
      var reader = ByteReader(bytes.span.bytes)
      do throws(ParseError) {
        strings[index] = try StringDescriptor(parsing: &reader).text
      } catch {
        notes.append(Note(subject: "string \(index)", reason: error.sentence))
      }
    }
  }

  // MARK: Of classes

  private mutating func readHub(
    of device: any USBDevice, _ timeout: Duration
  ) async throws(TransferError) {
    guard self.device[4] == 0x09 else { return }
    let isFast = speed == .superSpeed || speed == .superSpeedPlus
    // What Linux asks for: room for the bits of 31 ports.
    let setup = SetupPacket(
      RequestType(.in, .class, .device), request: StandardRequest.getDescriptor.rawValue,
      value: isFast ? 0x2A00 : 0x2900, index: 0, length: isFast ? 12 : 15)
    others[.hub] = try await ask("the hub descriptor", setup, device, timeout)
  }

  /// The report descriptors that HID descriptors announce.
  private mutating func readReports(
    of device: any USBDevice, _ timeout: Duration
  ) async throws(TransferError) {
    let tree = tree
    var number: UInt8?
    for node in tree.nodes {
      let bytes = Array(tree.bytes(of: node))
      if node.type == .interface, bytes.count > 2 { number = bytes[2] }
      guard node.layout?.name == "HID", let number, others[.report(interface: number)] == nil else {
        continue
      }
      let fields = tree.fields(of: node)
      guard let kind = fields.firstIndex(where: { $0.index != nil && $0.number == 0x22 }),
        kind + 1 < fields.count, let length = fields[kind + 1].number, length > 0
      else { continue }
      others[.report(interface: number)] = try await ask(
        "the report descriptor of interface \(number)",
        .getDescriptor(
          DescriptorType(rawValue: 0x22), interface: number,
          length: UInt16(min(length, UInt64(Self.mostBytes)))), device, timeout)
    }
  }

  // MARK: Microsoft's

  private static func vendorRequest(
    _ code: UInt8, _ recipient: RequestType.Recipient, value: UInt16 = 0, index: UInt16, length: Int
  ) -> SetupPacket {
    SetupPacket(
      RequestType(.in, .vendor, recipient), request: code, value: value, index: index,
      length: UInt16(min(max(length, 0), mostBytes)))
  }

  /// The request for Microsoft's descriptor set of version 2.0 (Microsoft OS 2.0 Descriptors); nil where the
  /// BOS does not tell how to ask for it.
  public var microsoftSetRequest: SetupPacket? {
    let tree = tree(of: .binaryObjectStore)
    guard
      let node = tree.nodes.first(where: {
        $0.layout?.name == CapabilityLayouts.microsoft.name
      })
    else { return nil }
    let fields = tree.fields(of: node)
    func number(_ name: String) -> Int? {
      fields.first { $0.name == name }?.number.map { Int(clamping: $0) }
    }
    guard let length = number("wMSOSDescriptorSetTotalLength"), length > 0,
      let code = number("bMS_VendorCode")
    else { return nil }
    return Self.vendorRequest(UInt8(clamping: code), .device, index: 7, length: length)
  }

  /// The set of version 2.0.
  private mutating func readMicrosoftSet(
    of device: any USBDevice, _ timeout: Duration
  ) async throws(TransferError) {
    guard let request = microsoftSetRequest else { return }
    others[.microsoftSet] = try await ask(
      "the Microsoft OS 2.0 descriptor set", request, device, timeout)
  }

  /// The descriptors of version 1.0.
  private mutating func readMicrosoft(
    of device: any USBDevice, _ timeout: Duration
  ) async throws(TransferError) {
    let string = try await ask(
      "string 0xee, of Microsoft", .getDescriptor(.string, index: 0xEE, length: 18), device, timeout
    )
    guard let string else { return }
    others[.microsoftString] = string
    let signature: [UInt8] = "MSFT100".utf8.flatMap { [$0, 0] as [UInt8] }
    guard string.count >= 17, string[2..<16].elementsEqual(signature) else {
      notes.append(
        Note(subject: "string 0xee, of Microsoft", reason: "it does not say MSFT100"))
      return
    }
    let code = string[16]
    others[.compatibleIDs] = try await readSized(
      "the Microsoft compatible ids", head: 16, device, timeout
    ) { Self.vendorRequest(code, .device, index: 4, length: $0) }
    for number in interfaceNumbers {
      others[.properties(interface: number)] = try await readSized(
        "the Microsoft properties of interface \(number)", head: 10, device, timeout
      ) {
        Self.vendorRequest(code, .interface, value: UInt16(number) << 8, index: 5, length: $0)
      }
    }
  }

  /// The numbers of the interfaces of the first configuration.
  private var interfaceNumbers: [UInt8] {
    let tree = DescriptorTree(parsing: configurations.first ?? [])
    var numbers: [UInt8] = []
    for node in tree.nodes where node.type == .interface && node.length > 2 {
      let number = tree.bytes[node.offset + 2]
      // More than Linux keeps is no device's.
      if !numbers.contains(number), numbers.count < 32 { numbers.append(number) }
    }
    return numbers
  }

  /// An answer whose first four bytes are its length.
  private mutating func readSized(
    _ subject: String, head: Int, _ device: any USBDevice, _ timeout: Duration,
    _ setup: @Sendable (Int) -> SetupPacket
  ) async throws(TransferError) -> [UInt8]? {
    guard let first = try await ask(subject, setup(head), device, timeout) else {
      return nil
    }
    guard first.count >= 4 else { return first }
    let total = first[0..<4].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard total > first.count else { return first }
    return try await ask(
      subject, setup(min(total, Self.mostBytes)), device, timeout)
  }

  // An answer; nil for one that was refused, which is noted.
  private mutating func ask(
    _ subject: String, _ setup: SetupPacket, _ device: any USBDevice, _ timeout: Duration
  ) async throws(TransferError) -> [UInt8]? {
    let needsClaim = setup.requestType.recipient == .interface
    do throws(TransferError) {
      guard needsClaim else { return try await device.controlIn(setup, timeout: timeout) }
      return try await Self.answer(toClaimed: setup, device, timeout)
    } catch {
      switch error.code {
      case .stall: notes.append(Note(subject: subject, reason: "the device refuses it (stall)"))
      case .timeout: notes.append(Note(subject: subject, reason: "the device does not answer"))
      case .overflow, .protocolError, .other, .unsupported:
        notes.append(Note(subject: subject, reason: error.sentence))
      case .busy where needsClaim, .permission where needsClaim:
        notes.append(Note(subject: subject, reason: error.sentence))
      case .disconnected, .cancelled, .busy, .permission, .closed: throw error
      }
      return nil
    }
  }

  /// What is for an interface goes to who has claimed it; a driver that holds it is left alone.
  private static func answer(
    toClaimed setup: SetupPacket, _ device: any USBDevice, _ timeout: Duration
  ) async throws(TransferError) -> [UInt8] {
    let interface = UInt8(truncatingIfNeeded: setup.index)
    try await device.claimInterface(interface)
    let answer: [UInt8]
    do throws(TransferError) {
      answer = try await device.controlIn(setup, timeout: timeout)
    } catch {
      try? await device.releaseInterface(interface)
      throw error
    }
    try await device.releaseInterface(interface)
    return answer
  }
}
