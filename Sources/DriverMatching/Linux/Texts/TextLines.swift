/// The lines of a text, without their ends; LF ends a line, and a CR before it belongs to the line.
struct TextLines: Sequence, IteratorProtocol {
  private let bytes: [UInt8]
  private var at = 0
  private(set) var number = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The next line and its number, from 1.
  mutating func next() -> (number: Int, bytes: ArraySlice<UInt8>)? {
    guard at < bytes.count else { return nil }
    let end = bytes[at...].firstIndex(of: 0x0A) ?? bytes.count
    let line = bytes[at..<end]
    at = end + 1
    number += 1
    return (number, line)
  }
}

extension ArraySlice<UInt8> {
  /// The words between blanks and tabs; no more than `limit`, the last with all the rest.
  func words(atMost limit: Int) -> [ArraySlice<UInt8>] {
    split(maxSplits: limit - 1, omittingEmptySubsequences: true) { $0 == 0x20 || $0 == 0x09 }
  }

  /// As text; bytes that are no UTF-8 are replaced.
  var text: String { String(decoding: self, as: UTF8.self) }
}

/// A text of unknown length for a sentence: cut behind 60 characters, control characters replaced.
func shown(_ text: some StringProtocol) -> String {
  let characters = text.unicodeScalars.prefix(60).map {
    $0.value < 0x20 || $0.value == 0x7F ? "." : $0
  }
  var result = ""
  result.unicodeScalars.append(contentsOf: characters)
  return text.unicodeScalars.dropFirst(60).isEmpty ? result : result + "..."
}
