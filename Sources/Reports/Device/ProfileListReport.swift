public import VirtualDFU

/// The virtual devices that there are: `dfu emulate --list`.
public struct ProfileListReport: Encodable, Hashable, Sendable {
  /// Something with a name and words for it.
  public struct Entry: Encodable, Hashable, Sendable {
    /// Its name.
    public var name: String
    /// What it is, or what values it takes.
    public var words: String
  }

  /// One virtual device.
  public struct Device: Encodable, Hashable, Sendable {
    /// Its name.
    public var name: String
    /// What it is, in one sentence.
    public var sentence: String
    /// Whose bootloader it is.
    public var dialect: String
    /// The names of its peculiarities.
    public var quirks: [String]
    /// What a person types to name it.
    public var selector: String
  }

  /// The name and version of this document's shape.
  public var schema = "dfu.profile-list/1"
  /// The devices.
  public var profiles: [Device]
  /// What can be changed about each of them, behind a `?`.
  public var options: [Entry]
  /// The peculiarities that the option `quirks` knows.
  public var quirks: [Entry]

  /// A list.
  public init(_ profiles: [Profile]) {
    self.profiles = profiles.map {
      Device(
        name: $0.name, sentence: $0.sentence, dialect: $0.dialect.rawValue, quirks: $0.quirks.names,
        selector: "virtual:\($0.name)")
    }
    options = ProfileOption.allCases.map { option in
      // Their names follow anyway.
      let words =
        option == .quirks
        ? "none, or names of peculiarities joined by +; a - before one takes it away"
        : option.values
      return Entry(name: option.rawValue, words: words)
    }
    quirks = BootloaderQuirks.named.map { Entry(name: $0.name, words: $0.sentence) }
  }

  /// A line or two for each device; what can be changed about them as well if `isVerbose`.
  public func text(_ style: TextStyle, isVerbose: Bool) -> String {
    var lines = Self.columns(profiles.map { Entry(name: $0.name, words: $0.sentence) }, style)
    if isVerbose {
      lines += ["", style(.strong, "Options, as in virtual:stm32f407?poll=zero&busy=holds")]
      lines += Self.columns(options, style, indent: 2)
      lines += ["", style(.strong, "Peculiarities, for the option quirks")]
      lines += Self.columns(quirks, style, indent: 2)
    }
    lines += [
      "",
      style(.faint, "use one with -d, as in") + "  dfu list -d 'virtual:stm32f407?speed=instant'",
    ]
    return lines.joined(separator: "\n") + "\n"
  }

  /// Names in a column, words beside them.
  private static func columns(
    _ entries: [Entry], _ style: TextStyle, indent: Int = 0
  ) -> [String] {
    let width = entries.map { displayWidth(of: $0.name) }.max() ?? 0
    let margin = indent + width + 2
    return entries.map { entry in
      let blanks = String(repeating: " ", count: width - displayWidth(of: entry.name) + 2)
      return String(repeating: " ", count: indent) + style(.accent, entry.name) + blanks
        + wrapped(entry.words, width: style.width, indent: margin)
    }
  }
}
