import DFU
import Synchronization
import Testing
import USB
import VirtualDFU
import VirtualUSB

@testable import DFUHost

/// A way in which a device changes between its application and its bootloader.
struct RuntimeCase: CustomTestStringConvertible, Sendable {
  /// Options of the profile `runtime`, as on the command line.
  var options: String
  /// What else is changed about the profile.
  var change: @Sendable (inout Profile) -> Void = { _ in }
  /// Ids in DFU mode, and at run time.
  var ids = ("cafe:4000", "cafe:4001")
  var testDescription: String { options.isEmpty ? "as it is" : options }

  init(
    _ options: String, ids: (String, String) = ("cafe:4000", "cafe:4001"),
    change: @escaping @Sendable (inout Profile) -> Void = { _ in }
  ) {
    self.options = options
    self.ids = ids
    self.change = change
  }

  var profile: Profile {
    get throws {
      var profile = try options.split(separator: "&").reduce(Profile.runtime) { profile, option in
        let pair = option.split(separator: "=")
        return try profile.setting(String(pair[0]), to: String(pair[1]))
      }
      change(&profile)
      return profile
    }
  }

  static let all: [RuntimeCase] = [
    RuntimeCase(""),
    RuntimeCase("will-detach=no"),
    RuntimeCase("will-detach=no&return-time=0"),
    RuntimeCase("will-detach=no&return-time=5000"),
    RuntimeCase("return-time=20000"),
    RuntimeCase("detour=yes"),
    RuntimeCase("will-detach=no&detour=yes"),
    RuntimeCase("tolerant=no"),
    RuntimeCase("will-detach=no&tolerant=no"),
    RuntimeCase("will-detach=no&tolerant=no&return-time=0"),
    RuntimeCase("tolerant=no&leave=a"), RuntimeCase("tolerant=no&leave=b"),
    RuntimeCase("tolerant=no&leave=d"),
    RuntimeCase("runtime-status=stalls"),
    RuntimeCase("will-detach=no&runtime-status=stalls"),
    RuntimeCase("protocol=0"), RuntimeCase("protocol=0&runtime-status=stalls"),
    RuntimeCase("protocol=2"), RuntimeCase("protocol=2&runtime-status=stalls"),
    RuntimeCase("detach-timeout=100&will-detach=no"),
    RuntimeCase("detach-timeout=65280"),
    RuntimeCase("id=1D50:5300&runtime-id=1D50:5300", ids: ("1d50:5300", "1d50:5300")),
    RuntimeCase("id=1209:0001&runtime-id=16D0:0002&serial=7", ids: ("1209:0001", "16d0:0002")),
    // Openmoko's relatives: DFU 1.0 at both ends, protocol 0, 7-byte descriptors.
    RuntimeCase("will-detach=no&protocol=0") { $0.makeDFU10() },
    RuntimeCase("will-detach=no&protocol=0&return-time=0") { $0.makeDFU10() },
    // Jabra: one product id, protocol 0 in both modes; a second reset to come home.
    RuntimeCase(
      "id=0B0E:0411&runtime-id=0B0E:0411&protocol=0&will-detach=no&way-back=second-reset",
      ids: ("0b0e:0411", "0b0e:0411")
    ) { $0.setProtocolOfDFUMode(0) },
    RuntimeCase(
      "id=0B0E:0411&runtime-id=0B0E:0411&will-detach=no&tolerant=no&way-back=second-reset",
      ids: ("0b0e:0411", "0b0e:0411")),
    // Realtek and AVer cameras: home by DFU_DETACH; the second one takes two minutes.
    RuntimeCase(
      "id=0BDA:5850&runtime-id=0BDA:5800&way-back=detach", ids: ("0bda:5850", "0bda:5800")),
    RuntimeCase(
      "id=34AD:0006&runtime-id=34AD:0006&way-back=detach&return-time=120000",
      ids: ("34ad:0006", "34ad:0006")),
    // A lie: it says that it waits for a reset, and goes by itself.
    RuntimeCase("will-detach=no") { $0.application?.detachesByItself = true },
  ]
}

extension Profile {
  fileprivate mutating func setProtocolOfDFUMode(_ code: UInt8) {
    for index in description.configurations[0].interfaces.indices {
      description.configurations[0].interfaces[index].interfaceClass.protocolCode = code
    }
  }

  /// Functional descriptors without a version, and protocol 0.
  fileprivate mutating func makeDFU10() {
    setProtocolOfDFUMode(0)
    guard var application else { return }
    var functional = application.functional
    functional.version = nil
    application.setFunctional(functional)
    self.application = application
    let old = self.functional.bytes
    self.functional.version = nil
    for index in description.configurations[0].interfaces.indices {
      let extra = description.configurations[0].interfaces[index].extra
      description.configurations[0].interfaces[index].extra = extra.map {
        $0.bytes == old ? RawDescriptor(bytes: self.functional.bytes, offset: 0) : $0
      }
    }
    description.configurations[0] = ConfigurationDescriptor(
      interfaces: description.configurations[0].interfaces)
  }
}

extension Bench {
  /// The ids of what is at the board's port.
  func present() async throws -> String? { try await bus.devices().first { $0.path == path }?.ids }

  /// Detaches what is there, and opens what comes back.
  func openInDFUMode() async throws -> DFUSession {
    let session = try await open()
    #expect(session.description.mode == .runtime)
    let info = try await session.enterDFUMode(on: bus)
    return try await DFUSession.open(info, on: bus, clock: AnyClock(clock))
  }
}

struct RuntimeTests {
  static func run(
    _ test: RuntimeCase, _ body: @escaping @Sendable (Bench) async throws -> Void
  ) async throws {
    try await Bench.run(try test.profile, body)
  }

  @Test(arguments: RuntimeCase.all)
  func `detach leads into DFU mode, whatever comes back`(_ test: RuntimeCase) async throws {
    try await Self.run(test) { bench in
      #expect(try await bench.present() == test.ids.1)
      let session = try await bench.openInDFUMode()
      #expect(session.description.mode == .dfu)
      #expect(session.description.info.ids == test.ids.0)
      #expect(session.description.info.path == bench.path)
      #expect(session.targets.count == 2)
      // Not a moment later than it is there: who listens only after the act waits for the deadline.
      let absence = try test.profile.application?.returnTime ?? .zero
      #expect(bench.clock.now.elapsed < absence * 2 + .seconds(1))
      // A reset that it should not get would have been noticed.
      #expect(try !bench.journal().contains(.detachDisturbed))
      #expect(try !bench.journal().contains(.detachExpired))
      await session.close()
    }
  }

  @Test(arguments: RuntimeCase.all)
  func `from run time: detach, flash, and home again with the new firmware`(
    _ test: RuntimeCase
  ) async throws {
    try await Self.run(test) { bench in
      let session = try await bench.openInDFUMode()
      let target = try #require(session.targets.first)
      let bytes = noise(1000, seed: 5)
      let choice = TargetChoice(
        assignments: [.init(target: target, payload: .plain(bytes))], targets: session.targets)
      let plan = try await session.plan(choice, options: .with { $0.leave = .always })
      let follower = DeviceFollower(
        session.description.info, on: bench.bus, clock: AnyClock(bench.clock))
      let report = try await session.flash(plan)
      let back: Returned
      if report.departure == .manifested(.idle) {
        #expect(plan.leave == .returns)
        back = try await session.leaveForApplication(on: bench.bus)
      } else {
        back = try await session.followHome(follower, on: bench.bus)
      }
      #expect(back.runsApplication, "\(back)")
      #expect(back.info?.ids == test.ids.1)
      #expect(back.info?.path == bench.path)
      #expect(try bench.contents(0..<1000) == bytes)
      #expect(try bench.journal().last == .launched(0))
      #expect(try bench.board { $0.runsApplication })
    }
  }

  @Test(arguments: RuntimeCase.all)
  func `detached and not flashed, it goes home as well`(_ test: RuntimeCase) async throws {
    try await Self.run(test) { bench in
      let session = try await bench.openInDFUMode()
      let back = try await session.leaveForApplication(on: bench.bus)
      #expect(back.runsApplication, "\(back)")
      #expect(back.info?.ids == test.ids.1)
    }
  }

  @Test(arguments: RuntimeCase.all)
  func `a twin plugged in at another port at the same moment is not taken`(
    _ test: RuntimeCase
  ) async throws {
    let elsewhere = PortPath(bus: 1, ports: [9])
    var twin = try test.profile
    twin.application = nil
    try await Self.run(test) { [twin] bench in
      let session = try await bench.open()
      bench.bus.attach(VirtualBootloader(twin), path: elsewhere, after: .milliseconds(50))
      let info = try await session.enterDFUMode(on: bench.bus)
      #expect(info.path == bench.path)
      try await bench.clock.sleep(for: .seconds(1))
      #expect(try await bench.bus.devices().contains { $0.path == elsewhere })
      #expect(try await bench.present() == test.ids.0)
    }
  }

  // MARK: What goes wrong

  static func failure(
    _ options: String, change: @escaping @Sendable (inout Profile) -> Void = { _ in }
  ) async throws -> (error: DFUError?, elapsed: Duration) {
    let profile = try RuntimeCase(options, change: change).profile
    return try await Bench.run(profile) { bench in
      let session = try await bench.open()
      do throws(DFUError) {
        _ = try await session.enterDFUMode(on: bench.bus)
        return (nil, bench.clock.now.elapsed)
      } catch {
        return (error, bench.clock.now.elapsed)
      }
    }
  }

  @Test(arguments: ["return-time=never", "return-time=31000", "will-detach=no&return-time=never"])
  func `what does not come back in time is an error with what to do`(_ options: String) async throws
  {
    let (error, elapsed) = try await Self.failure(options)
    #expect(error?.code == .notReturned)
    #expect(error?.sentence == "Nothing has come back at 1-1 within 30 s.")
    #expect(error?.help?.contains("Unplug") == true)
    #expect(elapsed >= .seconds(30) && elapsed < .seconds(31))
  }

  @Test func `a device that takes DFU_DETACH and does nothing has not detached`() async throws {
    // It says that it goes by itself, and waits for a reset, which it must not get.
    let (error, _) = try await Self.failure("") { $0.application?.detachesByItself = false }
    #expect(error?.code == .didNotDetach)
    // It has no time to be reset in.
    let (late, elapsed) = try await Self.failure("will-detach=no&detach-timeout=0")
    #expect(late?.code == .didNotDetach)
    #expect(elapsed < .seconds(6))
  }

  @Test func `a device that comes back without its bootloader is told by its ids`() async throws {
    try await Bench.run(.runtime) { bench in
      let session = try await bench.open()
      let error = await withTaskGroup(of: DFUError?.self) { group in
        group.addTask {
          do throws(DFUError) {
            _ = try await session.enterDFUMode(on: bench.bus)
            return nil
          } catch { return error }
        }
        try? await bench.clock.sleep(for: .milliseconds(200))
        bench.bus.attach(
          FollowTests.Gadget(product: 0x77), path: bench.path, after: .seconds(1))
        return await group.next() ?? nil
      }
      #expect(error?.code == .didNotDetach)
      #expect(error?.sentence.contains("1209:0077") == true)
    }
  }

  struct Obstacle: CustomTestStringConvertible {
    var ids: String
    var word: String
    var testDescription: String { ids }
  }

  @Test(arguments: [
    Obstacle(ids: "1D50:60A7", word: "button"), Obstacle(ids: "10A5:9800", word: "something else"),
    Obstacle(ids: "1D50:5119", word: "nothing"),
  ])
  func `a device that must not be detached is left alone, and it is said why`(
    _ test: Obstacle
  ) async throws {
    let profile = try Profile.runtime.setting("runtime-id", to: test.ids)
    try await Bench.run(profile) { bench in
      let session = try await bench.open()
      let count = session.transfers.controlTransfers
      for _ in 0..<2 {
        let error = await #expect(throws: DFUError.self) {
          _ = try await session.enterDFUMode(on: bench.bus)
        }
        #expect(error?.code == .cannotDetach)
        #expect(error?.sentence.contains(test.word) == true)
      }
      #expect(session.runtimeModeError.help?.contains("button") == true)
      #expect(session.transfers.controlTransfers == count)
      #expect(try bench.journal() == [.launched(0)])
    }
  }

  @Test func `a device in DFU mode is not detached, and one at run time is not sent home`()
    async throws
  {
    try await Bench.run(.dfu11) { bench in
      let session = try await bench.open()
      let error = await #expect(throws: DFUError.self) { _ = try await session.detach() }
      #expect(error?.code == .cannotDetach)
    }
    try await Bench.run(.runtime) { bench in
      let session = try await bench.open()
      let error = await #expect(throws: DFUError.self) { _ = try await session.startApplication() }
      #expect(error?.code == .runtimeMode)
    }
  }

  @Test func `firmware that was not accepted does not come home`() async throws {
    try await Bench.run(.runtime) { bench in
      let session = try await bench.openInDFUMode()
      let target = try #require(session.targets.first)
      let choice = TargetChoice(
        assignments: [
          .init(target: target, payload: .plain([UInt8](repeating: 0xFF, count: 128)))
        ], targets: session.targets)
      _ = try await session.flash(try await session.plan(choice))
      guard case .stayed = try await session.leaveForApplication(on: bench.bus) else {
        Issue.record("it came home without firmware")
        return
      }
    }
  }

  @Test(arguments: 0..<6)
  func `a fault at any transfer of a detach ends in DFU mode or in an error, in time`(
    _ number: Int
  ) async throws {
    for options in ["", "will-detach=no", "will-detach=no&return-time=0"] {
      for fault in [
        TransferFault.stall, .timeout, .broken, .disconnect(comesBackAfter: .seconds(1)),
        .disconnectInside(comesBackAfter: .seconds(1)), .delay(.seconds(2)),
      ] {
        try await Bench.run(try RuntimeCase(options).profile) { bench in
          let session = try await bench.open()
          let first = Mutex(Int?.none)
          bench.bus.intercept { transfer in
            let start = first.withLock { first in
              if first == nil { first = transfer.number }
              return first ?? 0
            }
            return transfer.number == start + number ? fault : .pass
          }
          do throws(DFUError) {
            let info = try await session.enterDFUMode(on: bench.bus)
            #expect(info.ids == "cafe:4000")
          } catch {
            #expect(!error.sentence.isEmpty && error.help != nil, "\(error)")
          }
          #expect(bench.clock.now.elapsed < .seconds(45))
        }
      }
    }
  }
}
