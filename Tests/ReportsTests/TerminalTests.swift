import Testing
import USB

@testable import Reports

@Suite struct TerminalTests {
  struct Size: CustomTestStringConvertible, Sendable {
    var bytes: UInt64
    var text: String
    var testDescription: String { text }
  }

  @Test(arguments: [
    Size(bytes: 0, text: "0 bytes"), Size(bytes: 1, text: "1 byte"),
    Size(bytes: 1023, text: "1023 bytes"), Size(bytes: 1024, text: "1 KiB"),
    Size(bytes: 1025, text: "1.0 KiB"), Size(bytes: 2047, text: "1.9 KiB"),
    Size(bytes: 45540, text: "44.4 KiB"), Size(bytes: 512 << 10, text: "512 KiB"),
    Size(bytes: 1 << 20, text: "1 MiB"), Size(bytes: 1536 << 10, text: "1536 KiB"),
    Size(bytes: 5_000_000_000, text: "4.6 GiB"), Size(bytes: .max, text: "15.9 EiB"),
  ])
  func `a size is said in few words, and without a decimal only when exact`(_ size: Size) {
    #expect(sizeText(size.bytes) == size.text)
  }

  @Test func `durations are said in few words`() {
    #expect(durationText(.zero) == "0 s")
    #expect(durationText(.microseconds(350)) == "350 µs")
    #expect(durationText(.milliseconds(12)) == "12 ms")
    #expect(durationText(.milliseconds(9450)) == "9.4 s")
    #expect(durationText(.seconds(125)) == "2 min 05 s")
    #expect(durationText(.seconds(11_400)) == "3 h 10 min")
    #expect(durationText(.seconds(-3)) == "0 s")
  }

  @Test func `words become a list`() {
    #expect(listText([]) == "")
    #expect(listText(["a"]) == "a")
    #expect(listText(["a", "b", "c"]) == "a, b and c")
    #expect(listText(["a", "b"], "or") == "a or b")
  }

  @Test func `the width of a text counts columns, not characters`() {
    #expect(displayWidth(of: "abc") == 3)
    #expect(displayWidth(of: "e\u{301}") == 1)
    #expect(displayWidth(of: "固件") == 4)
    #expect(displayWidth(of: "\u{1B}[1;31mred\u{1B}[0m") == 3)
  }

  @Test func `a table is aligned by columns, and no line ends in blanks`() {
    var table = TextTable([.leading, .trailing])
    table.add(["固件", "5", "x"])
    table.add(["a", "1000", ""])
    table.add(["b"])
    #expect(table.lines(indent: 1) == [" 固件     5  x", " a     1000", " b"])
  }

  @Test func `a name cannot command the terminal`() {
    #expect(terminalSafe("Internal Flash µ") == "Internal Flash µ")
    #expect(terminalSafe("a\u{1B}[2Jb\u{9B}\u{202E}\n") == "a\\u{1b}[2Jb\\u{9b}\\u{202e}\\u{a}")
  }

  @Test func `colour is written only where it is wanted`() {
    #expect(TextStyle.plain(.bad, "x") == "x")
    #expect(TextStyle(usesColor: true)(.bad, "x") == "\u{1B}[1;31mx\u{1B}[0m")
    #expect(TextStyle(usesColor: true)(.bad, "") == "")
  }

  @Test func `words are put on lines of the width`() {
    let text = wrapped("one two three four five six", width: 22, indent: 2)
    #expect(text == "one two three four\n  five six")
  }

  @Test func `an error is a sentence, and its help on a line of its own`() {
    let report = ErrorReport(
      slug: "file-empty", sentence: "a\u{1B}[2J.bin is empty.", help: "Build it.", exitStatus: 65)
    #expect(report.text(.plain) == "dfu: a\\u{1b}[2J.bin is empty.\n  Build it.\n")
  }
}
