extension DescriptorsReport {
  /// Every field on a line, what is wrong below it, then the strings.
  public func text(_ style: TextStyle) -> String {
    var lines: [String] = []
    for document in documents {
      if document.needsTitle {
        lines.append(
          style(.strong, document.name) + "  " + style(.faint, "\(document.bytes.count / 2) bytes"))
      }
      for descriptor in document.descriptors { lines += self.lines(of: descriptor, style) }
    }
    lines += stringLines(style) + portLines(style)
    let faults = documents.flatMap(\.descriptors).flatMap(\.faults).count
    if faults > 0 {
      lines.append("")
      lines.append(style(.bad, "\(faults) \(faults == 1 ? "fault" : "faults")") + ", marked with !")
    }
    lines += memoryLines(style) + remarkLines(style)
    for note in notes {
      lines.append(style(.warning, "not known: ") + "\(note.subject): \(terminalSafe(note.reason))")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func lines(of descriptor: Descriptor, _ style: TextStyle) -> [String] {
    let indent = String(repeating: "  ", count: descriptor.depth)
    var place =
      "\(descriptor.length) \(descriptor.length == 1 ? "byte" : "bytes") at \(descriptor.offset)"
    if let section = descriptor.specification { place += ", \(section)" }
    var lines = [indent + style(.strong, descriptor.name) + "  " + style(.faint, place)]
    let names = descriptor.fields.map { field in
      field.index.map { "\(field.name)[\($0)]" } ?? field.name
    }
    let width = max(20, names.map(\.count).max() ?? 0)
    var faults = descriptor.faults
    for (field, name) in zip(descriptor.fields, names) {
      let gap = String(repeating: " ", count: width - name.count + 2)
      let meaning = field.meaning.map { terminalSafe($0) } ?? ""
      for (row, shown) in field.shown.enumerated() {
        let head = row == 0 ? name + gap : String(repeating: " ", count: width + 2)
        var line = indent + "  " + head + style(.accent, shown)
        if row == 0, !meaning.isEmpty {
          let column = shown.isEmpty ? 0 : max(2, 10 - shown.count)
          line += String(repeating: " ", count: column) + meaning
        }
        lines.append(line)
      }
      let end = descriptor.offset + field.offset + max(1, field.bytes.count / 2)
      let own = faults.prefix { $0.offset < end }
      faults.removeFirst(own.count)
      lines += own.flatMap { faultLines($0, indent + "  ", style) }
    }
    return lines + faults.flatMap { faultLines($0, indent + "  ", style) }
  }

  private func faultLines(_ fault: Fault, _ indent: String, _ style: TextStyle) -> [String] {
    func line(_ mark: String, _ text: String) -> String {
      indent + mark + wrapped(text, width: style.width, indent: displayWidth(of: indent + mark))
    }
    var lines = [line(style(.bad, "! "), fault.sentence)]
    if let linux = fault.linux { lines.append(line("  Linux: ", linux)) }
    if let windows = fault.windows { lines.append(line("  Windows: ", windows)) }
    return lines
  }

  private func memoryLines(_ style: TextStyle) -> [String] {
    guard !memories.isEmpty else { return [] }
    return [style(.strong, "Memories")]
      + memories.map { memory in
        let head = "  interface \(memory.interface), setting \(memory.setting)  "
        return head
          + wrapped(
            terminalSafe(memory.words), width: style.width, indent: head.count)
      }
  }

  private func remarkLines(_ style: TextStyle) -> [String] {
    let guesses = inferred.map { field in
      "\(field.field) at \(field.offset) is not known; it is probably \(field.words): \(field.reason) "
        + "That is inferred, and stands nowhere else."
    }
    return (remarks + guesses).map { sentence in
      style(.warning, "note") + " "
        + wrapped(terminalSafe(sentence), width: style.width, indent: 5)
    }
  }

  private func stringLines(_ style: TextStyle) -> [String] {
    guard !strings.isEmpty else { return [] }
    let title =
      style(.strong, "Strings") + (language.map { style(.faint, "  language 0x\($0)") } ?? "")
    var table = TextTable([.trailing])
    for string in strings { table.add(["\(string.index)", "“\(terminalSafe(string.text))”"]) }
    return [title] + table.lines(indent: 2)
  }

  private func portLines(_ style: TextStyle) -> [String] {
    guard !port.isEmpty else { return [] }
    let width = port.map(\.words.count).max() ?? 0
    return [style(.strong, "Port and state")]
      + port.map { fact in
        let head = "  " + fact.words + String(repeating: " ", count: width - fact.words.count + 2)
        return head + wrapped(terminalSafe(fact.value), width: style.width, indent: head.count)
      }
  }

  /// The bytes, 16 on a line, as this program reads them again.
  public func hexadecimalText() -> String {
    var lines: [String] = []
    for document in documents {
      lines.append("# \(document.name)")
      var rest = Substring(document.bytes)
      while !rest.isEmpty {
        var row = rest.prefix(32)
        rest = rest.dropFirst(row.count)
        var pairs: [Substring] = []
        while !row.isEmpty {
          pairs.append(row.prefix(2))
          row = row.dropFirst(2)
        }
        lines.append(pairs.joined(separator: " "))
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
