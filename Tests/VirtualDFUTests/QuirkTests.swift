import DFU
import Testing
import USB
import VirtualUSB

@testable import VirtualDFU

@Suite("Peculiarities") struct QuirkTests {
  @Test func `each has a name, a bit and a sentence of its own`() {
    let named = BootloaderQuirks.named
    #expect(Set(named.map(\.name)).count == named.count)
    #expect(Set(named.map(\.sentence)).count == named.count)
    for (index, entry) in named.enumerated() {
      #expect(entry.quirk.rawValue == 1 << UInt32(index), "\(entry.name)")
      #expect(entry.sentence.hasSuffix("."))
      #expect(entry.name.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "-" })
      #expect(BootloaderQuirks(named: entry.name) == entry.quirk)
      #expect(entry.quirk.names == [entry.name])
    }
    #expect(BootloaderQuirks(named: "none") == nil)
    let all = named.reduce(into: BootloaderQuirks()) { $0.formUnion($1.quirk) }
    #expect(all.names == named.map(\.name))
  }

  /// The F407, or another profile, with one peculiarity more.
  static func profile(_ name: String, _ base: Profile = .stm32f407) throws -> Profile {
    try base.setting("quirks", to: name)
  }

  // MARK: Descriptors

  struct Shown: CustomTestStringConvertible {
    var quirk: String
    var base: Profile = .stm32f407
    /// The functional descriptor.
    var functional: [UInt8]
    /// bInterfaceProtocol.
    var code: UInt8 = 2
    var testDescription: String { "\(quirk) on \(base.name)" }
  }

  @Test(arguments: [
    Shown(quirk: "swapped-detach-timeout", functional: [9, 0x21, 11, 0, 255, 0, 8, 0x1A, 1]),
    Shown(quirk: "swapped-version", functional: [9, 0x21, 11, 255, 0, 0, 8, 1, 0x1A]),
    Shown(quirk: "wrong-version", functional: [9, 0x21, 11, 255, 0, 0, 8, 0x10, 1]),
    Shown(
      quirk: "wrong-version", base: .dfu11,
      functional: [9, 0x21, 7, 0xE8, 3, 64, 0, 0x1A, 1]),
    Shown(quirk: "protocol-0", functional: [9, 0x21, 11, 255, 0, 0, 8, 0x1A, 1], code: 0),
    Shown(quirk: "protocol-1", functional: [9, 0x21, 11, 255, 0, 0, 8, 0x1A, 1], code: 1),
  ])
  func `what the descriptors say is what the device sends`(shown: Shown) async throws {
    let profile = try Self.profile(shown.quirk, shown.base)
    try await Simulation().run { clock in
      let bench = try await Bench(profile, clock)
      let interfaces = bench.device.info.configurations[0].interfaces
      #expect(interfaces.allSatisfy { $0.interfaceClass.protocolCode == shown.code })
      #expect(interfaces.last?.extra.map(\.bytes) == [shown.functional])
      // And where it is asked for by itself.
      if shown.base == .stm32f407 {
        let bytes = try await bench.device.controlIn(
          .getDescriptor(.dfuFunctional, interface: 0, length: 9), timeout: .seconds(1))
        #expect(bytes == shown.functional)
      }
      #expect(try await bench.getStatus().state == .dfuIdle)
    }
  }

  @Test func `strings end too early, go on too long, or are no UTF-16`() async throws {
    let layout = StringDescriptor("@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg").bytes
    let rubbish = Array("챐ƨ⹔뺿䭼뛮컸".utf16).flatMap(\.littleEndianBytes)
    let expected: [(String, UInt8, [UInt8])] = [
      ("truncated-strings", 4, Array(layout.dropLast(2))),
      (
        "rubbish-behind-strings", 4, [layout[0] + UInt8(rubbish.count)] + layout[1...] + rubbish
      ),
      ("single-byte-serial", 3, [14, 3] + Array("339C35543236".utf8)),
      // Short ones stay as they are.
      ("truncated-strings", 3, StringDescriptor("339C35543236").bytes),
      ("rubbish-behind-strings", 2, StringDescriptor("STM32  BOOTLOADER").bytes),
    ]
    for (quirk, index, bytes) in expected {
      let profile = try Self.profile(quirk)
      try await Simulation().run { clock in
        let bench = try await Bench(profile, clock)
        let sent = try await bench.device.controlIn(
          .getDescriptor(.string, index: index, language: 0x0409, length: 255),
          timeout: .seconds(1))
        #expect(sent == bytes, "\(quirk)")
      }
    }
  }

  @Test func `the functional descriptor is given, refused, or never answered`() async throws {
    let request = SetupPacket.getDescriptor(.dfuFunctional, interface: 0, length: 9)
    let expected: [(Profile, TransferError.Code?)] = [
      (.stm32f407, nil), (.stLibrary, nil), (.stm32c5, .timeout), (.gd32vf103, .timeout),
      (.mboot, .timeout), (.dfu11, .stall),
    ]
    for (profile, code) in expected {
      try await Simulation().run { clock in
        let bench = try await Bench(profile, clock)
        var found: TransferError.Code?
        do throws(TransferError) {
          let bytes = try await bench.device.controlIn(request, timeout: .seconds(1))
          #expect(bytes == profile.functional.bytes)
        } catch {
          found = error.code
        }
        #expect(found == code, "\(profile.name)")
      }
    }
  }

  // MARK: Behaviour

  @Test func `a poll timeout that means nothing is in every answer`() async throws {
    let profile = try Self.profile("bogus-poll")
    try await Simulation().run { clock in
      let bench = try await Bench(profile, clock)
      #expect(
        try await bench.getStatus() == GetStatusResponse(pollTimeout: 65280, state: .dfuIdle))
      try await bench.command(.setAddressPointer(0x0800_0000))
      #expect(try await bench.getStatus().pollTimeout == 65280)
      #expect(
        try await bench.getStatus() == GetStatusResponse(pollTimeout: 65280, state: .dfuDnloadIdle))
    }
  }

  @Test func `busy without end and without a pause, and the work is done all the same`()
    async throws
  {
    let profile = try Self.profile("endless-busy")
    try await Simulation().run { clock in
      let bench = try await Bench(profile, clock) { $0.load([1, 2], at: 0x0800_0000) }
      try await bench.command(.erase(0x0800_0000))
      for _ in 0..<50 {
        #expect(try await bench.getStatus() == GetStatusResponse(state: .dfuDnBusy))
        try await clock.sleep(for: .seconds(1))
      }
      #expect(bench.contents(0x0800_0000..<0x0800_0002) == [0xFF, 0xFF])
    }
  }

  @Test func `GETSTATUS is held for seconds`() async throws {
    let profile = try Self.profile("holds-status-for-seconds")
    try await Simulation().run { clock in
      let bench = try await Bench(profile, clock)
      try await bench.command(.erase(0x0800_0000))
      #expect(
        try await bench.getStatus() == GetStatusResponse(pollTimeout: 6250, state: .dfuDnBusy))
      let error = await #expect(throws: TransferError.self) {
        try await bench.getStatus(timeout: .seconds(5))
      }
      #expect(error?.code == .timeout)
      #expect(try await bench.getStatus() == GetStatusResponse(state: .dfuDnloadIdle))
      #expect(clock.now.elapsed > .seconds(6) && clock.now.elapsed < .seconds(7))
    }
  }

  @Test func `reading is refused although the device says that it can`() async throws {
    let profile = try Self.profile("upload-broken")
    try await Simulation().run { clock in
      let bench = try await Bench(profile, clock)
      await #expect(throws: TransferError.self) { try await bench.upload(2, 64) }
      #expect(
        try await bench.getStatus() == GetStatusResponse(status: .errUnknown, state: .dfuError))
    }
  }

  @Test func `without a transfer it does not leave`() async throws {
    let profile = try Self.profile("needs-transfer-to-leave")
    try await Simulation().run { clock in
      let bench = try await Bench(profile, clock) {
        $0.load(LeaveTests.program, at: 0x0800_0000)
      }
      try await bench.download(0, [])
      #expect(try await bench.getStatus().state == .dfuIdle)
      try await clock.sleep(for: .seconds(1))
      #expect(try await bench.getStatus().state == .dfuIdle)
      _ = try await bench.upload(2, 64)
      try await bench.send(.abort)
      try await bench.download(0, [])
      #expect(try await bench.getStatus().state == .dfuManifest)
      try await clock.sleep(for: .seconds(1))
      #expect(bench.events == [.launched(0x0800_0000)])
    }
  }

  @Test func `DETACH leads back to the application`() async throws {
    let profile = try Self.profile("detach-leaves", .dfu11)
    try await Simulation().run { clock in
      let bench = try await Bench(profile, clock)
      try await bench.send(.detach)
      try await clock.sleep(for: .milliseconds(1))
      #expect(try await bench.bus.devices().isEmpty)
      #expect(bench.events == [.launched(0)])
    }
  }

  @Test func `manifestation waits until it is asked for`() async throws {
    let profile = try Self.profile("manifests-when-polled", .dfu11)
    try await Simulation().run { clock in
      let bench = try await Bench(profile, clock)
      try await bench.download(0, [1, 2, 3])
      try await bench.settle()
      try await bench.download(1, [])
      #expect(
        try await bench.getStatus() == GetStatusResponse(pollTimeout: 20, state: .dfuManifest))
      #expect(try await bench.getStatus().state == .dfuManifest)
      try await clock.sleep(for: .seconds(10))
      #expect(try bench.state == .dfuManifest)
      #expect(try await bench.getStatus().state == .dfuIdle)
    }
  }

  @Test func `an error is told once`() async throws {
    let profile = try Self.profile("tells-errors-once")
    try await Simulation().run { clock in
      let bench = try await Bench(profile, clock)
      try await bench.command(.setAddressPointer(0x0900_0000))
      #expect(try await bench.settle().status == .errTarget)
      #expect(try await bench.getStatus() == GetStatusResponse(state: .dfuError))
    }
  }

  @Test func `a status between two uploads breaks them off`() async throws {
    let profile = try Self.profile("breaks-on-status-in-upload")
    try await Simulation().run { clock in
      let bench = try await Bench(profile, clock)
      _ = try await bench.upload(2, 64)
      let error = await #expect(throws: TransferError.self) { try await bench.getStatus() }
      #expect(error?.code == .stall)
      #expect(try await bench.getStatus().status == .errUnknown)
    }
  }

  @Test func `the rest of the table is what profiles are made of`() {
    let tested = [
      "clear-status-trap", "second-bank-erases-for-ever", "erases-to-the-end",
      "mass-erase-understated", "no-read-unprotect", "works-inside-download",
      "dies-beyond-its-end", "ignores-option-writes", "silent-functional-descriptor",
      "single-byte-serial", "breaks-on-status-in-upload", "tells-errors-once",
    ]
    let used = Profile.all.reduce(into: BootloaderQuirks()) { $0.formUnion($1.quirks) }
    #expect(Set(used.names) == Set(tested))
  }
}
