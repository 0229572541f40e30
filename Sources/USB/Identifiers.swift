/// `idVendor`: who made the device (USB 2.0, table 9-8).
public struct VendorID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// The number itself.
  public var rawValue: UInt16

  /// A value from its number.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// A vendor id from its number.
  public init(_ rawValue: UInt16) { self.rawValue = rawValue }

  /// STMicroelectronics.
  public static let stMicroelectronics = VendorID(0x0483)

  /// Four hexadecimal digits, lower case, as `lsusb` writes them.
  public var description: String { hex(rawValue) }
}

/// `idProduct`: which product of that vendor (USB 2.0, table 9-8).
public struct ProductID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// The number itself.
  public var rawValue: UInt16

  /// A value from its number.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// A product id from its number.
  public init(_ rawValue: UInt16) { self.rawValue = rawValue }

  /// Four hexadecimal digits, lower case, as `lsusb` writes them.
  public var description: String { hex(rawValue) }
}

/// A version in binary-coded decimal, 0xJJMN for JJ.M.N (USB 2.0, table 9-8, `bcdUSB`).
public struct BCDVersion: RawRepresentable, Hashable, Sendable, Comparable,
  CustomStringConvertible
{
  /// The number itself.
  public var rawValue: UInt16

  /// A value from its number.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// A version from its number, for example 0x0110 for 1.10.
  public init(_ rawValue: UInt16) { self.rawValue = rawValue }

  /// The usual form, for example `1.1a` for 0x011A and `2.00` for 0x0200.
  public var description: String {
    let digits = String(rawValue & 0xFF, radix: 16)
    let high = String(rawValue >> 8, radix: 16)
    return rawValue & 0xFF < 0x10 ? "\(high).0\(digits)" : "\(high).\(digits)"
  }

  /// Whether the left one comes before the right one.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A class, subclass and protocol triple, of a device or of an interface.
public struct ClassTriple: Hashable, Sendable, CustomStringConvertible {
  /// `bDeviceClass` or `bInterfaceClass`.
  public var classCode: UInt8
  /// `bDeviceSubClass` or `bInterfaceSubClass`.
  public var subclass: UInt8
  /// `bDeviceProtocol` or `bInterfaceProtocol`.
  public var protocolCode: UInt8

  /// A triple from its three numbers.
  public init(_ classCode: UInt8, _ subclass: UInt8, _ protocolCode: UInt8) {
    self.classCode = classCode
    self.subclass = subclass
    self.protocolCode = protocolCode
  }

  /// The class is given by the interfaces (USB 2.0, table 9-8).
  public static let perInterface = ClassTriple(0, 0, 0)
  /// A DFU interface of a running application (DFU 1.1, table 4.1).
  public static let dfuRuntime = ClassTriple(0xFE, 0x01, 0x01)
  /// A DFU interface of a device in DFU mode (DFU 1.1, table 4.4).
  public static let dfuMode = ClassTriple(0xFE, 0x01, 0x02)

  /// Whether class and subclass say "Device Firmware Upgrade", whatever the protocol.
  public var isDFU: Bool { classCode == 0xFE && subclass == 0x01 }

  /// Three pairs of hexadecimal digits, for example `fe/01/02`.
  public var description: String {
    "\(hex(classCode))/\(hex(subclass))/\(hex(protocolCode))"
  }
}

/// A language of string descriptors (USB Language Identifiers 1.0).
public struct LanguageID: RawRepresentable, Hashable, Sendable {
  /// The number itself.
  public var rawValue: UInt16

  /// A value from its number.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// English (United States).
  public static let englishUnitedStates = LanguageID(rawValue: 0x0409)
}

/// The speed of a device on its port (USB 2.0, 4.2.1; USB 3.2).
public enum USBSpeed: String, Hashable, Sendable, CaseIterable {
  /// 1.5 Mbit/s.
  case low
  /// 12 Mbit/s.
  case full
  /// 480 Mbit/s.
  case high
  /// 5 Gbit/s.
  case superSpeed = "super"
  /// 10 Gbit/s or more.
  case superSpeedPlus = "super-plus"
}

/// `value` in lower-case hexadecimal digits, padded with zeros to the width of its type.
public func hex<Number: FixedWidthInteger & UnsignedInteger>(_ value: Number) -> String {
  hex(value, digits: Number.bitWidth / 4)
}

/// `value` in lower-case hexadecimal digits, padded with zeros to `digits`.
public func hex(_ value: some BinaryInteger, digits: Int) -> String {
  let text = String(value, radix: 16)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}

/// An address as this project writes it: `0x` and eight upper-case digits, more above 4 GiB.
public func addressText(_ address: UInt64) -> String {
  let text = String(address, radix: 16, uppercase: true)
  return "0x" + String(repeating: "0", count: max(0, 8 - text.count)) + text
}
