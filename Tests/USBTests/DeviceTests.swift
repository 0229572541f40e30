import Synchronization
import Testing
import USB

/// A device that answers every IN transfer with the same bytes, or fails with one error.
private final class EchoDevice: USBDevice {
  let answer: [UInt8]
  let failure: TransferError.Code?
  let calls = Mutex<[String]>([])

  init(answer: [UInt8] = [], failure: TransferError.Code? = nil) {
    self.answer = answer
    self.failure = failure
  }

  var info: DeviceInfo {
    DeviceInfo(
      id: DeviceID(rawValue: 7), path: PortPath(bus: 1, ports: [2]), address: 3, speed: .full,
      descriptor: DeviceDescriptor(
        vendor: VendorID(1), product: ProductID(2), deviceVersion: BCDVersion(3)),
      configurations: [], activeConfiguration: 1)
  }

  private func note(_ call: String) throws(TransferError) {
    calls.withLock { $0.append(call) }
    if let failure { throw TransferError(failure) }
  }

  func controlIn(
    _ setup: SetupPacket, timeout: Duration
  ) async throws(TransferError) -> [UInt8] {
    try note("in \(setup)")
    return answer
  }
  func controlOut(
    _ setup: SetupPacket, data: [UInt8], timeout: Duration
  ) async throws(TransferError) {
    try note("out \(setup)")
  }
  func bulkIn(
    endpoint: UInt8, length: Int, timeout: Duration
  ) async throws(TransferError) -> [UInt8] {
    try note("bulk in")
    return answer
  }
  func bulkOut(
    endpoint: UInt8, data: [UInt8], timeout: Duration
  ) async throws(TransferError) -> Int {
    try note("bulk out")
    return data.count - 1
  }
  func interruptIn(
    endpoint: UInt8, length: Int, timeout: Duration
  ) async throws(TransferError) -> [UInt8] {
    try note("interrupt in")
    return answer
  }
  func interruptOut(
    endpoint: UInt8, data: [UInt8], timeout: Duration
  ) async throws(TransferError) -> Int {
    try note("interrupt out")
    return data.count
  }
  func setConfiguration(_ value: UInt8) async throws(TransferError) { try note("configure") }
  func claimInterface(_ number: UInt8) async throws(TransferError) { try note("claim") }
  func releaseInterface(_ number: UInt8) async throws(TransferError) { try note("release") }
  func setAlternateSetting(
    _ setting: UInt8, interface number: UInt8
  ) async throws(TransferError) { try note("alternate") }
  func clearHalt(endpoint: UInt8) async throws(TransferError) { try note("clear") }
  func reset() async throws(TransferError) { try note("reset") }
  func close() async { calls.withLock { $0.append("close") } }
}

private func count(_ meter: TransferMeter, _ setup: SetupPacket) -> Int {
  meter.count.byRequest[TransferCount.RequestKey(setup), default: 0]
}

@Suite struct `The transfer meter` {
  @Test func `it counts transfers, bytes and kinds of requests`() async throws {
    let meter = TransferMeter(EchoDevice(answer: [1, 2, 3]))
    let second = Duration.seconds(1)
    _ = try await meter.controlIn(.getDescriptor(.device, length: 18), timeout: second)
    _ = try await meter.controlIn(.getDescriptor(.string, index: 4, length: 255), timeout: second)
    try await meter.controlOut(
      SetupPacket(RequestType(.out, .class, .interface), request: 1, value: 2, index: 0, length: 5),
      data: [1, 2, 3, 4, 5], timeout: second)
    #expect(meter.count.controlTransfers == 3)
    #expect(meter.count.bytesIn == 6)
    #expect(meter.count.bytesOut == 5)
    #expect(count(meter, .getDescriptor(.device, length: 0)) == 2)
    #expect(meter.info.id == DeviceID(rawValue: 7))
  }

  @Test func `what a transport does by other calls is counted as what goes over the wire`()
    async throws
  {
    let device = EchoDevice()
    let meter = TransferMeter(device)
    try await meter.claimInterface(0)
    try await meter.setAlternateSetting(2, interface: 0)
    try await meter.setConfiguration(1)
    try await meter.clearHalt(endpoint: 0x81)
    try await meter.releaseInterface(0)
    try await meter.reset()
    await meter.close()
    #expect(meter.count.controlTransfers == 3)
    #expect(count(meter, .setInterface(0, alternateSetting: 2)) == 1)
    #expect(count(meter, .setConfiguration(1)) == 1)
    #expect(count(meter, .clearHalt(endpoint: 0x81)) == 1)
    #expect(
      device.calls.withLock { $0 } == [
        "claim", "alternate", "configure", "clear", "release", "reset", "close",
      ])
  }

  @Test func `bulk and interrupt transfers count in bytes that went`() async throws {
    let meter = TransferMeter(EchoDevice(answer: [1, 2]))
    let second = Duration.seconds(1)
    _ = try await meter.bulkIn(endpoint: 0x81, length: 64, timeout: second)
    _ = try await meter.interruptIn(endpoint: 0x82, length: 64, timeout: second)
    _ = try await meter.bulkOut(endpoint: 1, data: [1, 2, 3], timeout: second)
    _ = try await meter.interruptOut(endpoint: 2, data: [1, 2, 3], timeout: second)
    #expect(meter.count.bytesIn == 4)
    #expect(meter.count.bytesOut == 5)
    #expect(meter.count.controlTransfers == 0)
  }

  @Test func `a transfer that fails has been on the wire all the same`() async throws {
    let meter = TransferMeter(EchoDevice(failure: .stall))
    await #expect(throws: TransferError(.stall)) {
      try await meter.controlIn(.getStatus(), timeout: .seconds(1))
    }
    #expect(meter.count.controlTransfers == 1)
    #expect(meter.count.bytesIn == 0)
  }
}

@Suite struct `An open device` {
  @Test func `a string is read with one transfer`() async throws {
    let device = EchoDevice(answer: StringDescriptor("STM32  BOOTLOADER").bytes)
    #expect(try await device.string(2) == "STM32  BOOTLOADER")
    #expect(device.calls.withLock { $0 } == ["in 80 06 02 03 09 04 ff 00"])
  }

  @Test func `string 0 is none, and costs nothing`() async throws {
    let device = EchoDevice()
    #expect(try await device.string(0) == nil)
    #expect(device.calls.withLock { $0 }.isEmpty)
  }

  @Test func `a string that is stalled or damaged is none`() async throws {
    #expect(try await EchoDevice(failure: .stall).string(1) == nil)
    #expect(try await EchoDevice(answer: []).string(1) == nil)
    #expect(try await EchoDevice(answer: [4, 2, 0, 0]).string(1) == nil)
    await #expect(throws: TransferError(.disconnected)) {
      try await EchoDevice(failure: .disconnected).string(1)
    }
  }

  @Test func `an interface is given back whatever happens`() async throws {
    let device = EchoDevice()
    let result = try await device.withInterface(0, onTransferError: { $0 }) {
      () async throws(TransferError) -> Int in 42
    }
    #expect(result == 42)
    await #expect(throws: TransferError(.timeout)) {
      try await device.withInterface(0, onTransferError: { $0 }) {
        () async throws(TransferError) -> Int in throw TransferError(.timeout)
      }
    }
    #expect(device.calls.withLock { $0 } == ["claim", "release", "claim", "release"])
  }

  @Test func `an interface that cannot be claimed is not used`() async throws {
    let device = EchoDevice(failure: .busy)
    await #expect(throws: TransferError(.busy)) {
      try await device.withInterface(0, onTransferError: { $0 }) {
        () async throws(TransferError) -> Int in
        Issue.record("the body must not run")
        return 0
      }
    }
    #expect(device.calls.withLock { $0 } == ["claim"])
  }

  @Test(arguments: TransferError.Code.allCases)
  func `every transfer error is a sentence with a name`(code: TransferError.Code) {
    let error = TransferError(code, setup: .getStatus(), detail: "detail")
    #expect(error.slug == "transfer-\(code.rawValue)")
    #expect(error.sentence.hasSuffix("(detail)."))
    #expect(error.sentence.contains("80 00 00 00 00 00 02 00"))
    #expect(error.description.hasPrefix(error.sentence))
  }
}

/// A clock that stands still until it is told otherwise, and notes what it was asked.
private final class StoppedClock: Clock {
  typealias Instant = ContinuousClock.Instant
  let start = ContinuousClock.now
  let elapsed = Mutex(Duration.zero)
  let waits = Mutex<[Duration]>([])

  var now: Instant { start.advanced(by: elapsed.withLock { $0 }) }
  var minimumResolution: Duration { .microseconds(3) }
  func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    try Task.checkCancellation()
    let wait = start.duration(to: deadline)
    waits.withLock { $0.append(wait) }
    elapsed.withLock { $0 = max($0, wait) }
  }
}

@Suite struct `A clock without a type` {
  @Test func `its time begins when it is made and goes as the other's`() async throws {
    let base = StoppedClock()
    base.elapsed.withLock { $0 = .seconds(100) }
    let clock = AnyClock(base)
    #expect(clock.now.elapsed == .zero)
    #expect(clock.minimumResolution == .microseconds(3))
    base.elapsed.withLock { $0 = .seconds(103) }
    #expect(clock.now == AnyClock.Instant(elapsed: .seconds(3)))
    try await clock.sleep(until: clock.now.advanced(by: .seconds(4)), tolerance: nil)
    #expect(base.waits.withLock { $0 } == [.seconds(107)])
    #expect(clock.now.elapsed == .seconds(7))
    try await clock.sleep(for: .seconds(1))
    #expect(clock.now.elapsed == .seconds(8))
  }

  @Test func `its instants can be compared and counted with`() {
    let early = AnyClock.Instant(elapsed: .seconds(1))
    let late = early.advanced(by: .milliseconds(5))
    #expect(early < late)
    #expect(early.duration(to: late) == .milliseconds(5))
    #expect(late.duration(to: early) == .milliseconds(-5))
  }

  @Test func `cancelling ends a wait`() async {
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      try await AnyClock(StoppedClock()).sleep(for: .seconds(1000))
    }
    await #expect(throws: CancellationError.self) { try await task.value }
  }
}
