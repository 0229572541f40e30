internal import USB

/// What a text tells of one descriptor: a title, and names with what stands behind them.
struct DumpSection {
  /// Whose text it is: some names mean other things.
  enum Program {
    case lsusb, usbView, usbTreeView
  }

  /// `bDescriptorType` by the title; nil where only a field tells it.
  var type: UInt8?
  /// `bDescriptorSubtype` by the title.
  var subtype: UInt8?
  /// The layout by which the program reads the descriptor, where it is not the one of its place.
  var layoutClass: ClassTriple?
  /// Whether it belongs where it stands, whatever its type says.
  var staysInPlace = false
  /// All bytes, where the text has them.
  var raw: [UInt8?]?
  /// Bytes behind the last field.
  var junk: [UInt8?] = []
  /// The line of its title, from 1.
  var line: Int
  var program: Program

  private var values: [String: [String]] = [:]
  private var cursors: [String: Int] = [:]
  /// The strings of its `iSomething` fields, by their names.
  private var texts: [String: String] = [:]

  init(type: UInt8?, subtype: UInt8? = nil, line: Int, program: Program) {
    self.type = type
    self.subtype = subtype
    self.line = line
    self.program = program
  }

  // MARK: Writing

  mutating func add(_ name: String, _ value: String) {
    let key = Self.key(name)
    // One number for two fields: the id, and the pin above it.
    if key == "basource", let token = value.split(separator: " ").first, token.hasPrefix("0x"),
      token.count == 6
    {
      values["basourceid", default: []].append("0x\(token.suffix(2))")
      values["basourcepin", default: []].append("0x\(token.dropFirst(2).prefix(2))")
      return
    }
    if key == "basource" {
      values["basourceid", default: []].append(value)
      return
    }
    // The masks of a hub stand behind each other.
    if key == "portpwrctrlmask", let last = values["deviceremovable"]?.last {
      values["deviceremovable"] = ["\(last) \(value)"]
      return
    }
    // Some numbers behind one name are so many fields.
    if key == "bsubordinateinterface" {
      values[key, default: []] += value.split(separator: " ").prefix(255).map(String.init)
      return
    }
    values[key, default: []].append(value)
  }

  mutating func addText(_ text: String, to name: String) { texts[Self.key(name)] = text }

  // MARK: Reading

  func has(_ name: String) -> Bool {
    let key = key(of: name)
    return cursors[key, default: 0] < values[key, default: []].count
  }

  func text(of name: String) -> String? { texts[Self.key(name)] }

  /// What stands behind a name the next time; nil where it does not come again.
  mutating func next(_ name: String) -> String? {
    let key = key(of: name)
    let position = cursors[key, default: 0]
    guard let all = values[key], position < all.count else { return nil }
    cursors[key] = position + 1
    return all[position]
  }

  func peek(_ name: String) -> String? {
    let key = key(of: name)
    let position = cursors[key, default: 0]
    guard let all = values[key], position < all.count else { return nil }
    return all[position]
  }

  /// The key of a field; some versions of `lsusb` call a few by the name of another.
  private func key(of name: String) -> String {
    let key = Self.key(name)
    guard values[key] == nil else { return key }
    switch key {
    case "bcdversion" where values["bcdcdc"] != nil: return "bcdcdc"
    case "bcdmsc" where values["bcdadc"] != nil: return "bcdadc"
    default: return key
    }
  }

  /// A name without its number and in small letters, as the specification has it.
  private static func key(_ name: String) -> String {
    let bare = name.prefix { $0 != "(" && $0 != "[" }
    let small = bare.filter { $0 != "." && $0 != ":" && $0 != " " }.lowercased()
    return aliases[small] ?? small
  }

  /// The names of `lsusb`, USBView and USBTreeView that differ from those of the specification.
  private static let aliases: [String: String] = [
    "iserial": "iserialnumber", "maxpower": "bmaxpower", "bmasterinterface": "bcontrolinterface",
    "bslaveinterface": "bsubordinateinterface", "nmaxslotindex": "bmaxslotindex",
    "dwmaxiumumclock": "dwmaximumclock", "bnumdataratessupp": "bnumdataratessupported",
    "dwsyncprotocols": "dwsynchprotocols", "dwmaxccidmsglen": "dwmaxccidmessagelength",
    "bflags": "bmflags", "iprocessing": "iunit", "iextension": "iunit", "nnbrports": "bnbrports",
    "bnumberofports": "bnbrports", "whubcharacteristic": "whubcharacteristics",
    "bu2devexitlat": "wu2devexitlat", "tlowersamfreq": "tsamfreq", "tuppersamfreq": "tsamfreq",
    "dwminframeinterval": "dwframeinterval", "dwmaxframeinterval": "dwframeinterval",
    "dwframeintervalstep": "dwframeinterval", "bnumcompressionpatterns": "bnumcompressionpattern",
    "wreportlength": "wdescriptorlength", "bdescriptorlength": "bdescriptorlength",
  ]
}

/// The number behind a name, as bytes.
enum DumpNumber {
  /// Names behind which digits are hexadecimal without saying so.
  private static let bare: Set<String> = [
    "bGuidDescriptorType", "dwSynchProtocols", "dwMechanical", "dwFeatures", "bClassGetResponse",
  ]

  /// The bytes of a field, least significant first; nil for one that is not known.
  ///
  /// - Parameters:
  ///   - text: what stands behind the name.
  ///   - name: the name in the specification.
  ///   - size: how many bytes the field has.
  ///   - kind: what its number says.
  ///   - unit: what `bMaxPower` is counted in.
  /// - Returns: as many as the field has.
  static func bytes(
    _ text: String, name: String, size: Int, kind: FieldKind, unit: UInt64
  ) -> [UInt8?] {
    let tokens = text.split(separator: " ").prefix(4096)
    guard let first = tokens.first else { return unknown(size) }
    if first.hasPrefix("{") { return guid(first, size) }
    if let digits = hexadecimal(first) {
      let rest = tokens.dropFirst().prefix { hexadecimal($0)?.count == 2 }
      if digits.count == 2, !rest.isEmpty, size > 1 {
        let all = [digits] + rest.compactMap { hexadecimal($0) }
        return padded(all.flatMap(\.pairs), size, with: nil)
      }
      return padded(digits.pairs.reversed(), size, with: 0)
    }
    if isBytes(kind), size > 1 || kind == .bytes, tokens.count == size,
      tokens.allSatisfy({ pair($0) != nil })
    {
      return tokens.map { pair($0) ?? nil }
    }
    if case .guid = kind { return unknown(size) }
    if case .version = kind, let number = version(first) { return little(number, size) }
    if name == "dwClockFrequency", first.hasSuffix("MHz") { return little(clock(first), size) }
    // usbutils prints the number of bClassGetResponse here, unless it prints a word.
    if name == "bClassEnvelope" { return little(first == "echo" ? 0xFF : nil, size) }
    if bare.contains(name) {
      return little(first == "echo" ? 0xFF : UInt64(first, radix: 16), size)
    }
    if name == "wLcdLayout", first == "none" { return little(0, size) }
    let digits = first.prefix { $0.isASCII && $0.isNumber }
    guard let number = UInt64(digits) else { return unknown(size) }
    if name == "bMaxPower", first.hasSuffix("mA") { return little(number / unit, size) }
    return little(number, size)
  }

  static func unknown(_ size: Int) -> [UInt8?] { Array(repeating: nil, count: max(0, size)) }

  private static func isBytes(_ kind: FieldKind) -> Bool {
    switch kind {
    case .bytes, .ports, .text, .ascii, .guid: true
    default: false
    }
  }

  /// `0x1f`, `0x??00`: the digits, an even count of them.
  private static func hexadecimal(_ token: Substring) -> Substring? {
    guard token.lowercased().hasPrefix("0x") else { return nil }
    let digits = token.dropFirst(2).prefix { $0.isHexDigit || $0 == "?" }
    guard !digits.isEmpty, digits.count <= 32 else { return nil }
    return digits.count.isMultiple(of: 2) ? digits : Substring("0" + digits)
  }

  /// A pair of digits, or two question marks; nil for anything else.
  static func pair(_ token: some StringProtocol) -> UInt8?? {
    guard token.utf8.count == 2 else { return nil }
    if token == "??" { return .some(nil) }
    guard token.allSatisfy(\.isHexDigit), let byte = UInt8(token, radix: 16) else { return nil }
    return .some(byte)
  }

  private static func padded(_ bytes: [UInt8?], _ size: Int, with filler: UInt8?) -> [UInt8?] {
    Array((bytes + Array(repeating: filler, count: max(0, size - bytes.count))).prefix(size))
  }

  private static func little(_ number: UInt64?, _ size: Int) -> [UInt8?] {
    guard let number, size >= 8 || number >> UInt64(size * 8) == 0 else { return unknown(size) }
    return (0..<size).map { $0 < 8 ? UInt8(number >> UInt64($0 * 8) & 0xFF) : 0 }
  }

  private static func version(_ token: Substring) -> UInt64? {
    let parts = token.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let high = UInt8(parts[0], radix: 16),
      let low = UInt8(parts[1], radix: 16)
    else { return nil }
    return UInt64(high) << 8 | UInt64(low)
  }

  private static func clock(_ token: Substring) -> UInt64? {
    let parts = token.dropLast(3).split(separator: ".")
    guard parts.count == 2, let whole = UInt64(parts[0]), whole < 1 << 40,
      let fraction = UInt64(parts[1]), parts[1].count == 6
    else { return nil }
    return whole * 1_000_000 + fraction
  }

  private static func guid(_ token: Substring, _ size: Int) -> [UInt8?] {
    let digits = token.filter { $0.isHexDigit || $0 == "?" }
    guard size == 16, digits.count == 32 else { return unknown(size) }
    let pairs = digits[...].pairs
    return [3, 2, 1, 0, 5, 4, 7, 6].map { pairs[$0] } + pairs[8...]
  }
}

extension Substring {
  /// Its characters two by two, as bytes; nil for `??`, and for what is no pair of digits.
  fileprivate var pairs: [UInt8?] {
    var bytes: [UInt8?] = []
    var rest = self
    while rest.count >= 2 {
      bytes.append(DumpNumber.pair(rest.prefix(2)) ?? nil)
      rest = rest.dropFirst(2)
    }
    return bytes
  }
}
