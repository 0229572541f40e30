internal import USB

extension BusTreeReport {
  /// A line for each device, drawn as a tree.
  ///
  /// - Parameters:
  ///   - style: colours and width.
  ///   - isVerbose: with interfaces, endpoints, and what is known of ports.
  /// - Returns: the lines.
  public func text(_ style: TextStyle, isVerbose: Bool = false) -> String {
    var lines: [String] = []
    for root in roots { draw(root, "", "", isVerbose, style, &lines) }
    if lines.isEmpty { lines.append("There are no USB devices.") }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The deepest that is drawn: USB has seven tiers, and a document from elsewhere may claim more.
  private static let deepest = 16

  private func draw(
    _ node: Node, _ first: String, _ rest: String, _ isVerbose: Bool, _ style: TextStyle,
    _ lines: inout [String]
  ) {
    lines += filled(first, rest + "  ", head(of: node, style), style)
    let bar = node.children.isEmpty ? "  " : style.usesDrawing ? "│ " : "| "
    if isVerbose {
      for (depth, detail) in details(of: node, style) {
        let indent = rest + bar + String(repeating: "  ", count: depth)
        lines += filled(indent, indent + "  ", detail, style)
      }
    }
    guard displayWidth(of: rest) < 3 * Self.deepest else {
      if !node.children.isEmpty { lines.append(rest + "…") }
      return
    }
    for (index, child) in node.children.enumerated() {
      let isLast = index == node.children.count - 1
      let (branch, bar) =
        style.usesDrawing
        ? (isLast ? "└─ " : "├─ ", isLast ? "   " : "│  ") : ("+- ", isLast ? "   " : "|  ")
      draw(child, rest + branch, rest + bar, isVerbose, style, &lines)
    }
  }

  /// Words behind a first prefix, wrapped behind the others.
  private func filled(
    _ first: String, _ rest: String, _ words: String, _ style: TextStyle
  ) -> [String] {
    let width = max(40, style.width)
    let text = wrappedAroundQuotes(
      words, width: width, indent: displayWidth(of: rest), used: displayWidth(of: first))
    let blanks = String(repeating: " ", count: displayWidth(of: rest))
    return text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().map {
      index, line in
      index == 0
        ? first + line : line.hasPrefix(blanks) ? rest + line.dropFirst(blanks.count) : rest + line
    }
  }

  private func head(of node: Node, _ style: TextStyle) -> String {
    var words = [style(.strong, terminalSafe(node.path))]
    guard let vendor = node.vendor, let product = node.product else {
      return words[0] + style(.faint, " not told of")
    }
    words.append(style(.accent, terminalSafe("\(vendor):\(product)")))
    let isRoot = node.path.hasPrefix("usb")
    var parts: [String] = []
    if let mark = Self.mark(node.dfu) { parts.append(style(.good, mark)) }
    let kinds = (node.class ?? "").split(separator: ", ").filter { node.dfu == nil || $0 != "DFU" }
    parts += isRoot ? ["root hub"] : kinds.map { terminalSafe(String($0)) }
    if let name = Self.name(of: node) { parts.append(name) }
    if let speed = node.speed {
      parts.append(USBSpeed(rawValue: speed)?.words ?? terminalSafe(speed))
    }
    if isRoot || !node.ports.isEmpty, !node.ports.isEmpty {
      parts.append(countText(node.ports.count, "port"))
    }
    if !isRoot { parts += Self.power(of: node) }
    if let serial = node.serialNumber, !isRoot { parts.append("serial \(terminalSafe(serial))") }
    let drivers = Self.drivers(of: node)
    if isRoot, let driver = node.driver {
      parts.append("driver \(terminalSafe(driver))")
    } else if !drivers.isEmpty {
      parts.append("driver \(drivers.joined(separator: ", "))")
    } else if knowsDrivers, !node.interfaces.isEmpty {
      parts.append(style(.warning, "no driver"))
    }
    if node.powerState == "suspended" { parts.append("suspended") }
    return words.joined(separator: " ") + " " + parts.joined(separator: ", ")
  }

  private static func mark(_ mode: String?) -> String? {
    switch mode {
    case nil: nil
    case "runtime": "DFU at run time"
    default: "DFU"
    }
  }

  private static func name(of node: Node) -> String? {
    if let text = node.productText { return "“\(terminalSafe(text))”" }
    let known = [node.vendorName, node.productName].compactMap(\.self).map { terminalSafe($0) }
    return known.isEmpty ? nil : known.joined(separator: " ")
  }

  private static func power(of node: Node) -> [String] {
    guard let current = node.milliamperes else { return [] }
    if current == 0, node.isSelfPowered == true { return ["self-powered"] }
    return ["\(current) mA" + (node.isSelfPowered == true ? ", self-powered" : "")]
  }

  private static func drivers(of node: Node) -> [String] {
    var drivers: [String] = []
    for driver in node.interfaces.compactMap(\.driver) where !drivers.contains(driver) {
      drivers.append(terminalSafe(driver))
    }
    return drivers
  }

  private func details(of node: Node, _ style: TextStyle) -> [(depth: Int, words: String)] {
    var details: [(depth: Int, words: String)] = []
    func add(_ words: String, _ depth: Int = 1) { details.append((depth, words)) }
    var facts: [String] = []
    if let address = node.address { facts.append("address \(address)") }
    if let usb = node.usb { facts.append("USB \(terminalSafe(usb))") }
    if let version = node.version { facts.append("version \(terminalSafe(version))") }
    if node.vendor != nil {
      facts.append(node.configuration.map { "configuration \($0)" } ?? "not configured")
    }
    if let removable = node.removable { facts.append(terminalSafe(removable)) }
    if let state = node.powerState { facts.append(terminalSafe(state)) }
    if !facts.isEmpty { add(facts.joined(separator: ", ")) }
    let names = [node.vendorName, node.productName].compactMap(\.self).map { terminalSafe($0) }
    if !names.isEmpty { add("usb.ids: " + names.joined(separator: ", ")) }
    if let maker = node.manufacturerText { add("by “\(terminalSafe(maker))”") }
    for interface in node.interfaces {
      var words =
        "interface \(interface.number): \(terminalSafe(interface.classCodes)) \(terminalSafe(interface.class))"
      if interface.settings > 1 { words += ", \(interface.settings) settings" }
      if knowsDrivers {
        words += ", " + (interface.driver.map { "driver \(terminalSafe($0))" } ?? "no driver")
      }
      add(words)
      for endpoint in interface.endpoints {
        add(
          "endpoint 0x\(terminalSafe(endpoint.address)) \(terminalSafe(endpoint.kind)), "
            + "\(endpoint.packetSize) bytes", 2)
      }
    }
    for port in node.ports {
      var words: [String] = []
      switch port.connectType {
      case "hotplug"?: words.append("user connectable")
      case let type?: words.append(terminalSafe(type))
      case nil: break
      }
      if let companion = port.companion { words.append("companion \(terminalSafe(companion))") }
      if let count = port.overCurrentCount, count > 0 {
        words.append(style(.bad, "over-current \(count == 1 ? "once" : "\(count) times")"))
      }
      if !words.isEmpty { add("port \(port.number): " + words.joined(separator: ", ")) }
    }
    return details
  }
}
