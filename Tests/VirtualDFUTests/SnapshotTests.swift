import DFU
import Testing
import USB
import VirtualUSB

@testable import VirtualDFU

@Suite("Snapshots") struct SnapshotTests {
  /// A part with something in every corner.
  static func used(_ profile: Profile) -> VirtualBootloader {
    var device = VirtualBootloader(profile)
    for memory in profile.memories {
      let range = memory.range
      device.load([1, 2, 0xFF, 3], at: range.lowerBound)
      device.load([9], at: range.upperBound - 1)
      if range.count > 100_000 {
        device.load([UInt8](repeating: 0x5A, count: 40_000), at: range.lowerBound + 30_001)
        device.load([7] + [UInt8](repeating: 0xFF, count: 20) + [8], at: range.upperBound - 900)
      }
    }
    device.isReadProtected = true
    device.writeProtectedSectors = protectedSectors(profile)
    device.pointer = 0x1234_5678
    return device
  }

  static func protectedSectors(_ profile: Profile) -> Set<Int> {
    profile.memories[0].sectorCount > 1 ? [0, 1] : [0]
  }

  @Test(arguments: ProfileTests.names)
  func `what is kept comes back`(name: String) throws {
    let profile = try #require(Profile.named(name))
    let device = Self.used(profile)
    let bytes = device.snapshot()
    var copy = VirtualBootloader(profile)
    try copy.restore(bytes)
    for memory in profile.memories {
      // The ends of each memory: where something is. The snapshot below speaks for the rest.
      let start = memory.range.lowerBound
      let end = memory.range.upperBound
      let head = start..<min(end, start + 80_000)
      let tail = (start + UInt64(max(0, memory.range.count - 1000)))..<end
      #expect(copy.contents(head) == device.contents(head))
      #expect(copy.contents(tail) == device.contents(tail))
    }
    #expect(copy.isReadProtected)
    #expect(copy.writeProtectedSectors == Self.protectedSectors(profile))
    #expect(copy.pointer == 0x1234_5678)
    #expect(copy.snapshot() == bytes)
  }

  @Test(arguments: Profile.all)
  func `a part that has just been plugged in comes back as it is`(_ profile: Profile) throws {
    var device = VirtualBootloader(profile)
    device.powerOn(at: .zero)
    let bytes = device.snapshot()
    var copy = VirtualBootloader(profile)
    try copy.restore(bytes)
    #expect(copy.snapshot() == bytes)
    #expect(copy.runsApplication == device.runsApplication)
    #expect(copy.state == device.state)
  }

  @Test func `an erase and a write that are under way are kept half done`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f407, clock) {
        $0.load([UInt8](repeating: 0x11, count: 0x8000), at: 0x0800_0000)
      }
      func kept() throws -> VirtualBootloader {
        var copy = VirtualBootloader(.stm32f407)
        let now = bench.bus.now
        let bytes = bench.bus.withDevice(at: bench.path, as: VirtualBootloader.self) {
          $0.snapshot(withoutPowerAt: now)
        }
        try copy.restore(#require(bytes))
        return copy
      }
      func mark() -> VirtualBootloader.ChangeMark? {
        bench.bus.withDevice(at: bench.path, as: VirtualBootloader.self) { $0.changeMark }
      }
      let untouched = mark()
      try await bench.command(.erase(0x0800_4000))
      #expect(mark() == untouched)
      _ = try await bench.getStatus()
      #expect(mark() != untouched)
      let half = try kept()
      #expect(half.contents(0x0800_0000..<0x0800_4000).allSatisfy { $0 == 0x11 })
      // A quarter is blank, and behind it the bits of 0x5A are.
      #expect(half.contents(0x0800_4000..<0x0800_5000).allSatisfy { $0 == 0xFF })
      #expect(half.contents(0x0800_5000..<0x0800_8000).allSatisfy { $0 == 0x5B })
      #expect(half.state == .dfuIdle)
      // The part itself goes on, and ends what it has begun.
      #expect(try await bench.settle().state == .dfuDnloadIdle)
      #expect(bench.contents(0x0800_4000..<0x0800_8000).allSatisfy { $0 == 0xFF })

      try await bench.command(.setAddressPointer(0x0800_4000))
      try await bench.settle()
      try await bench.download(2, pattern)
      _ = try await bench.getStatus()
      let written = try kept()
      #expect(written.contents(0x0800_4000..<0x0800_4400) == Array(pattern[..<1024]))
      // The unit behind the first half, one byte, has only the even ones of its bits.
      #expect(pattern[1024] | 0xAA != pattern[1024])
      #expect(written.contents(0x0800_4400..<0x0800_4401) == [pattern[1024] | 0xAA])
      #expect(written.contents(0x0800_4401..<0x0800_4800).allSatisfy { $0 == 0xFF })
    }
  }

  @Test func `spent check bits are kept as well`() async throws {
    let bytes = try await Simulation().run { clock in
      let bench = try await Bench(.stm32h743, clock)
      try await bench.download(2, [UInt8](repeating: 0xFF, count: 32))
      try await bench.settle()
      return bench.bus.withDevice(at: bench.path, as: VirtualBootloader.self) { $0.snapshot() }
        ?? []
    }
    try await Simulation().run { clock in
      var device = VirtualBootloader(.stm32h743)
      try device.restore(bytes)
      let bench = try await Bench(.stm32h743, clock) { $0 = device }
      try await bench.download(2, [UInt8](repeating: 0, count: 32))
      #expect(try await bench.settle().status == .errProg)
    }
  }

  @Test func `a byte changed anywhere is found, and nothing is changed`() throws {
    var device = VirtualBootloader(.stm32f407)
    device.load([1, 2, 3, 4], at: 0x0800_0000)
    let good = device.snapshot()
    var target = VirtualBootloader(.stm32f407)
    target.load([5], at: 0x0800_0000)
    let before = target.snapshot()
    for index in good.indices {
      var bad = good
      bad[index] ^= 0x10
      #expect(throws: SnapshotError.self) { try target.restore(bad) }
    }
    for length in 0..<good.count {
      #expect(throws: SnapshotError.self) { try target.restore(Array(good[..<length])) }
    }
    #expect(target.snapshot() == before)
  }

  /// The bytes with a checksum that fits, so that only what they say can be wrong.
  static func sealed(_ bytes: [UInt8]) -> [UInt8] {
    bytes + crc32(bytes[...]).littleEndianBytes
  }

  @Test func `contradictions behind a sound checksum are found`() throws {
    let good = Array(VirtualBootloader(.dfu10).snapshot().dropLast(4))
    var target = VirtualBootloader(.dfu10)
    func code(_ bytes: [UInt8]) -> SnapshotError.Code? {
      do { try target.restore(Self.sealed(bytes)) } catch { return error.code }
      return nil
    }
    #expect(code(good) == nil)
    #expect(code(good + [0]) == .otherMemories)
    #expect(code(Array(good.dropLast())) == .damaged)
    var version = good
    version[4] = 3
    #expect(code(version) == .version)
    var name = good
    name[6] = 0x78
    #expect(code(name) == .otherProfile)
    // Every byte behind the name, with the values that hurt most.
    for index in 11..<good.count {
      for value: UInt8 in [0x00, 0x7F, 0x80, 0xFF] {
        var bad = good
        bad[index] = value
        let result = code(bad)
        #expect(result == nil || result == .damaged || result == .otherMemories)
      }
    }
    #expect(crc32(Array("123456789".utf8)[...]) == 0xCBF4_3926)
  }

  @Test func `a state is refused by another profile, with both names`() {
    var other = VirtualBootloader(.stm32h743)
    let error = #expect(throws: SnapshotError.self) {
      try other.restore(VirtualBootloader(.stm32f407).snapshot())
    }
    #expect(error?.code == .otherProfile)
    #expect(error?.sentence.contains("stm32f407") == true)
    #expect(error?.sentence.contains("stm32h743") == true)
  }

  @Test func `a state of version 1 is read: it has no units`() throws {
    var device = VirtualBootloader(.lpc43xx)
    device.load([1, 2, 3], at: 0x1000_0000)
    var bytes = Array(device.snapshot().dropLast(4))
    bytes[4] = 1
    // One memory: magic, version, name, 7 bytes of state, no sectors, start and length before it.
    let unit = 6 + 7 + 7 + 2 + 16
    #expect(Array(bytes[unit..<unit + 4]) == [1, 0, 0, 0])
    bytes.removeSubrange(unit..<unit + 4)
    var copy = VirtualBootloader(.lpc43xx)
    try copy.restore(Self.sealed(bytes))
    #expect(copy.snapshot() == device.snapshot())
  }

  @Test func `a full megabyte is kept in little more than a megabyte`() throws {
    var device = VirtualBootloader(.stm32f407)
    device.load([UInt8](repeating: 0x12, count: 1 << 20), at: 0x0800_0000)
    #expect(device.snapshot().count < (1 << 20) + 500)
  }
}
