import Testing
import USB

@testable import VirtualDFU

@Suite("Values of a description") struct DescribedValuesTests {
  @Test(
    arguments: [
      ("250 ms", .milliseconds(250)), ("250ms", .milliseconds(250)), ("0 s", .zero),
      ("1.5 s", .milliseconds(1500)), ("2 min", .seconds(120)), ("16 us", .microseconds(16)),
      ("16 µs", .microseconds(16)), ("16 μs", .microseconds(16)), ("7 ns", .nanoseconds(7)),
      ("2.8 us", .nanoseconds(2800)), ("-3 ms", .milliseconds(-3)), ("-0 ms", .zero),
      ("0.000000001 s", .nanoseconds(1)), ("0.5 min", .seconds(30)),
    ] as [(String, Duration)])
  func `times are read with their unit`(_ text: String, _ time: Duration) {
    #expect(Duration(described: text) == time)
  }

  @Test(arguments: [
    "", " ", "ms", "250", "250 m", "250 MS", "250 ms ", " 250 ms", "--3 ms", "1,5 s", "1.5.5 s",
    ".5 s", "1. s", "0.5 ns", "0.0000000001 s", "99999999999999999999 s", "9223372036854775807 min",
    "0.999999999 min min", "+1 s", "1e3 s", "0x10 ms", "٣ ms", "1\u{301} ms",
  ])
  func `what is no time is none`(_ text: String) { #expect(Duration(described: text) == nil) }

  @Test func `nine digits of minutes do not overflow`() {
    #expect(Duration(described: "0.999999999 min") == .nanoseconds(59_999_999_940))
  }

  @Test func `a time is written as it is read`() {
    var time: Int64 = 1
    var times: [Duration] = [.zero, .milliseconds(250), .seconds(3600), .milliseconds(1500)]
    while time < 4_000_000_000_000 {
      times += [.nanoseconds(time), .nanoseconds(time * 7), .nanoseconds(time - 1)]
      time *= 3
    }
    for time in times { #expect(Duration(described: time.described) == time) }
    #expect(Duration.milliseconds(250).described == "250 ms")
    #expect(Duration.milliseconds(1500).described == "1500 ms")
    #expect(Duration.seconds(8).described == "8 s")
    #expect(
      Duration(secondsComponent: .max, attosecondsComponent: 999_999_999_999_999_999).described
        .hasSuffix(" s"))
  }

  @Test(
    arguments: [
      ("1209:0001", 0x1209, 1), ("483:DF11", 0x0483, 0xDF11), ("0x1209:0x70b1", 0x1209, 0x70B1),
    ] as [(String, UInt16, UInt16)])
  func `ids are hexadecimal`(_ text: String, _ vendor: UInt16, _ product: UInt16) {
    #expect(describedIDs(text)?.vendor == VendorID(vendor))
    #expect(describedIDs(text)?.product == ProductID(product))
  }

  @Test(arguments: ["", ":", "1209", "1209:", ":1", "12095:1", "1209:1:1", "+1:1", "g:1", "-1:1"])
  func `other texts are no ids`(_ text: String) { #expect(describedIDs(text) == nil) }

  @Test func `bytes are pairs of digits`() {
    #expect(describedBytes("EF AA") == [0xEF, 0xAA])
    #expect(describedBytes("efaa0 1") == [0xEF, 0xAA, 0x01])
    #expect(describedBytes("") == [])
    for text in ["E", "EF A", "0xEF", "EG", "é", "EF,AA", "\u{FF11}\u{FF11}"] {
      #expect(describedBytes(text) == nil)
    }
  }

  @Test(
    arguments: [
      ("transfer_size", "transfer-size"), ("transferSize", "transfer-size"),
      ("serail", "serial"), ("behavior", "behaviour"), ("sectosr", "sectors"),
      ("SECTORS", "sectors"), ("sector", "sectors"), ("memory", nil), ("x", nil), ("", nil),
      (String(repeating: "a", count: 100_000), nil),
    ] as [(String, String?)])
  func `the nearest name is one that may have been meant`(_ text: String, _ name: String?) {
    let names = ["transfer-size", "serial", "behaviour", "sectors"]
    #expect(nearestName(to: text, of: names) == name)
  }

  @Test func `sizes are written in their largest unit`() {
    func text(_ size: UInt64) -> String { JSONWriter.text(describedSize(size)) }
    #expect(text(528) == "528\n")
    #expect(text(16384) == "\"16K\"\n")
    #expect(text(1 << 20) == "\"1M\"\n")
    #expect(text(1 << 30) == "\"1024M\"\n")
    for shift in 0..<33 { #expect(typedByteCount(trimmed(text(1 << shift))) == 1 << shift) }
  }

  private func trimmed(_ text: String) -> String { text.filter { $0 != "\"" && $0 != "\n" } }
}
