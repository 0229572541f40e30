/// The columns that `text` takes on a terminal. Escape sequences take none, combining marks take
/// none, East Asian wide characters and pictographs take two (Unicode UAX #11).
public func displayWidth(of text: String) -> Int {
  var width = 0
  var escape = Escape.none
  for scalar in text.unicodeScalars {
    switch (escape, scalar) {
    case (.none, "\u{1B}"): escape = .begun
    case (.begun, "["): escape = .parameters
    case (.begun, _): escape = .none
    case (.parameters, "\u{40}"..."\u{7E}"): escape = .none
    case (.parameters, _): break
    case (.none, _): width += displayWidth(of: scalar)
    }
  }
  return width
}

private enum Escape { case none, begun, parameters }

private func displayWidth(of scalar: Unicode.Scalar) -> Int {
  if scalar.value < 0x7F { return scalar.value < 0x20 ? 0 : 1 }
  switch scalar.properties.generalCategory {
  case .nonspacingMark, .enclosingMark, .format, .control: return 0
  default: break
  }
  switch scalar.value {
  case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
    0xA000...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE4F, 0xFF00...0xFF60,
    0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
    return 2
  default: return 1
  }
}

/// `text` with everything that could command a terminal made visible: control characters and
/// direction marks are written as `\u{…}`. Names in files and devices come from strangers.
public func terminalSafe(_ text: String) -> String {
  guard text.unicodeScalars.contains(where: commandsTerminal) else { return text }
  var safe = ""
  for scalar in text.unicodeScalars {
    if commandsTerminal(scalar) {
      safe += "\\u{\(String(scalar.value, radix: 16))}"
    } else {
      safe.unicodeScalars.append(scalar)
    }
  }
  return safe
}

private func commandsTerminal(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF:
    true
  default: false
  }
}

/// As ``wrapped(_:width:indent:used:)``, with the blanks between curly quotes as they are: a device's own words stay on
/// a line.
func wrappedAroundQuotes(_ text: String, width: Int, indent: Int, used: Int? = nil) -> String {
  // A blank that is none for `wrapped`; no text for a terminal has it.
  let stand: Character = "\u{1}"
  var depth = 0
  let marked = text.map { character -> Character in
    if character == "“" { depth += 1 }
    if character == "”" { depth -= 1 }
    return depth > 0 && character == " " ? stand : character
  }
  let lines = wrapped(String(marked), width: width, indent: indent, used: used)
  return String(lines.map { $0 == stand ? " " : $0 })
}

/// Words put on lines of at most `width` columns, every line but the first behind `indent` blanks.
/// A word that is wider than a line stays whole.
///
/// - Parameters:
///   - text: the words; line ends in it are kept.
///   - width: the columns of a line.
///   - indent: the blanks in front of every line but the first.
///   - used: the columns that are taken on the first line already; without it as many as `indent`.
/// - Returns: the lines, joined.
public func wrapped(_ text: String, width: Int, indent: Int = 0, used: Int? = nil) -> String {
  var lines: [String] = []
  for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
    var line = ""
    for word in paragraph.split(separator: " ") {
      let room = max(20, width - (lines.isEmpty ? used ?? indent : indent))
      if !line.isEmpty, displayWidth(of: line) + 1 + displayWidth(of: String(word)) > room {
        lines.append(line)
        line = String(word)
      } else {
        line += line.isEmpty ? String(word) : " \(word)"
      }
    }
    lines.append(line)
  }
  return lines.joined(separator: "\n" + String(repeating: " ", count: indent))
}
