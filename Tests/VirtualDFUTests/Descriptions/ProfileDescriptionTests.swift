import DFU
import Testing
import USB
import VirtualUSB

@testable import VirtualDFU

@Suite("Descriptions") struct ProfileDescriptionTests {
  /// A description without a base that says everything that has to be said.
  static let sound = """
    {
      "format": "swift-dfu device 1",
      "name": "mine",
      "usb": { "id": "1209:0001" },
      "dfu": {
        "dialect": "st-library",
        "transfer-size": 1024,
        "settings": [ { "memory": "Flash" } ]
      },
      "memories": [
        {
          "name": "Flash",
          "kind": "flash",
          "address": "0x08000000",
          "sectors": [ { "count": 4, "size": "16K" }, { "size": "64K", "rights": ["read"] } ],
          "times": { "program": "16 us", "erase": { "16K": "250 ms", "64K": "550 ms" } }
        },
        { "name": "RAM", "kind": "ram", "address": "0x20000000", "sectors": [ { "size": "128K" } ] }
      ]
    }
    """

  static func read(_ text: String) throws -> ProfileDescription {
    try ProfileDescription(parsing: Array(text.utf8), file: "mine.json")
  }

  // MARK: There and back

  @Test(arguments: Profile.all)
  func `every built-in profile can be told, and is the same`(_ profile: Profile) throws {
    let text = try ProfileDescription.text(of: profile)
    var back = try Self.read(text).profile
    #expect(back.name == "my-" + profile.name)
    back.name = profile.name
    #expect(back == profile)
    // A line is no longer than an editor shows.
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 130 || $0.contains("sentence") })
    #expect(try ProfileDescription.text(of: back) == text)
  }

  @Test(
    arguments: [
      ("leave", "a"), ("leave", "d"), ("write-protected", "0"), ("read-protected", "yes"),
      ("id", "1d50:6003"), ("serial", "é \"quoted\" \\ \u{01}"), ("poll", "50"),
      ("poll", "16777215"),
      ("busy", "fails"), ("blank", "error"), ("tolerant", "yes"),
    ] as [(String, String)])
  func `a profile with options can be told as well`(_ option: String, _ value: String) throws {
    // Not all have sectors that their option bytes can protect one by one.
    let all = Profile.all.compactMap { profile in
      (try? profile.setting(option, to: value)).map { (profile, $0) }
    }
    #expect(option == "write-protected" ? all.count > 3 : all.count == Profile.all.count)
    for (profile, changed) in all {
      let text = try ProfileDescription.text(of: changed, name: "changed")
      var back = try Self.read(text).profile
      back.name = profile.name
      #expect(back == changed)
    }
  }

  @Test func `what no description can tell is not written`() {
    var profile = Profile.stm32f407
    profile.setAddressTime = Duration(secondsComponent: 0, attosecondsComponent: 1)
    #expect(throws: ProfileDescriptionError.self) { try ProfileDescription.text(of: profile) }
    profile = .stm32f407
    profile.description.configurations[0].nameIndex = 9
    #expect(throws: ProfileDescriptionError.self) { try ProfileDescription.text(of: profile) }
    profile = .stm32f407
    profile.memories = []
    #expect(throws: ProfileDescriptionError.self) { try ProfileDescription.text(of: profile) }
  }

  // MARK: Without a base

  @Test func `what is not said has its usual value`() throws {
    let description = try Self.read(Self.sound)
    let profile = description.profile
    #expect(description.notes.isEmpty)
    #expect(profile.name == "mine")
    #expect(profile.functional.attributes == [.canDownload, .canUpload, .willDetach])
    #expect(profile.functional.version == BCDVersion(0x011A))
    #expect(profile.functional.detachTimeout == 255)
    #expect(profile.defaultPointer == 0x0800_0000)
    #expect(profile.applicationAddress == nil)
    #expect(profile.ramRanges == [0x2000_0000...0x2002_0000])
    #expect(profile.codeRanges == [0x0800_0000..<0x0802_0000])
    #expect(profile.description.device.serialNumberIndex == 0)
    #expect(
      profile.description.strings == [4: "@Flash/0x08000000/04*016Kg,01*064Ka"])
    let configuration = profile.description.configurations[0]
    #expect(configuration.bytes.count == 27)
    #expect(configuration.totalLength == 27)
    #expect(configuration.interfaces[0].interfaceClass == .dfuMode)
    #expect(configuration.interfaces[0].extra.map(\.bytes) == [profile.functional.bytes])
    #expect(profile.memories[0].eraseTime(65536) == .milliseconds(550))
    #expect(profile.memories[1].map.runs[0].rights == [.readable, .writable])
  }

  @Test func `comments, a byte order mark and other line ends change nothing`() throws {
    let plain = try Self.read(Self.sound)
    let text = "\u{FEFF}// mine\r\n" + Self.sound.replacing(",\n", with: ", // and\r\n")
    #expect(try Self.read(text) == plain)
  }

  @Test func `plain DFU writes the memories that its settings name`() throws {
    let text = Self.sound.replacing("st-library", with: "tinyusb")
      .replacing(
        "[ { \"memory\": \"Flash\" } ]",
        with: """
          [ { "memory": "RAM" }, { "memory": "Flash", "string": "program" },
            { "memory": "Flash", "string": null } ]
          """)
    let profile = try Self.read(text).profile
    #expect(profile.partitions == [1, 0, 0])
    #expect(profile.description.strings == [4: "RAM", 5: "program"])
    #expect(profile.description.configurations[0].interfaces.map(\.nameIndex) == [4, 5, 0])
    #expect(profile.functional.version == BCDVersion(0x0110))
  }

  @Test func `one time to erase stands for all sectors`() throws {
    let text = Self.sound.replacing(
      "{ \"16K\": \"250 ms\", \"64K\": \"550 ms\" }", with: "\"9 ms\"")
    let memory = try Self.read(text).profile.memories[0]
    #expect(memory.eraseTime(16384) == .milliseconds(9))
    #expect(memory.eraseTime(65536) == .milliseconds(9))
  }

  @Test(arguments: FunctionalDescriptorPlace.allCases)
  func `the functional descriptor stands where it is told to`(
    _ place: FunctionalDescriptorPlace
  ) async throws {
    let text = Self.sound.replacing(
      "\"transfer-size\": 1024,",
      with: "\"transfer-size\": 1024, \"functional-descriptor\": \"\(place.rawValue)\","
    )
    .replacing(
      "[ { \"memory\": \"Flash\" } ]", with: "[{\"memory\":\"Flash\"},{\"memory\":\"RAM\"}]")
    let profile = try Self.read(text).profile
    #expect(profile.description.functionalPlace == place)
    try await Simulation().run { clock in
      let bench = try await Bench(profile, clock)
      let configuration = try #require(bench.device.info.configurations.first)
      #expect(configuration.faults.isEmpty)
      let function = try #require(DFUFunction.find(in: configuration).first)
      let expected: DFUFunction.FunctionalPlace? =
        switch place {
        case .afterLastSetting, .afterEachSetting: .afterSetting(1)
        case .afterFirstSetting: .afterSetting(0)
        case .inConfiguration: .inConfiguration
        case .nowhere: nil
        }
      #expect(function.functionalPlace == expected)
      #expect(function.functional == (place == .nowhere ? nil : profile.functional))
    }
    // The option finds it there.
    let tolerant = try profile.setting("tolerant", to: "yes")
    #expect(tolerant.description.functionalPlace == place)
    #expect(try ProfileDescription.text(of: tolerant).contains("manifestation-tolerant"))
  }

  @Test func `the speed is that of the bus`() async throws {
    let text = Self.sound.replacing("\"1209:0001\"", with: "\"1209:0001\", \"speed\": \"high\"")
    let profile = try Self.read(text).profile
    try await Simulation().run { clock in
      let bench = try await Bench(profile, clock)
      #expect(bench.device.info.speed == .high)
    }
  }

  // MARK: With a base

  static func based(_ rest: String) throws -> ProfileDescription {
    try read("{ \"format\": \"swift-dfu device 1\", \"name\": \"mine\", \(rest) }")
  }

  @Test(arguments: Profile.all)
  func `a base alone is the base under another name`(_ base: Profile) throws {
    var profile = try Self.based("\"base\": \"\(base.name)\"").profile
    #expect(profile.name == "mine")
    profile.name = base.name
    profile.sentence = base.sentence
    #expect(profile == base)
  }

  @Test func `only what is said differs from the base`() throws {
    let profile = try Self.based(
      """
      "base": "stm32f407",
      "usb": { "serial": null, "product": "Mine" },
      "dfu": { "transfer-size": 512, "protocol": 0, "version": null },
      "timing": { "poll-timeout": "at-most:10" },
      "behaviour": { "quirks": ["erases-to-the-end"], "leave": "later" },
      "launch": { "address": "0x08004000" },
      "protection": { "write-protected-sectors": [0, 11] },
      "contents": []
      """
    ).profile
    var expected = Profile.stm32f407
    expected.name = "mine"
    expected.sentence = profile.sentence
    expected.description.device.serialNumberIndex = 0
    expected.description.strings[3] = nil
    expected.description.strings[2] = "Mine"
    expected.functional.transferSize = 512
    expected.functional.version = nil
    expected.description.setProtocol(0)
    expected.description.place(expected.functional, .afterLastSetting)
    expected.pollPolicy = .atMost(10)
    expected.quirks = .erasesToTheEnd
    expected.leave = .later
    expected.applicationAddress = 0x0800_4000
    expected.writeProtectedSectors = [0, 11]
    expected.factoryContents = []
    #expect(profile == expected)
    // Two bytes fewer.
    #expect(profile.description.configurations[0].totalLength == 52)
  }

  @Test func `a memory with the name of one of the base starts from it`() throws {
    let profile = try Self.based(
      """
      "base": "dfu11",
      "memories": [
        { "name": "EEPROM", "address": "0x100" },
        { "name": "FLASH", "address": "0x20000", "times": { "program": "1 us" } },
        { "name": "New", "kind": "ram", "address": "0x40000000", "sectors": [ { "size": 1024 } ] }
      ]
      """
    ).profile
    let flash = Profile.dfu11.memories[0]
    #expect(profile.memories.map(\.name) == ["EEPROM", "FLASH", "New"])
    #expect(profile.memories[0].range == 0x100..<0x10100)
    #expect(profile.memories[1].map.runs.map(\.sectorSize) == flash.map.runs.map(\.sectorSize))
    #expect(profile.memories[1].unitTime == .microseconds(1))
    #expect(profile.memories[1].eraseTimes == flash.eraseTimes)
    // The settings still write the memories that they wrote.
    #expect(profile.partitions == [1, 0])
    #expect(profile.description == Profile.dfu11.description)
  }

  @Test func `settings of the base whose memory is gone are told`() {
    let error = #expect(throws: ProfileDescriptionError.self) {
      try Self.based(
        """
        "base": "dfu11",
        "memories": [ { "name": "FLASH" } ]
        """)
    }
    #expect(error?.faults.map(\.path.keys) == ["memories"])
    #expect(error?.faults.first?.sentence.contains("“EEPROM”") == true)
  }

  @Test func `protection of the base that has no memory any longer is told`() {
    let error = #expect(throws: ProfileDescriptionError.self) {
      try Self.based(
        """
        "base": "stm32f407-wrp",
        "memories": [ { "name": "Internal Flash", "sectors": [ { "count": 2, "size": "16K" } ] } ]
        """)
    }
    let told = error?.faults.map(\.sentence) ?? []
    for word in ["protects sectors", "option bytes at 0x1FFFC000"] {
      #expect(told.contains { $0.contains(word) }, "\(told)")
    }
  }

  // MARK: Notes

  @Test(
    arguments: [
      ("@Flash/0x08000000/04*016Kg,01*064Ka", nil),
      ("@Whatever /0x08000000/04*016Kg", nil),
      ("@Flash/0x20000000/01*128Ke", nil),
      ("@Flash/0x08000000/04*016Ka", "4 × 16 KiB at 0x08000000, readable;"),
      ("@Flash/0x08000000/08*008Kg", "8 × 8 KiB at 0x08000000"),
      ("@Flash/0x08000000/05*016Kg", "5 × 16 KiB"),
      ("@Flash/0x09000000/04*016Kg", "at 0x09000000"),
      ("Flash", "No host finds a memory"),
    ] as [(String, String?)])
  func `a string that contradicts the memories is noted, and allowed`(
    _ string: String, _ note: String?
  ) throws {
    let setting = "{ \"string\": \"\(string)\" }"
    let text = Self.sound.replacing("{ \"memory\": \"Flash\" }", with: setting)
    let description = try Self.read(text)
    #expect(description.profile.description.strings[4] == string)
    #expect(description.notes.count == (note == nil ? 0 : 1))
    if let note, let first = description.notes.first {
      #expect(first.sentence.contains(note), "\(first.sentence)")
      #expect(first.place == PlaceInText.of(setting, in: text))
      #expect(first.path.keys == "dfu.settings[0]")
    }
  }

  @Test func `what will never work is noted`() throws {
    let noRAM = Self.sound.replacing("\"kind\": \"ram\"", with: "\"kind\": \"register\"")
    #expect(try Self.read(noRAM).notes.map(\.path.keys) == ["launch"])
    // An F1 has one bit for two of its pages of 2 KiB (RM0008, option bytes).
    let sectors = try Self.based(
      "\"base\": \"stm32f105\", \"protection\": { \"write-protected-sectors\": [0] }")
    #expect(sectors.notes.map(\.path.keys) == ["protection"])
    let pair = try Self.based(
      "\"base\": \"stm32f105\", \"protection\": { \"write-protected-sectors\": [0, 1] }")
    #expect(pair.notes.isEmpty)
    let small = try Self.based("\"base\": \"dfu11\", \"dfu\": { \"transfer-size\": 63 }")
    #expect(small.notes.map(\.path.keys) == ["dfu.transfer-size"])
  }
}

/// Where a piece of a text begins, found without the reader.
enum PlaceInText {
  static func of(_ piece: String, in text: String) -> TextPlace? {
    guard let range = text.firstRange(of: piece) else { return nil }
    let before = text[..<range.lowerBound]
    let line = before.filter { $0 == "\n" || $0 == "\r\n" }.count + 1
    let start = before.lastIndex { $0 == "\n" || $0 == "\r\n" }.map { before.index(after: $0) }
    let column = before[(start ?? before.startIndex)...].unicodeScalars.count + 1
    return TextPlace(line: line, column: column)
  }
}
