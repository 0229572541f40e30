import DFU
import Testing
import USB
import VirtualUSB

@testable import VirtualDFU

@Suite("Protection") struct ProtectionTests {
  @Test func `Read Unprotect wipes the part, which resets and comes back open`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f407ReadProtected, clock) {
        $0.load(pattern, at: 0x0800_0000)
      }
      #expect(bench.contents(0x1FFF_C001..<0x1FFF_C002) == [0xBB])
      try await bench.command(.readUnprotect)
      #expect(
        try await bench.getStatus() == GetStatusResponse(pollTimeout: 8000, state: .dfuDnBusy))
      try await clock.sleep(for: .milliseconds(7999))
      #expect(try await bench.getStatus().state == .dfuDnBusy)
      try await clock.sleep(for: .milliseconds(10))
      let error = await #expect(throws: TransferError.self) { try await bench.send(.abort) }
      #expect(error?.code == .disconnected)
      try await clock.sleep(for: .seconds(1))
      let info = try #require(try await bench.bus.devices().first)
      #expect(info.id != bench.device.info.id)
      let device = try await bench.bus.open(info.id)
      try await device.claimInterface(0)
      let bytes = try await device.controlIn(
        DFURequest.upload.setup(value: 2, interface: 0, length: 2048), timeout: .seconds(1))
      #expect(bytes.allSatisfy { $0 == 0xFF })
      #expect(bench.events == [.unprotected, .reset])
      #expect(bench.contents(0x1FFF_C001..<0x1FFF_C002) == [0xAA])
    }
  }

  @Test func `a write-protected sector is erased and written with success, and unchanged`()
    async throws
  {
    try await Simulation().run { clock in
      let old = [UInt8](repeating: 0x11, count: 0x10000)
      let bench = try await Bench(.stm32f407WriteProtected, clock) { $0.load(old, at: 0x0800_0000) }
      for sector in UInt32(0)..<4 {
        try await bench.command(.erase(0x0800_0000 + sector * 0x4000))
        #expect(try await bench.settle() == GetStatusResponse(state: .dfuDnloadIdle))
      }
      // This block begins in an open sector and ends in a protected one.
      try await bench.command(.setAddressPointer(0x0800_7C00))
      try await bench.settle()
      try await bench.download(2, pattern)
      #expect(try await bench.settle() == GetStatusResponse(state: .dfuDnloadIdle))
      #expect(bench.contents(0x0800_0000..<0x0800_7C00).allSatisfy { $0 == 0xFF })
      #expect(bench.contents(0x0800_7C00..<0x0800_8000) == Array(pattern[..<1024]))
      #expect(bench.contents(0x0800_8000..<0x0801_0000) == Array(old[..<0x8000]))
      #expect(
        bench.events.filter { if case .dropped = $0 { true } else { false } } == [
          .dropped(0x0800_8000..<0x0800_C000), .dropped(0x0800_C000..<0x0801_0000),
          .dropped(0x0800_8000..<0x0800_8400),
        ])
    }
  }

  @Test func `a mass erase is refused in silence while a sector is protected`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f407WriteProtected, clock) {
        $0.load(pattern, at: 0x0800_0000)
      }
      try await bench.command(.massErase)
      #expect(try await bench.settle() == GetStatusResponse(state: .dfuDnloadIdle))
      #expect(bench.contents(0x0800_0000..<0x0800_0800) == pattern)
    }
  }
}

@Suite("Time") struct TimeTests {
  @Test func `an erase takes its time, and exactly its time`() async throws {
    for (address, duration) in [
      (UInt32(0x0800_0000), 250), (0x0801_0000, 550), (0x0802_0000, 1000),
    ] {
      try await Simulation().run { clock in
        let bench = try await Bench(.stm32f407, clock)
        try await bench.command(.erase(address))
        let start = clock.now
        #expect(try await bench.getStatus().pollTimeout == UInt32(duration))
        // Asked all the time, it is busy until the last moment.
        while try await bench.getStatus().state == .dfuDnBusy {}
        let elapsed = start.duration(to: clock.now)
        #expect(elapsed >= .milliseconds(duration) && elapsed < .milliseconds(duration + 2))
      }
    }
  }

  @Test func `a part that runs from its flash holds GETSTATUS until it is done`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stLibrary, clock)
      try await bench.command(.erase(0x0802_0000))
      #expect(try await bench.getStatus().pollTimeout == 50)
      try await clock.sleep(for: .milliseconds(50))
      let error = await #expect(throws: TransferError.self) {
        try await bench.getStatus(timeout: .milliseconds(500))
      }
      #expect(error?.code == .timeout)
      let start = clock.now
      #expect(try await bench.getStatus() == GetStatusResponse(state: .dfuDnloadIdle))
      #expect(start.duration(to: clock.now) > .milliseconds(440))
      #expect(bench.events == [.erased(0x0802_0000..<0x0804_0000)])
    }
  }

  @Test func `512 KiB onto the F407 sleep 6854 ms, as was measured`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f407, clock)
      var slept = 0
      func step() async throws {
        let busy = try await bench.getStatus()
        slept += Int(busy.pollTimeout)
        try await clock.sleep(for: .milliseconds(Int64(busy.pollTimeout)))
        #expect(try await bench.getStatus().state == .dfuDnloadIdle)
      }
      for address: UInt32 in [
        0x0800_0000, 0x0800_4000, 0x0800_8000, 0x0800_C000, 0x0801_0000, 0x0802_0000, 0x0804_0000,
        0x0806_0000,
      ] {
        try await bench.command(.erase(address))
        try await step()
      }
      try await bench.command(.setAddressPointer(0x0800_0000))
      try await step()
      for block in UInt16(2)..<258 {
        try await bench.download(block, pattern)
        try await step()
      }
      #expect(slept == 6854)
      #expect(clock.now.elapsed > .milliseconds(7300) && clock.now.elapsed < .milliseconds(8100))
      #expect(bench.contents(0x0807_F800..<0x0808_0000) == pattern)
    }
  }
}
