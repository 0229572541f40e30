/// The ports of the kernel's virtual host controller: what `dfu usb attach --list` prints, and what attaching
/// and detaching leave.
public struct PortsReport: Encodable, Hashable, Sendable {
  /// A port.
  public struct Port: Encodable, Hashable, Sendable {
    /// Its number, over all controllers.
    public var number: Int
    /// Whether it is for SuperSpeed devices.
    public var isSuperSpeed: Bool
    /// What is on it: `free`, `not enumerated`, `in use`, `broken`, or `state N`.
    public var state: String
    /// Where the kernel has the device, `3-1`; nil while it has none.
    public var localBusID: String?
    /// `idVendor`, four hexadecimal digits.
    public var vendor: String?
    /// `idProduct`, four hexadecimal digits.
    public var product: String?
    /// From where the device is, `usbip://HOST[:PORT]/BUSID`; nil where nobody has noted it.
    public var server: String?

    /// A port.
    public init(
      number: Int, isSuperSpeed: Bool, state: String, localBusID: String?, vendor: String?,
      product: String?, server: String?
    ) {
      self.number = number
      self.isSuperSpeed = isSuperSpeed
      self.state = state
      self.localBusID = localBusID
      self.vendor = vendor
      self.product = product
      self.server = server
    }

    /// `vid:pid`; nil while the kernel has not read them.
    var ids: String? { vendor.flatMap { vendor in product.map { "\(vendor):\($0)" } } }
  }

  /// The name and version of this document's shape.
  public var schema = "dfu.usb-ports/1"
  /// The ports that are told of, in order.
  public var ports: [Port]

  /// A report.
  public init(_ ports: [Port]) { self.ports = ports }

  /// A line for each port that has a device, and a count of those that are free.
  public func text(_ style: TextStyle) -> String {
    let taken = ports.filter { $0.state != "free" }
    var table = TextTable()
    for port in taken {
      let isWell = port.state == "in use"
      table.add([
        style(.strong, "port \(port.number)"), port.ids ?? "", port.localBusID ?? "",
        style(isWell ? .good : .bad, port.state),
        style(.faint, port.server.map { "from \(terminalSafe($0))" } ?? ""),
      ])
    }
    func free(_ isSuperSpeed: Bool) -> Int {
      ports.count { $0.state == "free" && $0.isSuperSpeed == isSuperSpeed }
    }
    let lines =
      (taken.isEmpty ? ["No device is attached."] : table.lines()) + [
        style(
          .faint,
          "\(free(false)) free for devices up to high speed, \(free(true)) for SuperSpeed ones")
      ]
    return lines.joined(separator: "\n") + "\n"
  }

  /// What attaching has led to.
  public func attachedText(_ style: TextStyle) -> String {
    ports.map { port in
      let what = style(.strong, port.ids ?? "The device")
      let place =
        port.localBusID.map { " is \(style(.accent, $0)) of this machine, on port \(port.number)" }
        ?? " is on port \(port.number), and is not enumerated yet"
      return "\(what)\(place).\n"
        + style(.faint, "  `sudo dfu usb detach \(port.number)` takes it away.") + "\n"
    }.joined()
  }

  /// What detaching has led to.
  public func detachedText(_ style: TextStyle) -> String {
    guard !ports.isEmpty else { return "No device is attached.\n" }
    return ports.map { port in
      "\(style(.strong, port.ids ?? "The device")) was taken off port \(port.number).\n"
    }.joined()
  }
}
