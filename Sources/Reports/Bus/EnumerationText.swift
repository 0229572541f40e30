internal import VirtualUSB

extension EnumerationReport {
  /// The story, stage by stage, then what is known at the end.
  public func text(_ style: TextStyle) -> String {
    var lines: [String] = []
    var path: String?
    var stage: String?
    for step in steps {
      if step.path != path {
        if !lines.isEmpty { lines.append("") }
        lines.append(style(.strong, step.path))
        stage = nil
        path = step.path
      }
      if step.stage != stage {
        lines.append("  " + style(.accent, Self.title(step.stage)))
        stage = step.stage
      }
      lines += self.lines(of: step, style)
    }
    if !lines.isEmpty { lines.append("") }
    return (lines + summary(style)).joined(separator: "\n") + "\n"
  }

  private static func title(_ stage: String) -> String {
    switch stage {
    case "connection": "Device connection"
    case "reset": "Reset, and the default address"
    case "device-descriptor": "First look at the device descriptor"
    case "address": "Address assignment"
    case "descriptors": "All descriptors, at the new address"
    case "driver": "Driver assignment"
    case "configuration": "Configuration"
    case "hub": "The hub and its ports"
    case "failure": "Failure"
    case "removal": "Removal"
    default: stage
    }
  }

  private static let indent = 16

  private func lines(of step: Step, _ style: TextStyle) -> [String] {
    let time = Self.milliseconds(step.time)
    let head =
      "  " + String(repeating: " ", count: max(0, 10 - time.count)) + style(.faint, time) + "  "
    let blank = String(repeating: " ", count: Self.indent)
    func filled(_ text: String, _ start: String) -> String {
      start + wrappedAroundQuotes(terminalSafe(text), width: style.width, indent: Self.indent)
    }
    var lines: [String] = []
    if let transfer = step.transfer {
      let count = transfer.count == 1 ? "" : "  \(transfer.count) times"
      let whom = transfer.address.map { "address \($0)" } ?? "root hub"
      lines.append(head + style(.accent, transfer.setup) + style(.faint, "  to \(whom)\(count)"))
      if let failure = transfer.failure.flatMap(TransferFailure.init) {
        lines.append(blank + style(.bad, "✗ \(failure.words)"))
      } else if !transfer.answer.isEmpty {
        lines.append(blank + "← " + Self.shortened(transfer.answer))
      }
      lines.append(filled(step.sentence, blank))
    } else {
      let isBad = step.stage == "failure"
      lines.append(
        head + style(isBad ? .bad : .faint, isBad ? "✗ " : "")
          + wrappedAroundQuotes(
            terminalSafe(step.sentence), width: style.width, indent: Self.indent))
    }
    if let message = step.message {
      let whose = host == "windows" ? "shows: " : "kernel: "
      lines.append(
        blank + style(.faint, whose)
          + wrapped(terminalSafe(message), width: style.width, indent: Self.indent + whose.count))
    }
    return lines
  }

  /// The first 16 bytes, and how many there are.
  private static func shortened(_ answer: String) -> String {
    let count = (answer.count + 1) / 3
    guard count > 18 else { return answer }
    return answer.prefix(16 * 3 - 1) + " … (\(count) bytes)"
  }

  private static func milliseconds(_ microseconds: Int64) -> String {
    "\(microseconds / 1000).\(microseconds / 100 % 10) ms"
  }

  private func summary(_ style: TextStyle) -> [String] {
    var lines = [
      style(.strong, countText(devices.count, "device"))
        + (devices.isEmpty ? "" : style(.faint, "  by path, address, ids, speed"))
    ]
    var table = TextTable([.leading, .trailing])
    for device in devices {
      let name = device.productName.map { "“\(terminalSafe($0))”" } ?? ""
      table.add([
        device.path, "\(device.address)", style(.accent, "\(device.vendor):\(device.product)"),
        device.speed, [device.class, name].filter { !$0.isEmpty }.joined(separator: ", "),
      ])
    }
    lines += table.lines(indent: 2)
    if !failed.isEmpty {
      lines.append(style(.bad, "not enumerated: ") + failed.joined(separator: ", "))
    }
    return lines
  }
}
