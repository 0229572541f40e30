import DFU
import DFUHost
import Firmware
import Testing
import USB
import USBIP
import VirtualDFU
import VirtualUSB

/// Whole journeys through a server: devices that change, servers that end.
@Suite(.timeLimit(.minutes(1))) struct JourneyTests {
  /// Detaching by itself, and by the reset of the host; what comes back has other ids, at the same place.
  @Test(arguments: [true, false])
  func `a device at work is brought into DFU mode and is found again`(
    _ willDetach: Bool
  ) async throws {
    let profile = try Profile.runtime.setting("will-detach", to: willDetach ? "yes" : "no")
      .setting("detach-timeout", to: "65535")
    try await LoopbackBench.run([VirtualBootloader(profile)], pace: 5) { bench in
      let host = bench.host()
      let info = try #require(try await host.devices().first)
      #expect(info.ids == "cafe:4001")
      let session = try await DFUSession.open(info, on: host, clock: bench.clock)
      let back = try await session.enterDFUMode(
        on: host, within: .seconds(1000), progress: nil)
      await session.close()
      #expect(back.ids == "cafe:4000")
      #expect(back.path == info.path)
      #expect(back.id != info.id)
      let again = try await DFUSession.open(back, on: host, clock: bench.clock)
      #expect(again.description.mode == .dfu)
      await again.close()
    }
  }

  @Test func `comings and goings are told in order, to every listener`() async throws {
    try await LoopbackBench.run([VirtualBootloader(.stm32f407)]) { bench in
      let host = bench.host()
      let (one, two) = (host.events(), host.events())
      let info = try #require(try await host.devices().first)
      let device = try await host.open(info.id)
      let path = PortPath(bus: 1, ports: [1])
      let board = try #require(bench.bus.detach(path))
      bench.bus.attach(board, path: path)
      for events in [one, two] {
        var seen: [HostEvent] = []
        for await event in events {
          seen.append(event)
          if seen.count == 2 { break }
        }
        #expect(seen.first == .detached(info.id, path))
        guard case .attached(let back) = seen.last else {
          Issue.record("\(seen)")
          continue
        }
        #expect(back.path == path)
        #expect(back.id != info.id)
      }
      await #expect(throws: TransferError.self) {
        try await device.controlIn(
          .getDescriptor(.device, length: 18), timeout: .seconds(5))
      }
      await device.close()
    }
  }

  @Test func `a server that ends unplugs what is open, and is then out of reach`() async throws {
    try await LoopbackBench.run([VirtualBootloader(.stm32f407)]) { bench in
      let host = bench.host()
      let info = try #require(try await host.devices().first)
      let device = try await host.open(info.id)
      await bench.server.stop()
      let error = await #expect(throws: TransferError.self) {
        try await device.controlIn(
          .getDescriptor(.device, length: 18), timeout: .seconds(5))
      }
      #expect(error?.code == .disconnected)
      await device.close()
      let unreachable = await #expect(throws: HostError.self) { try await host.devices() }
      #expect(unreachable?.code == .unreachable)
      #expect(unreachable?.sentence.contains("refused") == true)
    }
  }

  @Test func `a server that ends in the middle of a flash leaves an error that says so`()
    async throws
  {
    try await LoopbackBench.run([VirtualBootloader(.stm32f407)]) { bench in
      let host = bench.host()
      let info = try #require(try await host.devices().first)
      let session = try await DFUSession.open(info, on: host, clock: bench.clock)
      let target = try #require(session.targets.first)
      var image = FirmwareImage()
      try image.insert(
        FirmwareImage.Segment(
          address: 0x0800_0000, bytes: Array(repeating: 0x5A, count: 100_000), origin: .device))
      let plan = try await session.plan(TargetChoice(image, for: target))
      let server = bench.server
      let error = await #expect(throws: DFUError.self) {
        try await session.flash(plan) { progress in
          guard progress.phase == .write, progress.done > 20_000 else { return }
          Task { await server.stop() }
        }
      }
      #expect(error?.code == .lost)
      await session.close()
    }
  }

  @Test func `two devices of one server are flashed at the same time`() async throws {
    try await LoopbackBench.run(.stm32f407, .stm32l476) { bench in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<2 {
          group.addTask {
            let busID = try #require(BusID("1-\(index + 1)"))
            let host = bench.host(busID)
            let info = try #require(try await host.devices().first)
            let session = try await DFUSession.open(info, on: host, clock: bench.clock)
            let target = try #require(session.targets.first)
            let bytes = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* (3 + index)) }
            var image = FirmwareImage()
            try image.insert(
              FirmwareImage.Segment(address: 0x0800_0000, bytes: bytes, origin: .device))
            let report = try await session.flash(
              session.plan(TargetChoice(image, for: target)))
            #expect(report.proof == .proved)
            await session.close()
            let kept = bench.bus.withDevice(
              at: PortPath(bus: 1, ports: [UInt8(index + 1)]), as: VirtualBootloader.self
            ) { $0.contents(0x0800_0000..<0x0800_0000 + UInt64(bytes.count)) }
            #expect(kept == bytes)
          }
        }
        try await group.waitForAll()
      }
    }
  }
}
