/// The names of classes as `lsusb` has them from `usb.ids` (its section of classes).
enum LsusbClassNames {
  static let classes: [UInt8: String] = [
    0x01: "Audio", 0x02: "Communications", 0x03: "Human Interface Device",
    0x05: "Physical Interface Device", 0x06: "Imaging", 0x07: "Printer", 0x08: "Mass Storage",
    0x09: "Hub", 0x0A: "CDC Data", 0x0B: "Chip/SmartCard", 0x0D: "Content Security",
    0x0E: "Video", 0x0F: "Personal Healthcare", 0x10: "Audio/Video", 0x11: "Billboard",
    0x12: "Type-C Bridge", 0xDC: "Diagnostic", 0xE0: "Wireless", 0xEF: "Miscellaneous Device",
    0xFE: "Application Specific Interface", 0xFF: "Vendor Specific Class",
  ]

  /// By class and subclass.
  static let subclasses: [UInt16: String] = [
    0x0101: "Control Device", 0x0102: "Streaming", 0x0103: "MIDI Streaming",
    0x0201: "Direct Line", 0x0202: "Abstract (modem)", 0x0203: "Telephone",
    0x0204: "Multi-Channel", 0x0205: "CAPI Control", 0x0206: "Ethernet Networking",
    0x0207: "ATM Networking", 0x0208: "Wireless Handset Control", 0x0209: "Device Management",
    0x020A: "Mobile Direct Line", 0x020B: "OBEX", 0x020C: "Ethernet Emulation",
    0x0301: "Boot Interface Subclass", 0x0601: "Still Image Capture", 0x0701: "Printer",
    0x0801: "RBC (typically Flash)", 0x0802: "SFF-8020i, MMC-2 (ATAPI)", 0x0803: "QIC-157",
    0x0804: "Floppy (UFI)", 0x0805: "SFF-8070i", 0x0806: "SCSI", 0x0E01: "Video Control",
    0x0E02: "Video Streaming", 0x0E03: "Video Interface Collection",
    0x1001: "AVData Control", 0x1002: "AVData Video Stream", 0x1003: "AVData Audio Stream",
    0xDC01: "Reprogrammable Diagnostics", 0xE001: "Radio Frequency",
    0xE002: "Wireless USB Wire Adapter", 0xFE01: "Device Firmware Update",
    0xFE02: "IRDA Bridge", 0xFE03: "Test and Measurement", 0xFFFF: "Vendor Specific Subclass",
  ]

  /// By class, subclass and protocol.
  static let protocols: [UInt32: String] = [
    0x020201: "AT-commands (v.25ter)", 0x020202: "AT-commands (PCCA101)",
    0x020203: "AT-commands (PCCA101 + wakeup)", 0x020204: "AT-commands (GSM)",
    0x020205: "AT-commands (3G)", 0x020206: "AT-commands (CDMA)",
    0x0202FE: "Defined by command set descriptor", 0x0202FF: "Vendor Specific (MSFT RNDIS?)",
    0x020C07: "Ethernet Emulation (EEM)", 0x030001: "Keyboard", 0x030002: "Mouse",
    0x030101: "Keyboard", 0x030102: "Mouse",
    0x060101: "Picture Transfer Protocol (PIMA 15470)", 0x070101: "Unidirectional",
    0x070102: "Bidirectional", 0x070103: "IEEE 1284.4 compatible bidirectional",
    0x0701FF: "Vendor Specific", 0x080600: "Control/Bulk/Interrupt", 0x080601: "Control/Bulk",
    0x080650: "Bulk-Only", 0x090000: "Full speed (or root) hub", 0x090001: "Single TT",
    0x090002: "TT per port", 0xDC0101: "USB2 Compliance", 0xE00101: "Bluetooth",
    0xE00102: "Ultra WideBand Radio Control", 0xE00103: "RNDIS", 0xE00201: "Host Wire Adapter",
    0xEF0101: "Microsoft ActiveSync", 0xEF0102: "Palm Sync", 0xEF0201: "Interface Association",
    0xEF0202: "Wire Adapter Multifunction Peripheral", 0xEF0301: "Cable Based Association",
    0xFE0301: "TMC", 0xFE0302: "USB488", 0xFFFFFF: "Vendor Specific Protocol",
  ]

  /// `bCountryCode` (HID 1.11, 6.2.1).
  static let countries: [UInt64: String] = [
    0: "Not supported", 1: "Arabic", 2: "Belgian", 3: "Canadian bilingual", 4: "Canadian French",
    5: "Czech Republic", 6: "Danish", 7: "Finnish", 8: "French", 9: "German", 10: "Greek",
    11: "Hebrew", 12: "Hungary", 13: "International (ISO)", 14: "Italian", 15: "Japan (Katakana)",
    16: "Korean", 17: "Latin American", 18: "Netherlands/Dutch", 19: "Norwegian",
    20: "Persian (Farsi)", 21: "Poland", 22: "Portuguese", 23: "Russia", 24: "Slovakia",
    25: "Spanish", 26: "Swedish", 27: "Swiss/French", 28: "Swiss/German", 29: "Switzerland",
    30: "Taiwan", 31: "Turkish-Q", 32: "UK", 33: "US", 34: "Yugoslavia", 35: "Turkish-F",
  ]
}
