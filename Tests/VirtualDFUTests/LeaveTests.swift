import DFU
import Testing
import USB
import VirtualUSB

@testable import VirtualDFU

@Suite("Leaving") struct LeaveTests {
  /// A vector table that an F407 can start from.
  static let program: [UInt8] = [0x00, 0x00, 0x02, 0x20, 0x11, 0x01, 0x00, 0x08]

  struct Variant: CustomTestStringConvertible {
    var leave: LeaveVariant
    /// What the GETSTATUS after the end gets: its state, or an error.
    var status: Answer
    /// How long after that the device is gone.
    var goneAfter: Duration
    var testDescription: String { leave.rawValue }

    enum Answer {
      case success(DFUState)
      case failure(TransferError.Code)
    }
  }

  @Test(arguments: [
    Variant(leave: .afterDownload, status: .failure(.disconnected), goneAfter: .zero),
    Variant(leave: .insideGetStatus, status: .failure(.disconnected), goneAfter: .zero),
    Variant(leave: .afterGetStatus, status: .success(.dfuManifest), goneAfter: .milliseconds(1)),
    Variant(leave: .later, status: .success(.dfuManifest), goneAfter: .milliseconds(200)),
  ])
  func `a bootloader disappears in one of four ways, and the application runs`(
    variant: Variant
  )
    async throws
  {
    var profile = Profile.stm32f407
    profile.leave = variant.leave
    try await Simulation().run { [profile] clock in
      let bench = try await Bench(profile, clock) { $0.load(Self.program, at: 0x0800_0000) }
      try await bench.download(0, [])
      switch variant.status {
      case .success(let state):
        #expect(try await bench.getStatus() == GetStatusResponse(pollTimeout: 1, state: state))
      case .failure(let code):
        let error = await #expect(throws: TransferError.self) { try await bench.getStatus() }
        #expect(error?.code == code)
      }
      if variant.goneAfter > .zero {
        try await clock.sleep(for: variant.goneAfter - .microseconds(10))
        #expect(try await bench.bus.devices().count == 1)
        try await clock.sleep(for: .microseconds(10))
      }
      #expect(try await bench.bus.devices().isEmpty)
      #expect(bench.events == [.launched(0x0800_0000)])
      try await clock.sleep(for: .seconds(60))
      #expect(try await bench.bus.devices().isEmpty)
    }
  }

  struct Image: CustomTestStringConvertible {
    var bytes: [UInt8]
    var reason: String
    var testDescription: String { reason }
  }

  @Test(arguments: [
    Image(bytes: [], reason: "blank"),
    Image(bytes: [0, 0, 0, 0x20, 0x11, 1, 0, 8], reason: "an empty stack"),
    Image(bytes: [4, 0, 2, 0x20, 0x11, 1, 0, 8], reason: "a stack beyond RAM"),
    Image(bytes: [2, 0, 1, 0x20, 0x11, 1, 0, 8], reason: "a stack at an odd place"),
    Image(bytes: [0, 0, 2, 0x20, 0x10, 1, 0, 8], reason: "no Thumb bit"),
    Image(bytes: [0, 0, 2, 0x20, 0x11, 1, 0, 0x20], reason: "a reset vector in RAM"),
  ])
  func `what cannot be started resets into the bootloader again`(image: Image) async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f407, clock) { $0.load(image.bytes, at: 0x0800_0000) }
      try await bench.download(2, [])
      #expect(try await bench.getStatus().state == .dfuManifest)
      try await clock.sleep(for: .milliseconds(100))
      #expect(try await bench.bus.devices().isEmpty)
      try await clock.sleep(for: .seconds(1))
      #expect(try await bench.bus.devices().count == 1)
      #expect(bench.events == [.notLaunched(0x0800_0000), .reset])
    }
  }

  @Test func `the jump goes to the address pointer, wherever it was left`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f407, clock) { $0.load(Self.program, at: 0x0800_0000) }
      try await bench.command(.setAddressPointer(0x0807_F800))
      try await bench.settle()
      try await bench.download(0, [])
      _ = try await bench.getStatus()
      try await clock.sleep(for: .seconds(2))
      #expect(bench.events == [.notLaunched(0x0807_F800), .reset])
    }
  }

  @Test func `once it has said that it leaves it listens to nothing`() async throws {
    var profile = Profile.stm32f407
    profile.leave = .later
    try await Simulation().run { [profile] clock in
      let bench = try await Bench(profile, clock)
      try await bench.download(0, [])
      _ = try await bench.getStatus()
      let error = await #expect(throws: TransferError.self) {
        try await bench.getStatus(timeout: .milliseconds(50))
      }
      #expect(error?.code == .timeout)
    }
  }

  @Test func `the library's bootloader starts its application, not the pointer's`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stLibrary, clock) { $0.load(Self.program, at: 0x0800_C000) }
      try await bench.command(.setAddressPointer(0x0802_0000))
      try await bench.settle()
      try await bench.download(0, [])
      #expect(try await bench.getStatus().state == .dfuManifest)
      try await clock.sleep(for: .seconds(1))
      #expect(bench.events == [.launched(0x0800_C000)])
    }
  }

  @Test func `plain DFU that is not tolerant and does not detach waits for a reset`() async throws {
    let profile = try Profile.dfu11.setting("tolerant", to: "no")
    try await Simulation().run { clock in
      let bench = try await Bench(profile, clock)
      try await bench.download(0, [1, 2, 3])
      try await bench.settle()
      try await bench.download(1, [])
      #expect(try await bench.getStatus().state == .dfuManifest)
      try await clock.sleep(for: .milliseconds(20))
      let silence = await #expect(throws: TransferError.self) {
        try await bench.getStatus(timeout: .milliseconds(100))
      }
      #expect(silence?.code == .timeout)
      let error = await #expect(throws: TransferError.self) { try await bench.device.reset() }
      #expect(error?.code == .disconnected)
      #expect(bench.events.last == .launched(0))
    }
  }

  @Test func `an LPC image with its prefix is put into RAM and started`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.lpc43xx, clock)
      let payload = [UInt8]((0..<3000).map { UInt8(truncatingIfNeeded: $0) })
      // As in HackRF's files: the two upper bits of the first bytes do not count.
      let file: [UInt8] =
        [0xDA, 0xFF, 0x06, 0x00] + [UInt8](repeating: 0xFF, count: 12) + payload
      try await bench.download(0, Array(file[..<2048]))
      #expect(try await bench.settle().state == .dfuDnloadIdle)
      try await bench.download(1, Array(file[2048...]))
      #expect(try await bench.settle().state == .dfuDnloadIdle)
      try await bench.download(2, [])
      #expect(try await bench.getStatus().state == .dfuManifest)
      #expect(bench.contents(0x1000_0000..<0x1000_0BB8) == payload)
      try await clock.sleep(for: .seconds(1))
      #expect(try await bench.bus.devices().isEmpty)
      #expect(bench.events.last == .launched(0x1000_0000))
    }
  }

  @Test func `the F730 starts what lies at the alias of its flash`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f730External, clock)
      try await bench.command(.erase(0x9000_0000))
      #expect(try await bench.settle().state == .dfuDnloadIdle)
      try await bench.command(.setAddressPointer(0x9000_0000))
      try await bench.settle()
      try await bench.download(2, pattern)
      #expect(try await bench.settle().state == .dfuDnloadIdle)
      try await bench.command(.setAddressPointer(0x0800_0000))
      try await bench.settle()
      try await bench.download(2, [0xF8, 0xFF, 0x03, 0x20, 0xF9, 0x01, 0x20, 0x00])
      #expect(try await bench.settle().state == .dfuDnloadIdle)
      try await bench.download(0, [])
      _ = try await bench.getStatus()
      try await clock.sleep(for: .seconds(1))
      #expect(bench.events.last == .launched(0x0800_0000))
      #expect(bench.contents(0x9000_0000..<0x9000_0800) == pattern)
    }
  }

  @Test func `a blank part can begin in dfuERROR, errFIRMWARE, and is fine after CLRSTATUS`()
    async throws
  {
    let profile = try Profile.stm32f407.setting("blank", to: "error")
    try await Simulation().run { clock in
      let bench = try await Bench(profile, clock)
      #expect(
        try await bench.getStatus() == GetStatusResponse(status: .errFirmware, state: .dfuError))
      try await bench.send(.clearStatus)
      #expect(try await bench.getStatus() == GetStatusResponse(state: .dfuIdle))
      let loaded = try await Bench(profile, clock) { $0.load(Self.program, at: 0x0800_0000) }
      #expect(try await loaded.getStatus().state == .dfuIdle)
    }
  }
}
