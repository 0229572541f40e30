import Testing
import USB

@Suite("The kernel's log") struct KernelMessageTests {
  @Test(arguments: [
    (
      "6,1234,5678901,-;usb 1-2: new full-speed USB device number 5 using xhci_hcd", 5_678_901,
      "1-2"
    ),
    ("[    5.678901] usb 1-2.3: USB disconnect, device number 5", 5_678_901, "1-2.3"),
    ("3,9,1,-;usb usb1-port2: unable to enumerate USB device", 1, "1-2"),
    ("[12345.000001] usb 1-2-port3: attempt power cycle", 12_345_000_001, "1-2.3"),
    ("6,1,2,-;hub 1-2:1.0: 4 ports detected", 2, "1-2"),
    ("6,1,2,-;cdc_acm 1-2:1.0: ttyACM0: USB ACM device", 2, "1-2"),
  ])
  func `a line tells its time and its device`(_ line: String, _ time: UInt64, _ path: String) throws
  {
    let message = try #require(KernelMessage(line))
    #expect(message.time == time)
    #expect(message.path == PortPath(path))
  }

  @Test(arguments: [
    "", "6,1,2,-;random: crng init done", " SUBSYSTEM=usb", "[ 1.0] usb 1-2", "6,1;usb 1-2: x",
    "6,1,2,-;usb: port power management may be unreliable", "[", "6,1,2,-;usb 1-0-port0: x",
    "6,1,2,-;usbcore: registered new interface driver usbfs", String(repeating: "a", count: 9000),
  ])
  func `other lines are passed over`(_ line: String) {
    #expect(KernelMessage(line) == nil)
  }

  @Test(arguments: [
    ("device descriptor read/64, error -71", "cable, power, or firmware that crashed"),
    ("device descriptor read/8, error -110", "did not answer in time"),
    ("device not accepting address 7, error -71", "SET_ADDRESS failed"),
    ("can't read configurations, error -32", "(stall)"),
    ("device descriptor read/all, error -90", "too short"),
    ("can't set config #1, error -999", "error -999"),
    ("rejected 1 configuration due to insufficient available bus power", "current"),
    ("USB disconnect, device number 3", "gone"),
    ("reset high-speed USB device number 3 using xhci_hcd", "keeps its address"),
    ("new high-speed USB device number 3 using xhci_hcd", "new"),
    ("config 1 has an invalid descriptor of length 0, skipping remainder of the config", "length"),
  ])
  func `a message is told in words`(_ text: String, _ part: String) throws {
    let message = try #require(KernelMessage("usb 1-1: \(text)"))
    #expect(message.words?.contains(part) == true, "\(message.words ?? "nothing")")
  }

  @Test func `every prefix and every changed byte of a line is read without harm`() {
    let line = Array("6,1234,5678901,-;usb 1-2-port3: device descriptor read/64, error -71".utf8)
    for index in line.indices {
      _ = KernelMessage(String(decoding: line[..<index], as: UTF8.self))?.words
      for byte: UInt8 in [0, 0x20, 0x2D, 0x3A, 0x80, 0xFF] {
        var changed = line
        changed[index] = byte
        _ = KernelMessage(String(decoding: changed, as: UTF8.self))?.words
      }
    }
  }
}
