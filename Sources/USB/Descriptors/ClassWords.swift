extension ClassTriple {
  /// What the class is, in few words (USB-IF, "Defined Class Codes"); nil where it is given by the
  /// interfaces, or says no more than that there are several.
  public var words: String? {
    switch (classCode, subclass, protocolCode) {
    case (0x00, _, _), (0xEF, 0x02, 0x01): nil
    case (0x01, _, _): "audio"
    case (0x02, _, _), (0x0A, _, _): "communications"
    case (0x03, _, 0x01): "keyboard"
    case (0x03, _, 0x02): "mouse"
    case (0x03, _, _): "human interface"
    case (0x05, _, _): "physical interface"
    case (0x06, _, _): "still image"
    case (0x07, _, _): "printer"
    case (0x08, _, _): "mass storage"
    case (0x09, _, _): "hub"
    case (0x0B, _, _): "smart card"
    case (0x0D, _, _): "content security"
    case (0x0E, _, _): "video"
    case (0x0F, _, _): "personal healthcare"
    case (0x10, _, _): "audio and video"
    case (0x11, _, _): "billboard"
    case (0x12, _, _): "USB-C bridge"
    case (0xDC, _, _): "diagnostic"
    case (0xE0, 0x01, 0x01): "Bluetooth"
    case (0xE0, _, _): "wireless controller"
    case (0xEF, _, _): "miscellaneous"
    case (0xFE, 0x01, _): "DFU"
    case (0xFE, 0x02, _): "IrDA bridge"
    case (0xFE, 0x03, _): "test and measurement"
    case (0xFE, _, _): "application-specific"
    case (0xFF, _, _): "vendor-specific"
    default: "class \(self)"
    }
  }
}

extension DeviceInfo {
  /// Whether it is a hub; root hubs are.
  public var isHub: Bool { path.ports.isEmpty || descriptor.deviceClass.classCode == 0x09 }

  /// Its class, or those of its interfaces, each once, where the device leaves it to them.
  ///
  /// "Vendor-specific" of a device says less than its interfaces do.
  public var classes: [ClassTriple] {
    let own = descriptor.deviceClass
    let configuration =
      configurations.first { $0.value == activeConfiguration } ?? configurations.first
    guard own.words == nil || own.classCode == 0xFF, let configuration else { return [own] }
    var classes: [ClassTriple] = []
    for interface in configuration.interfaces where !classes.contains(interface.interfaceClass) {
      classes.append(interface.interfaceClass)
    }
    return classes.isEmpty ? [own] : classes
  }

  /// What it is by ``classes``, in few words: `hub`, `keyboard, mouse`.
  public var classWords: String {
    var words: [String] = []
    for word in classes.compactMap(\.words) where !words.contains(word) { words.append(word) }
    return words.isEmpty ? "class not known" : words.joined(separator: ", ")
  }
}
