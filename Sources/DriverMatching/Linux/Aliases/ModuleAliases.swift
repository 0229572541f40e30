public import USB

/// The USB lines of `modules.alias`: which module says that it drives which devices (kmod 30; depmod(8)).
///
/// Lines of other buses are passed over. A lookup goes by the vendor and product that a pattern begins with,
/// and compares only what is left.
public struct ModuleAliases: Sendable {
  /// One line.
  public struct Alias: Hashable, Sendable {
    /// The pattern as it stands there.
    public var pattern: String
    /// The module, with `_` for `-`.
    public var module: String
    /// The file.
    public var file: String
    /// The line in it, from 1.
    public var line: Int

    /// Where it stands: `modules.alias:1209`.
    public var place: String { "\(file):\(line)" }

    /// A line; see the properties.
    public init(pattern: String, module: String, file: String, line: Int) {
      self.pattern = pattern
      self.module = module
      self.file = file
      self.line = line
    }
  }

  /// More bytes of a text are not read; today's are 2 MB.
  public static let sizeLimit = ConfigurationFile.sizeLimit
  /// Ten times the USB lines of a kernel with everything.
  public static let lineLimit = 100_000
  /// Patterns beyond this many bytes are passed over; the longest of USB have 60.
  public static let patternLimit = 512

  /// All USB lines, in the order of the texts.
  public private(set) var aliases: [Alias] = []
  /// What could not be read, the first 100.
  public private(set) var findings: [SettingsFinding] = []

  private var patterns: [ShellPattern] = []
  private var priorities: [Int] = []
  private var byPair: [UInt64: [Int32]] = [:]
  private var byVendor: [UInt32: [Int32]] = [:]
  private var others: [Int32] = []

  /// No lines.
  public init() {}

  /// The USB lines of a text in the form of `modules.alias`.
  ///
  /// - Parameters:
  ///   - text: `alias PATTERN MODULE` in each line; `#` begins a comment line.
  ///   - file: what to call it.
  ///   - order: `modules.order`: of two modules the earlier one is named first. Without it they come in the
  ///     order of the text, which is that of depmod.
  ///   - device: read only the lines that may match interfaces of this product: a tenth of the time. The
  ///     table knows nothing of others then, and has no findings about their lines. Its order is the same as
  ///     long as the lines of one module stand together, as depmod writes them.
  public init(
    _ text: [UInt8], file: String = "modules.alias", order: [UInt8] = [],
    only device: (vendor: VendorID, product: ProductID)? = nil
  ) {
    hasText = !text.isEmpty
    var count = 0
    var lines = AliasLines(text, Self.key(of: device))
    while let (number, line) = lines.next() {
      guard number > 0, line.startIndex < Self.sizeLimit else {
        note("text-too-long", file, number, .fileIgnored, "the rest of the text is not read.")
        break
      }
      let words = line.words(atMost: 4)
      guard words.count == 3, words[0].elementsEqual(Self.keyword) else {
        note("alias-line", file, number, .lineIgnored, "the line is not `alias PATTERN MODULE`.")
        continue
      }
      guard count < Self.lineLimit else {
        note(
          "too-many-aliases", file, number, .fileIgnored,
          "there are more than \(Self.lineLimit) lines of USB.")
        break
      }
      count += 1
      add(words[1], module: words[2].text, file: file, line: number)
    }
    finish(order)
  }

  /// The USB aliases of drivers that are part of the kernel.
  ///
  /// - Parameters:
  ///   - info: `modules.builtin.modinfo`: entries `MODULE.KEY=VALUE` with a NUL behind each. (A text in the
  ///     form of `modules.alias` is read by ``init(_:file:order:only:)``; `modules.builtin.alias.bin` has the
  ///     same in an index of kmod's own.)
  ///   - file: what to call it; the line is the number of the entry.
  ///   - device: read only what may match this product.
  public init(
    builtinInfo info: [UInt8], file: String = "modules.builtin.modinfo",
    only device: (vendor: VendorID, product: ProductID)? = nil
  ) {
    hasText = !info.isEmpty
    let key = Self.key(of: device)
    var number = 0
    for entry in info.prefix(Self.sizeLimit).split(separator: 0) {
      number += 1
      guard let equals = entry.firstIndex(of: UInt8(ascii: "=")),
        let dot = entry[..<equals].firstIndex(of: UInt8(ascii: ".")),
        entry[(dot + 1)..<equals].elementsEqual(Self.keyword), aliases.count < Self.lineLimit
      else { continue }
      let pattern = entry[(equals + 1)...]
      guard AliasLines.mayMatch(pattern.span, key.span) else { continue }
      add(pattern, module: entry[..<dot].text, file: file, line: number)
    }
    finish([])
  }

  /// Lines that are at hand already.
  public init(_ aliases: some Sequence<Alias>) {
    for alias in aliases.prefix(Self.lineLimit) {
      add(Array(alias.pattern.utf8)[...], module: alias.module, file: alias.file, line: alias.line)
    }
    finish([])
  }

  /// Every line whose pattern matches `name`, in the order in which modprobe names the modules.
  ///
  /// A module comes once for each of its lines. Case matters; `-` is `_` outside of brackets.
  ///
  /// - Parameter name: a modalias, whole; what stands behind it counts as well. Beyond 256 bytes nothing
  ///   matches.
  /// - Returns: the lines, none where nothing matches.
  public func matches(_ name: String) -> [Alias] {
    guard let name = normalizedAlias(Array(name.utf8.prefix(Self.nameLimit + 1))[...]),
      name.count <= Self.nameLimit
    else { return [] }
    var found: [Int] = []
    func look(_ list: [Int32]?) {
      for index in list ?? [] where patterns[Int(index)].matches(bytes: name) {
        found.append(Int(index))
      }
    }
    if let key = Self.pairKey(name) { look(byPair[key]) }
    if let key = Self.vendorKey(name) { look(byVendor[key]) }
    look(others)
    found.sort { (priorities[$0], $0) < (priorities[$1], $1) }
    return found.map { aliases[$0] }
  }

  /// Every line whose pattern matches an interface, as ``matches(_:)-(String)`` has them.
  public func matches(_ name: Modalias) -> [Alias] { matches(name.description) }

  /// Whether there is no line.
  public var isEmpty: Bool { aliases.isEmpty }

  /// Whether a text was read, even if no line of it is of interest here.
  public private(set) var hasText = false

  private static let nameLimit = 256
  private static let keyword = Array("alias".utf8)

  private static func vendorKey(_ bytes: [UInt8]) -> UInt32? {
    guard bytes.count >= 9 else { return nil }
    return bytes[5..<9].reduce(0) { $0 << 8 | UInt32($1) }
  }

  private static func pairKey(_ bytes: [UInt8]) -> UInt64? {
    guard bytes.count >= 14, let vendor = vendorKey(bytes) else { return nil }
    return UInt64(vendor) << 32 | bytes[10..<14].reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// How the names of all interfaces of a product begin, or of all products.
  private static func key(of device: (vendor: VendorID, product: ProductID)?) -> [UInt8] {
    guard let device else { return Array("usb:".utf8) }
    let vendor = hex(device.vendor.rawValue).uppercased()
    return Array("usb:v\(vendor)p\(hex(device.product.rawValue).uppercased())d".utf8)
  }

  /// Where each of some modules stands in `modules.order`.
  private static func places(
    of modules: some Sequence<String>, in text: [UInt8]
  ) -> [String: Int] {
    guard !text.isEmpty else { return [:] }
    var wanted: [[UInt8]: String] = [:]
    for module in modules { wanted[Array(module.utf8)] = module }
    var places: [String: Int] = [:]
    var name: [UInt8] = []
    let bytes = text.span
    var at = 0
    var number = 0
    while at < bytes.count, number < Self.lineLimit, !wanted.isEmpty {
      // The last part of the path, up to its first dot.
      name.removeAll(keepingCapacity: true)
      var isWhole = false
      while at < bytes.count, bytes[at] != 0x0A {
        switch bytes[at] {
        case UInt8(ascii: "/"):
          name.removeAll(keepingCapacity: true)
          isWhole = false
        case UInt8(ascii: "."): isWhole = true
        case let byte where !isWhole:
          name.append(byte == UInt8(ascii: "-") ? UInt8(ascii: "_") : byte)
        default: break
        }
        at += 1
      }
      at += 1
      number += 1
      if let module = wanted.removeValue(forKey: name) { places[module] = number }
    }
    return places
  }

  private mutating func add(
    _ bytes: ArraySlice<UInt8>, module: String, file: String, line: Int
  ) {
    guard bytes.count <= Self.patternLimit else {
      note(
        "alias-too-long", file, line, .lineIgnored,
        "the pattern has more than \(Self.patternLimit) bytes.")
      return
    }
    guard let normalized = normalizedAlias(bytes) else {
      note(
        "alias-bracket", file, line, .lineIgnored,
        "the pattern has a bracket without its other half.")
      return
    }
    guard !bytes.contains(0) else {
      note("nul-byte", file, line, .lineIgnored, "there is a NUL byte in the pattern.")
      return
    }
    let pattern = ShellPattern(bytes: normalized)
    let index = Int32(patterns.count)
    if let key = Self.pairKey(pattern.literalPrefix) {
      byPair[key, default: []].append(index)
    } else if let key = Self.vendorKey(pattern.literalPrefix) {
      byVendor[key, default: []].append(index)
    } else {
      others.append(index)
    }
    patterns.append(pattern)
    aliases.append(Alias(pattern: bytes.text, module: moduleName(module), file: file, line: line))
  }

  /// Modules in the order of `modules.order`; behind them the others, as they came.
  private mutating func finish(_ text: [UInt8]) {
    let order = Self.places(of: aliases.lazy.map(\.module), in: text)
    var later: [String: Int] = [:]
    priorities = aliases.map { alias in
      if let place = order[alias.module] { return place }
      if let place = later[alias.module] { return place }
      let place = Self.lineLimit + 1 + later.count
      later[alias.module] = place
      return place
    }
  }

  private mutating func note(
    _ slug: String, _ file: String, _ line: Int, _ consequence: SettingsFinding.Consequence,
    _ what: String
  ) {
    guard findings.count < 100 else { return }
    findings.append(
      SettingsFinding(
        slug, file: file, line: line, consequence, what,
        Evidence("kmod 30, depmod and libkmod", .read)))
  }
}

/// A module's name as the kernel has it: with `_` for `-`.
func moduleName(_ name: some StringProtocol) -> String {
  String(
    decoding: name.utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }, as: UTF8.self)
}

/// An alias as kmod compares it: `_` for `-` outside of brackets; nil where a bracket has no other half.
func normalizedAlias(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
  var result = Array(bytes)
  var isInside = false
  for (index, byte) in result.enumerated() {
    switch byte {
    case UInt8(ascii: "-") where !isInside: result[index] = UInt8(ascii: "_")
    case UInt8(ascii: "["): isInside = true
    case UInt8(ascii: "]"):
      guard isInside else { return nil }
      isInside = false
    default: break
    }
  }
  return isInside ? nil : result
}
