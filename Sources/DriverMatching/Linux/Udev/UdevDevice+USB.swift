public import USB

extension UdevDevice {
  /// What a device says of itself in strings.
  public struct Strings: Hashable, Sendable {
    /// `iManufacturer`.
    public var manufacturer: String?
    /// `iProduct`.
    public var product: String?
    /// `iSerialNumber`.
    public var serialNumber: String?

    /// The strings; nil for those that it does not have.
    public init(manufacturer: String? = nil, product: String? = nil, serialNumber: String? = nil) {
      self.manufacturer = manufacturer
      self.product = product
      self.serialNumber = serialNumber
    }
  }

  /// A USB device as it would be in `/sys`, from its descriptors (`drivers/usb/core/sysfs.c`, `usb.c`).
  ///
  /// Hubs on the way and the root hub are its parents; of hubs only the names are known.
  ///
  /// - Parameters:
  ///   - action: `add`, or what else happens to it.
  ///   - device: its descriptor.
  ///   - configurations: its configurations, with the setting-0 interfaces and all others.
  ///   - strings: its strings, as sysfs shows them.
  ///   - path: where it is plugged in.
  ///   - address: its address on the bus, which names the node; 0 counts as 1.
  ///   - speed: its speed.
  ///   - activeConfiguration: the configuration that is set; nil for the one that Linux chooses.
  ///   - controller: the name of the PCI device of the bus: `0000:00:14.0`; nil where there is none.
  /// - Returns: the device.
  public static func usb(
    action: String = "add", device: DeviceDescriptor, configurations: [ConfigurationDescriptor],
    strings: Strings = Strings(), path: PortPath, address: UInt8, speed: USBSpeed = .high,
    activeConfiguration: UInt8? = nil, controller: String? = "0000:00:14.0"
  ) -> UdevDevice {
    var parents = hubs(above: path, controller)
    let root = parents.last { $0.subsystem == "usb" }?.devpath ?? "/devices"
    let devpath = parents.first.map { "\($0.devpath)/\(path)" } ?? "\(root)/\(path)"
    if path.ports.isEmpty { parents.removeAll { $0.name == path.description } }
    let address = max(Int(address), 1)
    let bus = max(path.bus, 1)
    let node = "bus/usb/\(padded(bus))/\(padded(address))"
    let chosen =
      activeConfiguration ?? ConfigurationChoice(device, configurations, speed: speed).value
    let active = configurations.first { $0.value == chosen }
    let triple = device.deviceClass
    return UdevDevice(
      action: action, name: path.description, devpath: devpath, subsystem: "usb",
      devtype: "usb_device",
      driver: "usb", node: "/dev/\(node)",
      // Major 189; 128 minors for each bus (Documentation/admin-guide/devices.txt).
      number: Number(major: 189, minor: (bus - 1) &* 128 &+ (address - 1)),
      attributes: attributes(device, active, strings, path, address, speed),
      properties: [
        "PRODUCT": [device.vendor.rawValue, device.product.rawValue, device.deviceVersion.rawValue]
          .map { String($0, radix: 16) }.joined(separator: "/"),
        "TYPE": "\(triple.classCode)/\(triple.subclass)/\(triple.protocolCode)",
        "BUSNUM": padded(bus),
        "DEVNUM": padded(address),
      ],
      interfaceClasses: visibleClasses(configurations),
      parents: parents)
  }

  /// One of its interfaces, with the device as its first parent.
  ///
  /// - Parameters:
  ///   - interface: the interface in its current setting.
  ///   - configuration: the value of its configuration.
  ///   - device: the device's descriptor, of which the modalias is made.
  ///   - driver: the driver that is bound; nil for none.
  /// - Returns: the interface as udev sees it.
  public func interface(
    _ interface: InterfaceDescriptor, configuration: UInt8, of device: DeviceDescriptor,
    driver: String? = nil
  ) -> UdevDevice {
    let name = "\(self.name):\(configuration).\(interface.number)"
    let triple = interface.interfaceClass
    let modalias = Modalias(device, interface).description
    var event = properties
    event["INTERFACE"] = "\(triple.classCode)/\(triple.subclass)/\(triple.protocolCode)"
    event["MODALIAS"] = modalias
    event["BUSNUM"] = nil
    event["DEVNUM"] = nil
    return UdevDevice(
      action: action, name: name, devpath: "\(devpath)/\(name)", subsystem: "usb",
      devtype: "usb_interface",
      driver: driver,
      attributes: [
        "bInterfaceNumber": hex(interface.number),
        "bAlternateSetting": spaced(Int(interface.alternateSetting)),
        "bNumEndpoints": hex(interface.endpointCount), "bInterfaceClass": hex(triple.classCode),
        "bInterfaceSubClass": hex(triple.subclass), "bInterfaceProtocol": hex(triple.protocolCode),
        "modalias": modalias, "authorized": "1", "supports_autosuspend": driver == nil ? "1" : "0",
      ], properties: event, parents: [self] + parents)
  }

  /// A device of another subsystem below this one, such as a tty: its parents are this one and all above it.
  public func child(
    name: String, subsystem: String, node: String?, number: Number?
  ) -> UdevDevice {
    UdevDevice(
      action: action, name: name, devpath: "\(devpath)/\(subsystem)/\(name)", subsystem: subsystem,
      node: node,
      number: number, parents: [self] + parents)
  }

  /// The classes that udev reads out of the file `descriptors`. An interface descriptor that ends the file
  /// it does not see (tried with 252).
  private static func visibleClasses(_ configurations: [ConfigurationDescriptor]) -> [ClassTriple] {
    var classes = configurations.flatMap { $0.interfaces.map(\.interfaceClass) }
    if let last = configurations.last?.interfaces.last, last.endpoints.isEmpty, last.extra.isEmpty,
      last.extraBytes.isEmpty
    {
      classes.removeLast()
    }
    return classes
  }

  private static func padded(_ number: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, 3 - text.count)) + text
  }

  private static func attributes(
    _ device: DeviceDescriptor, _ active: ConfigurationDescriptor?, _ strings: Strings,
    _ path: PortPath, _ address: Int, _ speed: USBSpeed
  ) -> [String: String] {
    var all: [String: String] = [
      "maxchild": "0", "authorized": "1", "quirks": "0x0", "avoid_reset_quirk": "0",
      "ltm_capable": "no",
      "removable": "unknown", "bConfigurationValue": "", "bNumInterfaces": "", "bmAttributes": "",
      "bMaxPower": "",
    ]
    all["idVendor"] = "\(device.vendor)"
    all["idProduct"] = "\(device.product)"
    all["bcdDevice"] = hex(device.deviceVersion.rawValue)
    all["bDeviceClass"] = hex(device.deviceClass.classCode)
    all["bDeviceSubClass"] = hex(device.deviceClass.subclass)
    all["bDeviceProtocol"] = hex(device.deviceClass.protocolCode)
    all["bNumConfigurations"] = "\(device.configurationCount)"
    all["bMaxPacketSize0"] = "\(device.maxPacketSize0)"
    all["busnum"] = "\(path.bus)"
    all["devnum"] = "\(address)"
    all["devpath"] = path.ports.isEmpty ? "0" : path.ports.map(String.init).joined(separator: ".")
    all["speed"] = speedText(speed)
    all["version"] = versionText(device.usbVersion.rawValue)
    if let active {
      all["bConfigurationValue"] = "\(active.value)"
      all["bNumInterfaces"] = spaced(Int(active.interfaceCount))
      all["bmAttributes"] = hex(active.attributes)
      let unit = speed == .superSpeed || speed == .superSpeedPlus ? 8 : 2
      all["bMaxPower"] = "\(Int(active.maxPower) * unit)mA"
    }
    all["manufacturer"] = strings.manufacturer
    all["product"] = strings.product
    all["serial"] = strings.serialNumber
    return all
  }

  private static func speedText(_ speed: USBSpeed) -> String {
    switch speed {
    case .low: "1.5"
    case .full: "12"
    case .high: "480"
    case .superSpeed: "5000"
    case .superSpeedPlus: "10000"
    }
  }

  /// ` 2.00`: the first two digits have a blank for a zero.
  private static func versionText(_ version: UInt16) -> String {
    let high = String(version >> 8, radix: 16)
    return (high.count < 2 ? " " : "") + high + "." + hex(UInt8(truncatingIfNeeded: version))
  }

  /// The hubs on the way, the root hub and the controller.
  private static func hubs(above path: PortPath, _ controller: String?) -> [UdevDevice] {
    var devpath = "/devices/pci0000:00"
    var all: [UdevDevice] = []
    if let controller {
      devpath += "/\(controller)"
      all.append(
        UdevDevice(
          name: controller, devpath: devpath, subsystem: "pci", driver: "xhci_hcd",
          hasAllAttributes: false))
    }
    for depth in 0..<max(1, path.ports.count) {
      let hub = PortPath(bus: path.bus, ports: Array(path.ports.prefix(depth)))
      devpath += "/\(hub)"
      var known = ["bDeviceClass": "09", "busnum": "\(path.bus)", "authorized": "1"]
      if depth == 0 {
        known["idVendor"] = "1d6b"
        known["devpath"] = "0"
        known["devnum"] = "1"
      }
      all.append(
        UdevDevice(
          name: hub.description, devpath: devpath, subsystem: "usb", devtype: "usb_device",
          driver: "usb",
          attributes: known, hasAllAttributes: false))
    }
    return all.reversed()
  }
}

/// A number of two places with a blank for a leading zero, as `%2d` writes it.
private func spaced(_ number: Int) -> String { number < 10 ? " \(number)" : "\(number)" }
