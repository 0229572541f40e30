import DFU
import Testing
import USB
import VirtualUSB

@testable import VirtualDFU

/// From DFU mode back to the application, and whether there is one.
@Suite("The way home") struct WayHomeTests {
  /// Downloads `bytes` into the first partition, without the end.
  static func fill(
    _ device: any USBDevice, _ bytes: [UInt8], _ bench: RuntimeBench
  ) async throws {
    for block in 0...(bytes.count / 64) {
      let data = Array(bytes.dropFirst(block * 64).prefix(64))
      if data.isEmpty { break }
      try await device.controlOut(
        DFURequest.download.setup(
          value: UInt16(block), interface: 0, length: UInt16(data.count)),
        data: data, timeout: .seconds(5))
      while try await bench.status(of: device).state.isBusy {
        try await bench.clock.sleep(for: .milliseconds(1))
      }
    }
  }

  /// Detaches, downloads, ends; the state after manifestation, or nil where it does not answer.
  static func flash(
    _ bench: RuntimeBench, _ bytes: [UInt8] = [1, 2, 3, 4, 5]
  ) async throws -> (device: any USBDevice, state: DFUState?) {
    try await bench.send(.detach, value: 1000)
    try await bench.clock.sleep(for: .seconds(2))
    let device = try await RuntimeBench.open(on: bench.bus)
    try await fill(device, bytes, bench)
    try await device.controlOut(
      DFURequest.download.setup(value: 9, interface: 0, length: 0), data: [],
      timeout: .seconds(5))
    _ = try await bench.status(of: device)
    try await bench.clock.sleep(for: .milliseconds(300))
    return (device, try? await bench.status(of: device).state)
  }

  @Test func `a tolerant bootloader stays until it is reset, and then the application runs`()
    async throws
  {
    try await RuntimeBench.run { bench in
      let (device, state) = try await Self.flash(bench)
      #expect(state == .dfuIdle)
      await #expect(throws: TransferError.self) { try await device.reset() }
      try await bench.clock.sleep(for: .seconds(1))
      #expect(try await bench.present() == "cafe:4001")
      #expect(bench.events.last == .launched(0))
    }
  }

  @Test func `a bootloader that is neither tolerant nor waits comes back as its application`()
    async throws
  {
    try await RuntimeBench.run("tolerant=no") { bench in
      let (_, state) = try await Self.flash(bench)
      #expect(state == nil)
      try await bench.clock.sleep(for: .seconds(1))
      #expect(try await bench.present() == "cafe:4001")
    }
  }

  @Test(arguments: ["reset", "second-reset"])
  func `dfuMANIFEST-WAIT-RESET waits for one reset, or for two`(_ way: String) async throws {
    let profile = try Profile.runtime("will-detach=no&tolerant=no&way-back=\(way)")
    try await Simulation(deadline: .seconds(1000)).run { clock in
      let bench = try await RuntimeBench(profile, clock)
      try await bench.send(.detach, value: 1000)
      await #expect(throws: TransferError.self) { try await bench.device.reset() }
      try await bench.clock.sleep(for: .seconds(1))
      let device = try await RuntimeBench.open(on: bench.bus)
      try await Self.fill(device, [1, 2, 3, 4], bench)
      try await device.controlOut(
        DFURequest.download.setup(value: 1, interface: 0, length: 0), data: [],
        timeout: .seconds(5))
      _ = try await bench.status(of: device)
      try await bench.clock.sleep(for: .milliseconds(100))
      #expect(try bench.part { $0.state } == .dfuManifestWaitReset)
      if way == "second-reset" {
        try await device.reset()
        #expect(try await bench.present() == "cafe:4000")
        #expect(try await bench.status(of: device).state == .dfuIdle)
      }
      await #expect(throws: TransferError.self) { try await device.reset() }
      try await bench.clock.sleep(for: .seconds(1))
      #expect(try await bench.present() == "cafe:4001")
    }
  }

  @Test func `where DETACH is the way back, a reset is not`() async throws {
    try await RuntimeBench.run("way-back=detach") { bench in
      let (device, _) = try await Self.flash(bench)
      try await device.reset()
      #expect(try await bench.present() == "cafe:4000")
      try await bench.send(.detach, to: device)
      try await bench.clock.sleep(for: .seconds(1))
      #expect(try await bench.present() == "cafe:4001")
    }
  }

  @Test func `DETACH in DFU mode is an error elsewhere`() async throws {
    try await RuntimeBench.run { bench in
      let (device, _) = try await Self.flash(bench)
      await #expect(throws: TransferError.self) { try await bench.send(.detach, to: device) }
      #expect(try await bench.status(of: device).status == .errStalledPkt)
    }
  }

  // MARK: Whether there is an application

  @Test func `a blank part begins in DFU mode, in dfuERROR with errFIRMWARE`() async throws {
    try await RuntimeBench.run("", prepare: { $0.load([UInt8](repeating: 0xFF, count: 64), at: 0) })
    {
      bench in
      #expect(try await bench.present() == "cafe:4000")
      #expect(
        try await bench.status() == GetStatusResponse(status: .errFirmware, state: .dfuError))
      try await bench.send(.clearStatus)
      #expect(try await bench.status() == GetStatusResponse(state: .dfuIdle))
      // A reset finds no application to start.
      try await bench.device.reset()
      #expect(try await bench.status().status == .errFirmware)
    }
  }

  @Test func `a download that was not ended is no application, after a reset and without power`()
    async throws
  {
    let snapshot = try await Simulation().run { clock in
      let bench = try await RuntimeBench(.runtime, clock)
      try await bench.send(.detach, value: 1000)
      try await bench.clock.sleep(for: .seconds(1))
      let device = try await RuntimeBench.open(on: bench.bus)
      try await Self.fill(device, [UInt8](repeating: 7, count: 64), bench)
      try await device.reset()
      #expect(try await bench.status(of: device).status == .errFirmware)
      return try bench.part { $0.snapshot() }
    }
    try await RuntimeBench.run("", prepare: { try? $0.restore(snapshot) }) { bench in
      let present = try await bench.present()
      #expect(present == "cafe:4000")
      #expect(try await bench.status().status == .errFirmware)
      #expect(try bench.part { $0.contents(0..<4) } == [7, 7, 7, 7])
      // The other partition is not what is started.
      #expect(try bench.part { $0.isDownloadUnfinished })
    }
  }

  @Test func `a state file from before there were applications still fits`() throws {
    // Flags 0 and bState 2, as every older program wrote them.
    var part = VirtualBootloader(.runtime)
    let snapshot = part.snapshot()
    #expect(snapshot[6 + "runtime".utf8.count] == 0)
    try part.restore(snapshot)
    part.powerOn(at: .zero)
    #expect(part.runsApplication)
  }

  @Test func `any bootloader can have an application: an STM32F407 whose program brings one`()
    async throws
  {
    let profile = try Profile.stm32f407.setting("application", to: "yes")
      .setting("runtime-id", to: "1209:7388")
    try await Simulation().run { clock in
      let blank = try await RuntimeBench(profile, clock)
      #expect(try await blank.present() == "0483:df11")
      #expect(try await blank.status().state == .dfuIdle)
      let bench = try await RuntimeBench(profile, clock) {
        $0.load(LeaveTests.program, at: 0x0800_0000)
      }
      #expect(try await bench.present() == "1209:7388")
      try await bench.send(.detach, value: 255)
      try await clock.sleep(for: .seconds(1))
      #expect(try await bench.present() == "0483:df11")
      let device = try await RuntimeBench.open(on: bench.bus)
      try await device.controlOut(
        DFURequest.download.setup(value: 0, interface: 0, length: 0), data: [],
        timeout: .seconds(5))
      _ = try await bench.status(of: device)
      try await clock.sleep(for: .seconds(1))
      #expect(try await bench.present() == "1209:7388")
      #expect(bench.events == [.launched(0x0800_0000), .detached, .launched(0x0800_0000)])
    }
  }

  @Test func `power-up starts the application whatever was before`() async throws {
    try await RuntimeBench.run { bench in
      try await bench.send(.detach, value: 1000)
      try await bench.clock.sleep(for: .milliseconds(300))
      let part = try #require(bench.bus.detach(bench.path))
      bench.bus.attach(part, path: bench.path)
      #expect(try await bench.present() == "cafe:4001")
      try await bench.clock.sleep(for: .seconds(5))
      #expect(try await bench.present() == "cafe:4001")
    }
  }
}
