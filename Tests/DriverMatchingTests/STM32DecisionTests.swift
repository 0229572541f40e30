import DriverMatching
import Testing
import USB

@Suite("ST's bootloader on Windows") struct STM32DecisionTests {
  static let names = WindowsNames(
    NamesTests.bootloader, [NamesTests.configuration(.dfuMode)], on: .windows11)

  static func decide(
    _ files: [StoredINF], on windows: WindowsProfile = .windows11, ids: DeviceIDs? = nil
  ) -> WindowsDecision {
    DriverStore(files, on: windows).decision(
      for: ids ?? names.device, product: "STM32  BOOTLOADER")
  }

  @Test func `with nothing in the store there is Code 28, and the firmware could ask for WinUSB`() {
    let decision = Self.decide([])
    #expect(decision.binding == nil)
    #expect(decision.problemCode == 28)
    #expect(
      decision.decision.outcome.sentence.contains(#""STM32  BOOTLOADER" under "Other devices""#))
    #expect(decision.reach.allSatisfy { !$0.isReached })
    #expect(
      decision.decision.changes.map(\.rule) == ["firmware-asks-for-winusb", "named-by-product"])
    #expect(decision.decision.changes[1].sentence.contains("would win at 0x00FF0001"))
    #expect(
      decision.decision.changes[0].sentence.contains("WINUSB of winusb.inf would win at 0x00FF2000")
    )
  }

  @Test func `of all packages that name the product the newest wins, by its date`() throws {
    let decision = Self.decide(
      try [
        STM32Packages.tube(), STM32Packages.zadig(), STM32Packages.cube(),
      ])
    #expect(decision.nodes.map(\.file) == ["oem12.inf", "oem3.inf", "oem7.inf"])
    #expect(decision.nodes.map(\.rank.text) == Array(repeating: "0x00FF0001", count: 3))
    let candidates = decision.decision.candidates
    #expect(candidates.map(\.verdict) == [.wins, .outranked, .outranked])
    #expect(candidates.map(\.origin) == ["oem12.inf:19", "oem3.inf:31", "oem7.inf:19"])
    #expect(candidates.map(\.driver) == ["WinUSB", "STTub30", "WinUSB"])
    #expect(
      candidates[1].steps.last?.sentence
        == "It loses by date: 04/26/2018 is older than 11/28/2025.")
    #expect(
      candidates[2].steps.last?.sentence
        == "It loses by date: 06/02/2012 is older than 11/28/2025.")
    #expect(
      candidates[0].steps.first?.sentence
        == #"USB\VID_0483&PID_DF11 is hardware id 2 of the device, and stands in the first id field of the line."#
    )
    #expect(
      decision.decision.changes.filter { $0.rule == "undo" }.map(\.sentence) == [
        "If oem12.inf were removed, STTub30 of oem3.inf:31 would win at 0x00FF0001, DriverVer 04/26/2018, 3.0.6.1.",
        "If oem12.inf and oem3.inf were removed, WinUSB of oem7.inf:19 would win at 0x00FF0001, DriverVer "
          + "06/02/2012, 6.1.7600.16385.",
        "If oem12.inf, oem3.inf and oem7.inf were removed, nothing would match, and Device Manager would show "
          + "Code 28.",
      ])
    #expect(decision.binding?.group == "Universal Serial Bus devices")
    #expect(decision.binding?.name == "STM32  BOOTLOADER")
    #expect(decision.binding?.interfaceGUIDs == [STM32Packages.cubeGUID])
    #expect(decision.decision.drivers == ["WinUSB"])
  }

  @Test(arguments: [
    ("11/28/2025, 1.3.0.0", "04/26/2018, 3.0.6.1", "WinUSB"),
    ("09/01/2017, 9.9.9.9", "04/26/2018, 3.0.6.1", "STTub30"),
    ("04/26/2018, 3.0.6.2", "04/26/2018, 3.0.6.1", "WinUSB"),
    ("04/26/2018, 3.0.6.0", "04/26/2018, 3.0.6.1", "STTub30"),
    ("", "04/26/2018, 3.0.6.1", "STTub30"),
  ])
  func `another date is another winner`(_ cube: String, _ tube: String, _ service: String) throws {
    let decision = Self.decide(try [STM32Packages.tube(tube), STM32Packages.cube(cube)])
    #expect(decision.binding?.service == service)
  }

  @Test func `a package that names the revision wins whatever its date`() throws {
    let decision = Self.decide(
      try [
        STM32Packages.cube(), STM32Packages.vendor(), STM32Packages.tube(),
      ])
    #expect(decision.binding?.node.rank.text == "0x00FF0000")
    #expect(decision.binding?.service == "PadDFU")
    #expect(decision.binding?.group == "Pads in update mode")
    #expect(decision.binding?.name == "Pad in update mode")
    #expect(
      decision.decision.candidates[1].steps.last?.sentence
        == "It loses by the place of the id (HHH).")
    // The ROM of another part has another revision.
    var other = NamesTests.bootloader
    other.deviceVersion = BCDVersion(0x2100)
    let ids = DeviceIDs(other, [NamesTests.configuration(.dfuMode)])
    let then = Self.decide(try [STM32Packages.cube(), STM32Packages.vendor()], ids: ids)
    #expect(then.binding?.service == "WinUSB")
    let near = then.decision.candidates.last
    #expect(near?.verdict == .dropped)
    #expect(near?.steps.first?.rule == "nearest-id")
    #expect(near?.steps.first?.sentence.contains("bcdDevice 2200") == true)
  }

  @Test func `firmware that asks for WinUSB loses against any package that names it`() throws {
    var ids = Self.names.device
    ids.compatible.insert(#"USB\MS_COMP_WINUSB"#, at: 0)
    let alone = Self.decide([], ids: ids)
    #expect(alone.binding?.node.rank.text == "0x00FF2000")
    #expect(alone.binding?.node.version.date == "06/21/2006")
    #expect(alone.binding?.service == "WINUSB")
    let old = Self.decide([try STM32Packages.tube()], ids: ids)
    #expect(old.binding?.service == "STTub30")
    #expect(old.nodes.map(\.file) == ["oem3.inf", "winusb.inf"])
    #expect(
      old.decision.candidates[1].steps.last?.sentence == "It loses by the kind of match (T).")
  }

  struct Reached: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var package: @Sendable () throws -> StoredINF
    /// DfuSe, CubeProgrammer, dfu-util, dfu, a browser, a terminal.
    var programs: [Bool]

    static let all = [
      Reached(
        testDescription: "ST's old one", package: { try STM32Packages.tube() },
        programs: [true, false, false, false, false, false]),
      Reached(
        testDescription: "the old one with another interface",
        package: { try STM32Packages.tube(guid: STM32Packages.cubeGUID) },
        programs: [false, false, false, false, false, false]),
      Reached(
        testDescription: "ST's new one", package: { try STM32Packages.cube() },
        programs: [false, true, true, true, true, false]),
      Reached(
        testDescription: "Zadig's", package: { try STM32Packages.zadig() },
        programs: [false, true, true, true, true, false]),
      Reached(
        testDescription: "another vendor's", package: { try STM32Packages.vendor() },
        programs: [false, false, false, false, false, false]),
    ]
  }

  @Test(arguments: Reached.all)
  func `who finds the device follows from the service and the interface in the file`(
    _ reached: Reached
  ) throws {
    let decision = Self.decide([try reached.package()])
    #expect(decision.reach.map(\.isReached) == reached.programs)
    #expect(decision.reach.allSatisfy { !$0.sentence.isEmpty })
  }

  @Test func `the interface that a program is found by is the one that the file has`() throws {
    let guid = "{aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb}"
    let decision = Self.decide([try STM32Packages.cube(guid: guid)])
    #expect(decision.reach[1].sentence.contains(guid))
    let tube = Self.decide([try STM32Packages.tube(guid: guid)])
    #expect(!tube.reach[0].isReached)
    #expect(tube.reach[0].sentence.contains(guid))
    #expect(tube.reach[0].evidence.source == "oem3.inf:49")
  }

  @Test func `on ARM only Zadig's package counts, and the others say why not`() throws {
    let windows = WindowsProfile(build: 26100, architecture: .arm64)
    let decision = Self.decide(
      try [STM32Packages.cube(), STM32Packages.tube(), STM32Packages.zadig()], on: windows)
    #expect(decision.nodes.map(\.file) == ["oem7.inf"])
    let dropped = decision.decision.candidates.filter { $0.verdict == .dropped }
    #expect(
      Set(dropped.map { String($0.origin.prefix { $0 != ":" }) }) == ["oem12.inf", "oem3.inf"])
    #expect(
      dropped.allSatisfy { $0.steps.last?.rule == "models-not-read" })
    #expect(dropped.contains { $0.steps.last?.sentence.contains("it is for amd64") == true })
  }

  @Test(arguments: [
    (DriverSigner.whql, true, "0x00FF0001"), (.authenticode, true, "0x00FF0001"),
    (.unsigned, true, "0x80FF0001"), (.whql, false, "0x0DFF0001"),
    (.authenticode, false, "0x0FFF0001"), (.unsigned, false, "0x80FF0001"),
  ])
  func `the first digits of the rank are the signature's`(
    _ signer: DriverSigner, _ areEqual: Bool, _ rank: String
  ) throws {
    var windows = WindowsProfile.windows10
    windows.signaturesAreEqual = areEqual
    let decision = Self.decide([try STM32Packages.cube(signer: signer)], on: windows)
    let node = try #require(decision.nodes.first)
    #expect(node.rank.text == rank)
    #expect(node.notes.contains { $0.rule == "unsigned" } == (signer == .unsigned))
    let signed = Self.decide(
      [try STM32Packages.cube(signer: signer), try STM32Packages.tube()], on: windows)
    #expect(
      signed.binding?.service
        == (rank < "0x0F" || areEqual && signer != .unsigned ? "WinUSB" : "STTub30"))
  }

  @Test func `two files of the same rank, date and version tie`() throws {
    let decision = Self.decide(
      try [
        STM32Packages.cube(name: "oem2.inf"), STM32Packages.cube(name: "oem1.inf"),
      ])
    #expect(decision.decision.candidates.map(\.verdict) == [.ties, .ties])
    #expect(decision.decision.candidates.map(\.origin) == ["oem1.inf:19", "oem2.inf:19"])
  }

  @Test func `a feature score, an excluded id and an extension each have their effect`() throws {
    func file(_ name: String, _ version: String, _ install: String) throws -> StoredINF {
      StoredINF(
        try INF(
          text: INFTests.head + version + "CatalogFile=a.cat\nDriverVer=01/01/2020,1.0\n"
            + "[Manufacturer]\na=M,NTamd64\n[M.NTamd64]\nd=I,USB\\VID_0483&PID_DF11\n[I]\n"
            + install,
          name: name))
    }
    let plain = try file("plain.inf", "", "")
    let better = try file("better.inf", "", "FeatureScore=40\n")
    let excluded = try file("excluded.inf", "", "ExcludeID=usb\\vid_0483&pid_df11&rev_2200\n")
    let extra = try file(
      "extra.inf",
      "Class=Extension\nClassGuid={E2F84CE7-8EFA-411C-AA69-97454CA4CB57}\nExtensionId={x}\n", "")
    let decision = Self.decide([plain, better, excluded, extra])
    #expect(decision.nodes.map(\.rank.text) == ["0x00400001", "0x00FF0001"])
    #expect(decision.nodes.map(\.file) == ["better.inf", "plain.inf"])
    #expect(decision.extensions.map(\.file) == ["extra.inf"])
    #expect(decision.decision.candidates.last?.steps.last?.rule == "exclude-id")
    #expect(Self.decide([extra]).problemCode == 28)
  }

  @Test func `a package for the whole of a composite device keeps its functions from appearing`()
    throws
  {
    let names = WindowsNames(
      NamesTests.bootloader, [NamesTests.configuration(.dfuMode, ClassTriple(3, 0, 0))],
      on: .windows10)
    let none = Self.decide([], on: .windows10, ids: names.device)
    #expect(none.binding?.service == "usbccgp")
    #expect(none.binding?.node.rank.text == "0x00FF2003")
    let taken = Self.decide([try STM32Packages.cube()], on: .windows10, ids: names.device)
    #expect(taken.binding?.service == "WinUSB")
    #expect(taken.decision.steps.contains { $0.rule == "composite-taken" })
    // The function itself is not named by the file.
    let function = Self.decide(
      [try STM32Packages.cube()], on: .windows10, ids: names.functions[0].ids)
    #expect(function.problemCode == 28)
    #expect(
      function.decision.candidates.first?.steps.first?.sentence.contains("for the whole device")
        == true)
  }
}

extension STM32DecisionTests {
  @Test func `a candidate tells which sections were read, and which were not and why`() throws {
    let decision = Self.decide([try STM32Packages.tube()])
    let steps = try #require(decision.decision.candidates.first).steps
    #expect(
      steps.map(\.rule) == [
        "match", "rank", "driver-version", "models-not-read", "models-read", "models-not-read",
        "install-section", "service", "exclude-from-select", "verdict",
      ])
    #expect(
      steps.filter { $0.rule.hasPrefix("models") }.map(\.sentence) == [
        "[Mfg0.NTx86] is not read: it is for x86, and this machine is amd64.",
        "[Mfg0.NTamd64] is read: it is the closest.",
        "[Mfg0] is not read: it names no architecture, and only x86 takes that since Windows Server 2003.",
      ])
    #expect(steps[6].sentence == "It would be installed by [Tube.Device.NT].")
    #expect(steps[7].sentence == "The function driver is STTub30 (AddService with flag 2).")
    #expect(steps[7].evidence.source == "oem3.inf:41")
  }
}

extension STM32DecisionTests {
  private static func file(_ id: String, _ install: String, head: String = "") throws -> StoredINF {
    StoredINF(
      try INF(
        text: INFTests.head + head + "CatalogFile=a.cat\nDriverVer=01/01/2020,1.0\n"
          + "[Manufacturer]\na=M,NTamd64\n[M.NTamd64]\nd=I,\(id)\n" + install, name: "oem1.inf"))
  }

  @Test
  func `services of another decoration than the install section's are not read, and that is told`()
    throws
  {
    let store = try Self.file(
      #"USB\VID_0483&PID_DF11"#, "[I.NTamd64]\n[I]\n[I.Services]\nAddService=x,2,s\n")
    let decision = Self.decide([store])
    #expect(decision.binding?.node.service == nil)
    #expect(decision.decision.outcome.rule == "bound-without-service")
    let step = decision.decision.candidates[0].steps.first { $0.rule == "service" }
    #expect(step?.sentence.contains("[I.Services] is not decorated as [I.NTamd64] is") == true)
    #expect(DriverChain(decision, on: .windows11).end?.name == "load")
  }

  @Test func `a package that claims a class of everybody is told of`() throws {
    let decision = Self.decide(
      [try Self.file(#"USB\Class_FE&SubClass_01"#, "[I]\n[I.Services]\nAddService=x,2,s\n")])
    #expect(decision.binding?.node.rank.text == "0x00FF2004")
    #expect(decision.binding?.node.notes.contains { $0.rule == "claims-class" } == true)
    let named = Self.decide([try STM32Packages.zadig()])
    #expect(named.binding?.node.notes.contains { $0.rule == "claims-class" } == false)
    #expect(named.binding?.node.notes.contains { $0.rule == "forced" } == true)
    #expect(named.decision.steps.contains { $0.rule == "new-node" })
  }

  @Test(arguments: [("40", 0x40), ("0x7f", 0x7F), ("zz", 0xFF), ("", 0xFF), ("100", 0xFF)])
  func `a feature score that cannot be read is none`(_ text: String, _ expected: UInt8) throws {
    let decision = Self.decide(
      [try Self.file(#"USB\VID_0483&PID_DF11"#, "[I]\nFeatureScore=\(text)\n")])
    #expect(decision.nodes.first?.rank.featureScore == expected)
  }
}

extension STM32DecisionTests {
  struct Winner: Sendable {
    var models: String
    var install = ""
    /// Packages that are said to win, as id, FeatureScore and DriverVer.
    var promised: [(String, String, String)]
    /// What has to be said, in parts.
    var words: [String]
  }

  private static let product = #"USB\VID_0483&PID_DF11"#
  private static let revision = #"USB\VID_0483&PID_DF11&REV_2200"#

  private static func package(
    _ models: String, _ install: String, _ version: String, name: String
  ) throws -> StoredINF {
    StoredINF(
      try INF(
        text: INFTests.head + "CatalogFile=a.cat\nDriverVer=\(version),1.0\n"
          + "[Manufacturer]\na=M,NTamd64\n[M.NTamd64]\nd=I\(models)\n[I]\n\(install)", name: name))
  }

  @Test(arguments: [
    Winner(
      models: "," + product, install: "FeatureScore=01\n",
      promised: [
        (product, "FeatureScore=01\n", "01/02/2024"), (revision, "FeatureScore=01\n", ""),
      ],
      words: [
        "names \(product), has FeatureScore=01, and has a date after 01/01/2024 would win at 0x00010001",
        "names \(revision), has FeatureScore=01, would win at 0x00010000, whatever its date",
      ]),
    Winner(
      models: ",," + product, promised: [(product, "", "01/01/1999")],
      words: ["names \(product) would win at 0x00FF0001, whatever its date"]),
    Winner(
      models: "," + product,
      promised: [(product, "", "01/02/2024"), (revision, "", "01/01/1999")],
      words: [
        "names \(product) and has a date after 01/01/2024 would win at 0x00FF0001",
        "names \(revision) would win at 0x00FF0000, whatever its date",
      ]),
    Winner(
      models: "," + revision, promised: [(revision, "", "01/02/2024")],
      words: ["names \(revision) and has a date after 01/01/2024 would win at 0x00FF0000"]),
    Winner(
      models: #",USB\Class_FE"#, install: "FeatureScore=20\n",
      promised: [(product, "FeatureScore=20\n", "01/01/1999")],
      words: ["names \(product), has FeatureScore=20, would win at 0x00200001, whatever its date"]),
  ])
  func `what would change it is what does change it`(_ winner: Winner) throws {
    let first = try Self.package(winner.models, winner.install, "01/01/2024", name: "oem1.inf")
    let decision = Self.decide([first])
    let sentences = decision.decision.changes.map(\.sentence).filter { $0.hasPrefix("A signed") }
    #expect(sentences.count == winner.words.count)
    for (sentence, words) in zip(sentences, winner.words) {
      #expect(sentence.contains(words))
    }
    for (id, install, version) in winner.promised {
      let other = try Self.package("," + id, install, version, name: "oem2.inf")
      #expect(Self.decide([first, other]).binding?.node.file == "oem2.inf", "\(id)")
    }
  }
}

extension STM32DecisionTests {
  @Test(arguments: [(6002, "0x0FFF0001"), (7601, "0x00FF0001"), (26100, "0x00FF0001")])
  func `a package that Zadig has made counts as Authenticode, whoever is said to have signed it`(
    _ build: Int, _ rank: String
  ) throws {
    let windows = try #require(WindowsProfile.build(build))
    let zadig = StoredINF(try STM32Packages.zadig().inf, signer: .whql)
    let decision = Self.decide([zadig], on: windows)
    #expect(decision.nodes.first { $0.line != nil }?.rank.text == rank)
    #expect(decision.nodes.first { $0.line != nil }?.signer == .authenticode)
  }
}
