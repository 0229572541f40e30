internal import DFU
internal import DFUHost
public import USB

/// Every USB device, as it is known without opening it: `dfu list --any`.
public struct AttachedListReport: Encodable, Hashable, Sendable {
  /// The name and version of this document's shape.
  public var schema = "dfu.attached-list/1"
  /// The devices, hubs included.
  public var devices: [AttachedReport]

  /// A list.
  public init(_ devices: [AttachedReport]) { self.devices = devices }

  /// A line for each device, and one more for each that has a DFU interface.
  public func text(_ style: TextStyle) -> String {
    var table = TextTable()
    for device in devices {
      table.add([
        style(.strong, device.path), style(.accent, "\(device.vendor):\(device.product)"),
        device.speed, style(.good, device.mark ?? ""),
        // A column that is never empty, so that all the lines before it are equally wide.
        "|",
      ])
    }
    var lines: [String] = []
    for (device, line) in zip(devices, table.lines()) {
      let columns = String(line.dropLast())
      let indent = displayWidth(of: columns)
      var words = [device.words(style)]
      if device.mark != nil {
        words.append(
          style(.faint, "select it with") + " -d '\(terminalSafe(device.selector))'")
      }
      let text = words.filter { !$0.isEmpty }.joined(separator: "\n")
      lines.append(columns + wrapped(text, width: style.width, indent: indent))
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

/// One USB device, as it is known without opening it.
public struct AttachedReport: Encodable, Hashable, Sendable {
  /// What a person types to name it.
  public var selector: String
  /// `idVendor`, four hexadecimal digits.
  public var vendor: String
  /// `idProduct`, four hexadecimal digits.
  public var product: String
  /// `bcdDevice`.
  public var version: String
  /// Where it is plugged in; `usb1` is a root hub.
  public var path: String
  /// The speed of its link.
  public var speed: String
  /// What it is by its class, or by those of its interfaces, in words.
  public var `class`: String
  /// Class, subclass and protocol of the device, or of each interface where the device leaves it to them.
  public var classCodes: [String]
  /// The mode of its DFU interface: `dfu`, `runtime` or `unknown`; `none` where it has none.
  public var dfu: String
  /// The name of its maker, where the host knows it.
  public var manufacturer: String?
  /// Its own name, where the host knows it.
  public var productName: String?
  /// Its serial number, where the host knows it.
  public var serialNumber: String?

  /// The report of a device.
  ///
  /// - Parameters:
  ///   - info: what is known of it.
  ///   - selector: what a person types to name it.
  public init(_ info: DeviceInfo, selector: String) {
    self.selector = selector
    vendor = "\(info.descriptor.vendor)"
    product = "\(info.descriptor.product)"
    version = "\(info.descriptor.deviceVersion)"
    path = "\(info.path)"
    speed = info.speed.rawValue
    self.class = info.classWords
    classCodes = info.classes.map(\.description)
    dfu = info.dfuMode.map { "\($0)" } ?? "none"
    manufacturer = info.manufacturerName
    productName = info.productName
    serialNumber = info.serialNumber
  }

  /// How a DFU device is marked; nil for others.
  var mark: String? {
    switch dfu {
    case "none": nil
    case "\(DFUMode.runtime)": "run time"
    default: "DFU"
    }
  }

  /// The class, and the names that are known.
  func words(_ style: TextStyle) -> String {
    // The mark has said it.
    let classes = `class`.split(separator: ", ").filter { mark == nil || $0 != "DFU" }
    var words = classes.map(String.init)
    if let productName { words.append("“\(terminalSafe(productName))”") }
    // A root hub bears the kernel's name and the number of a PCI slot.
    if path.hasPrefix("usb") { return words.joined(separator: ", ") }
    if let manufacturer { words.append("by \(terminalSafe(manufacturer))") }
    if let serialNumber { words.append("serial \(terminalSafe(serialNumber))") }
    return words.joined(separator: ", ")
  }
}
