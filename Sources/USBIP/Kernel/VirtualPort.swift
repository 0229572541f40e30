public import USB

/// A port of the kernel's virtual host controller.
public struct VirtualPort: Hashable, Sendable {
  /// What is on it (`enum usbip_device_status`).
  public enum State: Hashable, Sendable {
    /// Nothing: 4.
    case free
    /// A device that has no address yet, or could not be enumerated: 5.
    case notAssigned
    /// A device: 6.
    case used
    /// A device whose connection broke: 7.
    case error
    /// A number that this version does not know.
    case other(Int)
  }

  /// Its number, over all controllers.
  public var number: Int
  /// Whether it belongs to the SuperSpeed half.
  public var isSuperSpeed: Bool
  /// What is on it.
  public var state: State
  /// The speed of the device.
  public var speed: ExportedDevice.LinkSpeed
  /// Where the kernel has the device, `3-1`; nil while it has not.
  public var localBusID: String?
  /// `idVendor` of the device, once the kernel has read it.
  public var vendor: VendorID?
  /// `idProduct` of the device, once the kernel has read it.
  public var product: ProductID?
  /// The server that it is from, where somebody has noted it.
  public var server: USBIPAddress?

  /// Whether a device can be put on it.
  public var isFree: Bool { state == .free }

  /// The ports in the text of a `status` file: a line of headings, then for each port
  /// `hub port sta spd dev sockfd local_busid`. Lines that are none are passed over.
  public static func parse(_ text: some StringProtocol) -> [VirtualPort] {
    text.split(whereSeparator: \.isNewline).compactMap { line in
      let fields = line.split(whereSeparator: \.isWhitespace)
      guard fields.count == 7, fields[0] == "hs" || fields[0] == "ss", let number = Int(fields[1]),
        number >= 0, let state = Int(fields[2]), let speed = UInt32(fields[3])
      else { return nil }
      let busID = fields[6]
      return VirtualPort(
        number: number, isSuperSpeed: fields[0] == "ss", state: State(state),
        speed: ExportedDevice.LinkSpeed(rawValue: speed),
        // "0-0" stands for none. It becomes a part of a path, so it is nothing but a path of ports.
        localBusID: PortPath(busID).flatMap { $0.bus > 0 && !$0.ports.isEmpty ? "\($0)" : nil })
    }
  }
}

extension VirtualPort.State {
  init(_ number: Int) {
    switch number {
    case 4: self = .free
    case 5: self = .notAssigned
    case 6: self = .used
    case 7: self = .error
    default: self = .other(number)
    }
  }

  /// What is on the port, in a word or two.
  public var words: String {
    switch self {
    case .free: "free"
    case .notAssigned: "not enumerated"
    case .used: "in use"
    case .error: "broken"
    case .other(let number): "state \(number)"
    }
  }
}
