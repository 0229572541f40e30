import DFU
import Firmware
import Synchronization
import Testing
import USB
import VirtualDFU
import VirtualUSB

@testable import DFUHost

struct FailureTests {
  static let new = program(0xC000, at: 0x0800_0000, seed: 21)
  static let old = noise(0x10000, seed: 22)

  @Test func `Ctrl-C while erasing ends behind the sector and says what is certain`() async throws {
    try await Bench.run(.stm32f407, prepare: { $0.load(Self.old, at: 0x0800_0000) }) { bench in
      let session = try await bench.open()
      let target = try #require(session.targets.first)
      let plan = try await session.plan(TargetChoice(image((0x0800_0000, Self.new)), for: target))
      let error = await withTaskGroup(of: DFUError?.self) { group in
        group.addTask {
          do throws(DFUError) {
            _ = try await session.flash(plan)
            return nil
          } catch { return error }
        }
        try? await bench.clock.sleep(for: .milliseconds(300))
        group.cancelAll()
        return await group.next() ?? nil
      }
      #expect(error?.code == .cancelled)
      #expect(error?.state == .dfuDnloadIdle)
      #expect(error?.condition?.erased == [0x0800_0000..<0x0800_8000])
      #expect(error?.condition?.written.isEmpty == true)
      #expect(error?.help?.contains("dfu flash") == true)
      #expect(try bench.board { $0.state } == .dfuDnloadIdle)
      // The same session goes on from there, and the same flash repairs it.
      let report = try await session.flash(image((0x0800_0000, Self.new)))
      #expect(report.proof == .proved)
    }
  }

  @Test func `Ctrl-C while writing finishes the block`() async throws {
    try await Bench.run(.stm32f407, prepare: { $0.load(Self.old, at: 0x0800_0000) }) { bench in
      let session = try await bench.open()
      let target = try #require(session.targets.first)
      let plan = try await session.plan(TargetChoice(image((0x0800_0000, Self.new)), for: target))
      let error = await withTaskGroup(of: DFUError?.self) { group in
        let blocks = Mutex(0)
        let reached = AsyncStream<Void>.makeStream()
        group.addTask {
          do throws(DFUError) {
            _ = try await session.flash(plan) { progress in
              guard progress.phase == .write else { return }
              if blocks.withLock({
                $0 += 1; return $0 == 5
              }) {
                reached.continuation.yield()
              }
            }
            return nil
          } catch { return error }
        }
        for await _ in reached.stream { break }
        group.cancelAll()
        return await group.next() ?? nil
      }
      #expect(error?.code == .cancelled)
      #expect(error?.condition?.written.first?.lowerBound == 0x0800_0000)
      let end = try #require(error?.condition?.written.first?.upperBound)
      #expect((end - 0x0800_0000).isMultiple(of: 2048))
      #expect(try bench.board { $0.state } == .dfuDnloadIdle)
      let count = Int(end - 0x0800_0000)
      #expect(try bench.contents(0x0800_0000..<end) == Array(Self.new.prefix(count)))
    }
  }

  /// The sectors of the flash's start, 16 KiB each, in units of 4 KiB.
  @Test func `what shared an erased sector and was not written back is called lost`() {
    func range(_ start: UInt64, _ end: UInt64) -> Range<UInt64> {
      0x0800_0000 + start * 0x1000..<0x0800_0000 + end * 0x1000
    }
    var condition = MemoryCondition()
    condition.erased = [range(0, 8)]
    condition.written = [range(1, 2), range(3, 4)]
    condition.noteLoss(of: [range(0, 2), range(3, 6), range(7, 9), range(12, 16)])
    #expect(condition.lost == [range(0, 1), range(4, 6), range(7, 8)])
    #expect(
      condition.sentence.hasSuffix(
        " beside the image, 0x08000000–0x08000FFF, 0x08004000–0x08005FFF, 0x08007000–0x08007FFF, were "
          + "to be kept and are no longer on the device."))
  }

  @Test func `a second operation at the same time is refused`() async throws {
    try await Bench.run(.stm32f407) { bench in
      let session = try await bench.open()
      let target = try #require(session.targets.first)
      let plan = try ReadPlan([0x0800_0000..<0x0808_0000], of: target)
      let codes = await withTaskGroup(of: DFUError.Code?.self) { group in
        for _ in 0..<2 {
          group.addTask {
            do throws(DFUError) {
              _ = try await session.read(plan)
              return nil
            } catch { return error.code }
          }
        }
        var codes: [DFUError.Code?] = []
        for await code in group { codes.append(code) }
        return codes
      }
      #expect(codes.contains(.inUse))
      #expect(codes.contains(nil))
    }
  }

  /// A fault at every transfer of a flash: it fails with words, and the same flash repairs it.
  @Test(arguments: 0..<8)
  func `whatever transfer the cable is pulled at, the condition is true and flashing again repairs`(
    _ eighth: Int
  ) async throws {
    let small = program(0x5000, at: 0x0800_0000, seed: 31)
    let total = try await Bench.run(
      .stm32f407, prepare: { $0.load(Self.old, at: 0x0800_0000) }
    ) { bench in
      let session = try await bench.open()
      return try await session.flash(image((0x0800_0000, small))).transfers.controlTransfers
    }
    for number in stride(from: 7 + eighth, to: total - 1, by: 8) {
      try await Bench.run(.stm32f407, prepare: { $0.load(Self.old, at: 0x0800_0000) }) { bench in
        bench.bus.intercept {
          $0.number == number ? .disconnect(comesBackAfter: .seconds(1)) : .pass
        }
        let session = try await bench.open()
        do {
          let report = try await session.flash(image((0x0800_0000, small)))
          // Only what comes after the empty download may be lost without an error.
          guard case .left = report.departure else {
            Issue.record("transfer \(number) was lost without an error")
            return
          }
        } catch let error as any ExplainedError {
          #expect(error.slug == "device-lost", "transfer \(number): \(error)")
          if let condition = (error as? DFUError)?.condition {
            for range in condition.written {
              let count = Int(range.upperBound - range.lowerBound)
              let offset = Int(range.lowerBound - 0x0800_0000)
              let expected = (small + Self.old[small.count...])[offset..<offset + count]
              #expect(try bench.contents(range) == Array(expected))
            }
          }
        }
        await session.close()
        bench.bus.intercept(nil)
        try await bench.clock.sleep(for: .seconds(5))
        let again = try await bench.open()
        let report = try await again.flash(image((0x0800_0000, small)), .with { $0.leave = .never })
        #expect(report.proof == .proved)
        #expect(try bench.contents(0x0800_0000..<0x0800_5000) == small)
        await again.close()
      }
    }
  }

  @Test func `one stalled transfer anywhere never ends well without proof`() async throws {
    let small = program(0x1800, at: 0x0800_0000, seed: 41)
    for number in 7..<40 {
      try await Bench.run(.stm32f407, prepare: { $0.load(Self.old, at: 0x0800_0000) }) { bench in
        bench.bus.intercept { $0.number == number ? .stall : .pass }
        let session = try await bench.open()
        do {
          let report = try await session.flash(image((0x0800_0000, small)))
          if report.proof == .proved {
            #expect(try bench.contents(0x0800_0000..<0x0800_1800) == small)
          }
        } catch let error as any ExplainedError {
          #expect(!error.sentence.isEmpty)
        }
      }
    }
  }

  @Test func `a flipped bit on the way is found by reading back`() async throws {
    try await Bench.run(.stm32f407, prepare: { $0.load(Self.old, at: 0x0800_0000) }) { bench in
      bench.bus.intercept { transfer in
        guard transfer.setup?.request == 1, transfer.setup?.value == 4 else { return .pass }
        return .corrupt { $0[10] ^= 0x10 }
      }
      let session = try await bench.open()
      let error = await #expect(throws: DFUError.self) {
        _ = try await session.flash(image((0x0800_0000, Self.new)))
      }
      #expect(error?.code == .differs)
      #expect(error?.address == 0x0800_0000 + 2 * 2048 + 10)
    }
  }

  @Test func `blank memory is blank, and used memory says where`() async throws {
    try await Bench.run(.stm32f407, prepare: { $0.load([1, 2], at: 0x0800_4100) }) { bench in
      let session = try await bench.open()
      let target = try #require(session.targets.first)
      let report = try await session.blankCheck(
        ReadPlan([0x0800_0000..<0x0800_8000], of: target))
      #expect(report.used == [0x0800_4100..<0x0800_4102])
      #expect(report.bytesUsed == 2)
      let erased = try await session.erase(
        ErasePlan(0x0800_4000..<0x0800_8000, of: target))
      #expect(erased.sectorsErased == 1)
      let after = try await session.blankCheck(
        ReadPlan([0x0800_0000..<0x0800_8000], of: target))
      #expect(after.isBlank)
    }
  }

  @Test func `rule 14: opening sends strings and nothing else`() async throws {
    let requests = Mutex<[SetupPacket]>([])
    try await Bench.run(.stm32f407) { bench in
      bench.bus.intercept { transfer in
        if let setup = transfer.setup { requests.withLock { $0.append(setup) } }
        return .pass
      }
      let session = try await bench.open()
      #expect(session.description.product == "STM32  BOOTLOADER")
      #expect(session.targets.count == 4)
      await session.close()
    }
    let sent = requests.withLock { $0 }
    #expect(sent.count == 6)
    #expect(sent.allSatisfy { $0.requestType.kind == .standard && $0.value >> 8 == 3 })
  }

  @Test func `progress covers every phase and never goes back`() async throws {
    let seen = Mutex<[DFUProgress]>([])
    try await Bench.run(.stm32f407, prepare: { $0.load(Self.old, at: 0x0800_0000) }) { bench in
      let session = try await bench.open()
      _ = try await session.flash(image((0x0800_0000, Self.new)), .with { $0.leave = .never }) {
        progress in seen.withLock { $0.append(progress) }
      }
    }
    let all = seen.withLock { $0 }
    for phase in [DFUPhase.erase, .write, .verify] {
      let steps = all.filter { $0.phase == phase }
      #expect(steps.last?.done == steps.last?.total, "\(phase)")
      #expect(steps.map(\.done) == steps.map(\.done).sorted(), "\(phase)")
    }
  }
}
