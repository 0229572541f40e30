/// How text may look where it is going: with colours or without, with drawing characters or plain
/// ASCII, and how wide a line may be.
///
/// Every text of this project is readable without colour; colour only points.
public struct TextStyle: Hashable, Sendable {
  /// What a piece of text is, which decides how it looks.
  public enum Tone: Hashable, Sendable, CaseIterable {
    /// A name or a heading that the eye should find.
    case strong
    /// Something that may be skipped.
    case faint
    /// Proved, intact, done.
    case good
    /// Failed, damaged, refused.
    case bad
    /// Worth a look.
    case warning
    /// Addresses, ids and other values to copy.
    case accent

    // SGR parameters of ECMA-48; only the eight colours that every terminal has.
    var parameters: String {
      switch self {
      case .strong: "1"
      case .faint: "2"
      case .good: "32"
      case .bad: "1;31"
      case .warning: "33"
      case .accent: "36"
      }
    }
  }

  /// Whether escape sequences are written.
  public var usesColor: Bool
  /// Whether block and line drawing characters are written; otherwise ASCII stands for them.
  public var usesDrawing: Bool
  /// The columns of a line.
  public var width: Int

  /// A style; without arguments the plain one: no colour, drawing characters, 80 columns.
  public init(usesColor: Bool = false, usesDrawing: Bool = true, width: Int = 80) {
    self.usesColor = usesColor
    self.usesDrawing = usesDrawing
    self.width = width
  }

  /// No colour, drawing characters, 80 columns.
  public static let plain = TextStyle()

  /// `text` in a tone; unchanged where there is no colour.
  public func callAsFunction(_ tone: Tone, _ text: String) -> String {
    guard usesColor, !text.isEmpty else { return text }
    return "\u{1B}[\(tone.parameters)m\(text)\u{1B}[0m"
  }
}
