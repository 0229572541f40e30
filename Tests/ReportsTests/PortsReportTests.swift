import Foundation
import Testing

@testable import Reports

@Suite struct PortsReportTests {
  private static let ports = [
    PortsReport.Port(
      number: 0, isSuperSpeed: false, state: "in use", localBusID: "3-1", vendor: "0483",
      product: "df11", server: "usbip://lab/1-1"),
    PortsReport.Port(
      number: 12, isSuperSpeed: false, state: "not enumerated", localBusID: nil, vendor: nil,
      product: nil, server: nil),
    PortsReport.Port(
      number: 13, isSuperSpeed: false, state: "free", localBusID: nil, vendor: nil, product: nil,
      server: nil),
    PortsReport.Port(
      number: 15, isSuperSpeed: true, state: "free", localBusID: nil, vendor: nil, product: nil,
      server: nil),
  ]

  @Test func `ports with a device are listed, the others counted`() {
    #expect(
      PortsReport(Self.ports).text(.plain) == """
        port 0   0483:df11  3-1  in use          from usbip://lab/1-1
        port 12                  not enumerated
        1 free for devices up to high speed, 1 for SuperSpeed ones

        """)
    #expect(
      PortsReport(Array(Self.ports[2...])).text(.plain) == """
        No device is attached.
        1 free for devices up to high speed, 1 for SuperSpeed ones

        """)
  }

  @Test func `what was attached is told with the way to undo it`() {
    #expect(
      PortsReport(Array(Self.ports[..<2])).attachedText(.plain) == """
        0483:df11 is 3-1 of this machine, on port 0.
          `sudo dfu usb detach 0` takes it away.
        The device is on port 12, and is not enumerated yet.
          `sudo dfu usb detach 12` takes it away.

        """)
  }

  @Test func `what was detached is told`() {
    #expect(
      PortsReport([Self.ports[0]]).detachedText(.plain) == "0483:df11 was taken off port 0.\n")
    #expect(PortsReport([]).detachedText(.plain) == "No device is attached.\n")
  }

  @Test func `a server's name cannot write to the terminal`() {
    var port = Self.ports[0]
    port.server = "usbip://\u{1B}[2J/1-1"
    #expect(!PortsReport([port]).text(.plain).contains("\u{1B}"))
  }
}
