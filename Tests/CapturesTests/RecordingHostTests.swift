import Captures
import DFUHost
import Synchronization
import Testing
import USB
import VirtualDFU
import VirtualUSB

/// Recording changes nothing but what is known afterwards.
@Suite struct RecordingHostTests {
  @Test(arguments: [1, 2, 5])
  func `a recorded flash is the same flash`(_ window: Int) async throws {
    let old = noise(40_000, seed: 3)
    let new = noise(30_001, seed: 4)
    @Sendable func job(_ host: some USBHost, _ clock: SimulatedClock) async throws -> FlashReport {
      try await flash(new, at: 0x0800_0000, on: open(host, clock, window: window))
    }
    let (recorded, tape) = try await RecordedBench.run(
      .stm32f407, prepare: { $0.load(old, at: 0x0800_0000) }
    ) { bench in try await job(bench.host, bench.clock) }
    let plain = try await Simulation().run { clock in
      let bus = VirtualBus(clock: clock)
      var device = VirtualBootloader(.stm32f407)
      device.load(old, at: 0x0800_0000)
      bus.attach(device)
      return try await job(bus, clock)
    }
    #expect(recorded == plain)
    let transfers = tape.recording.events.count {
      if case .began(_, _, let call) = $0.kind { call.isTransfer } else { false }
    }
    #expect(transfers == plain.transfers.controlTransfers)
  }

  @Test func `transfers that are under way together are recorded with both ends, in their order`()
    async throws
  {
    let setups = (0..<4).map {
      SetupPacket.getDescriptor(.string, index: UInt8($0 + 1), language: 0x0409, length: 255)
    }
    let (_, tape) = try await RecordedBench.run(.stm32f407) { bench in
      let info = try #require(try await bench.host.devices().first)
      let device = try await bench.host.open(info.id)
      await withTaskGroup(of: Void.self) { group in
        for setup in setups {
          group.addImmediateTask {
            _ = try? await device.controlIn(setup, timeout: .seconds(1))
          }
        }
      }
      await device.close()
    }
    let recording = tape.recording
    var started: [SetupPacket] = []
    var ended: [UInt32] = []
    for event in recording.events {
      switch event.kind {
      case .began(_, _, .controlIn(let setup)): started.append(setup)
      case .ended(let number, .received): ended.append(number)
      default: break
      }
    }
    #expect(started == setups)
    #expect(ended == [1, 2, 3, 4])
    let text = String(decoding: recording.text, as: UTF8.self)
    #expect(text.contains(" 1 in 80 06 01 03 09 04 ff 00 @1\n"))
    #expect(text.contains(" end @1 = "))
    // The last one ends alone, but the others have come between.
    #expect(text.contains("# string 3: \"339C35543236\"\n"))
    #expect(try tape.document().recording == recording)
  }

  @Test func `failures are recorded as what they are`() async throws {
    let (error, tape) = try await RecordedBench.run(.stm32f407) { bench in
      let info = try #require(try await bench.host.devices().first)
      let device = try await bench.host.open(info.id)
      bench.bus.intercept { $0.number == 1 ? .disconnect(comesBackAfter: nil) : .stall }
      _ = try? await device.controlIn(.getConfiguration, timeout: .seconds(1))
      do throws(TransferError) {
        try await device.claimInterface(9)
        return TransferError?.none
      } catch {
        _ = try? await device.controlIn(.getConfiguration, timeout: .seconds(1))
        await device.close()
        return error
      }
    }
    let outcomes = try tape.document().recording.events.compactMap { event in
      if case .ended(_, let outcome) = event.kind { outcome } else { nil }
    }
    #expect(
      outcomes == [
        .failed(.stall, detail: nil), .failed(.unsupported, detail: error?.detail),
        .failed(.disconnected, detail: nil), .done,
      ])
  }

  @Test func `what comes and goes is recorded once, when the program gets to know of it`()
    async throws
  {
    let (_, tape) = try await RecordedBench.run(.stm32f407) { bench in
      _ = try await bench.host.devices()
      _ = try await bench.host.devices()
      bench.bus.detach(bench.path)
      bench.bus.attach(VirtualBootloader(.stm32l476), path: bench.path)
      _ = try await bench.host.devices()
      bench.bus.detach(bench.path)
      _ = try await bench.host.devices()
    }
    let kinds = tape.recording.events.map { event -> String in
      switch event.kind {
      case .attached(let info): "+\(info.id.rawValue)"
      case .detached(let id, _): "-\(id.rawValue)"
      case .listed(let ids): "\(ids.map(\.rawValue))"
      default: "?"
      }
    }
    #expect(kinds == ["+1", "[1]", "[1]", "-1", "+2", "[2]", "-2", "[]"])
  }
}
