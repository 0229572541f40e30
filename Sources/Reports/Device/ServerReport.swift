public import USB

/// What a USB/IP server offers, and where: `dfu emulate` and `dfu share` print it when they listen.
public struct ServerReport: Encodable, Hashable, Sendable {
  /// A device that is offered.
  public struct Device: Encodable, Hashable, Sendable {
    /// The name to import it by.
    public var busID: String
    /// `idVendor`, four hexadecimal digits; nil while nothing is plugged in.
    public var vendor: String?
    /// `idProduct`, four hexadecimal digits; nil while nothing is plugged in.
    public var product: String?
    /// What it is.
    public var name: String
    /// What a person types to name it on this machine.
    public var selector: String

    /// A device.
    public init(busID: String, info: DeviceInfo?, name: String, selector: String) {
      self.busID = busID
      vendor = info.map { "\($0.descriptor.vendor)" }
      product = info.map { "\($0.descriptor.product)" }
      self.name = name
      self.selector = selector
    }
  }

  /// The name and version of this document's shape.
  public var schema = "dfu.server/1"
  /// The address that it listens on.
  public var host: String
  /// The TCP port.
  public var port: Int
  /// What it offers now.
  public var devices: [Device]

  /// A server.
  public init(host: String, port: Int, devices: [Device]) {
    self.host = host
    self.port = port
    self.devices = devices
  }

  /// A line for each device.
  public func text(_ style: TextStyle) -> String {
    let place = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    var lines = [style(.strong, "USB/IP server at \(place)") + style(.faint, ", until Ctrl-C")]
    let rows = devices.map { device in
      let ids = device.vendor.flatMap { vendor in device.product.map { "\(vendor):\($0)" } }
      return [device.busID, ids ?? "not there", terminalSafe(device.name), device.selector]
    }
    let widths = (0..<3).map { column in rows.map { displayWidth(of: $0[column]) }.max() ?? 0 }
    for row in rows {
      func padded(_ column: Int) -> String {
        row[column]
          + String(repeating: " ", count: widths[column] - displayWidth(of: row[column]) + 2)
      }
      lines.append(
        "  " + style(.accent, padded(0)) + padded(1) + padded(2) + style(.faint, row[3]))
    }
    if devices.isEmpty { lines.append("  no devices are there") }
    return lines.joined(separator: "\n") + "\n"
  }
}
