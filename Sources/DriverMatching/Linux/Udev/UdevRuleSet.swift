/// All rules of a machine in the order in which udev works through them.
public struct UdevRuleSet: Sendable {
  /// The rules, without those that udev passes over.
  public private(set) var rules: [UdevRule] = []
  /// What is wrong with the texts, in their order; the first 1000.
  public private(set) var findings: [SettingsFinding] = []
  /// The files that are read, first to last.
  public private(set) var files: [String] = []
  /// Files that are not read, since one of a higher folder has their name.
  public private(set) var hidden: [(file: String, by: String)] = []
  /// For each rule where a GOTO leads to.
  var jumps: [Int: Int] = [:]

  /// The folders, highest first (udev(7)).
  public static let directories = [
    "/etc/udev/rules.d", "/run/udev/rules.d", "/usr/local/lib/udev/rules.d",
    "/usr/lib/udev/rules.d",
    "/lib/udev/rules.d",
  ]
  /// udev reads no longer lines (`UDEV_LINE_SIZE`).
  public static let longestLine = 16_384
  /// A hundred times what a machine has.
  public static let ruleLimit = 200_000

  private static let evidence = Evidence("systemd 252, src/udev/udev-rules.c", .read)

  /// Reads the rules of all folders.
  ///
  /// - Parameters:
  ///   - all: the files of all folders in any order; an empty one is one that masks its like.
  ///   - groups: the groups that exist, for findings about others; nil where they are not known.
  public init(_ all: [ConfigurationFile], groups: Set<String>? = nil) {
    let merged = ConfigurationFile.merged(
      all, directories: Self.directories, suffix: ".rules", emptyMasks: true)
    hidden = merged.hidden.map { ($0.file.path, $0.by.path) }
    for file in merged.read {
      files.append(file.path)
      read(file, groups)
    }
  }

  private mutating func read(_ file: ConfigurationFile, _ groups: Set<String>?) {
    let first = rules.count
    if file.bytes.count > ConfigurationFile.sizeLimit {
      note("file-too-long", file, 0, .fileIgnored, "more than 16 MiB are not read.", nil)
    }
    var joined: [UInt8] = []
    var start: Int?
    var isTooLong = false
    for (number, part) in UdevPhysicalLines(file.bytes.prefix(ConfigurationFile.sizeLimit)) {
      guard part.count < Self.longestLine else {
        note(
          "line-too-long", file, number, .fileIgnored,
          "the line is longer than udev reads; the rest of the file is not read.", nil)
        break
      }
      let line = part.drop { $0 == 0x20 || (0x09...0x0D).contains($0) }
      // A comment line does not end a rule that goes on.
      if line.first == UInt8(ascii: "#") { continue }
      let begin = start ?? number
      if isTooLong || joined.count + line.count >= Self.longestLine {
        isTooLong = true
      } else {
        joined += line
      }
      if line.last == UInt8(ascii: "\\") {
        if !isTooLong { joined.removeLast() }
        start = begin
        continue
      }
      if isTooLong {
        note("line-too-long", file, begin, .lineIgnored, "the rule is longer than udev reads.", nil)
      } else if !joined.isEmpty {
        add(joined, file, begin, groups)
      }
      joined = []
      start = nil
      isTooLong = false
    }
    if let start, !joined.isEmpty {
      note(
        "unfinished", file, start, .lineIgnored, "the file ends in the middle of a rule.",
        "Take away the backslash at its end.")
    }
    resolve(first, file)
  }

  private mutating func add(
    _ line: [UInt8], _ file: ConfigurationFile, _ number: Int, _ groups: Set<String>?
  ) {
    guard rules.count < Self.ruleLimit else { return }
    var parser = UdevLineParser(line)
    let fault = parser.parse()
    for soft in parser.soft {
      note("udev-\(soft.slug)", file, number, .partIgnored, soft.what, soft.help)
    }
    if let fault {
      note("udev-\(fault.slug)", file, number, .lineIgnored, fault.what, fault.help)
      return
    }
    if let groups {
      for token in parser.tokens where token.kind == .group {
        guard UInt32(token.value) == nil, !token.value.contains("$"), !token.value.contains("%"),
          !groups.contains(token.value)
        else { continue }
        note(
          "udev-group", file, number, .partIgnored,
          "there is no group \"\(shown(token.value))\" here; the rest of the line holds.",
          "Use a group that exists, or TAG+=\"uaccess\".")
      }
    }
    rules.append(
      UdevRule(
        file: file.path, line: number, tokens: parser.tokens, label: parser.label, goto: parser.goto
      ))
  }

  /// Finds out where GOTOs lead: to the next line of the file with the label, never back.
  private mutating func resolve(_ first: Int, _ file: ConfigurationFile) {
    var labels: [String: Int] = [:]
    for index in (first..<rules.count).reversed() {
      if let goto = rules[index].goto {
        if let target = labels[goto] {
          jumps[index] = target
        } else {
          note(
            "udev-goto", file, rules[index].line, .partIgnored,
            "no LABEL=\"\(shown(goto))\" follows in this file.", nil)
        }
      }
      if let label = rules[index].label { labels[label] = index }
    }
  }

  private mutating func note(
    _ slug: String, _ file: ConfigurationFile, _ line: Int,
    _ consequence: SettingsFinding.Consequence,
    _ what: String, _ help: String?
  ) {
    guard findings.count < 1000 else { return }
    findings.append(
      SettingsFinding(
        slug, file: file.path, line: line, consequence, what, help: help, Self.evidence))
  }

  /// Where those that stand in for systemd's own are said to be: in no folder of the machine.
  public static let standInFolder = "(systemd 252)"

  /// What stands in for systemd's own rules where those of a machine are not at hand: what concerns USB
  /// devices in `50-udev-default.rules` and `73-seat-late.rules` of systemd 252, in words of our own.
  public static let standIns: [ConfigurationFile] = [
    ConfigurationFile(
      directory: standInFolder, name: "50-udev-default.rules",
      text: """
        SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", IMPORT{builtin}="usb_id"
        SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ACTION=="add", MODE="0664"

        """),
    ConfigurationFile(
      directory: standInFolder, name: "73-seat-late.rules",
      text: """
        ACTION!="remove", TAG=="uaccess", ENV{MAJOR}!="", RUN{builtin}+="uaccess"

        """),
  ]
}

/// The lines of a file as systemd's `read_line` has them: LF, CR, NUL, and pairs of them, end one.
struct UdevPhysicalLines: Sequence, IteratorProtocol {
  private let bytes: ArraySlice<UInt8>
  private var at: Int
  private var number = 0

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    at = bytes.startIndex
  }

  private static func isEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D || byte == 0 }

  mutating func next() -> (number: Int, bytes: ArraySlice<UInt8>)? {
    guard at < bytes.endIndex else { return nil }
    var end = at
    while end < bytes.endIndex, !Self.isEnd(bytes[end]) { end += 1 }
    let line = bytes[at..<end]
    at = end + 1
    // CR LF is one end.
    if end + 1 < bytes.endIndex, bytes[end] == 0x0D, bytes[end + 1] == 0x0A { at = end + 2 }
    number += 1
    return (number, line)
  }
}
