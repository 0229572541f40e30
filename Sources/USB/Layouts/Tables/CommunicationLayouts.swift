/// Communications devices (CDC 1.2, and the specifications of its subclasses).
enum CommunicationLayouts {
  private static func functional(
    _ name: String, _ section: String, _ items: [DescriptorLayout.Item]
  ) -> DescriptorLayout {
    DescriptorLayout("CDC \(name)", section, [.byte("bDescriptorSubtype", .hexadecimal)] + items)
  }

  /// The functional descriptors by `bDescriptorSubtype`.
  static let all: LayoutTable = [
    0x00: functional("Header", "CDC 1.2, 5.2.3.1", [.word("bcdCDC", .version)]),
    0x01: functional(
      "Call Management", "PSTN 1.2, 5.3.1",
      [
        .byte(
          "bmCapabilities",
          .flags([.bit(0, "handles calls itself"), .bit(1, "over the data interface")])),
        .byte("bDataInterface"),
      ]),
    0x02: functional(
      "ACM", "PSTN 1.2, 5.3.2",
      [
        .byte(
          "bmCapabilities",
          .flags([
            .bit(0, "communication features"), .bit(1, "line coding and serial state"),
            .bit(2, "send break"), .bit(3, "network connection"),
          ]))
      ]),
    0x03: functional("Direct Line", "PSTN 1.2, 5.3.3", [.byte("bmCapabilities", .hexadecimal)]),
    0x04: functional(
      "Telephone Ringer", "PSTN 1.2, 5.3.4",
      [.byte("bRingerVolSteps"), .byte("bNumRingerPatterns")]),
    0x05: functional(
      "Telephone Call and Line State", "PSTN 1.2, 5.3.6",
      [.byte("bmCapabilities", .hexadecimal)]),
    0x06: functional(
      "Union", "CDC 1.2, 5.2.3.2",
      [.byte("bControlInterface"), .group(.rest, [.byte("bSubordinateInterface")])]),
    0x07: functional(
      "Country Selection", "CDC 1.2, 5.2.3.3",
      [
        .byte("iCountryCodeRelDate", .string),
        .group(.rest, [.word("wCountryCode", .hexadecimal)]),
      ]),
    0x08: functional(
      "Telephone Operational Modes", "PSTN 1.2, 5.3.5",
      [.byte("bmCapabilities", .hexadecimal)]),
    0x0A: functional(
      "Network Channel Terminal", "CDC 1.1, 5.2.3.10",
      [
        .byte("bEntityId"), .byte("iName", .string), .byte("bChannelIndex"),
        .byte("bPhysicalInterface"),
      ]),
    0x0F: functional(
      "Ethernet Networking", "ECM 1.2, 5.4",
      [
        .byte("iMACAddress", .string), .double("bmEthernetStatistics", .hexadecimal),
        .word("wMaxSegmentSize"), .word("wNumberMCFilters", .hexadecimal),
        .byte("bNumberPowerFilters"),
      ]),
    0x11: functional("Wireless Handset Control", "WMC 1.1, 7.1", [.word("bcdVersion", .version)]),
    0x12: functional(
      "Mobile Direct Line Model", "WMC 1.1, 6.3.1",
      [.word("bcdVersion", .version), .fixed("bGUID", 16, .guid)]),
    0x13: functional(
      "MDLM Detail", "WMC 1.1, 6.3.2", [.byte("bGuidDescriptorType"), .rest("bDetailData")]),
    0x14: functional(
      "Device Management", "WMC 1.1, 8.1",
      [.word("bcdVersion", .version), .word("wMaxCommand")]),
    0x15: functional("OBEX", "WMC 1.1, 7.3", [.word("bcdVersion", .version)]),
    0x1A: functional(
      "NCM", "NCM 1.0, 5.2.1",
      [
        .word("bcdNcmVersion", .version),
        .byte(
          "bmNetworkCapabilities",
          .flags([
            .bit(0, "packet filter"), .bit(1, "network address"),
            .bit(2, "encapsulated commands"), .bit(3, "datagram size"), .bit(4, "CRC mode"),
            .bit(5, "NTB input size of 8 bytes"),
          ])),
      ]),
    0x1B: functional(
      "MBIM", "MBIM 1.0, 6.4",
      [
        .word("bcdMBIMVersion", .version), .word("wMaxControlMessage"),
        .byte("bNumberFilters"), .byte("bMaxFilterSize"), .word("wMaxSegmentSize"),
        .byte("bmNetworkCapabilities", .hexadecimal),
      ]),
    0x1C: functional(
      "MBIM Extended", "MBIM 1.0, 6.5",
      [
        .word("bcdMBIMExtendedVersion", .version), .byte("bMaxOutstandingCommandMessages"),
        .word("wMTU"),
      ]),
  ]
}
