internal import Synchronization
internal import USB

/// What a check works with: a fixture, and the handles that it opens.
struct Bench: Sendable {
  let fixture: Fixture
  private let handles = Handles()

  private final class Handles: Sendable {
    let open = Mutex<[any USBDevice]>([])
  }

  init(_ fixture: Fixture) { self.fixture = fixture }

  var host: any USBHost { fixture.host }
  var clock: AnyClock { fixture.clock }
  var path: PortPath { fixture.path }
  var moment: Duration { fixture.moment }
  /// The time limit of what has to come.
  var patience: Duration { fixture.patience }

  /// Lets a short while pass.
  func pass(_ moments: Int = 1) async throws { try await clock.sleep(for: moment * moments) }

  /// Some moments as the device is told of them.
  func milliseconds(_ moments: Int) -> UInt16 {
    UInt16(clamping: min(Int(moment * moments / .milliseconds(1)), 0xFFFE))
  }

  // MARK: The device

  /// The device at the path, once it is there.
  func find(
    where isWanted: (DeviceInfo) -> Bool = { _ in true }, file: String = #fileID, line: Int = #line
  ) async throws -> DeviceInfo {
    // Before looking, so that nothing falls between.
    let listener = host.listen(clock: clock)
    let deadline = clock.now.advanced(by: patience)
    while true {
      if let info = try await present(), isWanted(info) { return info }
      let rest = clock.now.duration(to: deadline)
      guard rest > .zero, await listener.next(within: rest) != nil else {
        throw BrokenPromise(
          what: "the device is not at \(path) after \(patience)", place: "\(file):\(line)")
      }
    }
  }

  /// The device at the path, if one is listed there now.
  func present() async throws -> DeviceInfo? {
    try await host.devices().first { $0.path == path }
  }

  /// Opens the device at the path, once it is there. The check's end closes it.
  func open() async throws -> any USBDevice { try await open(find().id) }

  func open(_ id: DeviceID) async throws -> any USBDevice {
    let device = try await host.open(id)
    handles.open.withLock { $0.append(device) }
    return device
  }

  // MARK: Before and after

  /// Makes the device what it was at first.
  func prepare() async throws {
    var info = try await find()
    if info.descriptor.product.rawValue != UInt16(ReferenceDevice.Identity.usual.rawValue) + 1 {
      let device = try await open(info.id)
      try await device.leave(for: 0, as: .usual, self)
      await device.close()
      let old = info.id
      info = try await find { $0.id != old }
    }
    let device = try await open(info.id)
    try await device.tell(.restore, timeout: patience)
    await device.close()
  }

  /// Closes what is open.
  func end() async {
    let open = handles.open.withLock { open in
      defer { open = [] }
      return open
    }
    for device in open { await device.close() }
  }
}

extension USBDevice {
  /// A vendor request whose data go to the host.
  func ask(
    _ request: ReferenceRequest, value: UInt16 = 0, index: UInt16 = 0, length: Int,
    timeout: Duration
  ) async throws(TransferError) -> [UInt8] {
    try await controlIn(
      .reference(request, .in, value: value, index: index, length: length), timeout: timeout)
  }

  /// A vendor request whose data go to the device.
  func tell(
    _ request: ReferenceRequest, value: UInt16 = 0, index: UInt16 = 0, data: [UInt8] = [],
    timeout: Duration
  ) async throws(TransferError) {
    try await controlOut(
      .reference(request, .out, value: value, index: index, length: data.count), data: data,
      timeout: timeout)
  }

  /// What the device has counted.
  func tally(_ bench: Bench) async throws -> ReferenceTally {
    let bytes = try await ask(.tally, length: ReferenceTally.length, timeout: bench.patience)
    guard let tally = ReferenceTally(bytes) else {
      throw BrokenPromise(what: "the tally has \(bytes.count) bytes", place: "\(#fileID):\(#line)")
    }
    return tally
  }

  /// What the device has noted.
  func log(_ bench: Bench) async throws -> [UInt16] {
    let bytes = try await ask(.log, length: 4096, timeout: bench.patience)
    return stride(from: 0, to: bytes.count - 1, by: 2).map {
      UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8
    }
  }

  /// Sends the device off the bus.
  ///
  /// - Parameters:
  ///   - moments: how long it stays away; nil: until the cable is pulled.
  ///   - identity: who comes back.
  ///   - delay: after how many moments it goes.
  ///   - bench: whose moments.
  func leave(
    for moments: Int?, as identity: ReferenceDevice.Identity = .usual, after delay: Int = 0,
    _ bench: Bench
  ) async throws(TransferError) {
    let absence = moments.map { bench.milliseconds($0) } ?? 0xFFFF
    let hundredths = min(bench.milliseconds(delay) / 10, 255)
    try await tell(
      .leave, value: absence, index: hundredths << 8 | UInt16(identity.rawValue),
      timeout: bench.patience)
  }

  /// Whether the device still answers as it should.
  func requireAnswers(
    _ bench: Bench, seed: UInt16 = 0x51, file: String = #fileID, line: Int = #line
  ) async throws {
    let bytes = try await ask(
      .pattern, value: 40, index: seed, length: 64, timeout: bench.patience)
    try require(
      "the answer to the next transfer", bytes, is: referencePattern(40, seed: seed), file: file,
      line: line)
  }
}

extension SetupPacket {
  /// A vendor request to the reference device.
  static func reference(
    _ request: ReferenceRequest, _ direction: RequestType.Direction, value: UInt16 = 0,
    index: UInt16 = 0, length: Int
  ) -> SetupPacket {
    SetupPacket(
      RequestType(direction, .vendor, .device), request: request.rawValue, value: value,
      index: index, length: UInt16(clamping: length))
  }
}
