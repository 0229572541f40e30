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

  func contents(_ range: Range<UInt64>) -> [UInt8] {
    bus.withDevice(at: path, as: VirtualBootloader.self) { $0.contents(range) } ?? []
  }

  var events: [JournalEntry.Event] {
    bus.withDevice(at: path, as: VirtualBootloader.self) { $0.journal.map(\.event) } ?? []
  }
}

@Suite("Flash of the F407") struct FlashTests {
  @Test func `erase, write and read back go as AN3156 says`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f407, clock)
      let block = [UInt8]((0..<2048).map { UInt8(truncatingIfNeeded: $0 * 7) })
      try await bench.command(.erase(0x0800_4000))
      #expect(try await bench.settle() == GetStatusResponse(state: .dfuDnloadIdle))
      try await bench.command(.setAddressPointer(0x0800_4000))
      #expect(try await bench.settle().state == .dfuDnloadIdle)
      try await bench.download(2, block)
      #expect(try await bench.settle().state == .dfuDnloadIdle)
      try await bench.download(3, block)
      try await bench.settle()
      try await bench.send(.abort)
      #expect(try await bench.upload(2, 2048) == block)
      #expect(try await bench.upload(3, 2048) == block)
      #expect(bench.contents(0x0800_4000..<0x0800_5000) == block + block)
      #expect(
        bench.events == [
          .erased(0x0800_4000..<0x0800_8000), .programmed(0x0800_4000..<0x0800_4800),
          .programmed(0x0800_4800..<0x0800_5000),
        ])
    }
  }
}
