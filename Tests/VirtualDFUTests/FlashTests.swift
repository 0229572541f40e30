import DFU
import Testing
import USB
import VirtualUSB

@testable import VirtualDFU

/// 2048 bytes that differ from each other and from blank.
let pattern = [UInt8]((0..<2048).map { UInt8(truncatingIfNeeded: $0 &* 7 & 0x7F) })

@Suite("Memories") struct FlashTests {
  @Test func `erase, write and read back go as AN3156 says`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f407, clock)
      try await bench.command(.erase(0x0800_4000))
      #expect(try await bench.settle() == GetStatusResponse(state: .dfuDnloadIdle))
      try await bench.command(.setAddressPointer(0x0800_4000))
      #expect(try await bench.settle().state == .dfuDnloadIdle)
      try await bench.download(2, pattern)
      #expect(try await bench.settle().state == .dfuDnloadIdle)
      try await bench.download(3, pattern)
      try await bench.settle()
      try await bench.send(.abort)
      #expect(try await bench.upload(2, 2048) == pattern)
      #expect(try await bench.upload(3, 2048) == pattern)
      #expect(bench.contents(0x0800_4000..<0x0800_5000) == pattern + pattern)
      #expect(
        bench.events == [
          .erased(0x0800_4000..<0x0800_8000), .programmed(0x0800_4000..<0x0800_4800),
          .programmed(0x0800_4800..<0x0800_5000),
        ])
    }
  }

  @Test func `without erase programming only clears bits, and says nothing`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f407, clock) { $0.load([0xF0, 0x0F], at: 0x0800_0000) }
      try await bench.download(2, [0x33, 0xFF])
      #expect(try await bench.settle() == GetStatusResponse(state: .dfuDnloadIdle))
      #expect(bench.contents(0x0800_0000..<0x0800_0002) == [0x30, 0x0F])
      #expect(bench.events.contains(.bitsStayedZero(0x0800_0000..<0x0800_0002)))
    }
  }

  @Test func `an address without memory is errTARGET at the second GETSTATUS`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f407, clock)
      try await bench.command(.setAddressPointer(0x0900_0000))
      #expect(try await bench.getStatus() == GetStatusResponse(state: .dfuDnBusy))
      #expect(
        try await bench.getStatus() == GetStatusResponse(status: .errTarget, state: .dfuError))
      try await bench.send(.clearStatus)
      #expect(try await bench.getStatus() == GetStatusResponse(state: .dfuIdle))
      // A block that ends beyond the memory is refused whole.
      try await bench.command(.setAddressPointer(0x080F_FC00))
      try await bench.settle()
      try await bench.download(2, pattern)
      #expect(try await bench.settle().status == .errTarget)
      #expect(bench.contents(0x080F_FC00..<0x0810_0000).allSatisfy { $0 == 0xFF })
    }
  }

  @Test func `an upload stops short at the end of the memory, and fails outside`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f407, clock)
      try await bench.command(.setAddressPointer(0x080F_FC00))
      try await bench.settle()
      try await bench.send(.abort)
      #expect(try await bench.upload(2, 2048).count == 1024)
      #expect(try await bench.getStatus().state == .dfuIdle)
      await #expect(throws: TransferError.self) { try await bench.upload(3, 2048) }
      #expect(
        try await bench.getStatus() == GetStatusResponse(status: .errTarget, state: .dfuError))
    }
  }

  @Test func `L4 refuses what is not aligned to 8 bytes, and a double word that is not blank`()
    async throws
  {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32l476, clock)
      try await bench.download(2, Array(pattern[..<12]))
      #expect(try await bench.settlePatiently().status == .errWrite)
      try await bench.send(.clearStatus)
      try await bench.download(2, Array(pattern[..<16]))
      #expect(try await bench.settlePatiently().state == .dfuDnloadIdle)
      try await bench.download(2, Array(pattern[..<16]))
      #expect(try await bench.settlePatiently().status == .errProg)
      try await bench.send(.clearStatus)
      // Blank bytes leave the double word as it is.
      try await bench.download(2, [UInt8](repeating: 0xFF, count: 16))
      #expect(try await bench.settlePatiently().state == .dfuDnloadIdle)
      #expect(bench.contents(0x0800_0000..<0x0800_0010) == Array(pattern[..<16]))
    }
  }

  @Test func `H7 refuses a flash word that was programmed before, even with blanks`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32h743, clock)
      try await bench.download(2, [UInt8](repeating: 0xFF, count: 64))
      #expect(try await bench.settle().state == .dfuDnloadIdle)
      try await bench.download(2, Array(pattern[..<32]))
      #expect(try await bench.settle().status == .errProg)
      try await bench.send(.clearStatus)
      try await bench.command(.erase(0x0800_0000))
      #expect(try await bench.settle().state == .dfuDnloadIdle)
      try await bench.download(2, Array(pattern[..<32]))
      #expect(try await bench.settle().state == .dfuDnloadIdle)
      try await bench.download(2, Array(pattern[..<33]))
      #expect(try await bench.settle().status == .errWrite)
    }
  }

  @Test func `OTP of an F4 only loses bits, and cannot be erased`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f407, clock)
      try await bench.command(.setAddressPointer(0x1FFF_7800))
      try await bench.settle()
      try await bench.download(2, [0x0F, 0x55])
      #expect(try await bench.settle().state == .dfuDnloadIdle)
      try await bench.download(2, [0x07, 0x55, 0xAA])
      #expect(try await bench.settle().state == .dfuDnloadIdle)
      #expect(bench.contents(0x1FFF_7800..<0x1FFF_7803) == [0x07, 0x55, 0xAA])
      // Bits that should come back do not, and nothing says so.
      try await bench.download(2, [0xF0])
      #expect(try await bench.settle() == GetStatusResponse(state: .dfuDnloadIdle))
      #expect(bench.contents(0x1FFF_7800..<0x1FFF_7801) == [0x00])
      #expect(bench.events.last == .bitsStayedZero(0x1FFF_7800..<0x1FFF_7801))
      try await bench.command(.erase(0x1FFF_7800))
      #expect(try await bench.settle().status == .errTarget)
    }
  }

  @Test func `a lock byte of the OTP locks its block of 32 bytes, and no other`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f407, clock)
      try await bench.command(.setAddressPointer(0x1FFF_7A00))
      try await bench.settle()
      try await bench.download(2, [0xFF, 0x00])
      #expect(try await bench.settle().state == .dfuDnloadIdle)
      // Ends in block 0, covers block 1, begins in block 2.
      try await bench.command(.setAddressPointer(0x1FFF_781C))
      try await bench.settle()
      try await bench.download(2, [UInt8](repeating: 0x33, count: 40))
      #expect(try await bench.settle() == GetStatusResponse(state: .dfuDnloadIdle))
      #expect(bench.contents(0x1FFF_781C..<0x1FFF_7820) == [0x33, 0x33, 0x33, 0x33])
      #expect(bench.contents(0x1FFF_7820..<0x1FFF_7840).allSatisfy { $0 == 0xFF })
      #expect(bench.contents(0x1FFF_7840..<0x1FFF_7844) == [0x33, 0x33, 0x33, 0x33])
      #expect(bench.events.contains(.dropped(0x1FFF_7820..<0x1FFF_7840)))
      // The lock of block 2 can still be set.
      try await bench.command(.setAddressPointer(0x1FFF_7A02))
      try await bench.settle()
      try await bench.download(2, [0x00])
      #expect(try await bench.settle().state == .dfuDnloadIdle)
      #expect(bench.contents(0x1FFF_7A00..<0x1FFF_7A03) == [0xFF, 0x00, 0x00])
    }
  }

  @Test func `OTP of an L4 takes a double word once`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32l476, clock)
      try await bench.command(.setAddressPointer(0x1FFF_7000))
      _ = try await bench.settlePatiently()
      try await bench.download(2, Array(pattern[..<8]))
      #expect(try await bench.settlePatiently().state == .dfuDnloadIdle)
      try await bench.download(2, [UInt8](repeating: 0, count: 8))
      #expect(try await bench.settlePatiently().status == .errProg)
      #expect(bench.contents(0x1FFF_7000..<0x1FFF_7008) == Array(pattern[..<8]))
    }
  }

  @Test func `pulling the cable during an erase leaves a sector that holds anything`() async throws
  {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f407, clock) {
        $0.load([UInt8](repeating: 0, count: 16384), at: 0x0800_0000)
      }
      try await bench.command(.erase(0x0800_0000))
      _ = try await bench.getStatus()
      try await clock.sleep(for: .milliseconds(100))
      let device = try #require(bench.bus.detach(bench.path) as? VirtualBootloader)
      #expect(device.contents(0x0800_0000..<0x0800_1000).allSatisfy { $0 == 0xFF })
      let rest = device.contents(0x0800_1000..<0x0800_4000)
      #expect(rest.allSatisfy { $0 != 0xFF && $0 != 0 })
      #expect(device.journal.last?.event == .interrupted(0x0800_0000..<0x0800_4000))
    }
  }

  @Test func `pulling the cable during a program leaves a unit of which some bits are written`()
    async throws
  {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32h743, clock)
      try await bench.command(.setAddressPointer(0x0800_0000))
      try await bench.settle()
      let block = [UInt8](repeating: 0, count: 256)
      try await bench.download(2, block)
      bench.bus.intercept { _ in .cutPower(comesBackAfter: nil) }
      _ = try await bench.getStatus()
      try await clock.sleep(for: .seconds(1))
      var device = try #require(bench.bus.detach(bench.path) as? VirtualBootloader)
      #expect(device.journal.last?.event == .interrupted(0x0800_0000..<0x0800_0100))
      #expect(device.contents(0x0800_0000..<0x0800_0080) == Array(block.prefix(128)))
      let torn = device.contents(0x0800_0080..<0x0800_00A0)
      #expect(torn.allSatisfy { $0 != 0 && $0 != 0xFF })
      #expect(device.contents(0x0800_00A0..<0x0800_0100).allSatisfy { $0 == 0xFF })
      // The torn unit counts as programmed: an H7 takes it only after an erase.
      device.powerOn(at: .seconds(60))
      bench.bus.intercept(nil)
      bench.bus.attach(device, path: bench.path)
      let info = try #require(try await bench.bus.devices().first)
      let again = try await bench.bus.open(info.id)
      try await again.claimInterface(0)
      let reopened = Bench(bus: bench.bus, device: again, clock: clock)
      try await reopened.command(.setAddressPointer(0x0800_0080))
      try await reopened.settle()
      try await reopened.download(2, [UInt8](repeating: 0, count: 32))
      #expect(try await reopened.settle().status == .errProg)
    }
  }

  @Test func `erase on the F446 example takes everything behind the sector`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stLibrary446, clock) {
        $0.load([UInt8](repeating: 0, count: 0x80000), at: 0x0800_0000)
      }
      try await bench.command(.erase(0x0800_C000))
      #expect(try await bench.getStatus().pollTimeout == 50)
      #expect(try await bench.settle().state == .dfuDnloadIdle)
      #expect(bench.contents(0x0800_0000..<0x0800_C000).allSatisfy { $0 == 0 })
      #expect(bench.contents(0x0800_C000..<0x0808_0000).allSatisfy { $0 == 0xFF })
    }
  }

  @Test func `blank memory of any size costs nothing`() {
    let device = VirtualBootloader(.stm32f730External)
    #expect(device.contents(0x9000_0000..<0x9000_0010).allSatisfy { $0 == 0xFF })
    #expect(device.snapshot().count < 200)
  }
}
