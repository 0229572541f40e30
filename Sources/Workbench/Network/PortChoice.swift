internal import USB
public import USBIP

/// Which of the kernel's virtual ports are meant, as a person typed it.
public enum PortChoice: Hashable, Sendable {
  /// All that have a device.
  case all
  /// `3`: the number of a port.
  case number(Int)
  /// `3-1`: where the kernel has the device.
  case localBusID(String)
  /// `usbip://HOST[:PORT][/BUSID]`: from where the devices are, where that was noted.
  case server(USBIPAddress)

  /// Reads what was typed.
  ///
  /// - Throws: ``SelectorError``.
  public init(_ text: String) throws(SelectorError) {
    let help =
      "A port is named by its number, by the device's place (3-1), or by usbip://HOST[:PORT]/BUSID; `dfu "
      + "usb attach --list` shows them."
    if let number = Int(text), number >= 0 {
      self = .number(number)
    } else if let path = PortPath(text), !path.ports.isEmpty {
      self = .localBusID("\(path)")
    } else if text.hasPrefix("usbip://") {
      guard case .usbip(let address) = try DeviceSelector(text) else {
        throw SelectorError(text, "it is no address of a USB/IP server", help: help)
      }
      self = .server(address)
    } else {
      throw SelectorError(text, "it is no port, no place and no server", help: help)
    }
  }

  /// Whether a port is meant.
  public func fits(_ port: VirtualPort) -> Bool {
    guard !port.isFree else { return false }
    switch self {
    case .all: return true
    case .number(let number): return port.number == number
    case .localBusID(let busID): return port.localBusID == busID
    case .server(let address):
      guard let server = port.server else { return false }
      return server.host == address.host && server.port == address.port
        && (address.busID == nil || address.busID == server.busID)
    }
  }
}
