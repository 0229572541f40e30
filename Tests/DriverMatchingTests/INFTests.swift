import DriverMatching
import Testing

@Suite("The text of an INF") struct INFTests {
  static let head = "[Version]\nSignature=\"$Windows NT$\"\n"

  private static func lines(_ body: String) throws -> [INF.Line] {
    let inf = try INF(text: head + "[S]\n" + body, name: "a.inf")
    return try #require(inf.section("s")).lines
  }

  @Test(
    arguments: [
      ("a = b, c", "a", ["b", "c"]), ("a=", "a", [""]), ("a=b,", "a", ["b", ""]),
      ("a", nil, ["a"]), ("a,,b", nil, ["a", "", "b"]), ("\ta\t=\tb c\t, d ;e", "a", ["b c", "d"]),
      ("a = \"b, ;c\"", "a", ["b, ;c"]), ("a = \"say \"\"no\"\"\"", "a", ["say \"no\""]),
      ("a = \"b\" \"c\"", "a", ["b c"]), ("a = \" b \"", "a", [" b "]),
      ("HKR,,A,,x=y", nil, ["HKR", "", "A", "", "x=y"]), ("a = b=c", "a", ["b=c"]),
      ("a = b, \\\n   c", "a", ["b", "c"]), ("a = b, \\ ; why\n\tc", "a", ["b", "c"]),
      ("a = C:\\dir\\f", "a", ["C:\\dir\\f"]), ("\"a=b\" = c", "a=b", ["c"]),
      ("a = %x;y%, c ; d", "a", ["%x;y%", "c"]), ("a = 5% ; of 7", "a", ["5%"]),
      ("a = b\r", "a", ["b"]),
    ] as [(String, String?, [String])])
  func `a line has a key and fields`(_ text: String, _ key: String?, _ fields: [String]) throws {
    let line = try #require(try Self.lines(text).first)
    #expect(line.key == key)
    #expect(line.fields == fields)
  }

  @Test func `lines keep their numbers across comments, continuations and sections of one name`()
    throws
  {
    let inf = try INF(
      text: Self.head + "; note\n[One]\na = 1, \\\n 2\nb\n[Two]\nc\n[ONE]\nd", name: "a.inf")
    let one = try #require(inf.section("one"))
    #expect(one.name == "One")
    #expect(one.lines.map(\.number) == [5, 7, 11])
    #expect(one.lines.map(\.fields) == [["1", "2"], ["b"], ["d"]])
    #expect(inf.sections.map(\.name) == ["Version", "One", "Two"])
  }

  struct Encoded: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var bytes: [UInt8]
    var encoding: INFEncoding
    var slugs: [String] = []

    static let text = head + "[S]\na = Gerät €\n"
    static func units(_ isBig: Bool) -> [UInt8] {
      text.utf16.flatMap { unit -> [UInt8] in
        let pair = [UInt8(unit & 0xFF), UInt8(unit >> 8)]
        return isBig ? pair.reversed() : pair
      }
    }
    static let all = [
      Encoded(
        testDescription: "UTF-16, low byte first", bytes: [0xFF, 0xFE] + units(false),
        encoding: .utf16LittleEndian),
      Encoded(
        testDescription: "UTF-16, high byte first", bytes: [0xFE, 0xFF] + units(true),
        encoding: .utf16BigEndian),
      Encoded(
        testDescription: "UTF-16 without a mark", bytes: units(false), encoding: .utf16LittleEndian,
        slugs: ["inf-no-byte-order-mark"]),
      Encoded(
        testDescription: "UTF-8 with a mark", bytes: [0xEF, 0xBB, 0xBF] + Array(text.utf8),
        encoding: .utf8),
      Encoded(
        testDescription: "code page 1252",
        bytes: Array((head + "[S]\na = Ger").utf8) + [0xE4] + Array("t ".utf8) + [0x80, 0x0A],
        encoding: .ansi),
    ]
  }

  @Test(arguments: Encoded.all)
  func `text is read in each encoding`(_ encoded: Encoded) throws {
    let inf = try INF(encoded.bytes, name: "a.inf")
    #expect(inf.encoding == encoded.encoding)
    #expect(inf.section("S")?.lines.first?.fields == ["Gerät €"])
    #expect(inf.findings.map(\.slug) == encoded.slugs)
  }

  @Test func `UTF-8 without a mark is read as Windows reads it, and that is told`() throws {
    let inf = try INF(Array((Self.head + "[S]\na = ä").utf8), name: "a.inf")
    #expect(inf.section("S")?.lines.first?.fields == ["Ã¤"])
    #expect(inf.findings.map(\.slug) == ["inf-utf8-without-mark"])
    #expect(inf.findings.map(\.line) == [4])
  }

  static let strings = """
    [Strings]
    n = plain
    only = 1
    [Strings.0407]
    N = deutsch
    [Strings.000C]
    n = français
    [Strings.0C0A]
    n = español
    [S]
    %n% = %N%, 100%%, %only%, %12%\\x.sys, %self%
    [A.%n%]
    b
    """

  @Test(
    arguments: [
      (0x0409, "Strings", "plain"), (0x0407, "Strings.0407", "deutsch"),
      (0x0807, "Strings.0407", "deutsch"), (0x040C, "Strings.000C", "français"),
      (0x040A, "Strings.0C0A", "español"),
    ] as [(UInt16, String, String)])
  func `one section of strings is used, the closest to the language`(
    _ language: UInt16, _ section: String, _ value: String
  ) throws {
    let reading = INFReading(
      try INF(text: Self.head + Self.strings, name: "a.inf"), language: language)
    #expect(reading.stringsSection == section)
    let line = try #require(reading.section("S")?.lines.first)
    #expect(reading.expand(line.key ?? "") == value)
    #expect(
      line.fields.map(reading.expand) == [
        value, "100%", section == "Strings" ? "1" : "%only%", "%12%\\x.sys", "%self%",
      ])
    #expect(reading.section("a." + value)?.lines.map(\.fields) == [["b"]])
  }

  @Test func `a token in a replacement stays, and no replacement grows without an end`() throws {
    let long = String(repeating: "%a%", count: 1000)
    let text =
      Self.head + "[Strings]\na = \"%a%%b%\"\nb = " + String(repeating: "x", count: 4000)
      + "\n[S]\n%a%, " + long + ", " + String(repeating: "%b%", count: 1000)
    let reading = INFReading(try INF(text: text, name: "a.inf"))
    let fields = try #require(reading.section("S")?.lines.first).fields.map(reading.expand)
    #expect(fields[0] == "%a%%b%")
    #expect(fields[1].utf16.count == INF.fieldLimit)
    #expect(fields[2].utf16.count == INF.fieldLimit)
  }

  struct Rejected: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var text: String
    var slug: String
    var line: Int

    init(_ name: String, _ text: String, _ slug: String, _ line: Int) {
      (testDescription, self.text, self.slug, self.line) = (name, text, slug, line)
    }

    static let all = [
      Rejected("nothing", "", "inf-no-version", 0),
      Rejected("a comment", "; [Version]\n", "inf-no-version", 0),
      Rejected("no signature", "\n[Version]\nClass=USB\n", "inf-no-version", 2),
      Rejected("another signature", "[Version]\nSignature=\"$DOS$\"", "inf-unknown-signature", 2),
      Rejected("text in front", "; a\nhello\n" + head, "inf-text-before-section", 2),
      Rejected("an open section", head + "[Foo\na=b\n", "inf-unclosed-section", 3),
      Rejected(
        "a long section", head + "[" + String(repeating: "x", count: 256) + "]",
        "inf-section-name-too-long", 3),
      Rejected(
        "a megabyte without an end", head + String(repeating: "y", count: 1 << 20),
        "inf-field-too-long", 3),
      Rejected(
        "a megabyte in quotation marks", head + "\n\"" + String(repeating: ";", count: 1 << 20),
        "inf-field-too-long", 4),
      Rejected(
        "a megabyte of section name", head + "[" + String(repeating: "[", count: 1 << 20),
        "inf-unclosed-section", 3),
      Rejected(
        "commas", head + String(repeating: ",", count: 1 << 21), "inf-too-many-fields", 3),
      Rejected("a zero in front", "\0" + head, "inf-text-before-section", 1),
    ]
  }

  @Test(arguments: Rejected.all)
  func `what Windows rejects is an error with its line`(_ rejected: Rejected) {
    do {
      _ = try INF(text: rejected.text, name: "bad.inf")
      Issue.record("it was read")
    } catch {
      #expect(error.slug == rejected.slug)
      #expect(error.line == rejected.line)
      #expect(error.sentence.hasPrefix("bad.inf"))
      #expect(error.help?.isEmpty == false)
    }
  }

  @Test(arguments: [
    ("\\ ", "\\"), ("%;", "%"), ("%a", "%a"), ("\"\"", "\""), ("=", ""), ("[", "["),
  ])
  func `a megabyte of one odd thing ends`(_ unit: String, _ expected: String) {
    // What comes of it differs; that it ends, and soon, is what counts.
    let text = Self.head + "[S]\na=" + String(repeating: unit, count: 1 << 19)
    let inf = try? INF(text: text, name: "a.inf")
    #expect(inf?.section("S")?.lines.first?.field(0).utf16.count ?? 0 <= INF.fieldLimit)
  }

  @Test func `what is cut off in the middle of a character is told with its line`() throws {
    let units = (Self.head + "[S]\na=b").utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    let odd = try INF([0xFF, 0xFE] + units + [0x41], name: "a.inf")
    #expect(odd.findings.map(\.slug) == ["inf-odd-length"])
    #expect(odd.findings.map(\.line) == [4])
    #expect(odd.section("S")?.lines.map(\.fields) == [["b"]])
    let lone = try INF([0xFF, 0xFE] + units + [0x00, 0xD8, 0x41, 0x00], name: "a.inf")
    #expect(lone.findings.map(\.slug) == ["inf-lone-surrogate"])
    #expect(lone.section("S")?.lines.map(\.fields) == [["b\u{FFFD}A"]])
    let zero = try INF(text: Self.head + "[S]\na=b\0c\n", name: "a.inf")
    #expect(zero.findings.map(\.slug) == ["inf-zero-byte"])
    #expect(zero.findings.map(\.line) == [4])
    let broken = try INF(
      [0xEF, 0xBB, 0xBF] + Array((Self.head + "[S]\na=").utf8) + [0xFF], name: "a.inf")
    #expect(broken.findings.map(\.slug) == ["inf-invalid-utf8"])
    #expect(broken.findings.map(\.line) == [4])
  }

  @Test(
    arguments: [
      ("[S]\na = \"b", ["inf-unterminated-string"], [4]),
      (
        "ClassGuid={36fc9e60-c465-11cf-8056-444553540000}\nDriverVer=01/02/2020,1.0\n"
          + "CatalogFile=a.cat\n[Manufacturer]\na=M,NT$ARCH$.10.0\n[M.NT$ARCH$.10.0]\n",
        ["inf-template"], [7]
      ),
      ("[S]\na = %nobody%", ["inf-undefined-token"], [4]),
      ("[Strings]\na=1\n[Strings.0407]\nb=1\n[S]\n%a%", ["inf-token-lacks-in-language"], [8]),
      ("[Strings.0a]\na=1\n", ["inf-strings-language"], [3]),
      (
        "[X.Services]\nAddService=a,2,b\nAddService=c,0x2,d", ["inf-two-function-drivers"], [5]
      ),
      (
        "[R]\nHKR,,DeviceInterfaceGUIDs,0x10000,01105872-bf45-43be-8b67-3c0f2b8cf0d9",
        ["inf-interface-guid"], [4]
      ),
      (
        "ClassGuid={36fc9e60-c465-11cf-8056-444553540000}\nDriverVer=\nCatalogFile=a.cat\n"
          + "[Manufacturer]\na=M\n[M]\nx=I,usb\\vid_0483&pid_df11&rev_2200\n",
        ["inf-no-date", "inf-undecorated-models", "inf-revision-only"], [4, 7, 9]
      ),
      (
        "ClassGuid=36fc9e60-c465-11cf-8056-444553540000\nDriverVer=01/02/2020,1.0\n"
          + "[Manufacturer]\na=M,NTamd64,NTfoo\n",
        ["inf-no-catalog", "inf-class-guid", "inf-missing-models", "inf-unknown-decoration"],
        [1, 3, 6, 6]
      ),
    ] as [(String, [String], [Int])])
  func `what does not do what it was meant to do is a finding with its line`(
    _ body: String, _ slugs: [String], _ lines: [Int]
  ) throws {
    let inf = try INF(text: Self.head + body, name: "a.inf")
    #expect(inf.findings.map(\.slug) == slugs)
    #expect(inf.findings.map(\.line) == lines)
  }
}
