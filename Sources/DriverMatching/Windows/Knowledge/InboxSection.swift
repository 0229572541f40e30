/// Sections of Windows' own INFs that other files need, and the service that they bring.
///
/// Known from the files that need them; Windows' own are not at hand.
struct InboxSection {
  var file: String
  var section: String
  /// The service; nil where the section brings none.
  var service: String?
  var certainty: Certainty

  static let all: [InboxSection] = [
    // Microsoft Learn, "WinUSB (Winusb.sys) Installation for Developers".
    InboxSection(
      file: "winusb.inf", section: "WINUSB.NT.Services", service: "WINUSB", certainty: .documented),
    InboxSection(file: "winusb.inf", section: "WINUSB.NT", certainty: .documented),
    InboxSection(file: "winusb.inf", section: "WINUSB.NT.HW", certainty: .known),
    // Microsoft Learn, "USB Generic Parent Driver (Usbccgp.sys)".
    InboxSection(
      file: "usb.inf", section: "Composite.Dev.NT.Services", service: "usbccgp",
      certainty: .documented),
    InboxSection(file: "usb.inf", section: "Composite.Dev.NT", certainty: .documented),
    InboxSection(
      file: "usbser.inf", section: "UsbSerial_Install.NT.Services", service: "usbser",
      certainty: .known),
    InboxSection(file: "mdmcpq.inf", section: "FakeModemCopyFileSection", certainty: .documented),
    // Microsoft Learn, "Specifying WDF Directives in INF Files".
    InboxSection(
      file: "wudfrd.inf", section: "WUDFRD.NT.Services", service: "WUDFRD", certainty: .known),
    InboxSection(file: "wudfrd.inf", section: "WUDFRD.NT", certainty: .documented),
    InboxSection(file: "wudfrd.inf", section: "WUDFRD.NT.HW", certainty: .documented),
  ]

  /// Whether a section is one of them.
  static func isKnown(_ section: String) -> Bool {
    all.contains { $0.section.lowercased() == section.lowercased() }
  }

  /// The service that a section brings; nil for another section, and for none.
  static func service(_ section: String) -> (service: String, certainty: Certainty)? {
    let match = all.first { $0.section.lowercased() == section.lowercased() }
    return match?.service.map { ($0, match?.certainty ?? .open) }
  }
}
