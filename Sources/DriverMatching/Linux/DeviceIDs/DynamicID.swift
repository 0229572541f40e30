public import USB

/// An id that somebody has given a driver while it runs, by `/sys/bus/usb/drivers/NAME/new_id`
/// (`drivers/usb/core/driver.c`, `usb_store_new_id`).
public struct DynamicID: Hashable, Sendable, CustomStringConvertible {
  /// The entry that it adds. It takes all interfaces of the device, or those of one class.
  public var entry: USBDeviceID
  /// The device whose `driver_info` it takes over.
  public var reference: (vendor: VendorID, product: ProductID)? {
    referenceIDs.map {
      (VendorID(UInt16(truncatingIfNeeded: $0 >> 16)), ProductID(UInt16(truncatingIfNeeded: $0)))
    }
  }
  private var referenceIDs: UInt32?

  /// Reads what one writes to `new_id`: `VID PID [class [refVID refPID]]`, all hexadecimal; nil where the
  /// kernel would answer "Invalid argument".
  ///
  /// A class of 0 is no class. Numbers above 16 bits lose their upper bits there, and are refused here.
  public init?(_ text: String) {
    var numbers: [UInt32] = []
    for word in text.prefix(100).split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\n" })
      .prefix(5)
    {
      let digits = word.hasPrefix("0x") || word.hasPrefix("0X") ? word.dropFirst(2) : word[...]
      guard !digits.hasPrefix("+"), let number = UInt32(digits, radix: 16) else { break }
      numbers.append(number)
    }
    guard numbers.count >= 2, let vendor = UInt16(exactly: numbers[0]),
      let product = UInt16(exactly: numbers[1])
    else { return nil }
    entry = .device(VendorID(vendor), ProductID(product))
    if numbers.count > 2, numbers[2] != 0 {
      guard let code = UInt8(exactly: numbers[2]) else { return nil }
      entry = .device(VendorID(vendor), ProductID(product), interfaceClass: code)
    }
    if numbers.count > 4 { referenceIDs = (numbers[3] & 0xFFFF) << 16 | (numbers[4] & 0xFFFF) }
  }

  /// What one writes to `new_id`.
  public var description: String {
    var text = "\(entry.vendor) \(entry.product)"
    if entry.match.contains(.interfaceClass) || referenceIDs != nil {
      text += " \(hex(entry.interfaceClass.classCode))"
    }
    if let reference { text += " \(reference.vendor) \(reference.product)" }
    return text
  }
}
