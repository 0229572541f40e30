extension FileInfoReport {
  // More elements than this are counted, not listed.
  private static let listLimit = 24

  /// The report for a person: facts, targets, drawings, remarks, and what a host does with it.
  public func text(_ style: TextStyle) -> String {
    var lines = [style(.strong, terminalSafe(name))]
    var facts = TextTable()
    facts.add(["Format", formatText])
    facts.add(["Size", exactSizeText(UInt64(size))])
    facts.add([
      "Intact",
      checked.map { style(.good, "yes") + ": " + $0 } ?? "not known: this format has no checksum",
    ])
    if let suffix {
      facts.add(["Device", deviceText(suffix, style)])
      facts.add(["Version", "\(suffix.deviceVersion ?? "any"), file of DFU \(suffix.dfuVersion)"])
    }
    if let prefix { facts.add(["Prefix", prefix]) }
    if let entryPoint { facts.add(["Entry point", style(.accent, entryPoint)]) }
    lines += facts.lines(indent: 2)

    for (index, target) in targets.enumerated() {
      lines.append("")
      lines += targetLines(target, index: index, style)
    }
    if !notes.isEmpty {
      lines.append("")
      lines += noteLines(style)
    }
    lines.append("")
    lines.append(style(.strong, "What dfu flash does with it"))
    for sentence in use {
      lines.append("  " + wrapped(sentence, width: style.width, indent: 2))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private var formatText: String {
    switch format {
    case "raw": "raw bytes"
    case "dfuse":
      "DfuSe container, \(countText(targets.count, "target")), "
        + countText(targets.reduce(0) { $0 + $1.elements.count }, "element")
    case "dfu":
      prefix == nil ? "DFU file: raw bytes with a suffix" : "DFU file: prefix, raw bytes, suffix"
    case "hex": "Intel HEX"
    case "s19": "Motorola S-record"
    case "elf":
      "ELF, " + countText(targets.reduce(0) { $0 + $1.elements.count }, "piece") + " to load"
    case "uf2": "UF2"
    default: format
    }
  }

  private func deviceText(_ suffix: Suffix, _ style: TextStyle) -> String {
    var text: String
    switch (suffix.vendor, suffix.product) {
    case (nil, nil): text = "any"
    case (let vendor?, let product?): text = style(.accent, "\(vendor):\(product)")
    case (let vendor?, nil): text = style(.accent, "\(vendor):*")
    case (nil, let product?): text = style(.accent, "*:\(product)")
    }
    if let name = suffix.deviceName, suffix.vendor != nil { text += ", \(name)" }
    return text
  }

  // MARK: Targets

  private func targetLines(_ target: Target, index: Int, _ style: TextStyle) -> [String] {
    var title = target.hasAddresses ? "Memory" : "Payload"
    if let setting = target.alternateSetting { title = "Alternate setting \(setting)" }
    if let name = target.name, !name.isEmpty { title += " \"\(terminalSafe(name))\"" }
    var lines = [style(.strong, title) + ": " + sizes(of: target)]
    if !target.elements.isEmpty {
      lines += list(target.elements, style)
    } else if target.extents.count > 1 {
      lines += list(target.extents, style)
    }
    if let vectors = target.vectorTable, vectors.isPlausible {
      lines.append(
        "  Vector table: stack pointer \(style(.accent, vectors.stackPointer)), reset vector "
          + style(.accent, vectors.resetVector))
    }
    if index < pictures.count, !pictures[index].rows.isEmpty {
      lines.append("")
      lines += pictures[index].lines(style)
      lines.append(pictures[index].legend(style))
    }
    return lines
  }

  private func sizes(of target: Target) -> String {
    let size = exactSizeText(UInt64(target.byteCount))
    guard target.hasAddresses else { return "\(size), without an address" }
    guard target.extents.count == 1 else {
      return "\(size) in \(target.extents.count) stretches"
    }
    return "\(size) at \(target.extents[0].address)"
  }

  private func list(_ extents: [Extent], _ style: TextStyle) -> [String] {
    var table = TextTable([.leading, .trailing])
    for extent in extents.prefix(Self.listLimit) {
      table.add([
        style(.accent, extent.address), exactSizeText(extent.length),
        style(.faint, terminalSafe(extent.origin ?? "")),
      ])
    }
    var lines = table.lines(indent: 2)
    if extents.count > Self.listLimit {
      lines.append("  and \(extents.count - Self.listLimit) more")
    }
    return lines
  }

  private func noteLines(_ style: TextStyle) -> [String] {
    var lines = [style(.strong, "Notes")]
    for note in notes {
      let isWarning = note.severity == "warning"
      let label = isWarning ? style(.warning, "warning:") : style(.faint, "note:")
      lines.append(
        "  \(label) "
          + wrapped(
            terminalSafe(note.sentence), width: style.width, indent: 4, used: isWarning ? 11 : 8))
      if let help = note.help {
        lines.append("    " + wrapped(terminalSafe(help), width: style.width, indent: 4))
      }
    }
    return lines
  }
}
