internal import DFU
public import DFUHost
public import USB

/// DFU devices in words: `dfu list`.
public struct DeviceListReport: Encodable, Hashable, Sendable {
  /// The name and version of this document's shape.
  public var schema = "dfu.device-list/1"
  /// The devices in DFU mode, and those of which that is not known.
  public var devices: [DeviceReport]
  /// The devices whose application runs.
  public var runtime: [DeviceReport]?

  /// A list.
  public init(_ devices: [DeviceReport]) {
    self.devices = devices.filter { !$0.runsApplication }
    let others = devices.filter(\.runsApplication)
    runtime = others.isEmpty ? nil : others
  }

  /// All devices, a blank line between them; those whose application runs behind the others.
  public func text(_ style: TextStyle) -> String {
    (devices + (runtime ?? [])).map { $0.text(style) }.joined(separator: "\n")
  }
}

/// One DFU device in words: what it is, where it is, what memory it offers, whether it is protected.
public struct DeviceReport: Encodable, Hashable, Sendable {
  /// One alternate setting.
  public struct Target: Encodable, Hashable, Sendable {
    /// `bAlternateSetting`.
    public var number: UInt8
    /// Its name.
    public var name: String
    /// What it is, in words.
    public var words: String
    /// Its address, as `0x08000000`; nil without addresses.
    public var address: String?
    /// Its bytes; nil without addresses.
    public var bytes: UInt64?
    /// Its sectors, as `4×16 K + 64 K`; nil without addresses.
    public var sectors: String?
  }

  /// What a person types to name it.
  public var selector: String
  /// `idVendor`, four hexadecimal digits.
  public var vendor: String
  /// `idProduct`, four hexadecimal digits.
  public var product: String
  /// `bcdDevice`.
  public var version: String
  /// Where it is plugged in.
  public var path: String
  /// The speed of its link.
  public var speed: String
  /// The text of `iManufacturer`.
  public var manufacturer: String?
  /// The text of `iProduct`.
  public var productName: String?
  /// The text of `iSerialNumber`.
  public var serialNumber: String?
  /// The chip, as far as it is known.
  public var chip: String?
  /// Whether the application or the bootloader runs: `dfu`, `runtime` or `unknown`.
  public var mode: String
  /// Which protocol it speaks; `unknown` where it could not be opened, and only what the bus tells is known.
  public var dialect: String
  /// `wTransferSize`, as it is used.
  public var transferSize: Int
  /// Whether it can be read: `open`, `read-protected` or `unknown`.
  public var protection: String
  /// How it gets into DFU mode, where its application runs: `by-itself`, `with-reset`, or nil where it must
  /// not be told to.
  public var detach: String?
  /// Why it must not be told to detach; a clause.
  public var detachObstacle: String?
  /// What it offers.
  public var targets: [Target]
  /// What is odd about it.
  public var notes: [String]
  /// Why it could not be opened, or not asked for all; nil where it was.
  public var problem: ErrorReport.Explanation?

  /// The report of an opened device.
  ///
  /// - Parameters:
  ///   - description: what was found in its descriptors and strings.
  ///   - selector: what a person types to name it.
  ///   - protection: what was found out about its read-out protection.
  public init(_ description: DFUDescription, selector: String, protection: Protection) {
    let device = description.info.descriptor
    self.selector = selector
    vendor = "\(device.vendor)"
    product = "\(device.product)"
    version = "\(device.deviceVersion)"
    path = "\(description.info.path)"
    speed = description.info.speed.rawValue
    manufacturer = description.manufacturer
    productName = description.product
    serialNumber = description.serialNumber
    chip = description.chip.map { $0.certainty == .certain ? $0.name : "probably \($0.name)" }
    mode = "\(description.mode)"
    dialect = description.dialect.name
    transferSize = description.function.transferSize
    self.protection = protection.rawValue
    if description.mode == .runtime {
      detachObstacle = description.detachObstacle
      if detachObstacle == nil {
        detach = description.detachesByItself ? "by-itself" : "with-reset"
      }
    }
    targets = description.targets.map(Target.init)
    notes = description.notes
  }

  /// The report of a device that could not be opened.
  ///
  /// - Parameters:
  ///   - info: what is known of it all the same.
  ///   - selector: what a person types to name it.
  ///   - problem: why it could not be opened.
  public init(unopened info: DeviceInfo, selector: String, problem: ErrorReport.Explanation) {
    let device = info.descriptor
    self.selector = selector
    vendor = "\(device.vendor)"
    product = "\(device.product)"
    version = "\(device.deviceVersion)"
    path = "\(info.path)"
    speed = info.speed.rawValue
    manufacturer = info.manufacturerName
    productName = info.productName
    serialNumber = info.serialNumber
    mode = "\(info.dfuMode ?? .unknown)"
    // The names of its settings would tell.
    dialect = Self.unknownDialect
    transferSize = info.dfuFunction?.transferSize ?? 0
    protection = Protection.unknown.rawValue
    targets = []
    notes = []
    self.problem = problem
  }

  /// Whether its application runs.
  public var runsApplication: Bool { mode == "\(DFUMode.runtime)" }

  /// Some lines: what it is, then each target.
  public func text(_ style: TextStyle) -> String {
    var lines: [String] = []
    let what = chip ?? productName.map(terminalSafe) ?? "DFU device"
    let state =
      !isOpened
      ? "not opened" : runsApplication ? "its application runs" : "in its bootloader"
    lines.append(
      "\(style(.strong, what)), \(state)  \(style(.accent, "\(vendor):\(product)")) "
        + "version \(version), at \(path), \(speed) speed")
    var names: [String] = []
    if let productName { names.append("“\(terminalSafe(productName))”") }
    if let manufacturer { names.append("by \(terminalSafe(manufacturer))") }
    if let serialNumber { names.append("serial \(terminalSafe(serialNumber))") }
    if !names.isEmpty { lines.append("  " + names.joined(separator: ", ")) }
    if let problem { lines += problemLines(problem, style) }
    if !isOpened {
      // Nothing but the problem is known.
    } else if runsApplication {
      lines.append("  " + wrapped(detachWords, width: style.width - 2, indent: 2))
    } else {
      lines.append("  \(dialect), blocks of \(transferSize) bytes; \(protectionWords(style))")
    }
    for target in targets {
      lines.append(
        "  " + style(.accent, "\(target.number)") + "  "
          + wrapped(terminalSafe(target.words), width: style.width - 5, indent: 5))
    }
    for note in notes {
      lines.append(
        "  " + style(.warning, "note") + " "
          + wrapped(terminalSafe(note), width: style.width - 7, indent: 7))
    }
    lines.append("  " + style(.faint, "select it with") + " -d '\(terminalSafe(selector))'")
    return lines.joined(separator: "\n") + "\n"
  }

  private static let unknownDialect = "unknown"

  private var isOpened: Bool { dialect != Self.unknownDialect }

  private func problemLines(_ problem: ErrorReport.Explanation, _ style: TextStyle) -> [String] {
    var lines = [
      "  " + style(.bad, "problem") + " "
        + wrapped(terminalSafe(problem.sentence), width: style.width, indent: 4, used: 10)
    ]
    if let help = problem.help {
      lines.append("    " + wrapped(terminalSafe(help), width: style.width, indent: 4))
    }
    return lines
  }

  private var detachWords: String {
    if let detachObstacle { return "`dfu detach` does nothing for it: \(detachObstacle)" }
    let how = detach == "by-itself" ? "" : " by a USB reset"
    return "`dfu detach` brings it into its bootloader\(how); `dfu flash` does that by itself"
  }

  private func protectionWords(_ style: TextStyle) -> String {
    switch protection {
    case Protection.open.rawValue: style(.good, "not read-protected")
    case Protection.readProtected.rawValue:
      style(.bad, "read-protected") + " (reading, writing and erasing are refused)"
    default: "whether it is protected cannot be found out"
    }
  }
}

extension DeviceReport.Target {
  init(_ target: FlashTarget) {
    number = target.alternateSetting
    name = target.name
    let map = target.usableMap
    address = map?.range.map { addressText($0.lowerBound) }
    bytes = map?.size
    sectors = map.map { sectorsText($0.runs) }
    if let map {
      words = map.describedInWords
    } else {
      var rights: [String] = []
      if target.canUpload { rights.append("readable") }
      if target.canDownload { rights.append("writable") }
      words =
        (target.name.isEmpty ? "no name" : "“\(target.name)”")
        + ", without addresses, "
        + (rights.isEmpty ? "neither readable nor writable" : rights.joined(separator: ", "))
    }
  }
}
