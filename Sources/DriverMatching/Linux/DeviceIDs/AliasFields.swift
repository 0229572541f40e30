import USB

/// An alias pattern taken apart into the fields that it fixes: what its driver goes by.
public struct AliasFields: Hashable, Sendable {
  /// What a pattern says of one field.
  public enum Field: Hashable, Sendable {
    /// Anything: `*`.
    case any
    /// This number.
    case fixed(UInt16)
    /// Several, as a pattern: `01[0-3]*`.
    case pattern(String)

    /// Whether it leaves the field open.
    public var isAny: Bool { self == .any }

    func text(_ digits: Int) -> String? {
      switch self {
      case .any: nil
      case .fixed(let value): hex(value, digits: digits)
      case .pattern(let text): text
      }
    }
  }

  /// `idVendor`.
  public var vendor: Field
  /// `idProduct`.
  public var product: Field
  /// `bcdDevice`.
  public var version: Field
  /// Class, subclass and protocol of the device.
  public var device: [Field]
  /// Class, subclass and protocol of the interface.
  public var interface: [Field]
  /// `bInterfaceNumber`.
  public var number: Field

  /// Takes a pattern apart; nil where it does not have all the fields in their order.
  public init?(_ pattern: String) {
    let bytes = Array(pattern.utf8.prefix(ModuleAliases.patternLimit))
    guard bytes.starts(with: "usb:".utf8) else { return nil }
    var at = 4
    var fields: [Field] = []
    for (name, digits) in Modalias.fields {
      guard bytes[at...].starts(with: name.utf8) else { return nil }
      at += name.utf8.count
      let start = at
      // Values have no small letters, names of fields no others.
      while at < bytes.count, !(0x61...0x7A).contains(bytes[at]) { at += 1 }
      var value = bytes[start..<at]
      if name == "in", value.count > digits, value.last == UInt8(ascii: "*") { value.removeLast() }
      guard !value.isEmpty else { return nil }
      if value.elementsEqual([UInt8(ascii: "*")]) {
        fields.append(.any)
      } else if value.count == digits, value.allSatisfy({ hexDigit($0) != nil }) {
        fields.append(.fixed(value.reduce(0) { $0 << 4 | UInt16(hexDigit($1) ?? 0) }))
      } else {
        fields.append(.pattern(value.text))
      }
    }
    guard at == bytes.count, fields.count == 10 else { return nil }
    vendor = fields[0]
    product = fields[1]
    version = fields[2]
    device = Array(fields[3..<6])
    interface = Array(fields[6..<9])
    number = fields[9]
  }

  /// Whether the driver's own match refuses a device of class FF, although modprobe loads it: the pattern
  /// goes by the interface and names no vendor (`drivers/usb/core/driver.c`, `usb_match_one_id_intf`).
  public var fallsToVendorClassRule: Bool {
    vendor.isAny && (interface.contains { !$0.isAny } || !number.isAny)
  }

  /// What it goes by, in words: `vendor and product 0525:a4a2`, `interface class 03`.
  public var words: String {
    var parts: [String] = []
    switch (vendor.text(4), product.text(4)) {
    case (let vendor?, let product?): parts.append("vendor and product \(vendor):\(product)")
    case (let vendor?, nil): parts.append("vendor \(vendor)")
    case (nil, let product?): parts.append("product \(product) of any vendor")
    case (nil, nil): break
    }
    if let version = version.text(4) { parts.append("bcdDevice \(version)") }
    if let text = Self.triple(device) { parts.append("device class \(text)") }
    if let text = Self.triple(interface) { parts.append("interface class \(text)") }
    if let text = number.text(2) { parts.append("interface number \(text)") }
    return parts.isEmpty ? "nothing: it takes every interface" : listText(parts)
  }

  /// `08/06/50`, `08`, `*/*/01`; nil where nothing is fixed.
  private static func triple(_ fields: [Field]) -> String? {
    guard let last = fields.lastIndex(where: { !$0.isAny }) else { return nil }
    return fields[...last].map { $0.text(2) ?? "*" }.joined(separator: "/")
  }
}
