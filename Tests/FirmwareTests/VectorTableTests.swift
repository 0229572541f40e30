import Testing
import USB

@testable import Firmware

struct VectorTableTests {
  private let table: [UInt8] = [0, 0, 2, 0x20, 0x11, 1, 0, 8]

  @Test func `a stack in RAM and a reset vector in the image are plausible`() throws {
    let image = try Samples.image((0x0800_0000, table + Samples.zeros(0x200)))
    let vectors = try #require(VectorTable(in: image, at: 0x0800_0000))
    #expect(vectors == VectorTable(stackPointer: 0x2002_0000, resetVector: 0x0800_0111))
    #expect(vectors.isPlausible(in: image))
    #expect(vectors.isPlausible(image: 0x0800_0000..<0x0800_0208))
    #expect(!vectors.isPlausible(image: 0x0800_0000..<0x0800_0110))
    #expect(VectorTable(in: image, at: 0x0800_0204) == nil)
    #expect(VectorTable(in: image, at: .max) == nil)
  }

  @Test func `a reset vector in a hole of the image is not plausible`() throws {
    let image = try Samples.image((0x0800_0000, table), (0x0800_1000, [1]))
    let vectors = try #require(VectorTable(in: image, at: 0x0800_0000))
    #expect(!vectors.isPlausible(in: image))
  }

  struct Stack: CustomTestStringConvertible {
    var pointer: UInt32
    var isPlausible: Bool
    var testDescription: String { addressText(UInt64(pointer)) }
  }

  @Test(arguments: [
    Stack(pointer: 0x2000_0004, isPlausible: true),
    Stack(pointer: 0x2000_0000, isPlausible: false),
    Stack(pointer: 0x2100_0000, isPlausible: true),
    Stack(pointer: 0x2100_0004, isPlausible: false),
    Stack(pointer: 0x2000_0006, isPlausible: false),
    Stack(pointer: 0x1001_0000, isPlausible: true),
    Stack(pointer: 0x2408_0000, isPlausible: true),
    Stack(pointer: 0x3004_8000, isPlausible: true),
    Stack(pointer: 0x3801_0000, isPlausible: true),
    Stack(pointer: 0x0800_0000, isPlausible: false),
    Stack(pointer: 0, isPlausible: false),
    Stack(pointer: 0xFFFF_FFFF, isPlausible: false),
  ])
  func `where a stack can be`(stack: Stack) {
    let table = VectorTable(stackPointer: stack.pointer, resetVector: 0x0800_0001)
    #expect(table.hasPlausibleStack == stack.isPlausible)
  }

  @Test func `a reset vector without its Thumb bit is not plausible`() {
    let table = VectorTable(stackPointer: 0x2000_1000, resetVector: 0x0800_0010)
    #expect(!table.isPlausible(image: 0x0800_0000..<0x0800_1000))
  }

  @Test func `the base of raw bytes follows from their reset vector`() {
    let raw = table + Samples.zeros(0x200)
    let flash: Range<UInt64> = 0x0800_0000..<0x0810_0000
    let external: Range<UInt64> = 0x9000_0000..<0x9100_0000
    #expect(
      VectorTable.inferredBases(ofRaw: raw, candidates: [external, flash, flash])
        == [0x0800_0000])
    #expect(VectorTable.inferredBases(ofRaw: raw, candidates: [external]) == [])
    #expect(
      VectorTable.inferredBases(ofRaw: raw, candidates: [0x0800_0000..<0x0800_0100]) == [])
    #expect(VectorTable.inferredBases(ofRaw: [1, 2, 3], candidates: [flash]) == [])
    #expect(VectorTable.inferredBases(ofRaw: Samples.zeros(64), candidates: [flash]) == [])
  }

  @Test func `a reset vector in the F7's view of its flash through the instruction bus is found`()
    throws
  {
    // As NumWorks' Epsilon has it: the code is written at 0x08000000 and runs at 0x00200000.
    let table = VectorTable(stackPointer: 0x2003_8000, resetVector: 0x0020_01F9)
    var image = FirmwareImage()
    try image.insert(
      FirmwareImage.Segment(
        address: 0x0800_0000, bytes: [UInt8](repeating: 0x11, count: 0x200), origin: .offset(0)))
    #expect(table.isPlausible(in: image))
    #expect(table.isPlausible(image: 0x0800_0000..<0x0800_0200))
    #expect(!table.isPlausible(image: 0x0800_0000..<0x0800_01F8))
    #expect(
      !VectorTable(stackPointer: 0x2003_8000, resetVector: 0x0040_01F9).isPlausible(in: image))
  }
}
