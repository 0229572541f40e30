public import SystemPackage
public import USB

/// An input file and where its bytes belong, as the command line says it: `[ADDRESS[@ALT]:]FILE`.
///
/// `firmware.elf`, `0x08000000:app.bin`, `0x90000000@1:assets.bin`, `@2:options.hex`. A path that looks
/// like this is given with `./` before it.
public struct PlacedInput: Hashable, Sendable {
  /// The address of the first byte, where it is given.
  public var address: UInt64?
  /// The alternate setting, where it is given.
  public var alternateSetting: UInt8?
  /// The file; `-` is standard input.
  public var path: FilePath

  /// A file without a place.
  public init(path: String) { self.path = FilePath(path) }

  /// Reads the notation.
  ///
  /// - Parameter text: what was typed.
  /// - Throws: ``PlaceError`` where the part before the colon begins like an address and is none.
  public init(_ text: String) throws(PlaceError) {
    guard let colon = text.firstIndex(of: ":") else {
      path = FilePath(text)
      return
    }
    let place = text[..<colon]
    guard let first = place.first, first == "@" || ("0"..."9").contains(first) else {
      path = FilePath(text)
      return
    }
    let rest = text[text.index(after: colon)...]
    guard !rest.isEmpty else { throw PlaceError(text: text, reason: "no file follows the colon") }
    path = FilePath(String(rest))

    let parts = place.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    if !parts[0].isEmpty {
      guard let value = typedNumber(parts[0]), value <= UInt64(UInt32.max) else {
        throw PlaceError(text: text, reason: "\"\(parts[0])\" is no address of 32 bits")
      }
      address = value
    }
    if parts.count == 2 {
      guard let value = typedNumber(parts[1]), let setting = UInt8(exactly: value) else {
        throw PlaceError(text: text, reason: "\"\(parts[1])\" is no alternate setting (0 to 255)")
      }
      alternateSetting = setting
    }
  }
}

/// An input whose place cannot be understood.
public struct PlaceError: ExplainedError, Hashable {
  /// What was typed.
  public var text: String
  /// Why it cannot be understood.
  public var reason: String

  /// A stable name for the kind of error.
  public var slug: String { "place-invalid" }
  /// What happened.
  public var sentence: String { "\(text) is no input: \(reason)." }
  /// What to do next.
  public var help: String? {
    "Write 0x08000000:FILE, or 0x08000000@0:FILE with an alternate setting; a file whose name "
      + "looks like that is given as ./\(text)."
  }
}
