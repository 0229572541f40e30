public import USB

/// What a text of the registry says of one device: what `reg query …\usbflags /s` prints, an export of regedit, or
/// what USB tree viewers show.
public struct UsbFlagsReading: Hashable, Sendable {
  /// The values of the device's own key, and those of the key above that are for its product.
  public private(set) var flags = UsbFlags()
  /// What does not count, and why.
  public private(set) var findings: [INFFinding] = []
  /// Whether the device has a key of its own.
  public private(set) var hasKey = false

  /// Bytes that a text may have: an export of everything below `Control` is smaller.
  public static let sizeLimit = 16 << 20
  /// Findings that are kept.
  private static let findingLimit = 64
  /// Bytes of a value that goes over several lines.
  private static let joinLimit = 1 << 16

  /// Whose values the lines are.
  private enum Key { case device, root, other }
  private var key = Key.other
  private let name: String
  private let device: DeviceDescriptor
  private let digits: String
  /// Keys of the same product with another bcdDevice.
  private var revisions: [String] = []
  private var isOfTheRegistry = false
  /// Whether the control set that counts is there.
  private var hasCurrent = false

  /// Reads a text.
  ///
  /// - Parameters:
  ///   - bytes: the text, UTF-16 or UTF-8 with a byte order mark, or the system's code page.
  ///   - name: the name of the file, for messages.
  ///   - device: the device that is asked about.
  /// - Throws: ``UsbFlagError`` where the text is none of the registry, or too large.
  public init(_ bytes: [UInt8], name: String, of device: DeviceDescriptor) throws(UsbFlagError) {
    guard bytes.count <= Self.sizeLimit else {
      throw UsbFlagError(.tooLarge(bytes: bytes.count), file: name)
    }
    self.name = name
    self.device = device
    digits = String(UsbFlag.key(of: device).dropFirst(UsbFlag.root.count + 1)).lowercased()
    let text = INFText(bytes).bytes
    hasCurrent = Self.hasCurrent(text)
    readLines(text)
    guard isOfTheRegistry else { throw UsbFlagError(.notOfTheRegistry, file: name) }
    if !hasKey {
      let others =
        revisions.isEmpty
        ? "" : "; there is \(listText(revisions)), of another bcdDevice, and it does not count"
      note("usbflags-no-key", "There is no key \(digits.uppercased())\(others).", 1)
    }
    findings.sort { $0.line < $1.line }
  }

  private static func hasCurrent(_ text: [UInt8]) -> Bool {
    for (_, line) in TextLines(text) {
      let line = trimmed(line).prefix(120)
      guard line.first == 0x5B || line.first == 0x48 || line.first == 0x43 else { continue }
      if line.text.lowercased().contains("\\currentcontrolset\\control\\usbflags") { return true }
    }
    return false
  }

  private mutating func note(_ slug: String, _ sentence: String, _ line: Int) {
    guard findings.count < Self.findingLimit else { return }
    findings.append(INFFinding(slug, sentence, line: line))
  }

  private mutating func readLines(_ text: [UInt8]) {
    var lines = TextLines(text)
    while let (number, line) = lines.next() {
      var line = Self.trimmed(line)
      // A backslash at the end of a binary value goes on in the next line.
      if line.first == 0x22, line.last == 0x5C {
        var joined: [UInt8] = []
        var part = line
        while part.last == 0x5C {
          if joined.count <= Self.joinLimit { joined += part.dropLast() }
          guard let next = lines.next() else {
            part = []
            break
          }
          part = Self.trimmed(next.bytes)
        }
        if joined.count <= Self.joinLimit { joined += part }
        line = joined[...]
      }
      read(line, number)
    }
  }

  private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0D }
    var line = line.drop(while: isBlank)
    while let last = line.last, isBlank(last) { line.removeLast() }
    return line
  }

  private mutating func read(_ line: ArraySlice<UInt8>, _ number: Int) {
    switch line.first {
    case nil, 0x3B: return
    case 0x5B:
      guard line.last == 0x5D else {
        return note("usbflags-open-key", "The name of a key has no closing bracket.", number)
      }
      let name = line.dropFirst().dropLast()
      if name.first == 0x2D {
        open(name.dropFirst().text)
        // With the key above all of them go.
        if key == .root { flags.removeAll { _ in true } }
        if key == .device { flags.removeAll { $0.product == nil } }
        if key == .device || key == .root { hasKey = false }
        key = .other
      } else {
        open(name.text)
      }
    case 0x22, 0x40: readExported(line, number)
    default:
      let text = line.text
      let lower = text.prefix(32).lowercased()
      if lower.hasPrefix("hkey_") || lower.hasPrefix("hklm\\") || lower.hasPrefix("computer\\") {
        open(text)
      } else if lower.hasPrefix("windows registry editor") || lower == "regedit4" {
        isOfTheRegistry = true
      } else {
        readPrinted(text, number)
      }
    }
  }

  /// Opens a key by its path, whichever of the control sets it is in.
  private mutating func open(_ path: String) {
    isOfTheRegistry = true
    key = .other
    var parts = path.lowercased().split(separator: "\\", maxSplits: 8)
    if parts.first == "computer" { parts.removeFirst() }
    guard parts.count == 5 || parts.count == 6, ["hkey_local_machine", "hklm"].contains(parts[0]),
      parts[1] == "system",
      // Others may be of an earlier start, and count only where the current one was not printed.
      parts[2] == "currentcontrolset" || (!hasCurrent && parts[2].hasPrefix("controlset")),
      parts[3] == "control", parts[4] == "usbflags"
    else { return }
    guard parts.count == 6 else {
      key = .root
      return
    }
    if parts[5] == digits {
      key = .device
      hasKey = true
    } else if parts[5].hasPrefix(digits.prefix(8)), parts[5].utf8.count == 12, revisions.count < 8,
      UsbFlagSetting.hexadecimal(parts[5]) != nil
    {
      revisions.append(parts[5].uppercased())
    }
  }

  /// `"osvc"=hex:00,00`, as regedit exports it.
  private mutating func readExported(_ line: ArraySlice<UInt8>, _ number: Int) {
    guard key == .device || key == .root else { return }
    guard line.first == 0x22, let end = line.dropFirst().firstIndex(of: 0x22) else { return }
    let rest = line[(end + 1)...].drop { $0 == 0x20 || $0 == 0x09 }
    guard rest.first == 0x3D else {
      return note("usbflags-odd-line", "A value has no = behind its name.", number)
    }
    let data = Self.trimmed(rest.dropFirst())
    let name = line[(line.startIndex + 1)..<end].text
    if data.elementsEqual([0x2D]) {
      let isRoot = key == .root
      flags.removeAll {
        $0.fullName.lowercased() == name.lowercased() && ($0.product != nil) == isRoot
      }
    } else {
      // A string is no data of any of them.
      add(name, data.first == 0x22 ? nil : UsbFlagSetting.bytes(data.text), number)
    }
  }

  /// `    osvc    REG_BINARY    0000`, as reg.exe prints it; others have a colon before the type.
  private mutating func readPrinted(_ text: String, _ number: Int) {
    guard key == .device || key == .root else { return }
    let words = text.split(maxSplits: 16) { $0 == " " || $0 == "\t" }
    guard let type = words.firstIndex(where: { $0.hasPrefix("REG_") }), type > 0 else {
      return note("usbflags-odd-line", "\"\(shown(text))\" is no value.", number)
    }
    let name = words[..<type].filter { $0 != ":" }.joined(separator: " ")
    let data = words[(type + 1)...].joined(separator: " ")
    // The nameless value of every key.
    guard name != "(Default)" else { return }
    let isNumber = ["REG_BINARY", "REG_DWORD"].contains(words[type])
    add(name, isNumber ? UsbFlagSetting.bytes(data) : nil, number)
  }

  private mutating func add(_ name: String, _ data: [UInt8]?, _ number: Int) {
    do throws(UsbFlagError) {
      let setting = try UsbFlagSetting(name, data, place: "\(self.name):\(number)")
      guard (setting.product != nil) == (key == .root) else {
        return note(
          "usbflags-wrong-key",
          key == .root
            ? "\(setting.name) stands in the key above those of the devices, and counts only in one of these."
            : "\(setting.fullName) stands in the key of a device, and counts only in the one above.",
          number)
      }
      // A large list of other products is of no use here.
      if setting.counts(for: device) { flags.add(setting) }
    } catch {
      note(error.slug, error.sentence, number)
    }
  }
}
