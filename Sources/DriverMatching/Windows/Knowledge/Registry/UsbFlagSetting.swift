public import USB

/// One value of the registry's key `usbflags`, with its data.
public struct UsbFlagSetting: Codable, Hashable, Sendable {
  /// Its name as ``UsbFlag/all`` has it.
  public var name: String
  /// The product that it is for where the name says that too, `IgnoreHWSerNum0483DF11`; nil for the device that is
  /// asked about.
  public var product: Product?
  /// Its data, in the order of the digits.
  public var data: [UInt8]
  /// Where it was read: `flags.reg:4`; nil where a person has typed it.
  public var place: String?

  /// Vendor and product in the name of a value.
  public struct Product: Codable, Hashable, Sendable {
    /// The vendor.
    public var vendor: UInt16
    /// The product.
    public var product: UInt16
  }

  /// Bytes that a value may have: what Windows remembers of a descriptor set is the longest.
  public static let dataLimit = 256

  /// Reads a setting as people type it: `osvc=0101`, `SkipBOSDescriptorQuery=1`, `ResetOnResume=0x1`.
  ///
  /// - Parameter text: the name, of either case, and hexadecimal bytes as reg.exe prints them; blanks and commas
  ///   may divide them, and one digit is a byte.
  /// - Throws: ``UsbFlagError`` for a name that is not known, and for data that it cannot have.
  public init(parsing text: String) throws(UsbFlagError) {
    guard let sign = text.firstIndex(of: "=") else {
      throw UsbFlagError(.notASetting(text))
    }
    let name = String(text[..<sign])
    try self.init(name, Self.bytes(text[text.index(after: sign)...]))
  }

  /// A setting of a name and data; nil data is none that could be read.
  init(_ name: String, _ data: [UInt8]?, place: String? = nil) throws(UsbFlagError) {
    let name = name.filter { $0 != " " && $0 != "\t" }
    guard let (known, product) = Self.known(name) else { throw UsbFlagError(.unknownName(name)) }
    guard let data, !data.isEmpty, data.count <= Self.dataLimit else {
      throw UsbFlagError(.unreadableData(name: known))
    }
    if known == "osvc" {
      guard data.count == 2, data == [0, 0] || data[0] == 1 else {
        throw UsbFlagError(.unknownAnswer(data))
      }
    }
    self.name = known
    self.product = product
    self.data = data
    self.place = place
  }

  /// The name that the table has, and what stands behind it.
  private static func known(_ name: String) -> (String, Product?)? {
    let lower = name.lowercased()
    if let flag = UsbFlag.all.first(where: { $0.name.lowercased() == lower }) {
      return (flag.name, nil)
    }
    let serial = "IgnoreHWSerNum"
    guard lower.hasPrefix(serial.lowercased()),
      let digits = hexadecimal(lower.dropFirst(serial.count)), digits.count == 4
    else { return nil }
    return (
      serial,
      Product(
        vendor: UInt16(digits[0]) << 8 | UInt16(digits[1]),
        product: UInt16(digits[2]) << 8 | UInt16(digits[3]))
    )
  }

  /// Bytes of two digits each, with nothing between them; nil for anything else.
  static func hexadecimal(_ text: some StringProtocol) -> [UInt8]? {
    let digits = text.utf8.map { Self.digit($0) }
    guard digits.count % 2 == 0, digits.count <= 2 * dataLimit, !digits.contains(nil) else {
      return nil
    }
    let known = digits.compactMap { $0 }
    return stride(from: 0, to: known.count, by: 2).map { known[$0] << 4 | known[$0 + 1] }
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
  }

  /// Data in any of the ways in which it is written: `0000`, `01,00,00,00`, `01 00`, `1`, `0x1`, `dword:00000001`,
  /// `hex:00,00`, `hex(3):00`.
  static func bytes(_ text: some StringProtocol) -> [UInt8]? {
    guard text.utf8.count <= 8 * dataLimit else { return nil }
    var text = text.lowercased()
    if text.hasPrefix("hex"), let colon = text.firstIndex(of: ":") {
      text = String(text[text.index(after: colon)...])
    } else if text.hasPrefix("dword:") {
      text = String(text.dropFirst(6))
    }
    let parts = text.split { $0 == "," || $0 == " " || $0 == "\t" }
    var bytes: [UInt8] = []
    for part in parts {
      let digits = part.hasPrefix("0x") ? part.dropFirst(2) : part
      // One digit, and a number such as 0x101, have a zero in front.
      let isOdd = digits.utf8.count % 2 == 1
      guard !isOdd || digits.utf8.count == 1 || part.hasPrefix("0x"),
        let next = hexadecimal(isOdd ? "0" + digits : String(digits)), !next.isEmpty
      else { return nil }
      bytes += next
    }
    return bytes
  }

  /// Whether any bit is set.
  public var isOn: Bool { data.contains { $0 != 0 } }

  /// Whether it is for a device: it is, unless its name says another product.
  public func counts(for device: DeviceDescriptor) -> Bool {
    product.map { $0.vendor == device.vendor.rawValue && $0.product == device.product.rawValue }
      ?? true
  }

  /// The name with the product that it says.
  public var fullName: String {
    name + (product.map { (hex($0.vendor) + hex($0.product)).uppercased() } ?? "")
  }

  /// The data as reg.exe prints it, with blanks.
  var shownData: String {
    let bytes = data.prefix(8).map { hex($0).uppercased() }.joined(separator: " ")
    return data.count > 8 ? bytes + " ..." : bytes
  }
}

/// Why a setting of `usbflags`, or a text of the registry, cannot be read.
public struct UsbFlagError: ExplainedError, Hashable {
  /// What is wrong.
  public enum Kind: Hashable, Sendable {
    /// There is no `=`.
    case notASetting(String)
    /// Windows has no such value, or none that is known here.
    case unknownName(String)
    /// The data are no hexadecimal bytes, none at all, or too many.
    case unreadableData(name: String)
    /// `osvc` is neither 00 00 nor 01 and a vendor code.
    case unknownAnswer([UInt8])
    /// The text is larger than any that is read.
    case tooLarge(bytes: Int)
    /// No line of the text is one of the registry.
    case notOfTheRegistry
  }

  /// What is wrong.
  public var kind: Kind
  /// The name of the file; nil for what a person has typed.
  public var file: String?
  /// The number of the line, from 1; 0 where it is about the whole file, or there is none.
  public var line: Int

  /// An error, about a line of a file where there is one.
  public init(_ kind: Kind, file: String? = nil, line: Int = 0) {
    self.kind = kind
    self.file = file
    self.line = line
  }

  /// A stable name for the kind of error.
  public var slug: String {
    switch kind {
    case .notASetting: "usbflags-no-setting"
    case .unknownName: "usbflags-unknown-name"
    case .unreadableData: "usbflags-unreadable-data"
    case .unknownAnswer: "usbflags-unknown-answer"
    case .tooLarge: "usbflags-too-large"
    case .notOfTheRegistry: "usbflags-no-registry"
    }
  }

  /// What happened, in one sentence.
  public var sentence: String {
    let place = file.map { line > 0 ? "\($0):\(line): " : "\($0): " } ?? ""
    switch kind {
    case .notASetting(let text): return "\(place)\"\(shown(text))\" is no name=value."
    case .unknownName(let name):
      return "\(place)\"\(shown(name))\" is no value of usbflags that is known."
    case .unreadableData(let name):
      return "\(place)the data of \(name) are no hexadecimal bytes, at most "
        + "\(UsbFlagSetting.dataLimit) of them."
    case .unknownAnswer(let data):
      let bytes = data.prefix(8).map { hex($0).uppercased() }.joined(separator: " ")
      return "\(place)osvc is \(bytes), and not 00 00 or 01 with a vendor code."
    case .tooLarge(let bytes):
      return "\(place)\(bytes) bytes are beyond the limit of \(UsbFlagsReading.sizeLimit)."
    case .notOfTheRegistry: return "\(place)no line of it is a key or a value of the registry."
    }
  }

  /// What to do next.
  public var help: String? {
    switch kind {
    case .notASetting: "Write it as osvc=0000 or SkipBOSDescriptorQuery=1."
    case .unknownName:
      "Known are \(listText(UsbFlag.all.map(\.name))), and IgnoreHWSerNum with vendor and product behind it."
    case .unreadableData:
      "Write the bytes as reg.exe prints them: 0101, 01000000, 0x1."
    case .unknownAnswer:
      "Write osvc=0000 for a device that did not answer, osvc=0120 for one that answered with vendor code 0x20."
    case .tooLarge, .notOfTheRegistry:
      "Hand in what \"reg query \(UsbFlag.root) /s\" prints, or an export of that key."
    }
  }
}
