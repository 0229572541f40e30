import USB

/// A driver of Linux that goes by classes, as its table has it.
struct ClassDriver: Sendable {
  /// The module.
  var module: String
  /// What it drives.
  var entries: [USBDeviceID]
  /// Where that stands.
  var source: String
}

extension ClassDriver {
  /// Every driver of Debian's kernel that takes interfaces or devices of any vendor: what is known without a
  /// `modules.alias`. Vendors' own lines, more than 8 000, are not here.
  static let all: [ClassDriver] = [
    ClassDriver("usbcore", "core/hub.c", [.device(0x09), .interface(0x09)]),
    ClassDriver("usbhid", "hid/usbhid/hid-core.c", [.interface(0x03)]),
    ClassDriver("uas", "usb/storage/uas.c", [.info(0x08, 0x06, 0x50), .info(0x08, 0x06, 0x62)]),
    ClassDriver(
      "usb_storage", "usb/storage/unusual_devs.h",
      [0x01, 0x00, 0x50].flatMap { transport in
        (UInt8(1)...6).map { USBDeviceID.info(0x08, $0, transport) }
      }),
    ClassDriver("cdc_acm", "usb/class/cdc-acm.c", (UInt8(0)...6).map { .info(0x02, 0x02, $0) }),
    ClassDriver("cdc_wdm", "usb/class/cdc-wdm.c", [.interface(0x02, 0x09)]),
    ClassDriver(
      "cdc_ether", "net/usb/cdc_ether.c", [.info(0x02, 0x06, 0x00), .info(0x02, 0x0A, 0x00)]),
    ClassDriver("cdc_eem", "net/usb/cdc_eem.c", [.info(0x02, 0x0C, 0x07)]),
    ClassDriver("cdc_ncm", "net/usb/cdc_ncm.c", [.info(0x02, 0x0D, 0x00)]),
    ClassDriver(
      "cdc_mbim", "net/usb/cdc_mbim.c", [.info(0x02, 0x0D, 0x00), .info(0x02, 0x0E, 0x00)]),
    ClassDriver(
      "rndis_host", "net/usb/rndis_host.c",
      [
        .info(0x02, 0x02, 0xFF), .info(0xEF, 0x01, 0x01), .info(0xE0, 0x01, 0x03),
        .info(0xEF, 0x04, 0x01),
      ]),
    ClassDriver(
      "rndis_wlan", "net/wireless/rndis_wlan.c", [.info(0x02, 0x02, 0xFF), .info(0xEF, 0x01, 0x01)]),
    ClassDriver(
      "snd_usb_audio", "sound/usb/quirks-table.h", [.interface(0x01, 0x01), .interface(0x01, 0x03)]),
    ClassDriver(
      "uvcvideo", "media/usb/uvc/uvc_driver.c", [.info(0x0E, 0x01, 0x00), .info(0x0E, 0x01, 0x01)]),
    ClassDriver(
      "usblp", "usb/class/usblp.c",
      (UInt8(1)...3).flatMap { [.info(0x07, 0x01, $0), .deviceInfo(ClassTriple(0x07, 0x01, $0))] }),
    ClassDriver(
      "btusb", "bluetooth/btusb.c",
      [
        .info(0xE0, 0x01, 0x01), .deviceInfo(ClassTriple(0xE0, 0x01, 0x01)),
        .deviceInfo(ClassTriple(0xE0, 0x01, 0x04)),
      ]),
    ClassDriver(
      "usbtmc", "usb/class/usbtmc.c", [.info(0xFE, 0x03, 0x00), .info(0xFE, 0x03, 0x01)]),
    ClassDriver("ir_usb", "usb/serial/ir-usb.c", [.info(0xFE, 0x02, 0x00)]),
    ClassDriver("xpad", "input/joystick/xpad.c", [.info(0x58, 0x42, 0x00)]),
  ]

  private init(_ module: String, _ source: String, _ entries: [USBDeviceID]) {
    self.init(module: module, entries: entries, source: "Linux 6.1, drivers/\(source)")
  }
}

extension ModuleAliases {
  /// The class drivers of `ClassDriver.all` as lines of a table, which is asked where no `modules.alias`
  /// is at hand.
  ///
  /// The source: the lines with any vendor of `modules.alias` of Debian's 6.1.0-56-amd64.
  public static let builtInTable = ModuleAliases(
    ClassDriver.all.flatMap { driver in
      driver.entries.flatMap(\.aliasPatterns).map {
        Alias(pattern: $0, module: driver.module, file: builtInTableName, line: 0)
      }
    })

  /// What the origin of its lines is called.
  public static let builtInTableName = "the built-in table of class drivers"
}

extension USBDeviceID {
  fileprivate static func info(_ code: UInt8, _ subclass: UInt8, _ protocolCode: UInt8) -> Self {
    .interfaceInfo(ClassTriple(code, subclass, protocolCode))
  }

  fileprivate static func interface(_ code: UInt8, _ subclass: UInt8? = nil) -> Self {
    Self(
      match: subclass == nil ? .interfaceClass : [.interfaceClass, .interfaceSubclass],
      interfaceClass: ClassTriple(code, subclass ?? 0, 0))
  }

  fileprivate static func device(_ code: UInt8) -> Self {
    Self(match: .deviceClass, deviceClass: ClassTriple(code, 0, 0))
  }
}

/// A driver that takes the whole device, and no interface: it stands in the place of the generic driver
/// `usb`.
struct SpecialDeviceDriver: Sendable {
  /// The module.
  var module: String
  /// The vendor.
  var vendor: UInt16
  /// The products that its match function accepts.
  var products: ClosedRange<UInt16>
  /// What it does.
  var purpose: String
  /// Where that stands.
  var evidence: Evidence

  static let all = [
    SpecialDeviceDriver(
      module: "apple_mfi_fastcharge", vendor: 0x05AC, products: 0x1200...0x12FF,
      purpose: "lets a device of Apple's charge faster",
      evidence: Evidence("Linux, drivers/usb/misc/apple-mfi-fastcharge.c", .known)),
    SpecialDeviceDriver(
      module: "r8152", vendor: 0x0BDA, products: 0x8152...0x8156,
      purpose: "(as r8152-cfgselector) sets the configuration that r8152 can drive",
      evidence: Evidence("Linux 6.6 and later, drivers/net/usb/r8152.c", .known)),
  ]

  /// Modules that have no driver of interfaces: their aliases match interfaces, and bind none.
  static let withoutInterfaces: Set<String> = ["apple_mfi_fastcharge", "usbip_host"]
}
