public import USB

/// Everything that a device says of itself: `dfu usb describe`.
public struct DescriptorsReport: Encodable, Hashable, Sendable {
  /// A field of a descriptor.
  public struct Field: Encodable, Hashable, Sendable {
    /// Its name, as the specification spells it.
    public var name: String
    /// Which of several it is, from 0; nil outside of a repeated group.
    public var index: Int?
    /// Where it begins in the descriptor.
    public var offset: Int
    /// Its bytes, two hexadecimal digits each; `??` for one that nobody knows.
    public var bytes: String
    /// Its number, where it is one; null where not all of its bytes are known.
    public var value: UInt64?
    /// What it says, in words.
    public var meaning: String?

    // How the number is written; people see it, programs have `value`.
    var shown: [String] = []
    var isKnown = true

    enum CodingKeys: String, CodingKey { case name, index, offset, bytes, value, meaning }

    /// What is not known is null, and what is no number is left away.
    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(name, forKey: .name)
      try container.encodeIfPresent(index, forKey: .index)
      try container.encode(offset, forKey: .offset)
      try container.encode(bytes, forKey: .bytes)
      if isKnown {
        try container.encodeIfPresent(value, forKey: .value)
      } else {
        try container.encodeNil(forKey: .value)
      }
      try container.encodeIfPresent(meaning, forKey: .meaning)
    }
  }

  /// Something wrong.
  public struct Fault: Encodable, Hashable, Sendable {
    /// Where, in bytes from the first of the document.
    public var offset: Int
    /// Which field.
    public var field: String
    /// What is wrong.
    public var sentence: String
    /// What Linux does about it.
    public var linux: String?
    /// What Windows does about it.
    public var windows: String?
  }

  /// A descriptor.
  public struct Descriptor: Encodable, Hashable, Sendable {
    /// What it is; `Unknown` where that is not known.
    public var name: String
    /// Where that is specified; nil for one that is not known.
    public var specification: String?
    /// Where it begins in the document.
    public var offset: Int
    /// How many bytes it has.
    public var length: Int
    /// How far it is indented.
    public var depth: Int
    /// Its fields.
    public var fields: [Field]
    /// What is wrong with it.
    public var faults: [Fault]
  }

  /// Descriptors that came together.
  public struct Document: Encodable, Hashable, Sendable {
    /// `descriptors`, `binary object store`, `device qualifier`, `hub`, `HID report of interface 0`,
    /// `Microsoft OS 2.0 set`, ...
    public var name: String
    /// All bytes, two hexadecimal digits each; `??` for one that nobody knows.
    public var bytes: String
    /// The descriptors, in the order of the bytes.
    public var descriptors: [Descriptor]

    // The names of its parts say what it is.
    var needsTitle = false

    enum CodingKeys: String, CodingKey { case name, bytes, descriptors }
  }

  /// A string of the device.
  public struct Text: Encodable, Hashable, Sendable {
    /// Its index.
    public var index: UInt8
    /// What it says.
    public var text: String
  }

  /// Something that the system has told beside the descriptors.
  public struct Fact: Encodable, Hashable, Sendable {
    /// What it is about: `user-connectable`.
    public var subject: String
    /// What was told, as it was spelled.
    public var value: String

    // For people.
    var words: String

    enum CodingKeys: String, CodingKey { case subject, value }
  }

  /// Something that did not come.
  public struct Note: Encodable, Hashable, Sendable {
    /// What was asked for.
    public var subject: String
    /// Why it did not come.
    public var reason: String
  }

  /// The name and version of this document's shape.
  public static let currentSchema = "dfu.descriptors/1"
  /// ``currentSchema``.
  public var schema = Self.currentSchema
  /// A selector or the name of a file.
  public var source: String
  /// The speed at which they were read; nil where it is not known.
  public var speed: String?
  /// The descriptors.
  public var documents: [Document]
  /// `wLANGID` of the strings, four hexadecimal digits.
  public var language: String?
  /// The strings that descriptors name.
  public var strings: [Text]
  /// What the system has told of the port, the state and the driver; none where only descriptors are known.
  public var port: [Fact]
  /// What did not come.
  public var notes: [Note]
  /// What else there is to say: what the program that wrote a dump has got wrong.
  public var remarks: [String]
  /// What bytes that nobody knows probably are; guesses from tables, and none of them stands in the documents.
  public var inferred: [InferredField]
  /// The memories that the names of DFU interfaces tell of, in words.
  public var memories: [DescribedMemory]

  /// The report of a device, or of a file.
  ///
  /// - Parameters:
  ///   - set: what it says of itself.
  ///   - source: a selector or the name of a file.
  public init(_ set: DescriptorSet, source: String) {
    self.source = source
    speed = set.speed?.rawValue
    documents = set.documents.map { name in
      var document = Document(name.name, set.tree(of: name), strings: set.strings)
      document.needsTitle =
        ![.descriptors, .binaryObjectStore, .deviceQualifier, .hub].contains(name)
      return document
    }
    language = set.language.map { hex($0.rawValue) }
    strings = set.strings.sorted { $0.key < $1.key }.map { Text(index: $0.key, text: $0.value) }
    port = set.portFacts.map {
      Fact(subject: $0.subject.rawValue, value: $0.value, words: $0.subject.words)
    }
    notes = set.notes.map { Note(subject: $0.subject, reason: $0.reason) }
    remarks = set.remarks
    inferred = InferredField.fields(of: set)
    memories = DescribedMemory.memories(of: set)
  }
}

extension DescriptorsReport.Document {
  init(_ name: String, _ tree: DescriptorTree, strings: [UInt8: String]) {
    self.name = name
    bytes = tree.bytes.indices.map { tree.unknown.contains($0) ? "??" : hex(tree.bytes[$0]) }
      .joined()
    var faults = tree.faults[...]
    descriptors = tree.nodes.map { node in
      let own = faults.prefix { $0.offset < node.offset + node.length }
      faults = faults.dropFirst(own.count)
      return DescriptorsReport.Descriptor(
        name: node.layout?.name ?? (node.type == nil ? "No descriptor" : "Unknown"),
        specification: node.layout?.section, offset: node.offset, length: node.length,
        depth: node.depth,
        fields: tree.fields(of: node).map { field in
          DescriptorsReport.Field(
            field, meaning: tree.meaning(of: field, in: node, strings: strings))
        },
        faults: own.map {
          DescriptorsReport.Fault(
            offset: $0.offset, field: $0.field, sentence: $0.sentence, linux: $0.linux,
            windows: $0.windows)
        })
    }
    // What is wrong behind the last descriptor is told with it.
    if let last = descriptors.indices.last {
      descriptors[last].faults += faults.map {
        DescriptorsReport.Fault(
          offset: $0.offset, field: $0.field, sentence: $0.sentence, linux: $0.linux,
          windows: $0.windows)
      }
    }
  }
}

extension DescriptorsReport.Field {
  init(_ field: DecodedField, meaning: String?) {
    name = field.name
    index = field.index
    offset = field.offset
    bytes = field.pairs.joined()
    isKnown = field.unknown.isEmpty
    value = field.number
    self.meaning = meaning
    shown = Self.shown(field)
  }

  /// The number as people write it; bytes in rows of 16.
  private static func shown(_ field: DecodedField) -> [String] {
    switch field.kind {
    case .guid, .ascii, .text:
      if field.bytes.count == field.size, field.unknown.isEmpty { return [""] }
    default: break
    }
    if let number = field.number {
      switch field.kind {
      case .number, .string, .maxPower, .packetSize0, .interval, .scaled, .packetSize:
        return ["\(number)"]
      case .bytes, .ports: break
      default: return ["0x\(hex(number, digits: field.size * 2))"]
      }
    }
    if !field.unknown.isEmpty, field.bytes.count == field.size, field.size <= 8 {
      return ["0x\(field.digits)"]
    }
    // A field of a number, of which bytes are missing, shows that.
    let missing = field.size <= 8 ? max(0, field.size - field.bytes.count) : 0
    let pairs = field.pairs + Array(repeating: "??", count: missing)
    return stride(from: 0, to: pairs.count, by: 16).map { start in
      pairs[start..<min(start + 16, pairs.count)].joined(separator: " ")
    }
  }
}
