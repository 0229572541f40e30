/// A setup class: the group in which Device Manager shows a device (Microsoft Learn, "System-Defined Device Setup
/// Classes Available to Vendors").
public struct SetupClass: Codable, Hashable, Sendable {
  /// Its name in INFs.
  public var name: String
  /// Its GUID, with braces, lower case.
  public var guid: String
  /// What Device Manager calls the group.
  public var shown: String

  /// The class of a GUID, without regard to case; nil for one that is not known.
  public static func of(_ guid: String) -> SetupClass? {
    let guid = guid.lowercased()
    return all.first { $0.guid == guid }
  }

  /// The class of a name, without regard to case; nil for one that is not known.
  public static func named(_ name: String) -> SetupClass? {
    all.first { $0.name.lowercased() == name.lowercased() }
  }

  /// The classes that USB devices have.
  public static let all: [SetupClass] = rows.map {
    SetupClass(name: $0, guid: $1, shown: $2)
  }

  private static let rows: [(String, String, String)] = [
    (
      "USB", "{36fc9e60-c465-11cf-8056-444553540000}", "Universal Serial Bus controllers"
    ),
    (
      "USBDevice", "{88bae032-5a81-49f0-bc3d-a4ff138216d6}", "Universal Serial Bus devices"
    ),
    ("HIDClass", "{745a17a0-74d3-11d0-b6fe-00a0c90f57da}", "Human Interface Devices"),
    ("Ports", "{4d36e978-e325-11ce-bfc1-08002be10318}", "Ports (COM & LPT)"),
    ("Modem", "{4d36e96d-e325-11ce-bfc1-08002be10318}", "Modems"),
    ("Net", "{4d36e972-e325-11ce-bfc1-08002be10318}", "Network adapters"),
    (
      "MEDIA", "{4d36e96c-e325-11ce-bfc1-08002be10318}", "Sound, video and game controllers"
    ),
    ("Printer", "{4d36e979-e325-11ce-bfc1-08002be10318}", "Printers"),
    ("SCSIAdapter", "{4d36e97b-e325-11ce-bfc1-08002be10318}", "Storage controllers"),
    ("DiskDrive", "{4d36e967-e325-11ce-bfc1-08002be10318}", "Disk drives"),
    ("CDROM", "{4d36e965-e325-11ce-bfc1-08002be10318}", "DVD/CD-ROM drives"),
    ("Keyboard", "{4d36e96b-e325-11ce-bfc1-08002be10318}", "Keyboards"),
    ("Mouse", "{4d36e96f-e325-11ce-bfc1-08002be10318}", "Mice and other pointing devices"),
    ("Monitor", "{4d36e96e-e325-11ce-bfc1-08002be10318}", "Monitors"),
    ("System", "{4d36e97d-e325-11ce-bfc1-08002be10318}", "System devices"),
    ("Unknown", "{4d36e97e-e325-11ce-bfc1-08002be10318}", "Other devices"),
    ("Image", "{6bdd1fc6-810f-11d0-bec7-08002be2092f}", "Imaging devices"),
    ("Camera", "{ca3e7ab9-b4c3-4ae6-8251-579ef933890f}", "Cameras"),
    ("Bluetooth", "{e0cbf06c-cd8b-4647-bb8a-263b43f0f974}", "Bluetooth"),
    ("SmartCardReader", "{50dd5230-ba8a-11d1-bf5d-0000f805f530}", "Smart card readers"),
    ("WPD", "{eec5ad98-8080-425f-922a-dabf3de3f69a}", "Portable Devices"),
    ("Biometric", "{53d29ef7-377c-4d14-864b-eb3a85769359}", "Biometric devices"),
    ("Sensor", "{5175d334-c371-4806-b3ba-71fd53c9258d}", "Sensors"),
    ("SoftwareComponent", "{5c4c3332-344d-483c-8739-259e934c9cc8}", "Software components"),
    ("libusb-win32 devices", "{eb781aaf-9c70-4523-a5df-642a87eca567}", "libusb-win32 devices"),
    ("libusbK devices", "{ecfb0cfd-74c4-4f52-bbf7-343461cd72ac}", "libusbK devices"),
    // The pads of xusb22.inf; its name in INFs was not seen.
    ("XUSB", "{d61ca365-5af4-4486-998b-9db734c6ca3c}", "a group of its own"),
  ]
}

/// A kind of device interface: how programs find devices (Microsoft Learn, "Device Interface Classes").
public struct DeviceInterfaceClass: Codable, Hashable, Sendable {
  /// Its GUID, with braces, lower case.
  public var guid: String
  /// What it is.
  public var name: String
  /// Where that is known from.
  public var evidence: Evidence

  /// The class of a GUID, without regard to case; nil for one that is not known.
  public static func of(_ guid: String) -> DeviceInterfaceClass? {
    all.first { $0.guid == guid.lowercased() }
  }

  /// The interfaces of USB devices, and of ST's bootloader.
  public static let all: [DeviceInterfaceClass] = {
    let learn = Evidence("Microsoft Learn, Device Interface Classes", .documented)
    let st = Evidence("STtube.inf of DfuSe 3.0.6", .read)
    return [
      ("{a5dcbf10-6530-11d2-901f-00c04fb951ed}", "USB device", learn),
      ("{f18a0e88-c30c-11d0-8815-00a0c906bed8}", "USB hub", learn),
      ("{3abf6f2d-71c4-462a-8a92-1e6861e6af27}", "USB host controller", learn),
      ("{4d1e55b2-f16f-11cf-88cb-001111000030}", "HID", learn),
      ("{86e0d1e0-8089-11d0-9ce4-08003e301f73}", "COM port", learn),
      (
        "{dee824ef-729b-4a0e-9c14-b7117d33a817}", "WinUSB without a GUID of its own",
        Evidence("Microsoft Learn, WinUSB", .known)
      ),
      ("{3fe809ab-fb91-4cb5-a643-69670d52366e}", "ST's bootloader under STTub30", st),
      ("{cb979912-5029-420a-aeb1-34fc0a7d5726}", "ST's 0483:FF03 under STTub30", st),
      ("{03dfd020-2828-11d5-95d7-0050041b1e9f}", "ST's 0483:5721 and 5722 under STTub30", st),
      ("{34425ae9-e5d5-4154-af49-740ee2590da9}", "Intel's ids under STTub30", st),
      (
        "{01105872-bf45-43be-8b67-3c0f2b8cf0d9}", "ST's bootloader under WinUSB",
        Evidence("STM32Bootloader.inf of CubeProgrammer", .read)
      ),
    ].map { DeviceInterfaceClass(guid: $0, name: $1, evidence: $2) }
  }()
}
