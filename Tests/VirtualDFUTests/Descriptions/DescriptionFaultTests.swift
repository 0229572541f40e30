import Testing
import USB

@testable import VirtualDFU

@Suite("Descriptions that are wrong") struct DescriptionFaultTests {
  /// A change to the sound description, and the one fault that it makes.
  struct Case: CustomTestStringConvertible {
    var old: String
    var new: String
    /// What stands at the place that is told.
    var at: String
    var keys: String
    var says: String
    var testDescription: String { "\(keys): \(new)" }

    init(_ old: String, _ new: String, at: String? = nil, _ keys: String, _ says: String) {
      self.old = old
      self.new = new
      self.at = at ?? new
      self.keys = keys
      self.says = says
    }
  }

  static let whole: [Case] = [
    Case("\"swift-dfu device 1\"", "\"swift-dfu device 2\"", "format", "newer"),
    Case("\"swift-dfu device 1\"", "1", "format", "a text"),
    Case("\"format\"", "\"Format\"", at: "{", "", "Begin with"),
    Case("\"name\": \"mine\",", "", at: "{", "name", "no name"),
    Case("\"mine\"", "\"stm32f407\"", "name", "built-in"),
    Case("\"mine\"", "\"my board\"", "name", "letters"),
    Case("\"mine\"", "\"\"", "name", "letters"),
    Case("\"mine\"", "\"\(String(repeating: "x", count: 65))\"", "name", "64"),
    Case("\"mine\"", "7", "name", "A text belongs here, not a number"),
    Case(
      "\"mine\",", "\"mine\", \"base\": \"stm32f4O7\",", at: "\"stm32f4O7\"", "base", "“stm32f407”"),
    Case("\"mine\",", "\"mine\", \"sentence\": [],", at: "[]", "sentence", "not a list"),
    Case(
      "\"name\": \"mine\",", "\"name\": \"mine\", \"name\": \"other\",", at: "\"name\": \"other\"",
      "", "stands in line 3 already"),
  ]

  static let usb: [Case] = [
    Case("\"1209:0001\"", "\"1209\"", "usb.id", "four hexadecimal digits"),
    Case("\"1209:0001\"", "null", "usb.id", "not null"),
    Case("{ \"id\": \"1209:0001\" }", "[]", "usb", "An object belongs here"),
    Case(
      "\"id\": \"1209:0001\"", "\"version\": \"1.00\"", at: "{ \"version\"", "usb.id",
      "has to be told"),
    added("\"version\": 2.0", "2.0", "usb.version", "\"1.1a\""),
    added("\"usb\": \"two\"", "\"two\"", "usb.usb", "version"),
    added("\"class\": \"fe/01\"", "\"fe/01\"", "usb.class", "three pairs"),
    added("\"packet-size\": 12", "12 }", "usb.packet-size", "8, 16, 32 or 64"),
    added("\"packet-size\": 128", "128", "usb.packet-size", "8 to 64"),
    added("\"speed\": \"fast\"", "\"fast\"", "usb.speed", "low, full and high"),
    added("\"speed\": \"super\"", "\"super\"", "usb.speed", "low, full and high"),
    added("\"speed\": \"low\"", "\"low\"", "usb.speed", "\"packet-size\": 8"),
    added("\"speed\": \"high\", \"packet-size\": 8", "\"high\"", "usb.speed", "64 bytes, not 8"),
    added(
      "\"serial\": \"\(String(repeating: "é", count: 127))\"", "\"éé", "usb.serial", "this has 127"),
    added(
      "\"product\": \"\(String(repeating: "😀", count: 64))\"", "\"😀", "usb.product", "this has 128"),
    added("\"self-powered\": 1", "1 }", "usb.self-powered", "True or false belongs here"),
    added("\"max-power\": \"512 mA\"", "\"512 mA\"", "usb.max-power", "510"),
    added("\"max-power\": \"99 mA\"", "\"99 mA\"", "usb.max-power", "even"),
    added("\"max-power\": 100", "100", "usb.max-power", "A text belongs here"),
  ]

  static func added(_ member: String, _ at: String, _ keys: String, _ says: String) -> Case {
    Case("\"1209:0001\"", "\"1209:0001\", \(member)", at: at, keys, says)
  }

  static let dfu: [Case] = [
    Case("\"st-library\"", "\"st-libary\"", "dfu.dialect", "“st-library”"),
    Case("\"dialect\": \"st-library\",", "", at: "{\n    \n", "dfu.dialect", "has to be told"),
    Case("1024,", "0,", at: "0,\n", "dfu.transfer-size", "1 to 65535"),
    Case("1024,", "65536,", "dfu.transfer-size", "1 to 65535"),
    Case("1024,", "1.5,", "dfu.transfer-size", "1 to 65535"),
    Case("1024,", "-1,", "dfu.transfer-size", "1 to 65535"),
    Case(
      "1024,", "1024, \"attributes\": [\"can-fly\"],", at: "\"can-fly\"", "dfu.attributes[0]",
      "can-download"),
    Case(
      "1024,", "1024, \"attributes\": [\"can-upload\", \"can-upload\"],", at: "\"can-upload\"],",
      "dfu.attributes[1]", "twice"),
    Case(
      "1024,", "1024, \"detach-timeout\": \"66 s\",", at: "\"66 s\"", "dfu.detach-timeout",
      "65535 at most"),
    Case(
      "1024,", "1024, \"detach-timeout\": \"0.5 ms\",", at: "\"0.5 ms\"", "dfu.detach-timeout",
      "whole milliseconds"),
    Case("1024,", "1024, \"detach-timeout\": 255,", at: "255", "dfu.detach-timeout", "its unit"),
    Case("1024,", "1024, \"version\": \"1\",", at: "\"1\",", "dfu.version", "\"1.1a\""),
    Case("1024,", "1024, \"protocol\": 256,", at: "256", "dfu.protocol", "0 to 255"),
    Case(
      "1024,", "1024, \"functional-descriptor\": \"behind\",", at: "\"behind\"",
      "dfu.functional-descriptor", "after-last-setting"),
    Case("[ { \"memory\": \"Flash\" } ]", "[]", "dfu.settings", "at least one"),
    Case("[ { \"memory\": \"Flash\" } ]", "{}", "dfu.settings", "A list belongs here"),
    Case(
      "\"memory\": \"Flash\"", "\"memory\": \"Flsh\"", at: "\"Flsh\"", "dfu.settings[0].memory",
      "“Flash”"),
    Case("{ \"memory\": \"Flash\" }", "{ }", "dfu.settings[0]", "tells nothing"),
    Case(
      "\"memory\": \"Flash\"", "\"memory\": \"Flash\", \"string\": \"@\"",
      at: "\"Flash\", \"string\"",
      "dfu.settings[0].memory", "not both"),
    Case(
      "\"memory\": \"Flash\"", "\"string\": \"@\", \"name\": \"x\"", at: "\"x\"",
      "dfu.settings[0].name", "Remove it"),
    Case(
      "\"memory\": \"Flash\"", "\"memory\": \"Flash\", \"name\": \"a/b\"", at: "\"a/b\"",
      "dfu.settings[0].name", "slash"),
    Case(
      "\"memory\": \"Flash\"", "\"memory\": []", at: "[]", "dfu.settings[0].memory", "no memory"),
    Case(
      "\"memory\": \"Flash\"", "\"memory\": [\"Flash\", 3]", at: "3] }",
      "dfu.settings[0].memory[1]",
      "A text belongs here"),
    Case(
      "\"memory\": \"Flash\"", "\"string\": \"@\(String(repeating: "x", count: 126))\"",
      at: "\"@xx",
      "dfu.settings[0].string", "this has 127"),
    Case(
      "\"memory\": \"Flash\"",
      "\"memory\": \"Flash\", \"name\": \"\(String(repeating: "x", count: 100))\"",
      at: "\"Flash\", \"name\"", "dfu.settings[0].memory", "130 characters"),
    Case(
      "[ { \"memory\": \"Flash\" } ]",
      "[\(Array(repeating: "{ \"memory\": \"Flash\" }", count: 65).joined(separator: ","))]",
      at: "[{ \"memory\"", "dfu.settings", "65 are too many"),
  ]

  static let memories: [Case] = [
    Case(
      "\"kind\": \"flash\",", "", at: "{\n      \"name\": \"Flash\"", "memories[0].kind",
      "has to be"),
    Case(
      "\"kind\": \"flash\"", "\"kind\": \"flsh\"", at: "\"flsh\"", "memories[0].kind", "“flash”"),
    Case(
      "\"address\": \"0x08000000\",", "", at: "{\n      \"name\": \"Flash\"", "memories[0].address",
      "has to be told"),
    Case("\"0x08000000\"", "\"0x108000000\"", "memories[0].address", "0xFFFFFFFF"),
    Case("\"0x08000000\"", "-1", "memories[0].address", "0xFFFFFFFF"),
    Case(
      "\"0x08000000\"", "\"0xFFFF0000\"", at: "{ \"size\": \"64K\"", "memories[0].sectors[1]",
      "32 bits"),
    Case(
      "\"0x08000000\"", "\"0x20000000\"", at: "{ \"name\": \"RAM\"", "memories[1]",
      "overlaps memory 1 (Flash), which has 0x20000000 to 0x2001FFFF"),
    Case(
      "\"name\": \"RAM\"", "\"name\": \"Flash\"", at: "\"Flash\", \"kind\": \"ram\"",
      "memories[1].name", "already"),
    Case("\"name\": \"RAM\"", "\"name\": \"\"", at: "\"\"", "memories[1].name", "1 to 64"),
    Case(
      "\"name\": \"RAM\", ", "", at: "{ \"kind\": \"ram\"", "memories[1].name", "has to be told"),
    Case(
      "\"count\": 4", "\"count\": 0", at: "0, \"size\"", "memories[0].sectors[0].count", "from 1"),
    Case(
      "\"count\": 4", "\"count\": 262145", at: "262145", "memories[0].sectors[0].count", "262144"),
    Case("\"16K\" }, {", "0 }, {", at: "0 }, {", "memories[0].sectors[0].size", "from 1 to 4 GiB"),
    Case(
      "\"16K\" }, {", "\"16 kilo\" }, {", at: "\"16 kilo\"", "memories[0].sectors[0].size",
      "\"2 MiB\""),
    Case("\"16K\" }, {", "\"5G\" }, {", at: "\"5G\"", "memories[0].sectors[0].size", "4 GiB"),
    Case(
      "{ \"count\": 4, \"size\": \"16K\" }", "{ \"count\": 4 }", "memories[0].sectors[0].size",
      "has to be told"),
    Case("[ { \"size\": \"128K\" } ]", "[]", "memories[1].sectors", "at least one sector"),
    Case("[\"read\"]", "[\"reed\"]", at: "\"reed\"", "memories[0].sectors[1].rights[0]", "“read”"),
    Case(
      "\"kind\": \"flash\",", "\"kind\": \"flash\", \"unit\": 0,", at: "0,\n      \"address\"",
      "memories[0].unit", "1 to 65536"),
    Case(
      "\"kind\": \"flash\",", "\"kind\": \"flash\", \"unit\": 3,", at: "3,", "memories[0].unit",
      "divides every sector"),
    Case(
      "\"kind\": \"flash\",", "\"kind\": \"flash\", \"reprogramming\": \"no\",", at: "\"no\"",
      "memories[0].reprogramming", "clears-bits"),
    Case(
      "\"kind\": \"ram\"", "\"kind\": \"write-once\", \"x\": 1", at: "\"x\"", "memories[1].x",
      "There are name, kind"),
    Case(
      "[ { \"size\": \"128K\" } ]", "[ { \"size\": \"193M\" } ]", at: "{ \"name\": \"RAM\"",
      "memories[1]", "192 MiB, which is the limit"),
    Case(
      "[ { \"size\": \"128K\" } ]", "[ { \"count\": 262144, \"size\": 1 } ]",
      at: "{ \"name\": \"RAM\"", "memories[1]", "262144 sectors, which is the limit"),
    erasable("write-once", "never erased"), erasable("option-bytes", "writing replaces them"),
  ]

  static func erasable(_ kind: String, _ says: String) -> Case {
    Case(
      "\"ram\", \"address\": \"0x20000000\", \"sectors\": [ { \"size\": \"128K\" } ]",
      "\"\(kind)\", \"address\": 0, \"sectors\": [ { \"size\": 16, \"rights\": [\"erase\"] } ]",
      at: "[ { \"size\": 16", "memories[1].sectors", says)
  }

  static let others: [Case] = [
    Case("\"times\": {", "\"times\": { \"x\": 1,", at: "\"x\"", "memories[0].times.x", "program"),
    Case(
      "\"program\": \"16 us\", ", "", at: "{ \"erase\"", "memories[0].times.program", "for flash"),
    Case("\"16 us\"", "\"-16 us\"", "memories[0].times.program", "not negative"),
    Case("\"16 us\"", "\"61 min\"", "memories[0].times.program", "an hour"),
    Case("\"16 us\"", "16", at: "16,", "memories[0].times.program", "its unit"),
    Case(
      "\"16K\": \"250 ms\"", "\"16 kilo\": \"250 ms\"", at: "\"16 kilo\"",
      "memories[0].times.erase.16 kilo", "no size"),
    Case(
      "\"64K\": \"550 ms\"", "\"0x4000\": \"550 ms\"", at: "\"0x4000\"",
      "memories[0].times.erase.0x4000", "already"),
    end("\"timing\": { \"poll-timeout\": \"never\" }", "\"never\"", "timing.poll-timeout", "exact"),
    poll("always"), poll("constant:"), poll("constant:-1"), poll("constant:+1"),
    poll("constant:16777216"), poll("constant:1:2"), poll("at-most:1 ms"), poll("zero:1"), poll(""),
    end("\"timing\": { \"restart\": \"0 ms\" }", "\"0 ms\"", "timing.restart", "1 ms"),
    end("\"timing\": { \"set-address\": \"1 day\" }", "\"1 day\"", "timing.set-address", "ms"),
    end("\"behaviour\": { \"busy\": \"sleeps\" }", "\"sleeps\"", "behaviour.busy", "answers"),
    end("\"behaviour\": { \"leave\": \"a\" }", "\"a\"", "behaviour.leave", "after-download"),
    end(
      "\"behaviour\": { \"quirks\": [\"no-quirk\"] }", "\"no-quirk\"", "behaviour.quirks[0]",
      "clear-status-trap"),
    end("\"behavior\": {}", "\"behavior\"", "behavior", "“behaviour”"),
    end(
      "\"launch\": { \"address\": \"0x09000000\" }", "{ \"address\": \"0x09000000\"", "launch",
      "No memory is at 0x09000000"),
    end(
      "\"launch\": { \"ram\": [ { \"address\": 0 } ] }", "{ \"address\": 0", "launch.ram[0].size",
      "has to be told"),
    end("\"launch\": { \"pointer\": \"here\" }", "\"here\"", "launch.pointer", "0xFFFFFFFF"),
    end(
      "\"protection\": { \"option-bytes\": \"stm32f4\" }", "\"stm32f4\" }",
      "protection.option-bytes",
      "no memory for them"),
    end(
      "\"protection\": { \"option-bytes\": \"stm32f5\" }", "\"stm32f5\" }",
      "protection.option-bytes",
      "not known here"),
    end(
      "\"application\": { \"id\": \"dfu\" }", "\"dfu\" }", "application.id", "vendor and product"),
    end("\"application\": { \"protocol\": 3 }", "3 }", "application.protocol", "0 to 2"),
    end(
      "\"application\": { \"way-back\": \"home\" }", "\"home\" }", "application.way-back",
      "second-reset"),
    end(
      "\"launch\": { \"starts-anything\": 1 }", "1 }", "launch.starts-anything", "rue or false"),
    Case(
      "\"kind\": \"ram\",", "\"kind\": \"ram\", \"erased-byte\": 256,", at: "256",
      "memories[1].erased-byte", "0 to 255"),
    Case(
      "\"kind\": \"ram\",",
      "\"kind\": \"ram\", \"locks\": {\"address\": 0, \"count\": 1, \"block\": 1},",
      at: "{\"address",
      "memories[1].locks", "written once"),
    Case(
      "\"kind\": \"ram\",",
      "\"kind\": \"write-once\", \"locks\": {\"address\":\"0x20000008\",\"count\":8,\"block\":2},",
      at: "{\"address", "memories[1].locks", "behind its blocks"),
    Case(
      "\"id\": \"1209:0001\"", "\"id\": \"1209:0001\", \"more-strings\": {\"0\": \"x\"}",
      at: "\"0\"",
      "usb.more-strings.0", "1 to 255"),
    Case(
      "\"id\": \"1209:0001\"", "\"id\": \"1209:0001\", \"more-strings\": []", at: "[]",
      "usb.more-strings", "by its index"),
    end(
      "\"protection\": { \"write-protected-sectors\": [4, 5] }", "5]",
      "protection.write-protected-sectors[1]", "0 to 4"),
    end(
      "\"contents\": [ { \"address\": 0, \"bytes\": \"00\" } ]", "0, \"bytes\"",
      "contents[0].address",
      "No memory has 1 byte"),
    end(
      "\"contents\": [ { \"address\": \"0x0801FFFF\", \"bytes\": \"0000\" } ]", "\"0x0801FFFF\"",
      "contents[0].address", "2 bytes"),
    end(
      "\"contents\": [ { \"address\": \"0x08000000\", \"bytes\": \"0\" } ]", "\"0\"",
      "contents[0].bytes",
      "pairs"),
    end(
      "\"contents\": [ { \"bytes\": \"00\" } ]", "{ \"bytes\"", "contents[0].address",
      "has to be told"),
  ]

  static func poll(_ text: String) -> Case {
    end(
      "\"timing\": { \"poll-timeout\": \"\(text)\" }", "\"\(text)\" }", "timing.poll-timeout",
      "constant:N")
  }

  /// A section more, at the end.
  static func end(_ section: String, _ at: String, _ keys: String, _ says: String) -> Case {
    Case("\n  ]\n}", "\n  ],\n  \(section)\n}", at: at, keys, says)
  }

  @Test(arguments: whole + usb + dfu + memories + others)
  func `a mistake is told with its place, its key and what to write`(_ test: Case) {
    let sound = ProfileDescriptionTests.sound
    #expect(sound.contains(test.old))
    let text = sound.replacing(test.old, with: test.new, maxReplacements: 1)
    let error = #expect(throws: ProfileDescriptionError.self) {
      try ProfileDescriptionTests.read(text)
    }
    #expect(error?.faults.count == 1, "\(error?.description ?? "")")
    guard let fault = error?.faults.first else { return }
    #expect(fault.path.keys == test.keys)
    #expect(fault.place == PlaceInText.of(test.at, in: text), "\(fault)")
    let words = "\(fault.sentence) \(fault.help ?? "")"
    #expect(words.contains(test.says), "\(words)")
    #expect(error?.description.contains("mine.json:\(fault.place.line):") == true)
  }

  @Test func `all mistakes are told at once, in the order of the text`() throws {
    var text = ProfileDescriptionTests.sound
    for (old, new) in [
      ("\"1209:0001\"", "\"1209\""), ("1024", "0"), ("\"16 us\"", "\"-1 us\""),
      ("\"128K\"", "\"128 kilo\""),
    ] { text = text.replacing(old, with: new) }
    let error = #expect(throws: ProfileDescriptionError.self) {
      try ProfileDescriptionTests.read(text)
    }
    #expect(
      error?.faults.map(\.path.keys) == [
        "usb.id", "dfu.transfer-size", "memories[0].times.program", "memories[1].sectors[0].size",
      ])
    #expect(error?.sentence == "mine.json does not describe a device: 4 mistakes.")
    #expect(error?.untold == 0)
  }

  @Test func `what refers to a memory that is wrong is not wrong for that`() {
    let text = ProfileDescriptionTests.sound.replacing("\"kind\": \"flash\"", with: "\"kind\": 3")
      .replacing(
        "\n  ]\n}", with: "\n  ],\n  \"contents\": [{\"address\":\"0x08000000\",\"bytes\":\"00\"}]}"
      )
    let error = #expect(throws: ProfileDescriptionError.self) {
      try ProfileDescriptionTests.read(text)
    }
    #expect(error?.faults.map(\.path.keys) == ["memories[0].kind"])
  }

  @Test func `twenty mistakes are told, and the others counted`() {
    let keys = (0..<50).map { "\"unknown-\($0)\": 0" }.joined(separator: ", ")
    let error = #expect(throws: ProfileDescriptionError.self) {
      try ProfileDescriptionTests.based("\"base\": \"dfu11\", \(keys)")
    }
    #expect(error?.faults.count == 20)
    #expect(error?.untold == 30)
    #expect(error?.sentence.contains("50 mistakes") == true)
    #expect(error?.description.hasSuffix("and 30 more.") == true)
  }

  @Test func `a way is told in words, the nearest first`() {
    let entry = DescriptionPath.Step.entry(noun: "memory", number: 2, index: 1, name: "Flash")
    let run = DescriptionPath.Step.entry(noun: "sector run", number: 3, index: 2, name: nil)
    let path = DescriptionPath([
      .member("memories"), entry, .member("sectors"), run, .member("size"),
    ])
    #expect(path.words == "“size” in sector run 3 in memory 2 (Flash)")
    #expect(path.keys == "memories[1].sectors[2].size")
    #expect(DescriptionPath().words == nil)
  }
}
