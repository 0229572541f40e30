internal import DFUHost
public import USB

/// What is plugged into what: `dfu usb tree`. It can be read back, so that somebody else's tree can be shown.
public struct BusTreeReport: Codable, Hashable, Sendable {
  /// A device, a hub, or a place where one must be that nobody tells of.
  public struct Node: Codable, Hashable, Sendable {
    /// Where it is: `usb1`, `1-4.2`.
    public var path: String
    /// The number of SET_ADDRESS; nil where it is not known.
    public var address: Int?
    /// `idVendor`, four hexadecimal digits; nil where nothing is known.
    public var vendor: String?
    /// `idProduct`, four hexadecimal digits.
    public var product: String?
    /// `bcdDevice`.
    public var version: String?
    /// `bcdUSB`.
    public var usb: String?
    /// The speed of its link.
    public var speed: String?
    /// What it is by its classes, in words.
    public var `class`: String?
    /// `dfu`, `runtime` or `unknown`; nil where it has no DFU interface.
    public var dfu: String?
    /// The vendor's name by usb.ids.
    public var vendorName: String?
    /// The product's name by usb.ids.
    public var productName: String?
    /// What it calls its maker.
    public var manufacturerText: String?
    /// What it calls itself.
    public var productText: String?
    /// Its serial number.
    public var serialNumber: String?
    /// The most current that its configuration takes from the bus, in mA.
    public var milliamperes: Int?
    /// Whether it has power of its own.
    public var isSelfPowered: Bool?
    /// `bConfigurationValue`; nil while not configured, or not known.
    public var configuration: Int?
    /// The driver of the device; of the controller for a root hub.
    public var driver: String?
    /// `removable` or `fixed`.
    public var removable: String?
    /// `active` or `suspended`.
    public var powerState: String?
    /// The interfaces of the active configuration.
    public var interfaces: [Interface] = []
    /// The ports of a hub.
    public var ports: [Port] = []
    /// What is plugged into it.
    public var children: [Node] = []

    init(path: String) { self.path = path }
  }

  /// An interface, in setting 0.
  public struct Interface: Codable, Hashable, Sendable {
    /// `bInterfaceNumber`.
    public var number: Int
    /// Class, subclass, protocol: `fe/01/02`.
    public var classCodes: String
    /// The class in words.
    public var `class`: String
    /// How many alternate settings there are.
    public var settings: Int
    /// The driver that holds it; nil where none does, or nobody tells.
    public var driver: String?
    /// Its endpoints.
    public var endpoints: [Endpoint]
  }

  /// An endpoint.
  public struct Endpoint: Codable, Hashable, Sendable {
    /// `bEndpointAddress`, two hexadecimal digits.
    public var address: String
    /// `control`, `isochronous`, `bulk` or `interrupt`.
    public var kind: String
    /// Bytes of one packet.
    public var packetSize: Int
  }

  /// A port of a hub.
  public struct Port: Codable, Hashable, Sendable {
    /// Its number, from 1.
    public var number: Int
    /// `hotplug`, `hardwired`, `not used`.
    public var connectType: String?
    /// How often too much current was drawn.
    public var overCurrentCount: Int?
    /// The port of the other speed in the same socket.
    public var companion: String?
  }

  /// The name and version of this document's shape.
  public static let currentSchema = "dfu.tree/1"
  /// ``currentSchema``.
  public var schema = Self.currentSchema
  /// Whether anybody tells of drivers: a nil driver is then one that is not there.
  public var knowsDrivers: Bool
  /// Root hubs, or what is highest where those are not known.
  public var roots: [Node]

  /// The tree of some devices.
  ///
  /// - Parameters:
  ///   - devices: in any order; hubs that are missing are shown as places.
  ///   - surroundings: what the system tells of each.
  ///   - names: of vendors and products.
  public init(
    _ devices: [DeviceInfo], surroundings: [DeviceID: DeviceSurroundings] = [:],
    names: USBIDs = USBIDs()
  ) {
    knowsDrivers = !surroundings.isEmpty
    var nodes: [PortPath: Node] = [:]
    for device in devices {
      nodes[device.path] = Node(device, surroundings[device.id], names)
      // Whatever is between it and its root hub.
      for count in device.path.ports.indices {
        let above = PortPath(bus: device.path.bus, ports: Array(device.path.ports[..<count]))
        if nodes[above] == nil { nodes[above] = Node(path: above.description) }
      }
    }
    var left = nodes.keys.sorted { ($0.ports.count, $1) > ($1.ports.count, $0) }
    var roots: [Node] = []
    // From the leaves up: each is put into the one above when all below are in it.
    while !left.isEmpty {
      let path = left.removeFirst()
      guard let node = nodes[path] else { continue }
      if path.ports.isEmpty {
        roots.append(node)
      } else {
        let above = PortPath(bus: path.bus, ports: Array(path.ports.dropLast()))
        nodes[above]?.children.insert(node, at: 0)
      }
    }
    self.roots = roots.reversed()
    sort()
  }

  private mutating func sort() {
    func sorted(_ nodes: [Node]) -> [Node] {
      nodes.sorted { left, right in
        switch (PortPath(left.path), PortPath(right.path)) {
        case (let left?, let right?): left < right
        default: left.path < right.path
        }
      }.map { node in
        var node = node
        node.children = sorted(node.children)
        return node
      }
    }
    roots = sorted(roots)
  }

  /// The same with every serial number replaced by stars.
  public func maskingSerialNumbers() -> BusTreeReport {
    var masked = self
    func mask(_ nodes: [Node]) -> [Node] {
      nodes.map { node in
        var node = node
        node.serialNumber = node.serialNumber.map { _ in "****" }
        node.children = mask(node.children)
        return node
      }
    }
    masked.roots = mask(roots)
    return masked
  }

  /// How many devices there are, root hubs and places not counted.
  public var deviceCount: Int {
    func count(_ nodes: [Node]) -> Int {
      nodes.reduce(0) { sum, node in
        sum + (node.vendor == nil || node.path.hasPrefix("usb") ? 0 : 1) + count(node.children)
      }
    }
    return count(roots)
  }
}

extension BusTreeReport.Node {
  init(_ info: DeviceInfo, _ surroundings: DeviceSurroundings?, _ names: USBIDs) {
    path = "\(info.path)"
    address = info.address == 0 ? nil : Int(info.address)
    vendor = "\(info.descriptor.vendor)"
    product = "\(info.descriptor.product)"
    version = "\(info.descriptor.deviceVersion)"
    usb = "\(info.descriptor.usbVersion)"
    speed = info.speed.rawValue
    self.class = info.classWords
    dfu = info.dfuMode.map { "\($0)" }
    vendorName = names.name(of: info.descriptor.vendor)
    productName = names.name(of: info.descriptor.product, by: info.descriptor.vendor)
    manufacturerText = info.manufacturerName
    productText = info.productName
    serialNumber = info.serialNumber
    configuration = info.activeConfiguration.map(Int.init)
    let active = info.configurations.first { $0.value == info.activeConfiguration }
    if let active, !info.isOutline {
      let isSuper = info.speed == .superSpeed || info.speed == .superSpeedPlus
      milliamperes = Int(active.maxPower) * (isSuper ? 8 : 2)
      isSelfPowered = active.attributes & 0x40 != 0
    }
    driver = surroundings?.driver
    removable = surroundings?.removable
    powerState = surroundings?.powerState
    let settings = (active ?? info.configurations.first)?.interfaces ?? []
    interfaces = settings.filter { $0.alternateSetting == 0 }.map { interface in
      BusTreeReport.Interface(
        number: Int(interface.number), classCodes: "\(interface.interfaceClass)",
        class: interface.interfaceClass.words ?? "\(interface.interfaceClass)",
        settings: settings.count { $0.number == interface.number },
        driver: surroundings?.interfaceDrivers[interface.number],
        endpoints: interface.endpoints.map {
          BusTreeReport.Endpoint(
            address: hex($0.address), kind: TransferKind(attributes: $0.attributes).words,
            packetSize: Int($0.maxPacketSize & 0x7FF))
        })
    }
    ports = (surroundings?.ports ?? []).map {
      BusTreeReport.Port(
        number: Int($0.number), connectType: $0.connectType, overCurrentCount: $0.overCurrentCount,
        companion: $0.companion)
    }
  }
}
