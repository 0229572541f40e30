public import USB

/// A device as udev sees it: what the kernel's event says of it, and what its folder in `/sys` has.
public struct UdevDevice: Hashable, Sendable {
  /// The numbers of a node.
  public struct Number: Hashable, Sendable {
    /// Which driver of the kernel it belongs to; 189 for USB devices.
    public var major: Int
    /// Which of its nodes it is.
    public var minor: Int

    /// Both numbers.
    public init(major: Int, minor: Int) {
      self.major = major
      self.minor = minor
    }
  }

  /// What happens to it: `add`, `change`, `remove`, `bind`, ... (`ACTION`).
  public var action: String
  /// Its name in sysfs: `1-2`, `1-2:1.0`, `ttyACM0` (`KERNEL`).
  public var name: String
  /// Its path below `/sys`: `/devices/pci0000:00/0000:00:14.0/usb1/1-2` (`DEVPATH`).
  public var devpath: String
  /// `usb`, `tty`, `hidraw`; nil where it has none.
  public var subsystem: String?
  /// `usb_device`, `usb_interface`; nil where it has none.
  public var devtype: String?
  /// The driver that is bound: `usb`, `cdc_acm`.
  public var driver: String?
  /// Its node: `/dev/bus/usb/001/004`; nil where it has none.
  public var node: String?
  /// The numbers of the node.
  public var number: Number?
  /// Files of its folder with their contents, without the last line end.
  public var attributes: [String: String]
  /// Whether `attributes` has all that there are: what is missing then does not exist.
  public var hasAllAttributes: Bool
  /// What the kernel's event says, and for ancestors what udev's database has.
  public var properties: [String: String]
  /// Tags out of the database, from earlier events; for ancestors all that they have.
  public var databaseTags: Set<String>
  /// Properties out of the database, from earlier events.
  public var databaseProperties: [String: String]
  /// The mode of the node before the event; devtmpfs makes it 0600.
  public var nodeMode: UInt16
  /// The owner of the node before the event.
  public var nodeOwner: String
  /// The group of the node before the event.
  public var nodeGroup: String
  /// The classes of all interfaces that udev finds in the file `descriptors`, as they stand.
  public var interfaceClasses: [ClassTriple]
  /// Its ancestors, nearest first; theirs are not asked.
  public var parents: [UdevDevice]

  /// More ancestors than these are not asked; the kernel's own have ten at most.
  public static let parentLimit = 32

  /// A device; see the properties.
  public init(
    action: String = "add", name: String, devpath: String, subsystem: String?,
    devtype: String? = nil,
    driver: String? = nil, node: String? = nil, number: Number? = nil,
    attributes: [String: String] = [:], hasAllAttributes: Bool = true,
    properties: [String: String] = [:],
    databaseTags: Set<String> = [], databaseProperties: [String: String] = [:],
    interfaceClasses: [ClassTriple] = [], parents: [UdevDevice] = []
  ) {
    self.action = action
    self.name = name
    self.devpath = devpath
    self.subsystem = subsystem
    self.devtype = devtype
    self.driver = driver
    self.node = node
    self.number = number
    self.attributes = attributes
    self.hasAllAttributes = hasAllAttributes
    self.properties = properties
    self.databaseTags = databaseTags
    self.databaseProperties = databaseProperties
    nodeMode = 0o600
    nodeOwner = "root"
    nodeGroup = "root"
    self.interfaceClasses = interfaceClasses
    self.parents = parents
  }

  /// Whether a file that `attributes` has not does not exist in its folder.
  func lacks(_ attribute: String) -> Bool {
    hasAllAttributes || (subsystem != "usb" && Self.onlyOfUSB.contains(attribute))
  }

  /// Files of USB devices and interfaces that the controllers, bridges and platforms above them do not have
  /// (Linux, Documentation/ABI/testing/sysfs-bus-pci): rules look for them on every ancestor.
  private static let onlyOfUSB: Set<String> = [
    "idVendor", "idProduct", "bcdDevice", "bDeviceClass", "bDeviceSubClass", "bDeviceProtocol",
    "bInterfaceNumber", "bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol", "busnum",
    "devnum", "devpath", "manufacturer", "product", "serial",
  ]

  /// What udev knows of it before the first rule: the event's properties, with those that name it.
  var initialProperties: [String: String] {
    var all = properties
    all["ACTION"] = action
    all["DEVPATH"] = devpath
    all["SUBSYSTEM"] = subsystem
    all["DEVTYPE"] = devtype
    all["DRIVER"] = driver
    all["DEVNAME"] = node
    if let number {
      all["MAJOR"] = String(number.major)
      all["MINOR"] = String(number.minor)
    }
    return all
  }
}
