/// Text from a file, made fit to be shown: UTF-8, or Latin-1 where it is not UTF-8, with a
/// replacement character for everything that could move a cursor or reorder a line.
///
/// - Parameter bytes: the text, without its terminator.
/// - Returns: text without control and format characters.
func printableText(_ bytes: ArraySlice<UInt8>) -> String {
  let decoded =
    String(validating: bytes, as: UTF8.self)
    ?? String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
  var shown = String.UnicodeScalarView()
  for scalar in decoded.unicodeScalars {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned:
      shown.append("\u{FFFD}")
    default: shown.append(scalar)
    }
  }
  return String(shown)
}
