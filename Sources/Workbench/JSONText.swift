internal import FoundationEssentials
internal import Reports

/// A document as JSON text, its keys sorted so that two runs can be compared line by line.
///
/// - Parameters:
///   - document: a value of the Reports room, with a `schema` field.
///   - isPretty: on many lines; otherwise on one, for a stream of events.
/// - Returns: the text, without a line end behind it.
/// - Throws: what the encoder throws; none of our documents holds a value that JSON cannot say.
public func jsonText(_ document: some Encodable, isPretty: Bool = true) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  if isPretty { encoder.outputFormatting.insert(.prettyPrinted) }
  return String(decoding: try encoder.encode(document), as: UTF8.self)
}
