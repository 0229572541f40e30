import DFU
import Testing
import USB
import VirtualUSB

@testable import VirtualDFU

/// What is particular to single parts.
@Suite("Parts") struct PartTests {
  // MARK: STM32L072

  /// The requests that touch memory at or above 0x08020000, or begin below and reach there.
  enum Touch: String, CaseIterable {
    case erase, write, writeAcross, read, readAcross, massErase, jump
  }

  @Test(arguments: Touch.allCases)
  func `an L072 that is touched above its end says nothing more until it is plugged in anew`(
    touch: Touch
  ) async throws {
    let old = [UInt8](repeating: 0x5A, count: 0x2_0000)
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32l072, clock) { $0.load(old, at: 0x0800_0000) }
      let isAcross = touch == .writeAcross || touch == .readAcross
      if touch != .massErase && touch != .erase {
        // The address itself is taken: the bootloader believes that it has 192 KiB.
        try await bench.command(.setAddressPointer(isAcross ? 0x0801_FC00 : 0x0802_0000))
        #expect(try await bench.settle().state == .dfuDnloadIdle)
      }
      switch touch {
      case .erase: try await bench.command(.erase(0x0802_FF80))
      case .massErase: try await bench.command(.massErase)
      case .jump: try await bench.download(0, [])
      case .write, .writeAcross: try await bench.download(2, pattern)
      case .read, .readAcross:
        try await bench.send(.abort)
        let error = await #expect(throws: TransferError.self) { try await bench.upload(2, 2048) }
        #expect(error?.code == .timeout)
      }
      if touch != .read && touch != .readAcross {
        let state = try await bench.getStatus().state
        #expect(state == (touch == .jump ? .dfuManifest : .dfuDnBusy))
        try await clock.sleep(for: .seconds(10))
      }
      // Not even its descriptors.
      for setup in [
        DFURequest.getStatus(interface: 0), DFURequest.getState.setup(interface: 0, length: 1),
        .getDescriptor(.device, length: 18),
      ] {
        let error = await #expect(throws: TransferError.self) {
          try await bench.device.controlIn(setup, timeout: .seconds(1))
        }
        #expect(error?.code == .timeout)
      }
      #expect(bench.events.last == .died)
      let again = try await bench.replug()
      #expect(try await again.getStatus().state == .dfuIdle)
      #expect(try await again.upload(2, 128).count == 128)
      // What is real was erased before it came to its end, and only then.
      let erased = [UInt8](repeating: 0, count: 0x2_0000)
      let now = again.contents(0x0800_0000..<0x0802_0000)
      // Not compared in the macro, which would look for the differences of 128 KiB.
      let isRight = now == (touch == .massErase ? erased : old)
      #expect(isRight)
    }
  }

  @Test func `the last byte of an L072 is memory, and beyond its claim an address is refused`()
    async throws
  {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32l072, clock)
      try await bench.command(.erase(0x0801_FF80))
      #expect(try await bench.settle() == GetStatusResponse(state: .dfuDnloadIdle))
      try await bench.command(.setAddressPointer(0x0801_F800))
      try await bench.settle()
      try await bench.download(2, pattern)
      #expect(try await bench.settle() == GetStatusResponse(state: .dfuDnloadIdle))
      try await bench.send(.abort)
      #expect(try await bench.upload(2, 2048) == pattern)
      try await bench.send(.abort)
      try await bench.command(.setAddressPointer(0x0810_0000))
      #expect(try await bench.settle().status == .errTarget)
    }
  }

  @Test func `the flash of an L072 is erased to zeros, and a word takes a value once`() async throws
  {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32l072, clock)
      #expect(try await bench.upload(2, 128).allSatisfy { $0 == 0 })
      try await bench.send(.abort)
      try await bench.download(2, [1, 2, 3, 4])
      #expect(try await bench.settle().state == .dfuDnloadIdle)
      // Zeros leave it as it is, anything else is refused.
      try await bench.download(2, [0, 0, 0, 0])
      #expect(try await bench.settle().state == .dfuDnloadIdle)
      try await bench.download(2, [0xFF, 0xFF, 0xFF, 0xFF])
      #expect(try await bench.settle().status == .errProg)
      try await bench.send(.clearStatus)
      #expect(bench.contents(0x0800_0000..<0x0800_0005) == [1, 2, 3, 4, 0])
      try await bench.command(.erase(0x0800_0040))
      try await bench.settle()
      #expect(bench.contents(0x0800_0000..<0x0800_0004) == [0, 0, 0, 0])
      // The EEPROM takes anything.
      try await bench.command(.setAddressPointer(0x0808_0000))
      try await bench.settle()
      for bytes: [UInt8] in [[1, 2, 3], [0, 0xFF, 1]] {
        try await bench.download(2, bytes)
        #expect(try await bench.settle().state == .dfuDnloadIdle)
        #expect(bench.contents(0x0808_0000..<0x0808_0003) == bytes)
      }
    }
  }

  // MARK: STM32F105 and GD32VF103

  @Test(arguments: ["stm32f105", "gd32vf103"])
  func `what is not blank is passed over without a word, except for zeros`(
    name: String
  )
    async throws
  {
    let profile = try #require(Profile.named(name))
    try await Simulation().run { clock in
      let bench = try await Bench(profile, clock) { $0.load([1, 2, 3, 4], at: 0x0800_0000) }
      if try await bench.getStatus().state == .dfuError { try await bench.send(.clearStatus) }
      try await bench.download(2, [1, 2, 3, 0, 5, 6, 7, 8])
      #expect(try await bench.settle().status == .ok)
      #expect(bench.contents(0x0800_0000..<0x0800_0008) == [1, 2, 3, 4, 5, 6, 7, 8])
      #expect(bench.events.last == .passedOver(0x0800_0000..<0x0800_0008))
      try await bench.download(2, [0, 0, 0, 0])
      #expect(try await bench.settle().status == .ok)
      #expect(bench.contents(0x0800_0000..<0x0800_0004) == [0, 0, 0, 0])
    }
  }

  @Test func `an F105 writes half-words, and its RAM begins behind the bootloader's`() async throws
  {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f105, clock)
      #expect(bench.device.info.serialNumber == "STM32")
      try await bench.download(2, [1, 2, 3])
      #expect(try await bench.settle().status == .errWrite)
      try await bench.send(.clearStatus)
      try await bench.command(.setAddressPointer(0x2000_0800))
      #expect(try await bench.settle().status == .errTarget)
      try await bench.send(.clearStatus)
      try await bench.command(.setAddressPointer(0x2000_1000))
      try await bench.settle()
      try await bench.download(2, [1, 2, 3])
      #expect(try await bench.settle().state == .dfuDnloadIdle)
      // It says that its option bytes can be erased.
      try await bench.command(.erase(0x1FFF_F800))
      #expect(try await bench.settle().status == .errTarget)
      #expect(bench.contents(0x2000_1000..<0x2000_1003) == [1, 2, 3])
      // Without power RAM is lost.
      let again = try await bench.replug()
      #expect(again.contents(0x2000_1000..<0x2000_1003) == [0xFF, 0xFF, 0xFF])
    }
  }

  @Test func `a GD32 erases pages of 1 KiB, and its serial number is no UTF-16`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.gd32vf103, clock) {
        $0.load([UInt8](repeating: 1, count: 4096), at: 0x0800_0000)
      }
      // What a host that takes it for UTF-16 reads.
      #expect(bench.device.info.serialNumber == "\u{4333}\u{4A42}")
      try await bench.command(.erase(0x0800_0800))
      #expect(try await bench.settle().state == .dfuDnloadIdle)
      #expect(bench.events == [.erased(0x0800_0800..<0x0800_0C00)])
    }
  }

  @Test func `a GD32 starts what is not blank, whatever it looks like`() async throws {
    for (bytes, isStarted) in [([UInt8](repeating: 0x13, count: 64), true), ([], false)] {
      try await Simulation().run { clock in
        let bench = try await Bench(.gd32vf103, clock) { $0.load(bytes, at: 0x0800_0000) }
        let state = try await bench.getStatus().state
        #expect(state == (isStarted ? .dfuIdle : .dfuError))
        if state == .dfuError { try await bench.send(.clearStatus) }
        try await bench.download(0, [])
        try await clock.sleep(for: .milliseconds(1))
        #expect(try await bench.bus.devices().isEmpty)
        try await clock.sleep(for: .seconds(2))
        #expect(try await bench.bus.devices().isEmpty == isStarted)
        #expect(
          bench.events.first == (isStarted ? .launched(0x0800_0000) : .notLaunched(0x0800_0000)))
      }
    }
  }

  // MARK: STM32G0B1, STM32H743

  @Test func `a G0B1 reads its option bytes by their address, and ignores what is written there`()
    async throws
  {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32g0b1, clock)
      try await bench.command(.setAddressPointer(0x1FFF_7800))
      try await bench.settle()
      try await bench.send(.abort)
      let old = try await bench.upload(2, 128)
      // OPTR of a part with a brown-out reset (RM0444, 3.4.1), and the rest as the factory writes it.
      #expect(old.prefix(4) == [0xAA, 0xFE, 0xFF, 0xFF])
      let factory = OptionByteLayout.stm32g0.blocks[0].factoryBytes
      #expect(old == Array(factory) + [UInt8](repeating: 0xFF, count: 128 - factory.count))
      try await bench.send(.abort)
      try await bench.download(2, [UInt8](repeating: 0, count: 128))
      #expect(try await bench.settle() == GetStatusResponse(state: .dfuDnloadIdle))
      try await clock.sleep(for: .seconds(1))
      #expect(try await bench.getStatus().state == .dfuDnloadIdle)
      #expect(bench.contents(0x1FFF_7800..<0x1FFF_7880) == old)
      #expect(bench.events == [.dropped(0x1FFF_7800..<0x1FFF_7880)])
    }
  }

  /// Where a block of an H743 names another level of read protection than the part has.
  enum Named: String, CaseIterable {
    /// In OPTSR_CUR, which says what is.
    case current
    /// In OPTSR_PRG, which says what shall be (RM0433, 4.9).
    case wanted
  }

  @Test(arguments: Named.allCases)
  func `the option bytes of an H743 are an alternate setting, and a write of OPTSR_PRG resets it`(
    named: Named
  ) async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32h743, clock) { $0.load([1, 2], at: 0x0800_0000) }
      try await bench.device.setAlternateSetting(1, interface: 0)
      try await bench.command(.setAddressPointer(0x5200_201C))
      try await bench.settle()
      try await bench.send(.abort)
      let old = try await bench.upload(2, 128)
      #expect(old == Array(OptionByteLayout.stm32h7.blocks[0].factoryBytes))
      #expect(old.prefix(8) == [0xF0, 0xAA, 0xC6, 0x1B, 0xF0, 0xAA, 0xC6, 0x1B])
      try await bench.send(.abort)
      var block = old
      block[named == .wanted ? 5 : 1] = 0xBB
      try await bench.download(2, block)
      #expect(try await bench.getStatus().state == .dfuDnBusy)
      try await clock.sleep(for: .seconds(2))
      #expect(bench.events.contains(.wroteOptionBytes(0x5200_201C..<0x5200_209C)))
      let after = bench.bus.withDevice(at: bench.path, as: VirtualBootloader.self) { $0 }
      #expect(after?.isReadProtected == (named == .wanted))
      // Both registers hold what was taken, and nothing else has changed.
      var expected = old
      if named == .wanted { (expected[1], expected[5]) = (0xBB, 0xBB) }
      #expect(bench.contents(0x5200_201C..<0x5200_209C) == expected)
      // To protect erases nothing.
      #expect(bench.contents(0x0800_0000..<0x0800_0002) == [1, 2])
      #expect(bench.device.info.id != (try await bench.bus.devices().first?.id))
    }
  }

  // MARK: One pointer, 32 bits, 16 bits

  @Test func `there is one pointer for all alternate settings, and it stays`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f407, clock) { $0.load([7, 8], at: 0x0801_0000) }
      try await bench.command(.setAddressPointer(0x0801_0000))
      try await bench.settle()
      try await bench.send(.abort)
      try await bench.device.setAlternateSetting(1, interface: 0)
      // Not the option bytes, whose alternate setting this is.
      #expect(try await bench.upload(2, 2) == [7, 8])
    }
  }

  @Test func `behind block 65 535 comes the command channel, and addresses wrap at 32 bits`()
    async throws
  {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f407, clock)
      // The pointer of Device Feature: 32 blocks of 2048 bytes are left below 2^32.
      try await bench.command(.setAddressPointer(0xFFFF_0000))
      try await bench.settle()
      let addresses = bench.bus.withDevice(at: bench.path, as: VirtualBootloader.self) { board in
        [2, 33, 34, 65_535].map { board.address(ofBlock: $0) }
      }
      #expect(addresses == [0xFFFF_0000, 0xFFFF_F800, 0x0000_0000, 0x07FE_E800])
      // A host whose counter wraps sends its data as a command.
      let error = await #expect(throws: TransferError.self) {
        try await bench.download(UInt16.max &+ 1, [UInt8](repeating: 0x55, count: 2048))
      }
      #expect(error?.code == .stall)
      #expect(try await bench.getStatus().status == .errStalledPkt)
    }
  }
}

@Suite("Poll timeouts and flash times") struct TimingTableTests {
  struct Announced: CustomTestStringConvertible {
    var policy: PollPolicy
    var text: String
    /// For 0, 1 µs, 22 ms and 1 s of erasing, and 22 ms of writing.
    var milliseconds: [UInt32]
    var testDescription: String { text }
  }

  @Test(arguments: [
    Announced(policy: .exact, text: "exact", milliseconds: [0, 1, 22, 1000, 22]),
    Announced(policy: .rounded(50), text: "rounded:50", milliseconds: [0, 50, 50, 1000, 50]),
    Announced(policy: .constant(50), text: "constant:50", milliseconds: [50, 50, 50, 50, 50]),
    Announced(policy: .constant(0), text: "zero", milliseconds: [0, 0, 0, 0, 0]),
    Announced(policy: .atMost(10), text: "at-most:10", milliseconds: [0, 1, 10, 10, 10]),
    Announced(
      policy: .bogus(65280), text: "bogus:65280", milliseconds: Array(repeating: 65280, count: 5)),
    Announced(
      policy: .byKind(command: 1, erase: 100, write: 104), text: "by-kind:1+100+104",
      milliseconds: [100, 100, 100, 100, 104]),
  ])
  func `a policy announces what it says, and is written as it is read`(announced: Announced) {
    let policy = announced.policy
    let erases: [Duration] = [.zero, .microseconds(1), .milliseconds(22), .seconds(1)]
    #expect(
      erases.map { policy.milliseconds($0, for: .erase) }
        + [policy.milliseconds(.milliseconds(22), for: .write)] == announced.milliseconds)
    #expect(policy.description == announced.text)
    #expect(PollPolicy(announced.text) == policy)
  }

  @Test func `no duration overflows 24 bits`() {
    for policy in [PollPolicy.exact, .rounded(7), .rounded(.max), .atMost(.max)] {
      for duration in [
        Duration.seconds(16_777), .seconds(1 << 40), .seconds(9_223_372_036_854_775),
        .seconds(Int64.max),
      ] {
        #expect(policy.milliseconds(duration, for: .erase) <= PollPolicy.largest)
      }
    }
    #expect(PollPolicy("5") == .constant(5))
    for text in ["", ":", "exact:", "constant", "constant:", "rounded:-1", "bogus:16777216", "٥"] {
      #expect(PollPolicy(text) == nil, "\(text)")
    }
  }

  @Test func `every family has times, the longest not shorter than the typical ones`() {
    #expect(Set(FlashTimes.all.map(\.family)).count == FlashTimes.all.count)
    for (family, times) in FlashTimes.all {
      let pairs = Array(times.erase.values) + [times.program] + (times.massErase.map { [$0] } ?? [])
      #expect(!times.erase.isEmpty)
      for pair in pairs {
        #expect(pair.typical > .zero && pair.typical <= pair.longest, "\(family)")
      }
    }
    // Every profile with flash takes its times from one of the tables.
    for profile in Profile.all {
      for memory in profile.memories where memory.kind == .flash {
        #expect(FlashTimes.all.contains { $0.times == memory.times }, "\(profile.name)")
      }
    }
  }

  @Test func `a part at the end of its life takes longer, and says so`() async throws {
    let old = try Profile.stm32h743.setting("pace", to: "longest")
    for (profile, milliseconds) in [(Profile.stm32h743, UInt32(1100)), (old, 2200)] {
      try await Simulation().run { clock in
        let bench = try await Bench(profile, clock)
        try await bench.command(.erase(0x0800_0000))
        #expect(try await bench.getStatus().pollTimeout == milliseconds)
        let start = clock.now
        while try await bench.getStatus().state == .dfuDnBusy {
          try await clock.sleep(for: .milliseconds(10))
        }
        #expect(start.duration(to: clock.now) > .milliseconds(Int64(milliseconds) - 1))
      }
    }
    #expect(try old.setting("pace", to: "typical") == .stm32h743)
  }

  @Test func `whatever comes while a part holds its requests counts when it is done`() async throws
  {
    try await Simulation().run { clock in
      let bench = try await Bench(.stLibrary, clock)
      try await bench.command(.erase(0x0802_0000))
      _ = try await bench.getStatus()
      let start = clock.now
      // In dfuDNLOAD-SYNC, where the library is by then, ABORT is allowed.
      try await bench.send(.abort)
      #expect(start.duration(to: clock.now) > .milliseconds(990))
      #expect(try await bench.getStatus() == GetStatusResponse(state: .dfuIdle))
      #expect(bench.events == [.erased(0x0802_0000..<0x0804_0000)])
    }
  }
}
