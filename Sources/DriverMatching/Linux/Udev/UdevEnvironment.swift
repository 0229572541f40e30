public import USB

/// What rules ask of the machine and not of the device.
public struct UdevEnvironment: Sendable {
  /// The groups that exist; nil where they are not known, and then every name counts.
  public var groups: Set<String>?
  /// The users that exist; nil where they are not known.
  public var users: Set<String>?
  /// `CONST{arch}` and `CONST{virt}`, where they are known.
  public var constants: [String: String]
  /// The kernel's command line; nil where it is not known.
  public var commandLine: String?
  /// The hardware database; nil where it is not at hand.
  public var hardwareDatabase: UdevHardwareDatabase?

  /// A machine of which is known what is given.
  public init(
    groups: Set<String>? = nil, users: Set<String>? = nil, constants: [String: String] = [:],
    commandLine: String? = nil, hardwareDatabase: UdevHardwareDatabase? = nil
  ) {
    self.groups = groups
    self.users = users
    self.constants = constants
    self.commandLine = commandLine
    self.hardwareDatabase = hardwareDatabase
  }
}

/// The texts of `hwdb.d`: properties by a pattern of the modalias (hwdb(7)).
public struct UdevHardwareDatabase: Sendable {
  /// The folders, highest first.
  public static let directories = ["/etc/udev/hwdb.d", "/usr/lib/udev/hwdb.d", "/lib/udev/hwdb.d"]

  private struct Record: Sendable {
    var pattern: ShellPattern
    var properties: [(String, String)]
  }

  private var records: [Record] = []

  /// Records beyond these are not read; systemd's own have 40 000 of USB.
  public static let recordLimit = 400_000

  /// Reads the files; only records whose pattern begins with `usb:` are kept.
  ///
  /// - Parameters:
  ///   - files: the texts.
  ///   - device: keep only what may match this product, and its interfaces; nil for all.
  public init(
    _ files: [ConfigurationFile], only device: (vendor: VendorID, product: ProductID)? = nil
  ) {
    let key = device.map {
      "usb:v\(Self.digits($0.vendor.rawValue))p\(Self.digits($0.product.rawValue))"
    }
    let merged = ConfigurationFile.merged(
      files, directories: Self.directories, suffix: ".hwdb", emptyMasks: true)
    for file in merged.read { read(file.bytes, Array((key ?? "usb:").utf8)) }
  }

  private static func digits(_ number: UInt16) -> String { hex(number).uppercased() }

  private mutating func read(_ bytes: [UInt8], _ key: [UInt8]) {
    var patterns: [ShellPattern] = []
    var properties: [(String, String)] = []
    func close(_ records: inout [Record]) {
      for pattern in patterns where !properties.isEmpty && records.count < Self.recordLimit {
        records.append(Record(pattern: pattern, properties: properties))
      }
      patterns = []
      properties = []
    }
    // Some 9 MB, of which next to nothing is about the device: no line is taken out before it is wanted.
    let text = bytes.span
    let count = min(text.count, ConfigurationFile.sizeLimit)
    var at = 0
    while at < count {
      let start = at
      var end = start
      while end < count, text[end] != 0x0A { end += 1 }
      at = end + 1
      let first = end > start ? text[start] : 0x0A
      if first == UInt8(ascii: "#") { continue }
      if first == 0x20 || first == 0x09 {
        let line = bytes[start..<end]
        guard !patterns.isEmpty, let equals = line.firstIndex(of: UInt8(ascii: "=")),
          properties.count < 1000
        else {
          continue
        }
        let name = line[..<equals].drop { UdevText.isSpace($0) }
        properties.append(
          (UdevText.trimmedAtEnd(name.text), UdevText.trimmedAtEnd(line[(equals + 1)...].text)))
        continue
      }
      if !properties.isEmpty
        || (UdevText.isSpace(first) && bytes[start..<end].allSatisfy(UdevText.isSpace))
      {
        close(&records)
      }
      if AliasLines.mayMatch(text.extracting(start..<end), key.span),
        end - start <= ModuleAliases.patternLimit, patterns.count < 1000
      {
        patterns.append(ShellPattern(UdevText.trimmedAtEnd(bytes[start..<end].text)))
      }
    }
    close(&records)
  }

  /// What the database has for a device, later records over earlier ones.
  func properties(of device: UdevDevice) -> [String: String] {
    var found: [String: String] = [:]
    // The builtin goes up until something is found, and no further than the device.
    for node in [device] + device.parents.prefix(UdevDevice.parentLimit)
    where node.subsystem == "usb" {
      if let name = Self.name(of: node) {
        for record in records where record.pattern.matches(name) {
          for (key, value) in record.properties { found[key] = value }
        }
      }
      if !found.isEmpty || node.devtype == "usb_device" { return found }
    }
    return found
  }

  private static func name(of device: UdevDevice) -> String? {
    if let name = device.properties["MODALIAS"] { return name }
    guard let vendor = device.attributes["idVendor"].flatMap({ UInt16($0, radix: 16) }),
      let product = device.attributes["idProduct"].flatMap({ UInt16($0, radix: 16) })
    else { return nil }
    return
      "usb:v\(hex(vendor).uppercased())p\(hex(product).uppercased()):\(device.attributes["product"] ?? "")"
  }
}
