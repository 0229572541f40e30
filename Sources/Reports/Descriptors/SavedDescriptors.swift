public import USB

/// What of a ``DescriptorsReport`` is read again: bytes, strings and facts. Names, numbers and faults follow from them.
public struct SavedDescriptors: Decodable, Hashable, Sendable {
  /// Bytes that came together.
  public struct Document: Decodable, Hashable, Sendable {
    /// Which: `descriptors`, `binary object store`.
    public var name: String
    /// Two hexadecimal digits each; `??` for one that nobody knows.
    public var bytes: String
  }

  /// A string of the device.
  public struct Text: Decodable, Hashable, Sendable {
    /// Its index.
    public var index: UInt8
    /// What it says.
    public var text: String
  }

  /// Something beside the descriptors.
  public struct Fact: Decodable, Hashable, Sendable {
    /// What it is about.
    public var subject: String
    /// What was told.
    public var value: String
  }

  /// Why it holds no descriptors, as a part of a sentence.
  public struct Fault: Error, Hashable {
    /// The reason.
    public var reason: String
  }

  /// The name and version of the document's shape.
  public var schema: String
  /// The speed at which they were read.
  public var speed: String?
  /// The documents.
  public var documents: [Document]
  /// `wLANGID`, four hexadecimal digits.
  public var language: String?
  /// The strings.
  public var strings: [Text]
  /// Facts of the port.
  public var port: [Fact]?
  /// What else there was to say.
  public var remarks: [String]?

  /// The descriptors.
  public var set: DescriptorSet {
    get throws(Fault) {
      var parts: [DescriptorSet.Document: [UInt8?]] = [:]
      for document in documents {
        guard let name = DescriptorSet.Document(name: document.name) else {
          throw Fault(reason: "“\(document.name.prefix(40))” is the name of no document")
        }
        guard parts[name] == nil else {
          throw Fault(reason: "the document “\(document.name)” stands in it twice")
        }
        parts[name] = try Self.bytes(document)
      }
      var known: USBSpeed?
      if let speed {
        guard let own = USBSpeed(rawValue: speed) else {
          throw Fault(reason: "“\(speed.prefix(40))” is no speed of USB")
        }
        known = own
      }
      var set = DescriptorSet(documents: parts, speed: known)
      guard !set.documents.isEmpty else { throw Fault(reason: "there are no bytes in it") }
      set.strings = Dictionary(strings.map { ($0.index, $0.text) }) { first, _ in first }
      set.language = language.flatMap { UInt16($0, radix: 16) }.map { LanguageID(rawValue: $0) }
      set.portFacts = (port ?? []).compactMap { fact in
        PortFact.Subject(rawValue: fact.subject).map { PortFact($0, fact.value) }
      }
      set.remarks = remarks ?? []
      return set
    }
  }

  private static func bytes(_ document: Document) throws(Fault) -> [UInt8?] {
    let digits = Array(document.bytes.utf8)
    guard digits.count.isMultiple(of: 2) else {
      throw Fault(reason: "the digits of “\(document.name)” are no pairs")
    }
    guard digits.count <= 2 << 20 else {
      throw Fault(reason: "“\(document.name)” has more than 1 MiB, which no device says of itself")
    }
    var bytes: [UInt8?] = []
    for at in stride(from: 0, to: digits.count, by: 2) {
      if digits[at] == UInt8(ascii: "?"), digits[at + 1] == UInt8(ascii: "?") {
        bytes.append(nil)
        continue
      }
      guard let high = value(digits[at]), let low = value(digits[at + 1]) else {
        throw Fault(
          reason: "byte \(at / 2) of “\(document.name)” is no pair of hexadecimal digits")
      }
      bytes.append(high << 4 | low)
    }
    return bytes
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
