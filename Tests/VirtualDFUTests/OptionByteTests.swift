import DFU
import Testing
import USB
import VirtualUSB

@testable import VirtualDFU

@Suite("Option bytes") struct OptionByteTests {
  /// A block of an F4 with these two values; the complements are left to the hardware.
  static func f4(_ user: UInt16, _ protection: UInt16) -> [UInt8] {
    user.littleEndianBytes + [UInt8](repeating: 0xFF, count: 6) + protection.littleEndianBytes
      + [UInt8](repeating: 0xFF, count: 6)
  }

  /// Writes a block where it belongs, and waits for the reset that follows.
  private func write(_ bytes: [UInt8], at address: UInt32, _ bench: Bench) async throws {
    try await bench.command(.setAddressPointer(address))
    #expect(try await bench.settlePatiently().state == .dfuDnloadIdle)
    try await bench.download(2, bytes)
    let answer = try await bench.getStatus()
    #expect(answer.state == .dfuDnBusy)
    try await bench.clock.sleep(for: .milliseconds(300))
    let error = await #expect(throws: TransferError.self) { try await bench.getStatus() }
    #expect(error?.code == .disconnected)
    try await bench.clock.sleep(for: .seconds(1))
  }

  private func board<Result>(
    _ bench: Bench, _ look: (inout VirtualBootloader) -> Result
  ) throws -> Result {
    let found = bench.bus.withDevice(at: bench.path, as: VirtualBootloader.self, look)
    return try #require(found)
  }

  @Test func `a part begins with what the factory writes`() {
    #expect(
      VirtualBootloader(.stm32f407).contents(0x1FFF_C000..<0x1FFF_C010) == [
        0xFF, 0xAA, 0x00, 0x55, 0xFF, 0xAA, 0x00, 0x55, 0xFF, 0xFF, 0x00, 0x00, 0xFF, 0xFF, 0x00,
        0x00,
      ])
    #expect(
      VirtualBootloader(.stm32l476).contents(0x1FFF_7800..<0x1FFF_7808) == [
        0xAA, 0xF8, 0xEF, 0xFF, 0x55, 0x07, 0x10, 0x00,
      ])
    #expect(
      VirtualBootloader(.stm32h743).contents(0x5200_201C..<0x5200_2024) == [
        0xF0, 0xAA, 0xC6, 0x1B, 0xF0, 0xAA, 0xC6, 0x1B,
      ])
    for profile in Profile.all {
      let device = VirtualBootloader(profile)
      #expect(device.isReadProtected == profile.isReadProtected)
      #expect(device.writeProtectedSectors == profile.writeProtectedSectors)
    }
  }

  @Test func `writing them resets the part without a second GETSTATUS`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f407, clock)
      try await write(Self.f4(0xAAEF, 0xFFFD), at: 0x1FFF_C000, bench)
      #expect(try await bench.bus.devices().count == 1)
      // Complements, the copies, and the bits that are not used are the hardware's.
      #expect(
        bench.contents(0x1FFF_C000..<0x1FFF_C010) == [
          0xFF, 0xAA, 0x00, 0x55, 0xFF, 0xAA, 0x00, 0x55, 0xFD, 0xFF, 0x02, 0x00, 0xFD, 0xFF, 0x02,
          0x00,
        ])
      #expect(try board(bench) { $0.writeProtectedSectors } == [1])
      #expect(
        bench.events == [.wroteOptionBytes(0x1FFF_C000..<0x1FFF_C010), .reset])
    }
  }

  @Test func `level 1 refuses everything after the reset, Set Address as well`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f407, clock) { $0.load(pattern, at: 0x0800_0000) }
      try await write(Self.f4(0xBBFF, 0xFFFF), at: 0x1FFF_C000, bench)
      let info = try #require(try await bench.bus.devices().first)
      let device = try await bench.bus.open(info.id)
      try await device.claimInterface(0)
      #expect(try board(bench) { $0.isReadProtected })
      for command: DfuSeCommand in [
        .setAddressPointer(0x0800_0000), .erase(0x0800_0000), .massErase,
      ] {
        let setup = DFURequest.download.setup(
          value: 0, interface: 0, length: UInt16(command.bytes.count))
        try await device.controlOut(setup, data: command.bytes, timeout: .seconds(1))
        _ = try await device.controlIn(DFURequest.getStatus(interface: 0), timeout: .seconds(1))
        let answer = try await device.controlIn(
          DFURequest.getStatus(interface: 0), timeout: .seconds(1))
        #expect(answer.first == DFUStatus.errVendor.rawValue)
        try await device.controlOut(
          DFURequest.clearStatus.setup(interface: 0), data: [], timeout: .seconds(1))
      }
      let upload = DFURequest.upload.setup(value: 2, interface: 0, length: 64)
      await #expect(throws: TransferError.self) {
        try await device.controlIn(upload, timeout: .seconds(1))
      }
      // It is protected, not erased.
      #expect(bench.contents(0x0800_0000..<0x0800_0800) == pattern)
    }
  }

  @Test func `from level 1 to level 0 the hardware erases the flash, write-protected or not`() {
    var device = VirtualBootloader(.stm32f407ReadProtected)
    device.load(pattern, at: 0x0800_0000)
    device.load([1, 2, 3], at: 0x1FFF_7800)
    device.powerOn(at: .zero)
    #expect(device.isReadProtected)
    device.writeOptionBytes(Self.f4(0xAAFF, 0xFFFE), at: 0x1FFF_C000, time: .zero)
    #expect(device.contents(0x0800_0000..<0x0800_0800).allSatisfy { $0 == 0xFF })
    #expect(device.contents(0x1FFF_7800..<0x1FFF_7803) == [1, 2, 3])
    device.powerOn(at: .seconds(1))
    #expect(!device.isReadProtected)
    #expect(device.writeProtectedSectors == [0])
  }

  @Test func `level 2 closes the part for ever`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f407, clock)
      try await bench.command(.setAddressPointer(0x1FFF_C000))
      try await bench.settle()
      try await bench.download(2, Self.f4(0xCCFF, 0xFFFF))
      _ = try? await bench.getStatus()
      try await clock.sleep(for: .seconds(10))
      #expect(try await bench.bus.devices().isEmpty)
      let device = try #require(bench.bus.detach(bench.path) as? VirtualBootloader)
      #expect(device.journal.map(\.event).contains(.closedForEver))
      bench.bus.attach(device)
      #expect(try await bench.bus.devices().isEmpty)
    }
  }

  @Test func `a part of a block ruins the rest: the part is read-protected`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f407, clock)
      // Only the write protection, at its own address.
      try await write([0xFE, 0xFF], at: 0x1FFF_C008, bench)
      #expect(try board(bench) { $0.isReadProtected })
      #expect(bench.contents(0x1FFF_C001..<0x1FFF_C002) == [0xFF])
    }
  }

  @Test func `more than the block is refused`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f407, clock)
      try await bench.command(.setAddressPointer(0x1FFF_C000))
      try await bench.settle()
      try await bench.download(2, [UInt8](repeating: 0xFF, count: 17))
      #expect(try await bench.settle().status == .errTarget)
      #expect(bench.contents(0x1FFF_C000..<0x1FFF_C002) == [0xFF, 0xAA])
    }
  }

  // MARK: Families

  @Test func `an L4 takes its words, complements are its own`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32l476, clock)
      var bytes = bench.contents(0x1FFF_7800..<0x1FFF_7828)
      // BOR level 4, pages 2 to 3 of area A; wrong complements, and a bit that is not used.
      bytes[1] = 0xFC
      bytes[0x18] = 2
      bytes[0x1A] = 3
      bytes[2] = 0xAF
      try await write(bytes, at: 0x1FFF_7800, bench)
      #expect(
        bench.contents(0x1FFF_7800..<0x1FFF_7808) == [
          0xAA, 0xFC, 0xEF, 0xFF, 0x55, 0x03, 0x10, 0x00,
        ])
      #expect(
        bench.contents(0x1FFF_7818..<0x1FFF_7820) == [
          0x02, 0xFF, 0x03, 0xFF, 0xFD, 0x00, 0xFC, 0x00,
        ])
      #expect(try board(bench) { $0.writeProtectedSectors } == [2, 3])
    }
  }

  @Test func `an H7 programs the second of its registers, and leaves the others alone`()
    async throws
  {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32h743, clock)
      var bytes = bench.contents(0x5200_201C..<0x5200_209C)
      // Only the current registers are changed: nothing happens.
      bytes[0x1C] = 0xFC
      try await write(bytes, at: 0x5200_201C, bench)
      #expect(try board(bench) { $0.writeProtectedSectors } == [])
      let again = try await Bench(.stm32h743, clock)
      // The one to program, and something else in the window.
      bytes[0x1C] = 0xFF
      bytes[0x20] = 0xFC
      bytes[0x34] = 0x77
      try await write(bytes, at: 0x5200_201C, again)
      #expect(try board(again) { $0.writeProtectedSectors } == [0, 1])
      #expect(
        again.contents(0x5200_2038..<0x5200_2040) == [
          0xFC, 0x00, 0x00, 0x00, 0xFC, 0x00, 0x00, 0x00,
        ])
      #expect(again.contents(0x5200_2050..<0x5200_2051) == [0])
    }
  }

  /// A part with the option bytes of an F1, until there is a profile for one.
  static let f1: Profile = {
    var profile = Profile.stm32f407
    profile.memories[0] = MemoryDescription(
      "Internal Flash", .flash, runs: [.run(0x0800_0000, 128, kib: 2)], unit: 2)
    profile.memories[1] = MemoryDescription(
      "Option Bytes", .optionBytes, runs: [.bytes(0x1FFF_F800, 1, of: 16, .readWrite)],
      unitTime: .milliseconds(6))
    profile.optionBytes = .stm32f1
    return profile
  }()

  @Test func `an F1 writes the complements itself, and what was not sent stays erased`()
    async throws
  {
    try await Simulation().run { clock in
      let bench = try await Bench(Self.f1, clock)
      // RDP with a wrong complement, WDG_SW hardware, write protection of the first 4 KiB.
      var bytes = [UInt8](repeating: 0xFF, count: 16)
      bytes[0] = 0xA5
      bytes[2] = 0xFE
      bytes[8] = 0xFE
      try await write(bytes, at: 0x1FFF_F800, bench)
      #expect(
        bench.contents(0x1FFF_F800..<0x1FFF_F80A) == [
          0xA5, 0x5A, 0xFE, 0x01, 0xFF, 0x00, 0xFF, 0x00, 0xFE, 0x01,
        ])
      #expect(try board(bench) { $0.writeProtectedSectors } == [0, 1])
      let other = try await Bench(Self.f1, clock)
      try await write([0xA5, 0x5A], at: 0x1FFF_F800, other)
      #expect(
        other.contents(0x1FFF_F800..<0x1FFF_F804) == [0xA5, 0x5A, 0xFF, 0xFF])
      #expect(try board(other) { !$0.isReadProtected })
    }
  }

  @Test(arguments: [UInt64(0x1FFF_F801), 0x1FFF_F800])
  func `a broken complement of RDP is read protection`(address: UInt64) {
    var device = VirtualBootloader(Self.f1)
    #expect(!device.isReadProtected)
    device.load([0x5B], at: address)
    device.powerOn(at: .zero)
    #expect(device.isReadProtected)
  }

  @Test func `an unprotected F1 has lost its other option bytes as well`() {
    var device = VirtualBootloader(Self.f1)
    device.load([0x00, 0xFF, 0xFE, 0x01], at: 0x1FFF_F800)
    device.powerOn(at: .zero)
    #expect(device.isReadProtected)
    device.unprotect(at: .zero)
    #expect(
      device.contents(0x1FFF_F800..<0x1FFF_F804) == [0xA5, 0x5A, 0xFF, 0xFF])
    device.powerOn(at: .seconds(1))
    #expect(!device.isReadProtected)
  }

  // MARK: Power

  struct Cut: CustomTestStringConvertible, Sendable {
    var profile: Profile
    var address: UInt64
    var milliseconds: Int
    /// What the first cell holds afterwards.
    var cell: [UInt8]
    var isReadProtected: Bool
    var testDescription: String { "\(profile.name) after \(milliseconds) ms" }
  }

  @Test(arguments: [
    // 96 ms: half of them erase.
    Cut(
      profile: .stm32f407, address: 0x1FFF_C000, milliseconds: 10,
      cell: [UInt8](repeating: 0xFF, count: 8), isReadProtected: true),
    Cut(
      profile: .stm32f407, address: 0x1FFF_C000, milliseconds: 60,
      cell: [0xFF, 0xAA, 0x00, 0x55, 0xFF, 0xAA, 0x00, 0x55], isReadProtected: false),
    Cut(
      profile: .stm32l476, address: 0x1FFF_7800, milliseconds: 10,
      cell: [UInt8](repeating: 0xFF, count: 8), isReadProtected: true),
    Cut(
      profile: f1, address: 0x1FFF_F800, milliseconds: 10,
      cell: [UInt8](repeating: 0xFF, count: 8), isReadProtected: true),
    // An H7 keeps what it had.
    Cut(
      profile: .stm32h743, address: 0x5200_201C, milliseconds: 10,
      cell: [0xF0, 0xAA, 0xC6, 0x1B, 0xF0, 0xAA, 0xC6, 0x1B], isReadProtected: false),
  ])
  func `a power cut in the middle leaves them erased, or half of the new ones`(
    _ cut: Cut
  ) async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(cut.profile, clock)
      let count = cut.profile.memories.first { $0.kind == .optionBytes }?.range.count ?? 0
      let old = bench.contents(cut.address..<cut.address + UInt64(count))
      try await bench.command(.setAddressPointer(UInt32(cut.address)))
      _ = try await bench.settlePatiently()
      try await bench.download(2, old)
      _ = try await bench.getStatus()
      try await clock.sleep(for: .milliseconds(cut.milliseconds))
      let device = try #require(bench.bus.detach(bench.path) as? VirtualBootloader)
      #expect(device.contents(cut.address..<cut.address + 8) == cut.cell)
      bench.bus.attach(device)
      #expect(try board(bench) { $0.isReadProtected } == cut.isReadProtected)
    }
  }

  @Test func `sectors that option bytes cannot protect are no option of a profile`() throws {
    #expect(
      try Profile.stm32l476.setting("write-protected", to: "0+1+7").writeProtectedSectors
        == [0, 1, 7])
    #expect(throws: ProfileOptionError.self) {
      try Profile.stm32l476.setting("write-protected", to: "0+2+4")
    }
    #expect(throws: ProfileOptionError.self) {
      try Profile.stm32h743.setting("write-protected", to: "8")
    }
  }
}
