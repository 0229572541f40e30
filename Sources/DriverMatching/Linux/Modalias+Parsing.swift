public import USB

/// Why a text is no modalias of a USB interface.
public struct ModaliasError: ExplainedError, Hashable {
  /// The byte where it stops to be one, from 1.
  public var column: Int
  /// What stands there.
  public var found: String
  /// What has to stand there.
  public var expected: String

  /// A stable name for the kind of error.
  public var slug: String { "modalias" }

  /// The column, what stands there, and what has to.
  public var sentence: String {
    "The modalias has \(found) in column \(column), where \(expected) has to stand."
  }

  /// What a whole one looks like.
  public var help: String? {
    "It reads usb:v0483pDF11d2200dc00dsc00dp00icFEisc01ip02in00, with capital digits; Linux shows it in"
      + " the file"
      + " modalias of an interface under /sys/bus/usb/devices."
  }
}

extension Modalias {
  /// The fields in the order of the text, with their number of digits (`drivers/usb/core/sysfs.c`).
  static let fields: [(name: String, digits: Int)] = [
    ("v", 4), ("p", 4), ("d", 4), ("dc", 2), ("dsc", 2), ("dp", 2), ("ic", 2), ("isc", 2),
    ("ip", 2),
    ("in", 2),
  ]

  /// Reads a modalias of a USB interface; blanks and line ends around it do not matter.
  ///
  /// Digits may be lower case here, since a person types it; Linux compares the case , see ``ModuleAliases``.
  ///
  /// - Throws: ``ModaliasError`` with the column that is wrong.
  public init(parsing text: String) throws(ModaliasError) {
    let bytes = Array(text.utf8.prefix(200))
    var at = 0
    while at < bytes.count, Self.isBlank(bytes[at]) { at += 1 }
    for byte in "usb:".utf8 {
      guard at < bytes.count, bytes[at] == byte else {
        throw Self.error(bytes, at, "the text usb:")
      }
      at += 1
    }
    var values: [UInt16] = []
    for field in Self.fields {
      for letter in field.name.utf8 {
        guard at < bytes.count, bytes[at] == letter else {
          throw Self.error(bytes, at, "the name of the field \"\(field.name)\"")
        }
        at += 1
      }
      var value: UInt16 = 0
      for _ in 0..<field.digits {
        guard at < bytes.count, let digit = hexDigit(bytes[at]) else {
          throw Self.error(
            bytes, at, "one of \(field.digits) hexadecimal digits of \"\(field.name)\"")
        }
        value = value << 4 | UInt16(digit)
        at += 1
      }
      values.append(value)
    }
    while at < bytes.count, Self.isBlank(bytes[at]) { at += 1 }
    guard at == bytes.count else { throw Self.error(bytes, at, "its end") }
    func triple(_ first: Int) -> ClassTriple {
      ClassTriple(
        UInt8(truncatingIfNeeded: values[first]), UInt8(truncatingIfNeeded: values[first + 1]),
        UInt8(truncatingIfNeeded: values[first + 2]))
    }
    self.init(
      vendor: VendorID(values[0]), product: ProductID(values[1]),
      deviceVersion: BCDVersion(values[2]), deviceClass: triple(3), interfaceClass: triple(6),
      interfaceNumber: UInt8(truncatingIfNeeded: values[9]))
  }

  /// The name of an interface from the numbers in it.
  public init(
    vendor: VendorID, product: ProductID, deviceVersion: BCDVersion, deviceClass: ClassTriple,
    interfaceClass: ClassTriple, interfaceNumber: UInt8
  ) {
    self.init(
      DeviceDescriptor(
        deviceClass: deviceClass, vendor: vendor, product: product, deviceVersion: deviceVersion),
      InterfaceDescriptor(number: interfaceNumber, interfaceClass: interfaceClass))
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0D).contains(byte)
  }

  private static func error(_ bytes: [UInt8], _ at: Int, _ expected: String) -> ModaliasError {
    let found: String
    if at < bytes.count {
      found =
        (0x21...0x7E).contains(bytes[at])
        ? "'\(Character(Unicode.Scalar(bytes[at])))'" : "the byte 0x\(hex(bytes[at]))"
    } else {
      found = "nothing more"
    }
    return ModaliasError(column: at + 1, found: found, expected: expected)
  }
}

/// The value of a hexadecimal digit of either case.
func hexDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case 0x30...0x39: byte - 0x30
  case 0x41...0x46: byte - 0x41 + 10
  case 0x61...0x66: byte - 0x61 + 10
  default: nil
  }
}
