import DFU
import Testing
import USB
import VirtualUSB

@testable import VirtualDFU

/// A part at run time on a bus, its DFU interface claimed.
struct RuntimeBench {
  let bus: VirtualBus
  let clock: SimulatedClock
  let device: any USBDevice
  let path = PortPath(bus: 1, ports: [1])

  init(
    _ profile: Profile, _ clock: SimulatedClock,
    prepare: (inout VirtualBootloader) -> Void = { _ in }
  ) async throws {
    self.clock = clock
    bus = VirtualBus(clock: clock)
    var part = VirtualBootloader(profile)
    prepare(&part)
    bus.attach(part, path: path)
    device = try await RuntimeBench.open(on: bus)
  }

  /// Opens what is there, and claims its DFU interface.
  static func open(on bus: VirtualBus) async throws -> any USBDevice {
    let info = try #require(try await bus.devices().first)
    let device = try await bus.open(info.id)
    if let number = interface(of: info) { try await device.claimInterface(number) }
    return device
  }

  static func interface(of info: DeviceInfo) -> UInt8? {
    info.configurations[0].interfaces.first { $0.interfaceClass.isDFU }?.number
  }

  func send(
    _ request: DFURequest, value: UInt16 = 0, to other: (any USBDevice)? = nil
  ) async throws(TransferError) {
    let device = other ?? self.device
    let number = RuntimeBench.interface(of: device.info) ?? 0
    try await device.controlOut(
      request.setup(value: value, interface: number), data: [], timeout: .seconds(5))
  }

  func status(of other: (any USBDevice)? = nil) async throws -> GetStatusResponse {
    let device = other ?? self.device
    let number = RuntimeBench.interface(of: device.info) ?? 0
    let bytes = try await device.controlIn(
      DFURequest.getStatus(interface: number), timeout: .seconds(5))
    var reader = ByteReader(bytes.span.bytes)
    return try GetStatusResponse(parsing: &reader)
  }

  /// What the bus sees: its ids, or nil.
  func present() async throws -> String? {
    try await bus.devices().first.map { "\($0.descriptor.vendor):\($0.descriptor.product)" }
  }

  static func run(
    _ options: String = "",
    prepare: @escaping @Sendable (inout VirtualBootloader) -> Void = { _ in },
    _ body: @escaping @Sendable (RuntimeBench) async throws -> Void
  ) async throws {
    let profile = try Profile.runtime(options)
    try await Simulation(deadline: .seconds(1000)).run { clock in
      try await body(try await RuntimeBench(profile, clock, prepare: prepare))
    }
  }

  var events: [JournalEntry.Event] {
    bus.withDevice(at: path, as: VirtualBootloader.self) { $0.journal.map(\.event) } ?? []
  }

  func part<Result>(_ body: (inout VirtualBootloader) -> Result) throws -> Result {
    let result = bus.withDevice(at: path, as: VirtualBootloader.self) { body(&$0) }
    return try #require(result)
  }
}

extension Profile {
  /// `runtime` with options, as `name=value&…`.
  static func runtime(_ options: String) throws -> Profile {
    try options.split(separator: "&").reduce(.runtime) { profile, option in
      let pair = option.split(separator: "=")
      return try profile.setting(String(pair[0]), to: String(pair[1]))
    }
  }
}
