extension UdevRuleSet {
  /// What is written in rules about USB devices and does not do what its author will have meant.
  ///
  /// These lines are all valid; ``findings`` has those that are not.
  public var advice: [SettingsFinding] {
    var advice: [SettingsFinding] = []
    for rule in rules where advice.count < 1000 {
      for (slug, what, help, evidence) in Self.traps(of: rule) {
        advice.append(
          SettingsFinding(
            slug, file: rule.file, line: rule.line, .advice, what, help: help, evidence))
      }
    }
    return advice
  }

  /// The file that reads the tag `uaccess`.
  static let seatFile = "73-seat-late.rules"
  /// The file that sets the mode of USB devices and imports their `ID_` properties.
  static let defaultFile = "50-udev-default.rules"

  private typealias Trap = (slug: String, what: String, help: String?, evidence: Evidence)

  private static func precedes(_ name: String, _ other: String) -> Bool {
    Array(name.utf8).lexicographicallyPrecedes(Array(other.utf8))
  }

  private static func traps(of rule: UdevRule) -> [Trap] {
    var traps: [Trap] = []
    let tokens = rule.tokens
    let name = rule.fileName
    let order = Evidence("rules of systemd 252 tried in several files", .seen)
    if tokens.contains(where: { $0.kind == .tag && $0.value == "uaccess" && $0.operation == .add }),
      !precedes(name, seatFile),
      !tokens.contains(where: { $0.kind == .runBuiltin && $0.value == "uaccess" })
    {
      traps.append(
        (
          "late-uaccess",
          "TAG+=\"uaccess\" comes too late: \(seatFile), which reads the tag, sorts before \(name). It"
            + " seems to work after"
            + " udevadm trigger, and fails when the device is plugged in again.",
          "Rename the file so that it sorts before \(seatFile): 70-\(stem(name)).rules.", order
        ))
    }
    let isUSB = tokens.contains {
      ($0.attribute == "idVendor" || $0.attribute == "idProduct")
        || (($0.kind == .matchSubsystem || $0.kind == .matchSubsystems) && $0.value == "usb")
    }
    if isUSB, precedes(name, defaultFile),
      tokens.contains(where: { $0.kind == .mode && $0.operation == .assign })
    {
      traps.append(
        (
          "early-mode",
          "\(defaultFile) sorts behind \(name) and sets MODE again when a device is added"
            + (rule.isNeverForBind
              ? ", and this rule is not for the event bind, which follows: it is lost."
              : "; only the event bind, which follows, makes it what this rule says."),
          "Rename the file to begin with a number above 50, or write MODE:=.", order
        ))
    }
    if precedes(name, defaultFile),
      let token = tokens.first(where: {
        $0.kind == .matchEnvironment && $0.attribute.hasPrefix("ID_")
      })
    {
      traps.append(
        (
          "early-property",
          "\(token.attribute) does not exist yet: \(defaultFile), which imports it, sorts behind \(name).",
          "Rename the file to begin with a number above 50, or compare ATTR{idVendor}.", order
        ))
    }
    for token in tokens { traps += Self.traps(of: token, in: rule) }
    if let trap = mixedParents(rule) { traps.append(trap) }
    return traps
  }

  /// A file's name without the number in front and without its ending.
  private static func stem(_ name: String) -> String {
    let middle = name.hasSuffix(".rules") ? name.dropLast(".rules".count) : name[...]
    let rest = middle.drop { $0.isNumber }.drop { $0 == "-" }
    return rest.isEmpty ? "device" : String(rest)
  }

  private static func traps(of token: UdevToken, in rule: UdevRule) -> [Trap] {
    let sysfs = Evidence("Linux, drivers/usb/core/sysfs.c", .read)
    guard token.kind == .matchAttribute || token.kind == .matchAttributes else { return [] }
    let key = token.kind == .matchAttribute ? "ATTR" : "ATTRS"
    var traps: [Trap] = []
    if ["idVendor", "idProduct"].contains(token.attribute),
      !token.value.contains(where: { "*?[|".contains($0) })
    {
      let digits =
        token.value.hasPrefix("0x") || token.value.hasPrefix("0X")
        ? token.value.dropFirst(2) : token.value[...]
      let lower = digits.lowercased()
      if lower != token.value || lower.utf8.count != 4 {
        let padded = String(repeating: "0", count: max(0, 4 - lower.utf8.count)) + lower
        let isNumber = UInt16(padded, radix: 16) != nil
        traps.append(
          (
            "id-spelling",
            "\(key){\(token.attribute)}==\"\(shown(token.value))\" matches no device: sysfs has four"
              + " digits in small letters.",
            isNumber ? "Write \(key){\(token.attribute)}==\"\(padded)\"." : nil, sysfs
          ))
      }
    }
    let own = rule.tokens.first { $0.kind == .matchSubsystem && $0.operation == .match }?.value
    if token.kind == .matchAttribute, let own, own != "usb", deviceFiles.contains(token.attribute) {
      traps.append(
        (
          "attr-of-parent",
          "ATTR{\(token.attribute)} is asked of the \(shown(own)) device itself, which has no such file;"
            + " its USB device has.",
          "Write ATTRS{\(token.attribute)}.", sysfs
        ))
    }
    return traps
  }

  /// Files that only the folder of a USB device has.
  private static let deviceFiles: Set<String> = [
    "idVendor", "idProduct", "bcdDevice", "manufacturer", "product", "serial", "busnum", "devnum",
    "devpath",
    "bDeviceClass",
  ]
  /// Files that only the folder of a USB interface has.
  private static let interfaceFiles: Set<String> = [
    "bInterfaceNumber", "bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol",
    "bAlternateSetting", "interface",
  ]

  /// Keys of parents that no single device can satisfy.
  private static func mixedParents(_ rule: UdevRule) -> Trap? {
    let asked = rule.tokens.filter { $0.kind == .matchAttributes }.map(\.attribute)
    guard let first = asked.first(where: deviceFiles.contains),
      let second = asked.first(where: interfaceFiles.contains)
    else { return nil }
    return (
      "mixed-parents",
      "ATTRS{\(first)} is a file of the device and ATTRS{\(second)} one of its interface; all such keys of"
        + " a rule have to hold"
        + " for one and the same.",
      "Ask the interface by ENV{ID_USB_INTERFACE_NUM}, or use two rules.",
      Evidence("udev(7)", .documented)
    )
  }
}

extension UdevRule {
  /// Whether it is about a product, however its author has written the ids: it need not match.
  public func names(_ device: UdevDevice) -> Bool {
    func values(_ file: String, _ property: String) -> [String] {
      tokens.filter { token in
        guard token.operation == .match else { return false }
        return token.kind == .matchEnvironment
          ? token.attribute == property : token.attribute == file
      }.map(\.value)
    }
    func isOwn(_ values: [String], _ file: String) -> Bool {
      values.contains { value in
        value.split(separator: "|").contains { Self.digits($0) == device.attributes[file] }
      }
    }
    let products = values("idProduct", "ID_MODEL_ID")
    return isOwn(values("idVendor", "ID_VENDOR_ID"), "idVendor")
      && (products.isEmpty || isOwn(products, "idProduct"))
  }

  /// Four small digits for `0x483`, `DF11` and their like.
  private static func digits(_ text: Substring) -> String {
    let lower = text.lowercased()
    let digits = lower.hasPrefix("0x") ? lower.dropFirst(2) : lower[...]
    return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
  }

  /// Whether it is passed over when a device is bound to its driver.
  var isNeverForBind: Bool {
    tokens.contains { token in
      token.kind == .matchAction
        && (token.matcher?.matches("bind") ?? false) != (token.operation == .match)
    }
  }
}
