import DFU
import DFUHost
import Firmware
import Testing
import USB
import USBIP
import VirtualDFU
import VirtualUSB

/// Our client and our server over a real socket.
@Suite(.timeLimit(.minutes(1))) struct LoopbackTests {
  @Test func `a list tells ids, speeds, places and classes, and sends nothing to a device`()
    async throws
  {
    try await LoopbackBench.run(.stm32f407, .dfu11) { bench in
      let listed = try await bench.host().devices()
      #expect(listed.map(\.ids) == ["0483:df11", "cafe:4000"])
      #expect(listed.map(\.path.description) == ["1-1", "1-2"])
      let there = try await bench.bus.devices()
      #expect(listed.map(\.speed) == there.map(\.speed))
      #expect(listed.allSatisfy { $0.isOutline })
      #expect(listed.first?.configurations.first?.interfaces.map(\.interfaceClass) == [.dfuMode])
    }
  }

  @Test func `an open device says of itself what it says on its bus`() async throws {
    for profile in Profile.all {
      try await LoopbackBench.run(profile) { bench in
        let host = bench.host()
        let info = try #require(try await host.devices().first)
        let device = try await host.open(info.id)
        let there = try #require(try await bench.bus.devices().first)
        #expect(device.info.descriptor == there.descriptor)
        #expect(device.info.configurations == there.configurations)
        #expect(device.info.activeConfiguration == there.activeConfiguration)
        #expect(device.info.serialNumber == there.serialNumber)
        await device.close()
      }
    }
  }

  @Test func `a flash over the network is proved by reading back`() async throws {
    try await LoopbackBench.run(.stm32f407) { bench in
      let host = bench.host()
      let info = try #require(try await host.devices().first)
      let session = try await DFUSession.open(info, on: host, clock: bench.clock)
      let bytes = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) }
      var image = FirmwareImage()
      try image.insert(
        FirmwareImage.Segment(address: 0x0800_0000, bytes: bytes, origin: .device))
      let target = try #require(session.targets.first)
      let plan = try await session.plan(TargetChoice(image, for: target))
      let report = try await session.flash(plan)
      #expect(report.proof == .proved)
      await session.close()
      let kept = bench.bus.withDevice(
        at: PortPath(bus: 1, ports: [1]), as: VirtualBootloader.self
      ) { $0.contents(0x0800_0000..<0x0800_0000 + UInt64(bytes.count)) }
      #expect(kept == bytes)
    }
  }

  @Test func `a device has one client, and is free when that closes it`() async throws {
    try await LoopbackBench.run(.stm32f407) { bench in
      let (one, two) = (bench.host(), bench.host())
      let first = try #require(try await one.devices().first)
      let second = try #require(try await two.devices().first)
      for _ in 0..<20 {
        let device = try await one.open(first.id)
        await #expect(throws: HostError.self) { try await two.open(second.id) }
        await device.close()
        await (try await two.open(second.id)).close()
      }
    }
  }
}
