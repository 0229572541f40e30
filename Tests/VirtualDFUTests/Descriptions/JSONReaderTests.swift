import Testing

@testable import VirtualDFU

@Suite("JSON") struct JSONReaderTests {
  struct Accepted: CustomTestStringConvertible {
    var text: String
    var content: JSONValue.Content
    var testDescription: String { text.debugDescription }

    init(_ text: String, _ content: JSONValue.Content) {
      self.text = text
      self.content = content
    }
  }

  static func number(
    _ text: String, _ digits: UInt64?, exponent: Int = 0, isNegative: Bool = false
  ) -> JSONValue.Content {
    .number(JSONNumber(text: text, isNegative: isNegative, digits: digits, exponent: exponent))
  }

  static let accepted: [Accepted] = [
    Accepted("null", .null), Accepted("true", .flag(true)), Accepted("false", .flag(false)),
    Accepted(" \t\r\n null \n", .null), Accepted("\u{FEFF}null", .null),
    Accepted("// first\nnull // last", .null), Accepted("//\r//\r\nnull//", .null),
    Accepted("[]", .array([])), Accepted("{}", .object([])), Accepted("[ ]", .array([])),
    Accepted("[//\n]", .array([])),
    Accepted("0", number("0", 0)), Accepted("-0", number("-0", 0, isNegative: true)),
    Accepted("10", number("10", 10)),
    Accepted("18446744073709551615", number("18446744073709551615", .max)),
    Accepted("18446744073709551616", number("18446744073709551616", nil)),
    Accepted("1.50", number("1.50", 150, exponent: -2)),
    Accepted("-2.5e+3", number("-2.5e+3", 25, exponent: 2, isNegative: true)),
    Accepted("1E2", number("1E2", 1, exponent: 2)),
    Accepted("1e-2", number("1e-2", 1, exponent: -2)),
    Accepted(
      "1e999999999999999999999", number("1e999999999999999999999", 1, exponent: 10_000)),
    Accepted("\"\"", .text("")), Accepted("\"a\"", .text("a")),
    Accepted(#""\" \\ \/ \b \f \n \r \t""#, .text("\" \\ / \u{08} \u{0C} \n \r \t")),
    Accepted(#""\u0041\u00e9\u20AC""#, .text("Aé€")), Accepted(#""\u0000""#, .text("\0")),
    Accepted(#""\ud83d\ude00\uD83D\uDE00""#, .text("😀😀")),
    Accepted("\"é€😀\"", .text("é€😀")), Accepted("\"\u{7F}\u{2028}\"", .text("\u{7F}\u{2028}")),
    Accepted("\"// no comment\"", .text("// no comment")),
  ]

  @Test(arguments: accepted)
  func `what RFC 8259 allows is read, and comments`(_ test: Accepted) throws {
    #expect(try JSONReader.read(Array(test.text.utf8)).root.content == test.content)
    // The same inside a list and an object.
    guard !test.text.hasPrefix("\u{FEFF}") else { return }
    let nested = try JSONReader.read(Array("[{\"k\":\(test.text)\n}]".utf8)).root
    guard case .array(let list) = nested.content, case .object(let members)? = list.first?.content
    else {
      Issue.record("\(nested)")
      return
    }
    #expect(members.first?.value.content == test.content)
  }

  struct Rejected: CustomTestStringConvertible {
    var text: String
    var line: Int
    var column: Int
    var says: String
    var testDescription: String { text.debugDescription }

    init(_ text: String, _ line: Int, _ column: Int, _ says: String) {
      self.text = text
      self.line = line
      self.column = column
      self.says = says
    }
  }

  static let rejected: [Rejected] = [
    Rejected("", 1, 1, "nothing in it"), Rejected(" \n", 1, 1, "nothing in it"),
    Rejected("// only", 1, 1, "nothing in it"),
    Rejected("null null", 1, 6, "follows behind the end"), Rejected("{}}", 1, 3, "too many"),
    Rejected("[1,]", 1, 3, "Nothing follows"), Rejected("{\"a\":1,\n}", 1, 7, "Nothing follows"),
    Rejected("[1 2]", 1, 4, "comma is missing"),
    Rejected("{\"a\":1\n\"b\":2}", 2, 1, "comma is missing"),
    Rejected("[1}", 1, 3, "another kind of bracket"),
    Rejected("{\"a\":1]", 1, 7, "another kind of bracket"),
    Rejected("[", 1, 2, "line 1, column 1"), Rejected("[1", 1, 3, "line 1, column 1"),
    Rejected("[1,", 1, 4, "line 1, column 1"), Rejected("{\"a\"", 1, 5, "line 1, column 1"),
    Rejected("{\"a\":", 1, 6, "line 1, column 1"), Rejected("\n [[", 2, 4, "line 2, column 3"),
    Rejected("[,1]", 1, 2, "No value begins"), Rejected("{,}", 1, 2, "name in double quotes"),
    Rejected("{a:1}", 1, 2, "name in double quotes"),
    Rejected("{'a':1}", 1, 2, "name in double quotes"), Rejected("{1:1}", 1, 2, "name in double"),
    Rejected("{\"a\" 1}", 1, 6, "colon is missing"),
    Rejected("{\"a\"=1}", 1, 5, "colon is missing"),
    Rejected("]", 1, 1, "No value begins"), Rejected("'a'", 1, 1, "double quotes"),
    Rejected("“a”", 1, 1, "typographic"), Rejected("[a”]", 1, 2, "typographic"),
    Rejected("True", 1, 1, "“True” is no value"), Rejected("NaN", 1, 1, "is no value"),
    Rejected("nul", 1, 1, "is no value"), Rejected("nullx", 1, 1, "is no value"),
    Rejected("+1", 1, 1, "No value begins"), Rejected(".5", 1, 1, "is no value"),
    Rejected("-", 1, 1, "digit belongs"), Rejected("-a", 1, 1, "digit belongs"),
    Rejected("01", 1, 1, "begin with 0"), Rejected("-01", 1, 1, "begin with 0"),
    Rejected("00", 1, 1, "begin with 0"), Rejected("1.", 1, 3, "decimal point"),
    Rejected("1.e1", 1, 3, "decimal point"), Rejected("1e", 1, 3, "exponent"),
    Rejected("1e+", 1, 4, "exponent"), Rejected("[0x10]", 1, 2, "\"0x08000000\""),
    Rejected("-0X1", 1, 1, "hexadecimal"), Rejected("[16K]", 1, 2, "\"16K\""),
    Rejected("1.2.3", 1, 1, "unit"), Rejected("1_000", 1, 1, "unit"),
    Rejected("\"a", 1, 1, "not closed"), Rejected("[\n  \"a\n\"]", 2, 3, "not closed on its line"),
    Rejected("\"a\rb\"", 1, 1, "not closed on its line"),
    Rejected("\"a\tb\"", 1, 3, "\\u0009"), Rejected("\"\u{1F}\"", 1, 2, "\\u001f"),
    Rejected(#""\x""#, 1, 2, "backslash"), Rejected(#""é\"#, 1, 3, "backslash"),
    Rejected(#""\u12""#, 1, 2, "Four hexadecimal"),
    Rejected(#""\u12G4""#, 1, 2, "Four hexadecimal"),
    Rejected(#""\u"#, 1, 2, "Four hexadecimal"), Rejected(#""a\ud83d""#, 1, 3, "half"),
    Rejected(#""\ud83d\n""#, 1, 2, "half"), Rejected(#""\ud83d\u0041""#, 1, 2, "half"),
    Rejected(#""\ude00""#, 1, 2, "half"), Rejected(#""\ud83d\ud83d""#, 1, 2, "half"),
    Rejected("/* a */ 1", 1, 1, "begins with //"), Rejected("# a\n1", 1, 1, "begins with //"),
    Rejected("1 /", 1, 3, "begins with //"), Rejected("\u{A0}1", 1, 1, "is no value"),
    Rejected("[1]\n\u{FEFF}", 2, 1, "follows behind the end"),
  ]

  @Test(arguments: rejected)
  func `what it does not allow is told with its place and what to write`(_ test: Rejected) {
    let fault = #expect(throws: JSONFault.self) { try JSONReader.read(Array(test.text.utf8)) }
    #expect(fault?.place == TextPlace(line: test.line, column: test.column))
    let words = (fault?.sentence ?? "") + " " + (fault?.help ?? "")
    #expect(words.contains(test.says), "\(words)")
  }

  struct Encoding: CustomTestStringConvertible {
    var bytes: [UInt8]
    var column: Int
    var testDescription: String { "\(bytes)" }
  }

  @Test(arguments: [
    Encoding(bytes: [0x22, 0xFF, 0x22], column: 2), Encoding(bytes: [0x22, 0xC3, 0x22], column: 2),
    Encoding(bytes: [0x22, 0xC3, 0xA9, 0xED, 0xA0, 0x80, 0x22], column: 3),
    Encoding(bytes: [0x22, 0xC0, 0x80, 0x22], column: 2), Encoding(bytes: [0x80], column: 1),
    Encoding(bytes: [0xFE, 0xFF, 0x00, 0x7B], column: 1),
    Encoding(bytes: [0xFF, 0xFE, 0x7B, 0x00], column: 1),
  ])
  func `bytes that are not UTF-8 are told by their place`(_ test: Encoding) {
    let fault = #expect(throws: JSONFault.self) { try JSONReader.read(test.bytes) }
    #expect(fault?.place == TextPlace(line: 1, column: test.column))
    #expect(fault?.help?.contains("UTF-8") == true)
  }

  @Test func `every value and every name knows its place`() throws {
    let text = "// é\r\n{ \"é\": [1,\r  {\"b\" : \"x\"}],\n\t\"c\": null }"
    let root = try JSONReader.read(Array(text.utf8)).root
    #expect(root.place == TextPlace(line: 2, column: 1))
    guard case .object(let members) = root.content,
      case .array(let list) = members[0].value.content,
      case .object(let inner) = list[1].content
    else {
      Issue.record("\(root)")
      return
    }
    #expect(members[0].namePlace == TextPlace(line: 2, column: 3))
    #expect(members[0].value.place == TextPlace(line: 2, column: 8))
    #expect(list[0].place == TextPlace(line: 2, column: 9))
    #expect(list[1].place == TextPlace(line: 3, column: 3))
    #expect(inner[0].namePlace == TextPlace(line: 3, column: 4))
    #expect(inner[0].value.place == TextPlace(line: 3, column: 10))
    #expect(members[1].namePlace == TextPlace(line: 4, column: 2))
    #expect(members[1].value.place == TextPlace(line: 4, column: 7))
  }

  @Test func `a byte order mark is not counted`() throws {
    let root = try JSONReader.read(Array("\u{FEFF}[1]".utf8)).root
    #expect(root.place == .start)
    guard case .array(let list) = root.content else { return }
    #expect(list[0].place == TextPlace(line: 1, column: 2))
  }

  @Test func `names that stand twice are told, and the first one counts`() throws {
    let text = "{\"a\": 1,\n \"a\": 2, \"\\u0061\": 3, \"b\": {\"a\": 4}}"
    let document = try JSONReader.read(Array(text.utf8))
    #expect(
      document.repetitions.map(\.place) == [
        TextPlace(line: 2, column: 2), TextPlace(line: 2, column: 10),
      ])
    #expect(document.repetitions.allSatisfy { $0.sentence.contains("line 1") })
    guard case .object(let members) = document.root.content else { return }
    #expect(members.map(\.name) == ["a", "b"])
    #expect(members[0].value.content == Self.number("1", 1))
  }

  @Test func `a thousand repeated names end the reading`() {
    let text = "{" + (0..<1000).map { _ in "\"a\": 1" }.joined(separator: ",") + "}"
    #expect(throws: JSONFault.self) { try JSONReader.read(Array(text.utf8)) }
  }

  @Test func `brackets go 32 deep and no deeper, however many there are`() throws {
    let allowed = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
    _ = try JSONReader.read(Array(allowed.utf8))
    let objects = String(repeating: "{\"a\":", count: 32) + "1" + String(repeating: "}", count: 32)
    _ = try JSONReader.read(Array(objects.utf8))
    for opening in ["[", "{\"a\":", "[{\"a\":"] {
      let text = String(repeating: opening, count: 1_000_000 / opening.utf8.count)
      let fault = #expect(throws: JSONFault.self) { try JSONReader.read(Array(text.utf8)) }
      #expect(fault?.sentence.contains("32 deep") == true)
    }
  }

  @Test func `values are counted`() throws {
    func list(_ count: Int) -> [UInt8] {
      Array(("[" + [String](repeating: "0", count: count).joined(separator: ",") + "]").utf8)
    }
    _ = try JSONReader.read(list(49_999))
    let fault = #expect(throws: JSONFault.self) { try JSONReader.read(list(50_000)) }
    #expect(fault?.sentence.contains("50000") == true)
  }

  static let specimen = """
    // A comment.
    {"name": "é😀\\ud83d\\ude00\\n", "list": [1, -2.5e3, true, false, null, {"a": []}],
     "more": {"x": "0x10"}} // end
    """

  @Test func `a text that is cut anywhere is refused, and no cut is a trap`() {
    let bytes = Array(Self.specimen.utf8)
    let end = bytes.lastIndex(of: UInt8(ascii: "}")) ?? 0
    for length in 0...end {
      #expect(throws: JSONFault.self) { try JSONReader.read(Array(bytes[..<length])) }
    }
    #expect(throws: Never.self) { try JSONReader.read(Array(bytes[...end])) }
  }

  @Test func `no byte anywhere is a trap, and every fault has a place in the text`() {
    let bytes = Array(Self.specimen.utf8)
    let lines = bytes.filter { $0 == 0x0A }.count + 2
    var misplaced: [JSONFault] = []
    for index in bytes.indices {
      for byte in UInt8.min...UInt8.max {
        var changed = bytes
        changed[index] = byte
        do throws(JSONFault) {
          _ = try JSONReader.read(changed)
        } catch {
          let place = error.place
          let isThere = (1...lines).contains(place.line) && (1...bytes.count).contains(place.column)
          if !isThere || error.sentence.isEmpty { misplaced.append(error) }
        }
      }
    }
    #expect(misplaced.isEmpty)
  }

  @Test(
    arguments: [
      ("4096", 4096), ("4.096e3", 4096), ("40960e-1", 4096), ("0.0", 0), ("-0", 0),
      ("0e99999", 0), ("18446744073709551615", UInt64.max), ("1e19", 10_000_000_000_000_000_000),
    ] as [(String, UInt64)])
  func `whole numbers are whole however they are written`(_ text: String, _ value: UInt64) throws {
    guard case .number(let number) = try JSONReader.read(Array(text.utf8)).root.content else {
      Issue.record("no number")
      return
    }
    #expect(number.integer == value)
  }

  @Test(arguments: ["-1", "1.5", "1e-1", "1e20", "18446744073709551616", "2e19", "1e10000"])
  func `other numbers are not`(_ text: String) throws {
    guard case .number(let number) = try JSONReader.read(Array(text.utf8)).root.content else {
      Issue.record("no number")
      return
    }
    #expect(number.integer == nil)
  }

  @Test(arguments: accepted)
  func `what is written is read back as it was`(_ test: Accepted) throws {
    let value = JSONValue.object([
      "value": JSONValue(test.content), "list": .array([JSONValue(test.content), .text("x")]),
    ])
    let text = JSONWriter.text(value)
    let back = try JSONReader.read(Array(text.utf8)).root
    // Places differ; what is written a second time has the same.
    #expect(JSONWriter.text(back) == text)
    guard case .object(let members) = back.content else { return }
    #expect(JSONWriter.text(members[0].value) == JSONWriter.text(JSONValue(test.content)))
  }
}
