import DFU
import Testing
import USB
import VirtualUSB

@testable import VirtualDFU

/// A device on a bus, opened and claimed, as a host has it.
struct Bench {
  let bus: VirtualBus
  let device: any USBDevice
  let clock: SimulatedClock
  let path = PortPath(bus: 1, ports: [1])

  init(
    _ profile: Profile, _ clock: SimulatedClock,
    prepare: (inout VirtualBootloader) -> Void = { _ in }
  )
    async throws
  {
    bus = VirtualBus(clock: clock)
    var bootloader = VirtualBootloader(profile)
    prepare(&bootloader)
    let id = bus.attach(bootloader)
    device = try await bus.open(id)
    try await device.claimInterface(0)
    self.clock = clock
  }

  func download(_ block: UInt16, _ data: [UInt8]) async throws(TransferError) {
    try await device.controlOut(
      DFURequest.download.setup(value: block, interface: 0, length: UInt16(data.count)),
      data: data, timeout: .seconds(5))
  }

  func command(_ command: DfuSeCommand) async throws(TransferError) {
    try await download(0, command.bytes)
  }

  func upload(_ block: UInt16, _ length: Int) async throws(TransferError) -> [UInt8] {
    try await device.controlIn(
      DFURequest.upload.setup(value: block, interface: 0, length: UInt16(length)),
      timeout: .seconds(5))
  }

  func getStatus(timeout: Duration = .seconds(40)) async throws -> GetStatusResponse {
    let bytes = try await device.controlIn(
      .init(
        RequestType(.in, .class, .interface), request: 3, value: 0, index: 0, length: 6),
      timeout: timeout)
    var reader = ByteReader(bytes.span.bytes)
    return try GetStatusResponse(parsing: &reader)
  }

  func send(_ request: DFURequest) async throws(TransferError) {
    try await device.controlOut(
      request.setup(interface: 0), data: [], timeout: .seconds(5))
  }

  /// GETSTATUS, with the pauses it asks for, until the device is done.
  @discardableResult
  func settle() async throws -> GetStatusResponse {
    while true {
      let answer = try await getStatus()
      guard answer.state.isBusy else { return answer }
      try await clock.sleep(for: .milliseconds(Int64(max(answer.pollTimeout, 1))))
    }
  }

  /// What the device would say to GETSTATE.
  var state: DFUState {
    get throws {
      try #require(bus.withDevice(at: path, as: VirtualBootloader.self) { $0.state })
    }
  }

  /// Pulls the plug and puts it back.
  func replug() async throws -> Bench {
    let board = try #require(bus.detach(path) as? VirtualBootloader)
    let id = bus.attach(board, path: path)
    let device = try await bus.open(id)
    try await device.claimInterface(0)
    return Bench(bus: bus, device: device, clock: clock)
  }

  init(bus: VirtualBus, device: any USBDevice, clock: SimulatedClock) {
    self.bus = bus
    self.device = device
    self.clock = clock
  }

  func contents(_ range: Range<UInt64>) -> [UInt8] {
    bus.withDevice(at: path, as: VirtualBootloader.self) { $0.contents(range) } ?? []
  }

  var events: [JournalEntry.Event] {
    bus.withDevice(at: path, as: VirtualBootloader.self) { $0.journal.map(\.event) } ?? []
  }
}

extension Bench {
  /// The same for a device that stalls when it is asked early: asks again after the same pause.
  func settlePatiently() async throws -> GetStatusResponse {
    var pause: UInt32 = 1
    while true {
      do throws(TransferError) {
        let answer = try await rawStatus()
        guard answer.state.isBusy else { return answer }
        pause = max(answer.pollTimeout, 1)
      } catch {
        guard error.code == .stall else { throw error }
      }
      try await clock.sleep(for: .milliseconds(Int64(pause)))
    }
  }

  private func rawStatus() async throws(TransferError) -> GetStatusResponse {
    let bytes = try await device.controlIn(
      DFURequest.getStatus(interface: 0), timeout: .seconds(40))
    var reader = ByteReader(bytes.span.bytes)
    guard let answer = try? GetStatusResponse(parsing: &reader) else {
      throw TransferError(.other)
    }
    return answer
  }
}

enum SetupPacketOfNoClass {
  static let setup = SetupPacket(
    RequestType(.out, .class, .interface), request: 0x0A, value: 0, index: 0, length: 0)
}

extension Profile {
  /// A block 0 that the device takes.
  var firstBlock: [UInt8] {
    switch dialect {
    case .stROM, .stLibrary, .mboot, .gd32ROM:
      DfuSeCommand.setAddressPointer(0x0800_C000).bytes
    case .lpcROM: [0x1A, 0x3F, 0x01, 0x00] + [UInt8](repeating: 0, count: 60)
    case .tinyUSB, .openmoko: [UInt8](repeating: 1, count: transferSize)
    }
  }
}
