import USB

/// The builtins of udev whose results follow from attributes (systemd 252, `src/udev/udev-builtin-*.c`).
enum UdevBuiltins {
  /// What became of a builtin.
  enum Result {
    /// It succeeds, with these properties.
    case properties([String: String])
    /// It fails.
    case failure
    /// It needs what is not at hand.
    case unknown(String)
  }

  static func run(
    _ command: String, _ device: UdevDevice, _ properties: [String: String],
    _ environment: UdevEnvironment
  ) -> Result {
    switch command.split(separator: " ").first {
    case "usb_id": return usbID(device)
    case "path_id": return pathID(device)
    case "hwdb":
      guard let database = environment.hardwareDatabase else {
        return .unknown("hwdb is not at hand")
      }
      let found = database.properties(of: device)
      return found.isEmpty ? .failure : .properties(found)
    // They load modules and set lists: for them no property follows.
    case "kmod", "uaccess": return .properties([:])
    case let name: return .unknown("the builtin \(name.map(String.init) ?? "") was not run")
    }
  }

  /// Names of a device out of its strings, for links and rules (`udev-builtin-usb_id.c`).
  static func usbID(_ device: UdevDevice) -> Result {
    var found: [String: String] = [:]
    let usb: UdevDevice
    if device.devtype == "usb_device" {
      usb = device
    } else {
      let ancestors = device.parents.prefix(UdevDevice.parentLimit)
      guard let interface = ancestors.first(where: { $0.devtype == "usb_interface" }),
        let parent = ancestors.first(where: { $0.devtype == "usb_device" })
      else { return .failure }
      usb = parent
      found["ID_USB_INTERFACE_NUM"] = interface.attributes["bInterfaceNumber"]
      found["ID_USB_DRIVER"] = interface.driver
      if let text = interface.attributes["bInterfaceClass"], let code = UInt8(text, radix: 16) {
        found["ID_TYPE"] = kinds[code] ?? "generic"
      }
    }
    guard let vendor = usb.attributes["idVendor"], let product = usb.attributes["idProduct"] else {
      return .failure
    }
    let classes = interfaces(usb.interfaceClasses)
    if !classes.isEmpty { found["ID_USB_INTERFACES"] = classes }
    let maker = nonempty(usb.attributes["manufacturer"]) ?? vendor
    let model = nonempty(usb.attributes["product"]) ?? product
    let vendorName = name(maker)
    let modelName = name(model)
    found["ID_VENDOR_ID"] = vendor
    found["ID_MODEL_ID"] = product
    found["ID_VENDOR"] = vendorName
    found["ID_VENDOR_ENC"] = UdevText.encoded(maker)
    found["ID_MODEL"] = modelName
    found["ID_MODEL_ENC"] = UdevText.encoded(model)
    found["ID_REVISION"] = usb.attributes["bcdDevice"].map { name($0) }
    var serial = "\(vendorName)_\(modelName)"
    if let own = usb.attributes["serial"],
      own.utf8.allSatisfy({ (0x20...0x7F).contains($0) && $0 != 0x2C })
    {
      let short = name(own, limit: 255)
      if !short.isEmpty {
        found["ID_SERIAL_SHORT"] = short
        serial += "_\(short)"
      }
    }
    found["ID_SERIAL"] = String(decoding: serial.utf8.prefix(255), as: UTF8.self)
    // Since 250 all but the class of interfaces also under names that no other bus uses.
    for (key, value) in found where !key.hasPrefix("ID_USB_") {
      found["ID_USB_" + key.dropFirst("ID_".count)] = value
    }
    found["ID_BUS"] = "usb"
    return .properties(found)
  }

  /// What `ID_TYPE` is by the class of an interface.
  private static let kinds: [UInt8: String] = [
    0x01: "audio", 0x03: "hid", 0x06: "media", 0x07: "printer", 0x08: "storage", 0x09: "hub",
    0x0E: "video",
  ]

  private static func nonempty(_ text: String?) -> String? {
    text.flatMap { $0.isEmpty ? nil : UdevEvent.page($0) }
  }

  /// udev has room for 63 bytes, and for a serial number and all of them together for 255.
  private static func name(_ text: String, limit: Int = 63) -> String {
    UdevText.replacingCharacters(UdevText.replacingWhitespace(text, limit: limit))
  }

  /// `:fe0102:`: each class once.
  private static func interfaces(_ classes: [ClassTriple]) -> String {
    var seen: Set<ClassTriple> = []
    var text = ""
    for triple in classes where seen.insert(triple).inserted {
      text += ":" + hex(triple.classCode) + hex(triple.subclass) + hex(triple.protocolCode)
    }
    return text.isEmpty ? "" : text + ":"
  }

  /// The way to a device that does not change with addresses: `pci-0000:00:14.0-usb-0:2`
  /// (`udev-builtin-path_id.c`).
  static func pathID(_ device: UdevDevice) -> Result {
    var path = ""
    var isInsideUSB = false
    for node in [device] + device.parents.prefix(UdevDevice.parentLimit) {
      switch node.subsystem {
      case "usb" where node.devtype == "usb_interface" || node.devtype == "usb_device":
        // Only the nearest one counts; all above it in the subsystem are passed over.
        if isInsideUSB { continue }
        isInsideUSB = true
        guard let dash = node.name.firstIndex(of: "-") else { continue }
        path =
          "usb-0:\(node.name[node.name.index(after: dash)...])" + (path.isEmpty ? "" : "-\(path)")
      case "pci", "platform":
        guard let subsystem = node.subsystem else { continue }
        path = "\(subsystem)-\(node.name)" + (path.isEmpty ? "" : "-\(path)")
        // Bridges above say nothing more.
        return finished(path)
      default: continue
      }
    }
    // Without a bus that has a place of its own there is no path.
    return .failure
  }

  private static func finished(_ path: String) -> Result {
    .properties([
      "ID_PATH": path,
      "ID_PATH_TAG": String(
        decoding: path.utf8.map {
          (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
            || $0 == UInt8(ascii: "-") ? $0 : UInt8(ascii: "_")
        }, as: UTF8.self),
    ])
  }
}
