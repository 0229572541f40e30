/// Names of vendors and products, out of the list `usb.ids` (http://www.linux-usb.org/usb-ids.html).
///
/// A line that begins with four hexadecimal digits is a vendor, one with a tab before them a product of it; two
/// tabs, other letters in front, and `#` are none of them. Bytes that are not UTF-8 are replaced.
public struct USBIDs: Hashable, Sendable {
  private var vendors: [UInt16: String] = [:]
  private var products: [UInt32: String] = [:]

  /// More than ten times what the list has today.
  public static let sizeLimit = 16 << 20
  /// The longest name that is kept, in bytes.
  private static let longestName = 200

  /// No names.
  public init() {}

  /// The names of some devices; the rest of the list is passed over.
  ///
  /// - Parameters:
  ///   - bytes: the list.
  ///   - wanted: whose names.
  public init(_ bytes: [UInt8], of wanted: some Sequence<(VendorID, ProductID)>) {
    var ids: [UInt16: Set<UInt16>] = [:]
    for (vendor, product) in wanted { ids[vendor.rawValue, default: []].insert(product.rawValue) }
    let span = bytes.span
    var start = 0
    var vendor: UInt16?
    while start < span.count {
      var end = start
      while end < span.count, span[end] != 0x0A { end += 1 }
      if let number = Self.number(bytes, at: start, end) {
        vendor = ids[number] == nil ? nil : number
        if vendor != nil { vendors[number] = Self.name(bytes, start + 4, end) }
      } else if let current = vendor, start < end, span[start] == 0x09 {
        if let number = Self.number(bytes, at: start + 1, end),
          ids[current]?.contains(number) == true
        {
          products[UInt32(current) << 16 | UInt32(number)] = Self.name(bytes, start + 5, end)
        }
      } else if start < end, span[start] != 0x23 {
        vendor = nil
      }
      start = end + 1
    }
  }

  /// The vendor's name.
  public func name(of vendor: VendorID) -> String? { vendors[vendor.rawValue] }

  /// The product's name.
  public func name(of product: ProductID, by vendor: VendorID) -> String? {
    products[UInt32(vendor.rawValue) << 16 | UInt32(product.rawValue)]
  }

  /// Four hexadecimal digits and a blank.
  private static func number(_ bytes: [UInt8], at start: Int, _ end: Int) -> UInt16? {
    guard end - start >= 6, bytes[start + 4] == 0x20 else { return nil }
    var number: UInt16 = 0
    for index in start..<start + 4 {
      let digit: UInt8
      switch bytes[index] {
      case 0x30...0x39: digit = bytes[index] - 0x30
      case 0x61...0x66: digit = bytes[index] - 0x61 + 10
      case 0x41...0x46: digit = bytes[index] - 0x41 + 10
      default: return nil
      }
      number = number << 4 | UInt16(digit)
    }
    return number
  }

  private static func name(_ bytes: [UInt8], _ start: Int, _ end: Int) -> String {
    var range = bytes[start..<end].prefix(longestName)
    while range.first == 0x20 { range.removeFirst() }
    while let last = range.last, last == 0x20 || last == 0x0D { range.removeLast() }
    return String(decoding: range, as: UTF8.self)
  }
}
