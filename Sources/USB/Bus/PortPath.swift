/// Where a device is plugged in: a bus and the ports from the root hub down.
///
/// The path stays the same when a device re-enumerates, with another address and even with other
/// ids; it is how a device is followed through detach and reset.
public struct PortPath: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The bus, as the host numbers it.
  public var bus: Int
  /// The port on the root hub, then on each hub below; empty for a root hub.
  public var ports: [UInt8]

  /// A path from its parts.
  public init(bus: Int, ports: [UInt8]) {
    self.bus = bus
    self.ports = ports
  }

  /// Reads `BUS-PORT[.PORT…]`, as Linux and `dfu-util -p` write it, or `usbBUS` for a root hub; nil
  /// for anything else.
  public init?(_ text: some StringProtocol) {
    // Integer initialisers accept a sign; a path has none.
    guard !text.contains("+") else { return nil }
    if text.hasPrefix("usb") {
      guard let bus = Int(text.dropFirst(3)), bus >= 0 else { return nil }
      self.init(bus: bus, ports: [])
      return
    }
    let halves = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard halves.count == 2, let bus = Int(halves[0]), bus >= 0 else { return nil }
    var ports: [UInt8] = []
    for part in halves[1].split(separator: ".", omittingEmptySubsequences: false) {
      guard let port = UInt8(part), port > 0 else { return nil }
      ports.append(port)
    }
    // USB 2.0, 4.1.1: five hubs at most between the root hub and a device; USB 3 allows the same.
    guard ports.count <= 7 else { return nil }
    self.init(bus: bus, ports: ports)
  }

  /// The usual form, for example `1-4.2`, and `usb1` for a root hub.
  public var description: String {
    ports.isEmpty ? "usb\(bus)" : "\(bus)-\(ports.map(String.init).joined(separator: "."))"
  }

  /// Whether the left one comes before the right one.
  public static func < (left: Self, right: Self) -> Bool {
    left.bus != right.bus
      ? left.bus < right.bus : left.ports.lexicographicallyPrecedes(right.ports)
  }
}
