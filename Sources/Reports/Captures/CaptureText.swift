internal import USB

extension CaptureReport {
  /// What it is, whose devices, then what happened, a line for each step, with what went wrong below it.
  public func text(_ style: TextStyle) -> String {
    var lines = [head(style)]
    if let cutOffset {
      lines.append(
        style(.warning, "cut off: ")
          + "the packet at byte \(cutOffset) is not whole; what is before it "
          + "is told")
    }
    if otherPackets > 0 {
      lines.append(style(.faint, "\(countText(otherPackets, "packet")) of other kinds left out"))
    }
    lines += deviceLines(style)
    lines.append("")
    lines += stepLines(style)
    if let transfers {
      lines += ["", style(.strong, "Transfers")] + transferLines(transfers, style)
    }
    let count = steps.count { $0.problem != nil }
    lines.append("")
    lines.append(
      count == 0
        ? style(.good, "nothing went wrong")
        : style(.bad, countText(count, "problem")) + ", marked with !")
    return lines.joined(separator: "\n") + "\n"
  }

  private func head(_ style: TextStyle) -> String {
    let kind = ([format] + linkTypes).joined(separator: ", ")
    let by = program.map { ", by \(terminalSafe($0))" } ?? ""
    return style(.strong, terminalSafe(file)) + ": \(kind)\(by); \(countText(packets, "packet")), "
      + "\(countText(transferCount, "transfer")) in \(durationText(.seconds(seconds)))"
  }

  private func deviceLines(_ style: TextStyle) -> [String] {
    var lines: [String] = []
    for device in devices {
      let names = [device.product, device.manufacturer].compactMap { $0 }.map { "“\($0)”" }
      var words = [device.classes, names.isEmpty ? nil : names.joined(separator: " by ")]
        .compactMap { $0 }
      if let serial = device.serialNumber { words.append("serial number \(serial)") }
      lines.append(
        style(.accent, device.place) + "  " + (device.ids ?? "ids not captured")
          + (words.isEmpty ? "" : "  " + terminalSafe(words.joined(separator: ", "))))
      for memory in device.memories {
        lines.append("     " + wrapped(terminalSafe(memory), width: style.width, indent: 5))
      }
    }
    return lines
  }

  private func stepLines(_ style: TextStyle) -> [String] {
    let hasSeveral = devices.count > 1
    let width = hasSeveral ? devices.map(\.place.count).max() ?? 0 : 0
    let times = steps.map { Self.time($0.start) }
    let timeWidth = times.map(\.count).max() ?? 0
    let indent = timeWidth + (hasSeveral ? width + 2 : 0) + 4
    var lines: [String] = []
    for (step, time) in zip(steps, times) {
      var line =
        String(repeating: " ", count: timeWidth - time.count) + style(.faint, time) + " s  "
      if hasSeveral {
        line += step.device + String(repeating: " ", count: width - step.device.count + 2)
      }
      var text = terminalSafe(step.text)
      if step.transfers > 1, step.kind != "introduced" {
        text += ", \(durationText(.seconds(step.seconds)))"
      }
      if step.isTruncated { text += "; bytes are missing in the capture" }
      // Wrapping would take blanks out of what a device says.
      lines.append(
        line + (step.kind == "string" ? text : wrapped(text, width: style.width, indent: indent)))
      guard let problem = step.problem else { continue }
      lines.append(
        String(repeating: " ", count: indent) + style(.bad, "! ")
          + wrapped(terminalSafe(problem.text), width: style.width, indent: indent + 2))
    }
    return lines
  }

  private func transferLines(_ transfers: [Transfer], _ style: TextStyle) -> [String] {
    var table = TextTable([.trailing, .trailing])
    for transfer in transfers {
      let packets = transfer.packets.map(String.init)
      let data = stride(from: 0, to: transfer.data.utf8.count, by: 2).map { start in
        String(transfer.data.dropFirst(start).prefix(2))
      }
      let bytes =
        "\(transfer.direction) \(transfer.bytes)"
        + (data.isEmpty ? "" : ": " + data.prefix(8).joined(separator: " "))
        + (transfer.bytes > 8 ? " …" : "")
      table.add([
        packets.first == packets.last ? packets[0] : packets.joined(separator: "–"),
        Self.time(transfer.start), transfer.device, transfer.endpoint,
        transfer.setup ?? transfer.type, bytes,
        transfer.isInjected ? "put in" : transfer.status ?? "no end",
      ])
    }
    return table.lines(indent: 2)
  }

  /// Seconds with as many decimals as a packet of USB deserves.
  private static func time(_ seconds: Double) -> String {
    let micros = Int64((max(0, seconds) * 1_000_000).rounded())
    let fraction = String(micros % 1_000_000)
    return "\(micros / 1_000_000)." + String(repeating: "0", count: 6 - fraction.count) + fraction
  }
}
