import USB

/// How a driver that has been bound to one interface of a function comes by the others
/// (`usb_driver_claim_interface`).
struct FunctionClaim: Sendable {
  /// Where the numbers of the other interfaces stand.
  enum Rule: Sendable {
    /// In the union descriptor (CDC 1.2, 5.2.3.2), else the data interface that follows.
    case unionDescriptor
    /// In the header of the control interface, or it is all of the function's association.
    case collection(streaming: ClassTriple, listAt: Int)
    /// The interface with the next number, of the same class.
    case nextInterface
  }

  /// The module.
  var module: String
  /// What it claims.
  var rule: Rule
  /// Where that stands.
  var evidence: Evidence

  static let all: [FunctionClaim] =
    ["cdc_acm", "cdc_ether", "cdc_ncm", "cdc_mbim", "rndis_host", "rndis_wlan"].map {
      FunctionClaim(
        module: $0, rule: .unionDescriptor,
        evidence: Evidence(
          $0 == "cdc_acm"
            ? "Linux, drivers/usb/class/cdc-acm.c, acm_probe"
            : "Linux, drivers/net/usb/\($0).c, bind",
          .read))
    } + [
      FunctionClaim(
        module: "snd_usb_audio",
        rule: .collection(streaming: ClassTriple(0x01, 0x02, 0), listAt: 8),
        evidence: Evidence("Linux, sound/usb/card.c, snd_usb_create_streams", .read)),
      FunctionClaim(
        module: "uvcvideo", rule: .collection(streaming: ClassTriple(0x0E, 0x02, 0), listAt: 12),
        evidence: Evidence("Linux, drivers/media/usb/uvc/uvc_driver.c, uvc_parse_streaming", .read)),
      FunctionClaim(
        module: "btusb", rule: .nextInterface,
        evidence: Evidence("Linux, drivers/bluetooth/btusb.c, btusb_probe", .read)),
    ]

  /// The interfaces that `module` claims once it is bound to `number`, and how that is known.
  static func interfaces(
    of module: String, bound number: UInt8, in configuration: ConfigurationDescriptor
  ) -> (numbers: [UInt8], evidence: Evidence)? {
    guard let claim = all.first(where: { $0.module == module }),
      let control = configuration.interfaces.first(where: { $0.number == number })
    else { return nil }
    let existing = Set(configuration.interfaces.map(\.number))
    let next = number < 255 ? number + 1 : number
    var numbers: [UInt8] = []
    switch claim.rule {
    case .unionDescriptor:
      for union in UnionDescriptor.all(of: control) where !union.subordinates.isEmpty {
        numbers += ([union.control] + union.subordinates).filter { $0 != number }
      }
      if numbers.isEmpty, configuration.settings(of: next).first?.interfaceClass.classCode == 0x0A {
        numbers = [next]
      }
    case .collection(let streaming, let at):
      for raw in control.extra
      where raw.bytes.count >= at && raw.bytes[1] == 0x24 && raw.bytes[2] == 0x01 {
        numbers += raw.bytes.dropFirst(at)
      }
      let association = configuration.associations.first { $0.contains(interface: number) }
      // The header of audio version 2 has no list.
      numbers += configuration.interfaces.filter {
        $0.interfaceClass.classCode == streaming.classCode
          && ($0.interfaceClass.subclass == streaming.subclass || streaming.classCode == 0x01)
          && association?.contains(interface: $0.number) == true
      }.map(\.number)
    case .nextInterface:
      if configuration.settings(of: next).first?.interfaceClass == control.interfaceClass {
        numbers = [next]
      }
    }
    var kept: [UInt8] = []
    for other in numbers where other != number && existing.contains(other) && !kept.contains(other)
    {
      kept.append(other)
    }
    return (kept, claim.evidence)
  }
}

/// What programs do with an interface that no driver takes.
struct UserSpaceUse: Sendable {
  /// Class, subclass and protocol; nil for any.
  var triple: (UInt8, UInt8?, UInt8?)
  /// Who uses it, as the end of a sentence.
  var use: String

  /// The first that fits counts.
  static let all: [UserSpaceUse] = [
    UserSpaceUse(
      triple: (0xFE, 0x01, nil),
      use:
        "that is the good case: dfu, dfu-util and browsers claim a DFU interface through usbfs, and"
        + " nothing has to"
        + " be detached"),
    UserSpaceUse(triple: (0x0B, nil, nil), use: "pcscd drives smart card readers through libusb"),
    UserSpaceUse(triple: (0x06, nil, nil), use: "gphoto and the MTP programs use libusb"),
    UserSpaceUse(triple: (0x07, nil, nil), use: "CUPS and ipp-usb reach printers through libusb"),
    UserSpaceUse(
      triple: (0x11, nil, nil), use: "a billboard only tells of itself by its descriptors"),
    UserSpaceUse(triple: (0xDC, nil, nil), use: "diagnostic interfaces are for programs"),
    UserSpaceUse(
      triple: (0x0A, nil, nil),
      use:
        "a data interface belongs to the driver of its control interface, and that has not claimed it"
    ),
    UserSpaceUse(
      triple: (0x01, nil, nil),
      use:
        "a streaming interface belongs to the driver of its control interface, and that has not claimed it"
    ),
    UserSpaceUse(
      triple: (0x0E, nil, nil),
      use:
        "a streaming interface belongs to the driver of its control interface, and that has not claimed it"
    ),
    UserSpaceUse(triple: (0xFF, nil, nil), use: "programs reach it through libusb"),
  ]

  static func of(_ triple: ClassTriple) -> String {
    all.first {
      $0.triple.0 == triple.classCode && ($0.triple.1 ?? triple.subclass) == triple.subclass
        && ($0.triple.2 ?? triple.protocolCode) == triple.protocolCode
    }?.use ?? "programs may claim it through libusb"
  }
}
