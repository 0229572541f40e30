/// What `modprobe.d` and the kernel's command line say of modules (modprobe.d(5)).
public struct ModprobeConfiguration: Sendable {
  /// A line about one module.
  public struct Line: Hashable, Sendable {
    /// The module, with `_` for `-`.
    public var module: String
    /// What is said of it: a command, options, other modules; empty for a blacklist.
    public var text: String
    /// Where: `/etc/modprobe.d/no-uas.conf:1`.
    public var place: String
  }

  /// The folders, highest first (kmod 30 of Debian).
  public static let directories = [
    "/etc/modprobe.d", "/run/modprobe.d", "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d",
    "/lib/modprobe.d",
  ]

  /// `blacklist MODULE`: aliases do not load it; its own name does.
  public private(set) var blacklist: [Line] = []
  /// `install MODULE COMMAND`: the command runs in its place.
  public private(set) var installs: [Line] = []
  /// `softdep MODULE pre: ... post: ...`: loaded with it.
  public private(set) var softDependencies: [Line] = []
  /// `options MODULE ...`.
  public private(set) var options: [Line] = []
  /// `alias PATTERN MODULE`: where one matches, `modules.alias` is not asked.
  public private(set) var aliases = ModuleAliases()
  /// What could not be read, the first 100.
  public private(set) var findings: [SettingsFinding] = []

  /// Lines that are kept; nobody has as many.
  public static let lineLimit = 20_000

  /// No lines.
  public init() {}

  /// Reads files of `modprobe.d`, and the kernel's command line.
  ///
  /// - Parameters:
  ///   - files: all files of all folders; which of them count, and their order, is found out here.
  ///   - commandLine: `/proc/cmdline`, of which `modprobe.blacklist=` and `MODULE.OPTION=` count.
  public init(_ files: [ConfigurationFile], commandLine: String = "") {
    var own: [ModuleAliases.Alias] = []
    let merged = ConfigurationFile.merged(
      files, directories: Self.directories, suffix: ".conf", emptyMasks: false)
    for file in merged.read { read(file, &own) }
    for word in commandLine.utf8.prefix(65_536).split(separator: 0x20) {
      let word = String(decoding: word, as: UTF8.self)
      if word.hasPrefix("modprobe.blacklist=") {
        for name in word.dropFirst("modprobe.blacklist=".count).split(separator: ",") {
          keep(name, "", "the kernel's command line", in: \.blacklist)
        }
      } else if let dot = word.firstIndex(of: "."), word[dot...].contains("=") {
        keep(
          word[..<dot], String(word[word.index(after: dot)...]), "the kernel's command line",
          in: \.options)
      }
    }
    aliases = ModuleAliases(own)
  }

  private mutating func read(_ file: ConfigurationFile, _ own: inout [ModuleAliases.Alias]) {
    var joined: [UInt8] = []
    var first = 0
    for (number, part) in TextLines(Array(file.bytes.prefix(ConfigurationFile.sizeLimit))) {
      if joined.isEmpty { first = number }
      if part.last == UInt8(ascii: "\\") {
        joined += part.dropLast()
        // Never empty while it goes on.
        joined.append(0x20)
        continue
      }
      let line = joined.isEmpty ? part : (joined + part)[...]
      joined = []
      read(line, file.path, first, &own)
    }
    if !joined.isEmpty { read(joined[...], file.path, first, &own) }
  }

  private mutating func read(
    _ line: ArraySlice<UInt8>, _ file: String, _ number: Int, _ own: inout [ModuleAliases.Alias]
  ) {
    let words = line.words(atMost: 3).map(\.text)
    guard let command = words.first, !command.hasPrefix("#") else { return }
    let place = "\(file):\(number)"
    switch (command, words.count) {
    case ("blacklist", 2...): keep(words[1], "", place, in: \.blacklist)
    case ("install", 3): keep(words[1], words[2], place, in: \.installs)
    case ("softdep", 3): keep(words[1], words[2], place, in: \.softDependencies)
    case ("options", 3): keep(words[1], words[2], place, in: \.options)
    case ("alias", 3):
      guard own.count < Self.lineLimit else { return }
      let module = words[2].split(separator: " ").first.map(String.init) ?? words[2]
      own.append(
        ModuleAliases.Alias(
          pattern: words[1], module: moduleName(module), file: file, line: number))
    case ("remove", _), ("weakdep", _), ("include", _), ("config", _): break
    default:
      guard findings.count < 100 else { return }
      findings.append(
        SettingsFinding(
          "modprobe-line", file: file, line: number, .lineIgnored,
          "modprobe does not know what to do with \"\(shown(line.text))\".",
          Evidence("modprobe.d(5)", .documented)))
    }
  }

  private mutating func keep(
    _ module: some StringProtocol, _ text: String, _ place: String,
    in list: WritableKeyPath<Self, [Line]>
  ) {
    guard self[keyPath: list].count < Self.lineLimit else { return }
    self[keyPath: list].append(Line(module: moduleName(module), text: text, place: place))
  }

  /// The line that keeps aliases from loading a module; nil where none does.
  public func blacklisting(_ module: String) -> Line? {
    blacklist.first { $0.module == moduleName(module) }
  }

  /// The command that runs in place of a module.
  public func install(_ module: String) -> Line? {
    installs.first { $0.module == moduleName(module) }
  }

  /// The modules that are loaded before and after another.
  public func companions(of module: String) -> (before: [String], after: [String], place: String)? {
    guard let line = softDependencies.first(where: { $0.module == moduleName(module) }) else {
      return nil
    }
    var before: [String] = []
    var after: [String] = []
    var isAfter = false
    for word in line.text.split(whereSeparator: { $0 == " " || $0 == "\t" }) {
      switch word {
      case "pre:": isAfter = false
      case "post:": isAfter = true
      default:
        if isAfter { after.append(moduleName(word)) } else { before.append(moduleName(word)) }
      }
    }
    return (before, after, line.place)
  }
}

extension ModprobeConfiguration.Line {
  /// Whether the command does nothing but keep the module away.
  public var isRefusal: Bool {
    guard let command = text.split(separator: " ").first else { return false }
    return ["/bin/false", "/bin/true", "/usr/bin/false", "/usr/bin/true", "false", "true", ":"]
      .contains(command)
  }
}

/// The modules of one kernel, and what is set for them: all that modprobe asks.
public struct KernelModules: Sendable {
  /// `modules.alias`.
  public var aliases: ModuleAliases
  /// What is part of the kernel.
  public var builtin: ModuleAliases
  /// `modprobe.d`.
  public var configuration: ModprobeConfiguration

  /// The parts; each may be empty.
  public init(
    aliases: ModuleAliases = ModuleAliases(), builtin: ModuleAliases = ModuleAliases(),
    configuration: ModprobeConfiguration = ModprobeConfiguration()
  ) {
    self.aliases = aliases
    self.builtin = builtin
    self.configuration = configuration
  }

  /// Whether any list of modules is at hand, even if it has no line about the device that is asked for.
  public var isKnown: Bool {
    aliases.hasText || builtin.hasText || !aliases.isEmpty || !builtin.isEmpty
  }

  /// What `modprobe --resolve-alias` names: the first of modprobe.d, modules.alias and the kernel's own that
  /// knows the name answers, and alone. A blacklist does not count here.
  public func resolve(_ name: String) -> [ModuleAliases.Alias] {
    for table in [configuration.aliases, aliases, builtin] {
      let found = table.matches(name)
      if !found.isEmpty { return found }
    }
    return []
  }
}
