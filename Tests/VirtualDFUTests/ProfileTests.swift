import DFU
import Testing
import USB
import VirtualUSB

@testable import VirtualDFU

@Suite("Profiles") struct ProfileTests {
  static let names = [
    "stm32f105", "stm32f407", "stm32f407-rdp1", "stm32f407-wrp", "stm32f429", "stm32h743",
    "stm32l476", "stm32l072", "stm32g0b1", "stm32c5", "gd32vf103", "st-library", "st-library-446",
    "mboot", "dfu11", "dfu10", "runtime", "lpc43xx", "stm32f730-qspi",
  ]

  @Test func `every profile has a name of its own and a sentence`() {
    #expect(Profile.all.map(\.name) == Self.names)
    for profile in Profile.all {
      #expect(profile.sentence.hasSuffix("."))
      #expect(Profile.named(profile.name) == profile)
    }
    #expect(Profile.named("stm32") == nil)
  }

  @Test func `the F407 has the descriptors of the real part`() throws {
    let description = Profile.stm32f407.description
    #expect(
      description.device.bytes == [
        0x12, 0x01, 0x00, 0x01, 0, 0, 0, 0x40, 0x83, 0x04, 0x11, 0xDF, 0x00, 0x21, 1, 2, 3, 1,
      ])
    let configuration = try #require(description.configurations.first)
    #expect(configuration.bytes.count == 54)
    #expect(configuration.totalLength == 54)
    #expect(
      Array(configuration.bytes.prefix(18)) == [
        9, 2, 54, 0, 1, 1, 0, 0xC0, 50, 9, 4, 0, 0, 0, 0xFE, 1, 2, 4,
      ])
    #expect(
      Array(configuration.bytes.suffix(9)) == [
        0x09, 0x21, 0x0B, 0xFF, 0x00, 0x00, 0x08, 0x1A, 0x01,
      ])
    #expect(
      description.strings.values.sorted() == [
        "339C35543236", "@Device Feature/0xFFFF0000/01*004 e",
        "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg",
        "@OTP Memory /0x1FFF7800/01*512 e,01*016 e", "@Option Bytes  /0x1FFFC000/01*016 e",
        "STM32  BOOTLOADER", "STMicroelectronics",
      ])
  }

  @Test func `DFU 1.0 has a descriptor of 7 bytes and a detach timeout with its bytes swapped`() {
    #expect(Profile.dfu10.functional.bytes == [7, 0x21, 7, 0x00, 0xFF, 0x00, 0x10])
    #expect(
      Profile.dfu10.description.configurations[0].interfaces[0].interfaceClass.protocolCode == 0)
    #expect(
      Profile.lpc43xx.description.configurations[0].interfaces[0].interfaceClass == .dfuRuntime)
  }

  @Test(arguments: names)
  func `a profile is enumerated without a fault and starts in dfuIDLE`(name: String) async throws {
    var profile = try #require(Profile.named(name))
    // What begins in its application is the business of ApplicationTests.
    profile.application = nil
    try await Simulation().run { [profile] clock in
      let bench = try await Bench(profile, clock)
      #expect(bench.device.info.configurations.allSatisfy { $0.faults.isEmpty })
      #expect(bench.device.info.descriptor == profile.description.device)
      if name == "gd32vf103" {
        // Blank, it begins with errFIRMWARE, which CLRSTATUS takes away.
        #expect(
          try await bench.getStatus()
            == GetStatusResponse(status: .errFirmware, state: .dfuError))
        try await bench.send(.clearStatus)
      }
      #expect(
        try await bench.getStatus() == GetStatusResponse(pollTimeout: 0, state: .dfuIdle)
          || name == "dfu10")
      #expect(try await bench.getStatus().state == .dfuIdle)
    }
  }

  /// Those whose strings are true: not so on F105 and GD32 (option bytes of type g), L072 (192 KiB),
  /// GD32 (pages, size) and mboot (its own sector).
  @Test(arguments: [
    "stm32f407", "stm32h743", "stm32l476", "stm32g0b1", "stm32c5", "st-library", "st-library-446",
    "stm32f730-qspi",
  ])
  func `the interface string says what the memories are`(name: String) throws {
    let profile = try #require(Profile.named(name))
    for interface in profile.description.configurations[0].interfaces {
      let text = try #require(profile.description.strings[interface.nameIndex])
      var sectors: [Sector] = []
      for group in text.split(separator: "/0x").dropFirst() {
        let parts = group.split(separator: "/")
        var address = try #require(UInt64(parts[0], radix: 16))
        for segment in parts[1].split(separator: ",") {
          let star = try #require(segment.firstIndex(of: "*"))
          let count = try #require(UInt64(segment[..<star]))
          let rest = segment[segment.index(after: star)...]
          let digits = rest.prefix { $0.isNumber }
          let size = try #require(UInt64(digits)) * (rest.contains("K") ? 1024 : 1)
          let letter = try #require(rest.last?.asciiValue)
          for _ in 0..<count {
            sectors.append(
              Sector(range: address..<address + size, rights: SectorRights(rawValue: letter & 7)))
            address += size
          }
        }
      }
      for sector in sectors {
        let found = profile.memories.lazy.compactMap {
          $0.map.sector(containing: sector.range.lowerBound)
        }.first
        #expect(found == sector)
      }
    }
  }

  struct OptionCase: CustomTestStringConvertible {
    var option: String
    var value: String
    var isLegal: Bool
    var testDescription: String { "\(option)=\(value)" }
  }

  @Test(arguments: [
    OptionCase(option: "leave", value: "a", isLegal: true),
    OptionCase(option: "leave", value: "e", isLegal: false),
    OptionCase(option: "write-protected", value: "0+3", isLegal: true),
    OptionCase(option: "write-protected", value: "12", isLegal: false),
    OptionCase(option: "write-protected", value: "", isLegal: false),
    OptionCase(option: "read-protected", value: "yes", isLegal: true),
    OptionCase(option: "read-protected", value: "true", isLegal: false),
    OptionCase(option: "id", value: "1209:70b1", isLegal: true),
    OptionCase(option: "id", value: "1209", isLegal: false),
    OptionCase(option: "id", value: "12345:1", isLegal: false),
    OptionCase(option: "serial", value: "X", isLegal: true),
    OptionCase(option: "poll", value: "zero", isLegal: true),
    OptionCase(option: "poll", value: "50", isLegal: true),
    OptionCase(option: "poll", value: "rounded:100", isLegal: true),
    OptionCase(option: "poll", value: "at-most:10", isLegal: true),
    OptionCase(option: "poll", value: "by-kind:104+100+104", isLegal: true),
    OptionCase(option: "poll", value: "16777216", isLegal: false),
    OptionCase(option: "poll", value: "rounded:0", isLegal: false),
    OptionCase(option: "poll", value: "by-kind:1+2", isLegal: false),
    OptionCase(option: "poll", value: "often:5", isLegal: false),
    OptionCase(option: "poll", value: "constant:+5", isLegal: false),
    OptionCase(option: "pace", value: "longest", isLegal: true),
    OptionCase(option: "pace", value: "slow", isLegal: false),
    OptionCase(option: "quirks", value: "bogus-poll", isLegal: true),
    OptionCase(option: "quirks", value: "bogus-poll+-mass-erase-understated", isLegal: true),
    OptionCase(option: "quirks", value: "none", isLegal: true),
    OptionCase(option: "quirks", value: "bogus", isLegal: false),
    OptionCase(option: "quirks", value: "bogus-poll+", isLegal: false),
    OptionCase(option: "rom", value: "early", isLegal: true),
    OptionCase(option: "rom", value: "first", isLegal: false),
    OptionCase(option: "busy", value: "holds", isLegal: true),
    OptionCase(option: "busy", value: "waits", isLegal: false),
    OptionCase(option: "blank", value: "error", isLegal: true),
    OptionCase(option: "blank", value: "yes", isLegal: false),
    OptionCase(option: "tolerant", value: "no", isLegal: true),
    OptionCase(option: "speed", value: "fast", isLegal: false),
    OptionCase(option: "application", value: "yes", isLegal: true),
    OptionCase(option: "application", value: "maybe", isLegal: false),
    // Without an application there is nothing that they could be about.
    OptionCase(option: "will-detach", value: "yes", isLegal: false),
    OptionCase(option: "return-time", value: "1", isLegal: false),
  ])
  func `options are checked, and errors say what is possible`(test: OptionCase) throws {
    if test.isLegal {
      #expect(
        try Profile.stm32f407.setting(test.option, to: test.value) != .stm32f407
          || test.value == "no")
    } else {
      let error = #expect(throws: ProfileOptionError.self) {
        try Profile.stm32f407.setting(test.option, to: test.value)
      }
      #expect(error?.help?.isEmpty == false)
    }
  }

  @Test func `the early bootloader of the F4 calls everything erasable, as its strings were`()
    throws
  {
    let early = try Profile.stm32f407.setting("rom", to: "early")
    #expect(early.description.device.deviceVersion == BCDVersion(0x2100))
    #expect(
      (4...7).map { early.description.strings[$0] } == [
        "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg",
        "@Option Bytes  /0x1FFFC000/01*016 g", "@OTP Memory /0x1FFF7800/01*512 g,01*016 g",
        "@Device Feature/0xFFFF0000/01*004 g",
      ])
    let later = try early.setting("rom", to: "later")
    #expect(later.description.strings == Profile.stm32f407.description.strings)
    #expect(later.description.device.deviceVersion == BCDVersion(0x2200))
    #expect(throws: ProfileOptionError.self) { try Profile.stm32h743.setting("rom", to: "early") }
  }

  @Test(arguments: [
    OptionCase(option: "will-detach", value: "no", isLegal: true),
    OptionCase(option: "will-detach", value: "1", isLegal: false),
    OptionCase(option: "runtime-id", value: "1209:7388", isLegal: true),
    OptionCase(option: "runtime-id", value: "1209:7388:1", isLegal: false),
    OptionCase(option: "protocol", value: "2", isLegal: true),
    OptionCase(option: "protocol", value: "3", isLegal: false),
    OptionCase(option: "protocol", value: "+1", isLegal: false),
    OptionCase(option: "runtime-status", value: "stalls", isLegal: true),
    OptionCase(option: "runtime-status", value: "holds", isLegal: false),
    OptionCase(option: "detach-timeout", value: "65535", isLegal: true),
    OptionCase(option: "detach-timeout", value: "65536", isLegal: false),
    OptionCase(option: "return-time", value: "never", isLegal: true),
    OptionCase(option: "return-time", value: "600000", isLegal: true),
    OptionCase(option: "return-time", value: "600001", isLegal: false),
    OptionCase(option: "return-time", value: "-1", isLegal: false),
    OptionCase(option: "detour", value: "yes", isLegal: true),
    OptionCase(option: "way-back", value: "second-reset", isLegal: true),
    OptionCase(option: "way-back", value: "none", isLegal: false),
    OptionCase(option: "application", value: "no", isLegal: true),
  ])
  func `options of run time are checked`(test: OptionCase) throws {
    if test.isLegal {
      #expect(try Profile.runtime.setting(test.option, to: test.value) != .runtime)
    } else {
      let error = #expect(throws: ProfileOptionError.self) {
        try Profile.runtime.setting(test.option, to: test.value)
      }
      #expect(error?.help?.isEmpty == false)
    }
  }

  @Test func `bitWillDetach is changed in both descriptors, and so is the serial number`() throws {
    let profile = try Profile.runtime.setting("will-detach", to: "no").setting("serial", to: "X1")
    let application = try #require(profile.application)
    for (description, functional) in [
      (profile.description, profile.functional), (application.description, application.functional),
    ] {
      #expect(!functional.attributes.contains(.willDetach))
      let raw = description.configurations[0].interfaces.last?.extra.last?.bytes
      #expect(raw == functional.bytes)
      #expect(description.strings[description.device.serialNumberIndex] == "X1")
      // The length is still that of the bytes.
      #expect(
        Int(description.configurations[0].totalLength) == description.configurations[0].bytes.count)
    }
  }

  @Test func `a profile can be given the ids of a file`() async throws {
    let profile = try Profile.dfu11.setting("id", to: "1D50:6003").setting("tolerant", to: "no")
    try await Simulation().run { clock in
      let bench = try await Bench(profile, clock)
      let descriptor = bench.device.info.descriptor
      #expect(descriptor.vendor == VendorID(0x1D50))
      #expect(descriptor.product == ProductID(0x6003))
      let raw = bench.device.info.configurations[0].interfaces[1].extra.first?.bytes
      #expect(raw == [9, 0x21, 3, 0xE8, 3, 64, 0, 1, 1])
    }
  }
}
