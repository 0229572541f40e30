import Testing
import USB

@Suite struct `Numbers as people type them` {
  @Test(
    arguments: [
      ("4096", 4096), ("0x1000", 4096), ("0x0800_0000", 0x0800_0000), ("1_000", 1000),
      ("0XFF", 255), ("18446744073709551615", UInt64.max),
    ] as [(String, UInt64)])
  func `numbers are decimal or hexadecimal`(_ text: String, _ value: UInt64) {
    #expect(typedNumber(text) == value)
    #expect(typedByteCount(text) == value)
  }

  @Test(arguments: ["", "x", "0x", "-1", "+1", "0x+1", "0x-1", "1.5", " 1", "1 ", "1k2"])
  func `other texts are none`(_ text: String) { #expect(typedNumber(text) == nil) }

  @Test(
    arguments: [
      ("16K", 16384), ("16k", 16384), ("16KB", 16384), ("16KiB", 16384), ("16 KiB", 16384),
      ("2 MiB", 2 << 20), ("1MB", 1 << 20), ("12B", 12), ("12 b", 12), ("0x1B", 0x1B),
    ] as [(String, UInt64)])
  func `bytes have units`(_ text: String, _ value: UInt64) {
    #expect(typedByteCount(text) == value)
  }

  @Test(arguments: ["", "K", "KiB", "16G", "16 Q", "K16", "-1K", "99999999999999999999M", "1.5K"])
  func `and nothing else`(_ text: String) { #expect(typedByteCount(text) == nil) }

  @Test func `a product beyond 64 bits is none`() {
    #expect(typedByteCount("18446744073709551615K") == nil)
  }

  @Test(
    arguments: [
      ("1.00", 0x0100), ("1.1a", 0x011A), ("1A.01", 0x1A01), ("1.2", 0x0120), ("21.00", 0x2100),
      ("0x011A", 0x011A), ("0.0", 0),
    ] as [(String, UInt16)])
  func `versions are binary-coded decimal`(_ text: String, _ value: UInt16) {
    #expect(BCDVersion(typed: text) == BCDVersion(value))
  }

  @Test(arguments: [
    "", "1", "1.", ".1", "1.234", "123.1", "1.0.0", "+1.0", "1.-1", "0x12345", "g.0",
  ])
  func `what is no version is none`(_ text: String) { #expect(BCDVersion(typed: text) == nil) }

  @Test func `every version is read as it is written`() {
    for value in stride(from: UInt16.min, to: .max, by: 7) {
      #expect(BCDVersion(typed: BCDVersion(value).description) == BCDVersion(value))
    }
  }
}
