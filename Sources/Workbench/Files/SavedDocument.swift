internal import FoundationEssentials

/// JSON of ours that comes back from somebody.
enum SavedDocument {
  /// Why it is not what it should be, as a part of a sentence.
  struct Fault: Error {
    var reason: String
  }

  /// Reads a document.
  ///
  /// - Parameters:
  ///   - bytes: JSON.
  ///   - deepest: nesting beyond what such a document has, counted before anything recursive sees it.
  /// - Returns: the document.
  /// - Throws: ``Fault`` with the place.
  static func decode<Document: Decodable>(
    from bytes: [UInt8], deepest: Int
  ) throws(Fault) -> Document {
    guard depth(of: bytes) <= deepest else {
      throw Fault(reason: "it is nested more than \(deepest) deep")
    }
    let decoder = JSONDecoder()
    do {
      return try decoder.decode(Document.self, from: Data(bytes))
    } catch let error as DecodingError {
      throw Fault(reason: words(error))
    } catch {
      throw Fault(reason: "it is no JSON")
    }
  }

  /// How deep brackets are nested, text left out.
  private static func depth(of bytes: [UInt8]) -> Int {
    var depth = 0
    var deepest = 0
    var isText = false
    var isEscaped = false
    for byte in bytes {
      if isText {
        if isEscaped {
          isEscaped = false
        } else if byte == 0x5C {
          isEscaped = true
        } else if byte == 0x22 {
          isText = false
        }
        continue
      }
      switch byte {
      case 0x22: isText = true
      case 0x5B, 0x7B:
        depth += 1
        deepest = max(deepest, depth)
      case 0x5D, 0x7D: depth -= 1
      default: break
      }
    }
    return deepest
  }

  private static func words(_ error: DecodingError) -> String {
    func place(_ context: DecodingError.Context) -> String {
      let path = context.codingPath.map { key in
        key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue)"
      }.joined()
      return path.isEmpty ? "the document" : "“\(path.prefix(120))”"
    }
    switch error {
    case .keyNotFound(let key, let context):
      return "\(place(context)) has no “\(key.stringValue)”"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      return "\(place(context)) is of another kind than it should be"
    case .dataCorrupted(let context):
      return context.codingPath.isEmpty ? "it is no JSON" : "\(place(context)) cannot be read"
    @unknown default: return "it cannot be read"
    }
  }
}
