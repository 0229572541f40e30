import DFU
import DFUHost
import Testing
import USB

@testable import Reports

/// What is said of option bytes where a virtual board cannot be brought to say it.
@Suite struct OptionReportTests {
  private func contents(_ settings: [(String, String)] = []) throws -> OptionByteContents {
    let target = FlashTarget(
      vendor: .stMicroelectronics, product: ProductID(0xDF11), version: BCDVersion(0x2200),
      alternateSetting: 1, name: "Option Bytes", dialect: .dfuSe,
      map: try MemoryMap(dfuseString: "@Option Bytes  /0x1FFFC000/01*016 e"), transferSize: 2048,
      chip: Chip(.stm32f4, certainty: .certain))
    var options = OptionBytes(factory: .stm32f411)
    for (name, value) in settings { options = try options.setting(name, to: value) }
    return OptionByteContents(
      of: target, blocks: options.blocks,
      flash: try MemoryMap(
        dfuseString: "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg"))
  }

  private func plan(_ settings: [OptionPlan.Setting]) throws -> OptionPlan {
    try OptionPlan(settings, of: contents())
  }

  private func document(
    _ outcome: OptionOutcome, _ settings: OptionPlan.Setting...
  ) throws -> OptionChangeDocument {
    OptionChangeDocument(
      try plan(settings), outcome, blocksWritten: 1, selector: "virtual:board")
  }

  @Test func `what was not taken is shown beside what there is`() throws {
    let plan = try plan([.init("BOR_LEV", "0"), .init("nWRP", "all")])
    let outcome = plan.outcome(of: try contents([("nWRP", "all")]))
    let document = OptionChangeDocument(
      plan, outcome, blocksWritten: 1, selector: "virtual:board")
    #expect(!document.isProved)
    #expect(
      document.text(.plain) == """
        Failed: the part has reset, and holds something else.
          BOR_LEV  should be  0  level 3: 2.7 V to 3.6 V
                   is         3  off: 1.8 V to 2.1 V
        `dfu options` shows all of them; a field may be locked by another one.

        """)
  }

  @Test func `a part that has not come back is not proved, and the next step is said`() throws {
    let text = try document(
      .notProved(because: "it has not come back in its bootloader"), .init("BOR_LEV", "0")
    ).text(.plain)
    #expect(
      text == """
        Done: set BOR_LEV to 0 (level 3: 2.7 V to 3.6 V); the part has reset.
        Not proved: it has not come back in its bootloader.
        Bring it into its bootloader again, and look with `dfu options`.

        """)
  }

  @Test func `no line is longer than the screen, whatever the words`() throws {
    let settings: [OptionPlan.Setting] = [
      .init("SPRMOD", "1"), .init("nWRP", "sectors 0, 2, 4, 6"),
    ]
    let report = OptionPlanReport(try plan(settings))
    for width in [40, 60, 80] {
      let style = TextStyle(width: width)
      let lines = report.text(style).split(separator: "\n").map(String.init)
      // The bytes of a block are a line of their own length.
      for line in lines where !line.contains("0x1FFFC000") {
        #expect(displayWidth(of: line) <= max(width, 60), "\(line)")
      }
      #expect(lines.contains { $0.contains("SPRMOD") && $0.contains("from") })
    }
  }

  @Test func `a number alone is told by what the field is`() throws {
    var value = try #require(
      OptionBytes(factory: .stm32l4).values.first { $0.field.name == "PCROP1_STRT" })
    #expect(
      OptionReport.Field(value).meaning
        == "start of the area that cannot be read, in units of 8 bytes")
    value = try #require(
      OptionBytes(factory: .stm32l4).values.first { $0.field.name == "WRP1A_STRT" })
    #expect(OptionReport.Field(value).text == "255")
    #expect(OptionReport.Field(value).meaning == value.words)
  }
}
