import DFU
import Firmware
import Testing
import USB
import VirtualDFU
import VirtualUSB

@testable import DFUHost

/// One test for each of `dfu-util` 0.11's measured defects that has to do with a device.
struct MeasuredDefectTests {
  static func dfuSeFile(
    _ targets: [FirmwareTarget], vendor: UInt16 = 0x0483, product: UInt16 = 0xDF11
  ) throws -> [UInt8] {
    var file = FirmwareFile(format: .dfuSe, targets: targets)
    file.suffix = DFUSuffix(
      vendor: VendorID(vendor), product: ProductID(product), deviceVersion: BCDVersion(0),
      dfuVersion: BCDVersion(0x011A))
    return try file.encoded(as: .dfuSe, options: FirmwareWriteOptions(suffix: file.suffix))
  }

  @Test func `elements in sectors A, B, A lose nothing`() async throws {
    let a1 = program(1000, at: 0x0800_0000, seed: 1)
    let b = noise(1000, seed: 2)
    let a2 = noise(1000, seed: 3)
    try await Bench.run(
      .stm32f407, prepare: { $0.load(noise(0x8000, seed: 4), at: 0x0800_0000) }
    ) { bench in
      let session = try await bench.open()
      // Sector A, sector B, and sector A again.
      let report = try await session.flash(
        image((0x0800_0000, a1), (0x0800_4000, b), (0x0800_2000, a2)),
        .with { $0.leave = .never })
      #expect(report.proof == .proved)
      #expect(try bench.contents(0x0800_0000..<0x0800_0000 + 1000) == a1)
      #expect(try bench.contents(0x0800_4000..<0x0800_4000 + 1000) == b)
      #expect(try bench.contents(0x0800_2000..<0x0800_2000 + 1000) == a2)
      #expect(try bench.erases() == [0x0800_0000..<0x0800_4000, 0x0800_4000..<0x0800_8000])
    }
  }

  @Test func `leave jumps to the start of the image, not to the last chunk`() async throws {
    let new = program(512 << 10, at: 0x0800_0000)
    try await Bench.run(.stm32f407) { bench in
      let session = try await bench.open()
      _ = try await session.flash(image((0x0800_0000, new)))
      try await bench.clock.sleep(for: .seconds(1))
      #expect(try bench.journal().contains(.launched(0x0800_0000)))
      #expect(try bench.board { $0.pointer } == 0x0800_0000)
    }
  }

  @Test(arguments: ["a", "b", "c", "d"])
  func `a device that vanishes after leave is success`(_ way: String) async throws {
    let new = program(4096, at: 0x0800_0000)
    let profile = try Profile.stm32f407.setting("leave", to: way)
    try await Bench.run(profile) { bench in
      let session = try await bench.open()
      let report = try await session.flash(image((0x0800_0000, new)))
      guard case .left(for: 0x0800_0000, _) = report.departure else {
        Issue.record("\(report.departure)")
        return
      }
      #expect(report.proof == .proved)
    }
  }

  @Test func `unaligned groups and sizes that are not powers of two erase the right sector`()
    async throws
  {
    // 3 KiB sectors from 0x08000400 on: no mask finds their starts.
    var profile = Profile.stm32f407
    let layout = "@Internal Flash  /0x08000400/08*003Kg"
    profile.description.strings[4] = layout
    profile.memories[0].map = try MemoryMap(dfuseString: layout)
    profile.memories[0].eraseTimes = [3072: .milliseconds(20)]
    let old = noise(24 << 10, seed: 5)
    let new = noise(3072, seed: 6)
    try await Bench.run(profile, prepare: { $0.load(old, at: 0x0800_0400) }) { bench in
      let session = try await bench.open()
      let start: UInt64 = 0x0800_0400 + 2 * 3072
      _ = try await session.flash(image((start, new)), .with { $0.leave = .never })
      #expect(try bench.erases() == [start..<start + 3072])
      #expect(
        try bench.contents(0x0800_0400..<0x0800_0400 + (24 << 10))
          == old[..<6144] + new + old[9216...])
    }
  }

  @Test func `mass erase does not sleep 35 s when it is done in 8`() async throws {
    try await Bench.run(.stm32f407, prepare: { $0.load([0], at: 0x0800_0000) }) { bench in
      let session = try await bench.open()
      let target = try #require(session.targets.first)
      let report = try await session.erase(
        ErasePlan(everythingOf: target, massErase: true))
      #expect(report.massErased)
      #expect(report.duration >= .seconds(8))
      #expect(report.duration < .seconds(9))
      #expect(try bench.contents(0x0800_0000..<0x0800_0001) == [0xFF])
    }
  }

  @Test func `a truncated multi-target file is refused before the device is touched`() async throws
  {
    let bytes = try Self.dfuSeFile([
      FirmwareTarget(
        alternateSetting: 0, name: "Flash",
        content: .image(image((0x0800_0000, noise(5000))))),
      FirmwareTarget(
        alternateSetting: 1, name: "Options",
        content: .image(image((0x1FFF_C000, noise(16))))),
    ])
    #expect(throws: FirmwareError.self) {
      try FirmwareFile(parsing: Array(bytes.dropLast(20)))
    }
    // And a file whose second target does not fit the device: nothing of the first is written.
    let second = try FirmwareFile(
      parsing: Self.dfuSeFile([
        FirmwareTarget(
          alternateSetting: 0, name: "Flash",
          content: .image(image((0x0800_0000, noise(5000))))),
        FirmwareTarget(
          alternateSetting: 2, name: "OTP", content: .image(image((0x0900_0000, noise(16))))),
      ]))
    try await Bench.run(.stm32f407) { bench in
      let session = try await bench.open()
      let error = await #expect(throws: SessionError.self) { try await session.plan(second) }
      #expect(error?.slug == "does-not-fit")
      #expect(try bench.journal().isEmpty)
      // Its strings are all that went over the wire; the bus knows the serial number.
      #expect(session.transfers.controlTransfers == 6)
    }
  }

  @Test(arguments: [(0x1D50, 0x6003), (0x9999, 0x1234)] as [(UInt16, UInt16)])
  func `a file for another chip is refused on a device already in DFU mode`(
    _ ids: (UInt16, UInt16)
  ) async throws {
    let file = try FirmwareFile(
      parsing: Self.dfuSeFile(
        [
          FirmwareTarget(
            alternateSetting: 0, name: "Flash",
            content: .image(image((0x0800_0000, noise(5000)))))
        ], vendor: ids.0, product: ids.1))
    try await Bench.run(.stm32f407) { bench in
      let session = try await bench.open()
      let error = await #expect(throws: SessionError.self) { try await session.plan(file) }
      #expect(error?.slug == "wrong-device")
      #expect(try bench.journal().isEmpty)
    }
  }
}
