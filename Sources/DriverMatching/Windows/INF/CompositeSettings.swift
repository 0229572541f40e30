import USB

/// How usbccgp is to divide a device, by values in its software key: those of the AddReg sections of the install
/// section (Microsoft Learn, "Support for the Wireless Mobile Communication Device Class").
public struct CompositeSettings: Codable, Hashable, Sendable {
  /// Whether union descriptors count: `EnumeratorClass` is `REG_BINARY` 02 00 00, class, subclass and protocol of
  /// CDC.
  public var usesUnions = false
  /// Whether all OBEX functions are one: the lowest bit of `CdcFlags`.
  public var hasSingleOBEX = false
  /// Whether logical handsets (WHCM) are functions too: mask 0x10 of `CdcFlags`, 0x10000 in an example.
  public var hasHandsets = false
  /// The configuration that usbccgp takes, by its place among the descriptors, from 0: `OriginalConfigurationValue`
  /// of the hardware key (Microsoft Learn, "Configuring Usbccgp.sys to Select a Non-Default USB Configuration");
  /// nil for the first.
  public var configurationIndex: UInt32?
  /// Where `EnumeratorClass`, or where there is none the configuration, is set: `oem12.inf:34`.
  public var place: String
  /// What was found, and why it counts or does not.
  public var steps: [DriverDecision.Step] = []

  static let source = "Microsoft Learn, Support for the Wireless Mobile Communication Device Class"

  /// What the values of an installation come to; nil where none is about this.
  ///
  /// - Parameters:
  ///   - software: the lines of the AddReg sections of the install section.
  ///   - hardware: those of its `.HW` section, which go to another key.
  init?(software: [INFRegistryValue], hardware: [INFRegistryValue]) {
    let name = "EnumeratorClass"
    let value = INFRegistryValue.last(name, of: software)
    let misplaced = value == nil ? INFRegistryValue.last(name, of: hardware) : nil
    let choice = INFRegistryValue.last("OriginalConfigurationValue", of: hardware)
    guard let first = value ?? misplaced ?? choice else { return nil }
    place = first.placed.place
    configurationIndex = choice?.number
    if let value { readEnumerator(value, software) }
    if misplaced != nil {
      step(
        "EnumeratorClass stands in the .HW section, and so in the hardware key; usbccgp is documented to look "
          + "into the software key. Unions do not count.", place, .derived)
    }
  }

  private mutating func readEnumerator(
    _ value: INFRegistryValue, _ software: [INFRegistryValue]
  ) {
    let shown = value.data.prefix(8).map { $0.prefix(8) }.joined(separator: " ")
    guard value.isBinary else {
      step(
        "EnumeratorClass is \(shown), and not of type REG_BINARY: unions do not count.", place,
        .derived)
      return
    }
    guard value.bytes == [2, 0, 0] else {
      step(
        "EnumeratorClass is \(shown), and not 02 00 00, the class, subclass and protocol of CDC: unions do not "
          + "count.", place, .derived)
      return
    }
    usesUnions = true
    step(
      "\(place) sets EnumeratorClass to 02 00 00: usbccgp divides the device by union descriptors before it "
        + "looks at associations.", Self.source, .documented)
    readFlags(software)
  }

  private mutating func step(_ sentence: String, _ source: String, _ certainty: Certainty) {
    steps.append(
      DriverDecision.Step("composite-enumerator", sentence, Evidence(source, certainty)))
  }

  /// The documentation gives the bits by a table, by examples and by figures, and these do not agree: what all of
  /// them say is documented, all else open.
  private mutating func readFlags(_ software: [INFRegistryValue]) {
    guard let value = INFRegistryValue.last("CdcFlags", of: software) else { return }
    guard let flags = value.number else {
      step("CdcFlags is no REG_DWORD, and does not count.", value.placed.place, .derived)
      return
    }
    hasSingleOBEX = flags & 0x0000_0001 != 0
    hasHandsets = flags & 0x0001_0012 != 0
    let obex = hasSingleOBEX ? "all OBEX functions are one" : "each OBEX function is its own"
    let handsets = hasHandsets ? "logical handsets are functions" : "logical handsets are hidden"
    step(
      "\(value.placed.place) sets CdcFlags to 0x\(hex(flags)): \(obex), and \(handsets).",
      Self.source,
      [0, 0x11, 0x10001].contains(flags) ? .documented : .open)
  }
}

/// One line of an AddReg section: root, subkey, name, flags and data (Microsoft Learn, "INF AddReg Directive").
struct INFRegistryValue {
  var placed: INFPlacedLine

  /// Whether it is a value of the device's own key.
  func isNamed(_ name: String) -> Bool {
    let line = placed.line
    return line.field(0).lowercased() == "hkr" && line.field(1).isEmpty
      && line.field(2).lowercased() == name.lowercased()
  }

  private var flags: Int { INFNumber(placed.line.field(3))?.value ?? 0 }
  /// The bits that tell the type: the high half, and the lowest bit for what is no string.
  private var type: Int { flags & 0xFFFF_0001 }
  var isBinary: Bool { type == 0x1 || type == 0x3_0001 }
  var data: ArraySlice<String> { placed.line.fields.dropFirst(4) }
  /// The data of a binary value, two digits to a byte; nil where there is something else.
  var bytes: [UInt8]? {
    let bytes = data.map { text in
      text.utf8.count <= 2 && text.first != "+" ? UInt8(text, radix: 16) : nil
    }
    return bytes.contains(nil) ? nil : bytes.compactMap { $0 }
  }
  /// The data of a `REG_DWORD`, as one number or as four bytes, the lowest first; nil for another type.
  var number: UInt32? {
    guard type == 0x1_0001 else { return nil }
    if data.count == 1 {
      return data.first.flatMap { INFNumber($0) }.map { UInt32(truncatingIfNeeded: $0.value) }
    }
    guard data.count == 4, let bytes else { return nil }
    return bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// What is in the key of a new device once all lines are through; nil for nothing.
  static func last(_ name: String, of values: [INFRegistryValue]) -> INFRegistryValue? {
    var last: INFRegistryValue?
    for value in values where value.isNamed(name) {
      let flags = value.flags
      if flags & 0x4 != 0 {
        last = nil
      } else if flags & 0x10 != 0 || (flags & 0x2 != 0 && last != nil)
        || (flags & 0x20 != 0 && last == nil)
      {
        // Only the key is made, or a value that is there stays, or only one that is there would change.
        continue
      } else {
        last = value
      }
    }
    return last
  }

  /// Whether programs find the device by it: `HKR,,DeviceInterfaceGUIDs`.
  var isInterface: Bool { isNamed("DeviceInterfaceGUIDs") || isNamed("DeviceInterfaceGUID") }

  /// The values, where they are GUIDs.
  var values: [INFInstallation.Value] {
    data.filter { INFGUID.isGUID($0) }.map {
      INFInstallation.Value(text: $0, place: placed.place, certainty: .read)
    }
  }

  /// The GUIDs anywhere in the keys, names and values: each old driver has a place of its own for them.
  var guids: [INFInstallation.Value] {
    placed.line.fields.flatMap { INFGUID.all(in: $0) }.map {
      INFInstallation.Value(text: $0, place: placed.place, certainty: .read)
    }
  }
}
