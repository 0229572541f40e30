/// What Windows has by itself for USB devices, as it was seen from outside: its own INFs are not at hand.
///
/// A file of the same name that is at hand takes the place of what stands here.
public struct InboxDriver: Codable, Hashable, Sendable {
  /// The file.
  public var file: String
  /// The id that it matches.
  public var id: String
  /// In which field of its line the id stands; nil where nobody has seen it, and the first is taken.
  public var field: IdentifierMatch.Kind?
  /// The place among the compatible ids, where it stands there.
  public var position: Int
  /// The service; empty for none.
  public var service: String
  /// What Device Manager shows (Windows' own INF files, as it shows them); empty where that is not known.
  public var description: String
  /// The setup class.
  public var className: String
  /// The first Windows that has it: major, minor, build.
  public var since: [Int]
  /// How well the service is known: seen, or "usually".
  public var certainty: Certainty

  /// The date that they all carry, so that any vendor's driver of the same rank is newer.
  public static func version(on windows: WindowsProfile) -> DriverVersion {
    DriverVersion(year: 2006, month: 6, day: 21, [windows.major, windows.minor, windows.build, 1])
  }

  /// Those that a Windows has.
  public static func all(on windows: WindowsProfile) -> [InboxDriver] {
    let version = [windows.major, windows.minor, windows.build]
    return all.filter { !version.lexicographicallyPrecedes($0.since) }.map { driver in
      var driver = driver
      // Cameras have a group of their own since Windows 10.
      if driver.className == "Camera", windows.major < 10 { driver.className = "Image" }
      return driver
    }
  }

  /// The whole table.
  ///
  /// Sources: Microsoft Learn, "USB device class drivers included in Windows"; logs and dumps of Windows 7 to 11
  /// (the rows marked so rest on common knowledge).
  public static let all: [InboxDriver] = rows.flatMap { row in
    row.ids.map { id in
      let position = row.positions[id]
      return InboxDriver(
        file: row.file, id: "USB\\" + id,
        field: position != nil ? .compatible : row.isSeen ? .hardware : nil,
        position: position ?? 0, service: row.service,
        description: row.descriptions[id] ?? row.description,
        className: row.className, since: row.since,
        certainty: row.certainty)
    }
  }

  private struct Row {
    var file: String
    var ids: [String]
    var service: String
    var className: String
    var since: [Int] = []
    /// Whether logs have shown the ids in the first field.
    var isSeen = false
    /// Of ids that were seen in a later field, the place there.
    var positions: [String: Int] = [:]
    var certainty: Certainty = .known
    /// What Device Manager shows; empty where that is not known.
    var description = ""
    /// Of ids that are shown otherwise, how.
    var descriptions: [String: String] = [:]
  }

  private static let windows8 = [6, 2]
  private static let windows10 = [10, 0]

  private static let rows: [Row] = [
    Row(
      file: "usb.inf", ids: ["COMPOSITE"], service: "usbccgp", className: "USB", isSeen: true,
      certainty: .seen, description: "USB Composite Device"),
    Row(
      file: "usb.inf", ids: ["Class_09"], service: "usbhub", className: "USB", certainty: .seen,
      description: "Generic USB Hub"),
    Row(
      file: "usb.inf",
      ids: EnumerationFailure.allCases.map { String($0.id.dropFirst(4)) }, service: "",
      className: "USB", isSeen: true, certainty: .seen,
      descriptions: Dictionary(
        uniqueKeysWithValues: EnumerationFailure.allCases.map {
          (String($0.id.dropFirst(4)), $0.name)
        })),
    Row(
      file: "usbhub3.inf", ids: ["ROOT_HUB30", "USB20_HUB", "USB30_HUB"], service: "USBHUB3",
      className: "USB", since: windows8, isSeen: true, certainty: .seen,
      descriptions: [
        "ROOT_HUB30": "USB Root Hub (USB 3.0)", "USB20_HUB": "Generic USB Hub",
        "USB30_HUB": "Generic SuperSpeed USB Hub",
      ]),
    Row(
      file: "usbport.inf", ids: ["ROOT_HUB", "ROOT_HUB20"], service: "usbhub", className: "USB",
      description: "USB Root Hub"),
    Row(
      file: "winusb.inf", ids: ["MS_COMP_WINUSB"], service: "WINUSB", className: "USBDevice",
      since: windows8, isSeen: true, certainty: .seen, description: "WinUsb Device"),
    // The place of Class_03&SubClass_01 was seen in one log; that of Class_03 was not.
    Row(
      file: "input.inf", ids: ["Class_03&SubClass_01", "Class_03"], service: "HidUsb",
      className: "HIDClass", positions: ["Class_03&SubClass_01": 1, "Class_03": 0],
      certainty: .seen, description: "USB Input Device"),
    Row(
      file: "usbstor.inf",
      ids: [
        "Class_08&SubClass_02&Prot_50", "Class_08&SubClass_05&Prot_50",
        "Class_08&SubClass_06&Prot_50",
      ], service: "USBSTOR", className: "USB", isSeen: true, certainty: .seen,
      description: "USB Mass Storage Device"),
    Row(
      file: "uaspstor.inf", ids: ["Class_08&SubClass_06&Prot_62"], service: "UASPStor",
      className: "SCSIAdapter", since: windows8,
      description: "USB Attached SCSI (UAS) Mass Storage Device"),
    Row(
      file: "usbser.inf", ids: ["Class_02&SubClass_02&Prot_01", "Class_02&SubClass_02"],
      service: "usbser", className: "Ports", since: windows10, certainty: .documented,
      description: "USB Serial Device (COMn)"),
    Row(
      file: "usbvideo.inf", ids: ["Class_0E&SubClass_03&Prot_00"], service: "usbvideo",
      className: "Camera", description: "USB Video Device"),
    Row(
      file: "wdma_usb.inf", ids: ["Class_01"], service: "usbaudio", className: "MEDIA",
      description: "USB Audio Device"),
    Row(
      file: "usbaudio2.inf", ids: ["Class_01&SubClass_00&Prot_20"], service: "usbaudio2",
      className: "MEDIA", since: [10, 0, 15063]),
    Row(
      file: "usbprint.inf", ids: ["Class_07", "Class_07&SubClass_01"], service: "usbprint",
      className: "USB", description: "USB Printing Support"),
    Row(
      file: "bth.inf", ids: ["Class_E0&SubClass_01&Prot_01"], service: "BTHUSB",
      className: "Bluetooth"),
    Row(
      file: "rndiscmp.inf",
      ids: [
        "MS_COMP_RNDIS", "MS_COMP_RNDIS&MS_SUBCOMP_5162001", "Class_EF&SubClass_04&Prot_01",
        "Class_E0&SubClass_01&Prot_03",
      ], service: "usbrndis6", className: "Net"),
    Row(
      file: "netwmbclass.inf", ids: ["Class_02&SubClass_0E"], service: "wmbclass",
      className: "Net", since: windows8),
    Row(
      file: "usbncm.inf", ids: ["MS_COMP_WINNCM", "Class_02&SubClass_0D&Prot_00"],
      service: "UsbNcm", className: "Net", since: [10, 0, 20348], isSeen: true),
    Row(
      file: "wpdmtp.inf", ids: ["MS_COMP_MTP", "Class_06&SubClass_01&Prot_01"],
      service: "WUDFWpdMtp", className: "WPD"),
    Row(file: "sti.inf", ids: ["Class_06"], service: "usbscan", className: "Image"),
    Row(
      file: "wudfusbcciddriver.inf", ids: ["Class_0B&SubClass_00&Prot_00"], service: "WUDFRd",
      className: "SmartCardReader", isSeen: true),
    Row(
      file: "usbmidi2.inf", ids: ["Class_01&SubClass_03"], service: "(MIDI 2)",
      className: "MEDIA", since: [10, 0, 26100], certainty: .open),
    Row(
      file: "xusb22.inf", ids: ["MS_COMP_XUSB10", "MS_COMP_XUSB20"], service: "xusb22",
      className: "XUSB", since: windows8, isSeen: true),
  ]
}
