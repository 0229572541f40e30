internal import DFU
public import USB

/// A device of a capture, with what the capture holds of its descriptors.
public struct CapturedDevice: Hashable, Sendable {
  /// The bus.
  public var bus: UInt16
  /// Its address; 0 where the capture ends before it got one.
  public var address: UInt16
  /// The device descriptor; nil where it was not read, or not whole.
  public var descriptor: DeviceDescriptor?
  /// The device descriptor as it was sent, the longest that came.
  var deviceBytes: [UInt8] = []
  /// The BOS and the device qualifier as they were sent.
  var binaryObjectStore: [UInt8]?
  var deviceQualifier: [UInt8]?
  /// The first language of the strings.
  var language: LanguageID?
  /// The configurations that were read, each as long as it was read at most, by their index.
  public var configurationBytes: [UInt8: [UInt8]] = [:]
  /// The strings that were read, by their index.
  public var strings: [UInt8: String] = [:]
  /// The configuration that was chosen last; nil where the capture does not have that.
  public var activeConfiguration: UInt8?
  /// The configurations that were read whole enough to have interfaces.
  public private(set) var configurations: [ConfigurationDescriptor] = []
  /// The string of each alternate setting, by the numbers of interface and setting.
  private var settingNames: [UInt16: UInt8] = [:]
  /// The interface of each endpoint.
  private(set) var interfaces: [UInt8: UInt8] = [:]
  /// Interfaces that answered as DFU does, where no configuration tells.
  var likelyInterfaces: Set<UInt8> = []
  /// Whether what was sent looks like DfuSe, where no configuration tells.
  var looksLikeDfuSe = false
  /// The longest block that was sent or asked for.
  var longestBlock = 0

  init(bus: UInt16, address: UInt16) {
    self.bus = bus
    self.address = address
  }

  /// `BUS.ADDRESS`, as Wireshark writes it without the endpoint.
  public var place: String { "\(bus).\(address)" }

  /// `VVVV:PPPP`; nil where the capture does not have the device descriptor.
  public var ids: String? { descriptor.map { "\($0.vendor):\($0.product)" } }

  /// The name of its maker, where it was read.
  public var manufacturerName: String? { string(descriptor?.manufacturerIndex) }
  /// Its own name, where it was read.
  public var productName: String? { string(descriptor?.productIndex) }
  /// Its serial number, where it was read.
  public var serialNumber: String? { string(descriptor?.serialNumberIndex) }

  private func string(_ index: UInt8?) -> String? { index.flatMap { $0 == 0 ? nil : strings[$0] } }

  /// What an alternate setting is named; nil where that was not read.
  public func name(ofSetting setting: UInt8, interface: UInt8) -> String? {
    settingNames[UInt16(interface) << 8 | UInt16(setting)].flatMap { strings[$0] }
  }

  /// Works out what is asked often, when all has been read: a capture may have as many questions as packets.
  mutating func finish() {
    configurations = configurationBytes.sorted { $0.key < $1.key }.compactMap { _, bytes in
      var reader = ByteReader(bytes.span.bytes)
      guard let configuration = try? ConfigurationDescriptor(parsing: &reader),
        !configuration.interfaces.isEmpty
      else { return nil }
      return configuration
    }
    for interface in configurations.flatMap(\.interfaces).reversed() {
      let setting = UInt16(interface.number) << 8 | UInt16(interface.alternateSetting)
      if interface.nameIndex != 0 { settingNames[setting] = interface.nameIndex }
      for endpoint in interface.endpoints { interfaces[endpoint.address] = interface.number }
    }
  }

  mutating func learn(_ transfer: CapturedTransfer) {
    guard let setup = transfer.setup, transfer.status?.meaning == .success else {
      if let setup = transfer.setup { learnRequest(setup, transfer) }
      return
    }
    let answer = transfer.received
    switch (setup.requestType.rawValue, setup.request) {
    case (0x80, StandardRequest.getDescriptor.rawValue):
      learnDescriptor(setup, answer)
    case (0x00, StandardRequest.setConfiguration.rawValue):
      activeConfiguration = UInt8(truncatingIfNeeded: setup.value)
    default: learnRequest(setup, transfer)
    }
  }

  private mutating func learnDescriptor(_ setup: SetupPacket, _ answer: [UInt8]) {
    let index = UInt8(truncatingIfNeeded: setup.value)
    var reader = ByteReader(answer.span.bytes)
    switch DescriptorType(rawValue: UInt8(setup.value >> 8)) {
    case .device:
      descriptor = (try? DeviceDescriptor(parsing: &reader)) ?? descriptor
      if answer.count >= deviceBytes.count { deviceBytes = answer }
    case .binaryObjectStore where answer.count >= binaryObjectStore?.count ?? 5:
      binaryObjectStore = answer
    case .deviceQualifier: deviceQualifier = answer
    case .string where index == 0 && answer.count >= 4:
      language = LanguageID(rawValue: UInt16(answer[2]) | UInt16(answer[3]) << 8)
    case .configuration where answer.count >= configurationBytes[index]?.count ?? 9:
      configurationBytes[index] = answer
    case .string where index > 0:
      strings[index] = (try? StringDescriptor(parsing: &reader).text) ?? strings[index]
    default: break
    }
  }

  private mutating func learnRequest(_ setup: SetupPacket, _ transfer: CapturedTransfer) {
    guard let request = DFURequest(setup) else { return }
    let interface = UInt8(truncatingIfNeeded: setup.index)
    switch request {
    case .getStatus where setup.length == 6 && transfer.received.count == 6:
      likelyInterfaces.insert(interface)
    case .download:
      if setup.value == 0, DfuSeCommand(transfer.sent) != nil { looksLikeDfuSe = true }
      if setup.value >= 2 || transfer.sent.count > 5 { note(block: setup.length) }
    case .upload where setup.value >= 2: note(block: setup.length)
    default: break
    }
  }

  private mutating func note(block length: UInt16) {
    longestBlock = max(longestBlock, Int(length))
  }
}

/// What a device of a capture is for DFU: worked out once, from all that the capture holds of it.
struct CapturedDFU {
  var interfaces: Set<UInt8>
  var isDfuSe: Bool
  var transferSize: Int

  init(_ device: CapturedDevice) {
    let configurations = device.configurations
    let functions = configurations.flatMap { DFUFunction.find(in: $0) }
    interfaces =
      configurations.isEmpty
      ? device.likelyInterfaces : Set(functions.map(\.interfaceNumber))
    let function = functions.first { $0.functional != nil }
    let hasMap = functions.flatMap(\.settings).contains {
      device.strings[$0.nameIndex]?.hasPrefix("@") ?? false
    }
    isDfuSe =
      function.map { $0.version == BCDVersion(0x011A) || hasMap }
      ?? (hasMap || device.looksLikeDfuSe)
    transferSize = function?.transferSize ?? device.longestBlock
  }

  func request(_ setup: SetupPacket) -> DFURequest? {
    guard interfaces.contains(UInt8(truncatingIfNeeded: setup.index)), setup.index <= 0xFF else {
      return nil
    }
    return DFURequest(setup)
  }
}

/// The devices of a capture, and whose each transfer is.
struct CaptureOwners {
  private struct Place: Hashable {
    var bus: UInt16
    var address: UInt16
  }

  private(set) var devices: [CapturedDevice] = []
  /// The device of each transfer.
  private(set) var owners: [Int] = []
  private var current: [Place: Int] = [:]

  init(_ transfers: [CapturedTransfer]) {
    owners.reserveCapacity(transfers.count)
    for transfer in transfers {
      let place = Place(bus: transfer.bus, address: transfer.address)
      var owner = current[place] ?? add(place)
      if isAnother(transfer, than: devices[owner]) { owner = add(place) }
      devices[owner].learn(transfer)
      owners.append(owner)
      guard let setup = transfer.setup, place.address == 0,
        setup.requestType.rawValue == 0, setup.request == StandardRequest.setAddress.rawValue,
        transfer.status?.meaning == .success
      else { continue }
      // From here on it is somebody else who has address 0.
      current[place] = nil
      devices[owner].address = setup.value & 0x7F
      current[Place(bus: place.bus, address: setup.value & 0x7F)] = owner
    }
    for index in devices.indices { devices[index].finish() }
  }

  private mutating func add(_ place: Place) -> Int {
    devices.append(CapturedDevice(bus: place.bus, address: place.address))
    current[place] = devices.count - 1
    return devices.count - 1
  }

  /// Whether another device has taken the address: USBPcap does not see SET_ADDRESS.
  private func isAnother(_ transfer: CapturedTransfer, than device: CapturedDevice) -> Bool {
    guard let known = device.descriptor, let setup = transfer.setup,
      setup.requestType.rawValue == 0x80,
      setup.request == StandardRequest.getDescriptor.rawValue, setup.value == 0x0100
    else { return false }
    var reader = ByteReader(transfer.received.span.bytes)
    guard let descriptor = try? DeviceDescriptor(parsing: &reader) else { return false }
    return descriptor != known
  }
}
