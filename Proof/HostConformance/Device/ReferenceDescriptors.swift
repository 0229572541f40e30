public import USB

/// The descriptors of the ``ReferenceDevice``, byte by byte as the tables of USB 2.0, 9.6 have them:
/// what a host tells of the device is compared with these, and no encoder of ours stands between.
public struct ReferenceDescriptors: Hashable, Sendable {
  /// Which of its two selves the device is.
  public var identity: ReferenceDevice.Identity
  /// The speed at which it runs.
  public var speed: USBSpeed

  /// The descriptors of a reference device.
  public init(_ identity: ReferenceDevice.Identity = .usual, speed: USBSpeed) {
    self.identity = identity
    self.speed = speed
  }

  /// The serial number.
  public static let serialNumber = "REF-0123456789"

  /// Bytes of one packet of a bulk endpoint: 64 at full speed, 512 at high speed (5.8.3).
  public var bulkPacketSize: Int { speed == .high ? 512 : 64 }
  /// Bytes of one packet of an interrupt endpoint.
  public static let interruptPacketSize = 16

  /// The device descriptor (table 9-8): 1209:0001, or 1209:0002 for the other self. The ids are those
  /// that pid.codes keeps for tests.
  public var device: [UInt8] {
    [
      18, 1, 0x00, 0x02, 0, 0, 0, 64, 0x09, 0x12, identity.rawValue + 1, 0x00, 0x21, 0x03, 1, 2, 3,
      2,
    ]
  }

  /// Both configurations (tables 9-10, 9-12 and 9-13), in the order of their indices.
  public var configurations: [[UInt8]] { [first, second] }

  /// Interface 0 has a bulk pair and an interrupt pair. Interface 1 has none in setting 0, and a bulk
  /// pair in each of settings 1 and 2.
  private var first: [UInt8] {
    let following =
      interface(0, setting: 0, endpoints: 4, name: 5)
      + endpoint(0x01, .bulk) + endpoint(0x81, .bulk)
      + endpoint(0x02, .interrupt) + endpoint(0x82, .interrupt)
      + interface(1, setting: 0, endpoints: 0)
      + interface(1, setting: 1, endpoints: 2) + endpoint(0x03, .bulk) + endpoint(0x83, .bulk)
      + interface(1, setting: 2, endpoints: 2) + endpoint(0x04, .bulk) + endpoint(0x84, .bulk)
    return configuration(1, interfaces: 2, name: 4, following)
  }

  /// Interface 0 alone, without endpoints.
  private var second: [UInt8] {
    configuration(2, interfaces: 1, name: 0, interface(0, setting: 0, endpoints: 0))
  }

  private func configuration(
    _ value: UInt8, interfaces: UInt8, name: UInt8, _ following: [UInt8]
  ) -> [UInt8] {
    // Bus-powered, 100 mA. The length is below 256.
    [9, 2, UInt8(truncatingIfNeeded: 9 + following.count), 0, interfaces, value, name, 0x80, 50]
      + following
  }

  private func interface(
    _ number: UInt8, setting: UInt8, endpoints: UInt8, name: UInt8 = 0
  ) -> [UInt8] {
    [9, 4, number, setting, endpoints, 0xFF, 0, 0, name]
  }

  private func endpoint(_ address: UInt8, _ type: EndpointDescriptor.TransferType) -> [UInt8] {
    let isBulk = type == .bulk
    let size = isBulk ? bulkPacketSize : ReferenceDescriptors.interruptPacketSize
    // Interrupt: every millisecond at full speed, every 2^(4-1) microframes at high speed (9.6.6).
    let interval: UInt8 = isBulk ? 0 : speed == .high ? 4 : 1
    return [7, 5, address, type.rawValue, UInt8(size & 0xFF), UInt8(size >> 8), interval]
  }

  /// The string descriptors (table 9-16), by their index; 0 lists the languages (table 9-15).
  func string(_ index: UInt8) -> [UInt8]? {
    let texts = [
      "swift-dfu", identity == .usual ? "Reference device" : "Reference device, its other self",
      ReferenceDescriptors.serialNumber, "All its pipes", "Loopback",
    ]
    if index == 0 { return [4, 3, 0x09, 0x04] }
    guard index <= texts.count else { return nil }
    let units = Array(texts[Int(index) - 1].utf16)
    return [UInt8(2 + 2 * units.count), 3]
      + units.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
  }
}
