import Testing
import USB

@testable import USBIP
@testable import Workbench

@Suite struct PortChoiceTests {
  private static var ports: [VirtualPort] {
    var ports = VirtualPort.parse(
      """
      hs  0000 006 003 00010002 000003 3-1
      hs  0001 004 000 00000000 000000 0-0
      hs  0002 005 002 00010001 000004 0-0
      """)
    ports[0].server = USBIPAddress(host: "lab", busID: BusID("1-1"))
    ports[2].server = USBIPAddress(host: "lab", busID: BusID("1-2"))
    return ports
  }

  @Test(arguments: [
    ("0", [0]), ("2", [2]), ("1", []), ("7", []), ("3-1", [0]), ("3-2", []),
    ("usbip://lab/1-2", [2]), ("usbip://lab", [0, 2]), ("usbip://lab:3241/1-1", []),
    ("usbip://other/1-1", []),
  ])
  func `ports are named by number, place and server; a free one by nothing`(
    _ text: String, _ numbers: [Int]
  ) throws {
    let choice = try PortChoice(text)
    #expect(Self.ports.filter(choice.fits).map(\.number) == numbers)
  }

  @Test func `all are those that have a device`() {
    #expect(Self.ports.filter(PortChoice.all.fits).map(\.number) == [0, 2])
  }

  @Test(arguments: ["", "-1", "x", "usb3", "3-", "usbip://", "usbip://h:0/1-1", "0483:df11"])
  func `anything else is no port`(_ text: String) {
    #expect(throws: SelectorError.self) { try PortChoice(text) }
  }
}
