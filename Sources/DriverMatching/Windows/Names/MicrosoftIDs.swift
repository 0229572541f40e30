public import USB

/// What a device asks for with Microsoft OS descriptors: compatible ids such as `WINUSB`, for itself or for its
/// functions.
public struct MicrosoftIDs: Hashable, Sendable {
  /// The ids of the device or of one function.
  public struct Entry: Codable, Hashable, Sendable {
    /// The first interface of the function; nil for the whole device.
    public var firstInterface: UInt8?
    /// `CompatibleID`: `WINUSB`.
    public var compatible: String
    /// `SubCompatibleID`; empty for none.
    public var sub: String

    /// Ids of a function, or of the device.
    public init(firstInterface: UInt8? = nil, compatible: String, sub: String = "") {
      self.firstInterface = firstInterface
      self.compatible = compatible
      self.sub = sub
    }

    /// The compatible ids that come of it, best first.
    var ids: [String] {
      guard !compatible.isEmpty else { return [] }
      let id = "USB\\MS_COMP_" + compatible
      return sub.isEmpty ? [id] : [id + "&MS_SUBCOMP_" + sub, id]
    }
  }

  /// Which version of the descriptors it stands in: 1 or 2.
  public var version: Int
  /// The ids, in the order of the bytes.
  public var entries: [Entry]
  /// Whether it is to be divided into functions though it has one only (2.0, "CCGP device descriptor").
  public var isForcedComposite: Bool
  /// What is wrong with the bytes.
  public var faults: [ParseError]

  /// Ids that are known from elsewhere.
  public init(version: Int, entries: [Entry], isForcedComposite: Bool = false) {
    self.version = version
    self.entries = entries
    self.isForcedComposite = isForcedComposite
    faults = []
  }

  /// Reads the extended compat id descriptor of version 1.0: 16 bytes of header, the count of functions in byte 8,
  /// then 24 bytes for each: first interface, 1, compatible id (8), sub id (8), 6 reserved.
  public init(compatibleIDs bytes: [UInt8]) {
    self.init(version: 1, entries: [])
    guard bytes.count >= 16 else {
      fault(.truncated(needed: 16, available: bytes.count), "dwLength", 0)
      return
    }
    for index in 0..<Int(bytes[8]) {
      let start = 16 + 24 * index
      guard bytes.count >= start + 24 else {
        fault(.truncated(needed: 24, available: max(0, bytes.count - start)), "bCount", 8)
        return
      }
      append(bytes, ids: start + 2, firstInterface: bytes[start])
    }
  }

  /// Reads the descriptor set of version 2.0: parts of `wLength`, `wDescriptorType` and what these say; parts of
  /// a function stand inside of its subset.
  public init(set bytes: [UInt8]) {
    self.init(version: 2, entries: [])
    func word(_ at: Int) -> Int { Int(bytes[at]) | Int(bytes[at + 1]) << 8 }
    var position = 0
    var function: (number: UInt8, end: Int)?
    while position + 4 <= bytes.count {
      let (length, type) = (word(position), word(position + 2))
      guard length >= 4, position + length <= bytes.count else {
        fault(.truncated(needed: length, available: bytes.count - position), "wLength", position)
        return
      }
      if let open = function, position >= open.end { function = nil }
      switch type {
      case 1 where length >= 8: function = nil
      case 2 where length >= 8:
        function = (bytes[position + 4], position + max(word(position + 6), 8))
      case 3 where length >= 20:
        append(bytes, ids: position + 4, firstInterface: function?.number)
      case 7: isForcedComposite = true
      default: break
      }
      position += length
    }
  }

  private mutating func fault(_ kind: ParseError.Kind, _ field: String, _ offset: Int) {
    faults.append(ParseError(kind, field: field, offset: offset))
  }

  private mutating func append(_ bytes: [UInt8], ids start: Int, firstInterface: UInt8?) {
    func text(_ start: Int, _ field: String) -> String {
      let letters = bytes[start..<start + 8].prefix { $0 != 0 }
      let isSound = letters.allSatisfy {
        (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || $0 == 0x5F
      }
      guard isSound else {
        let rule = "capital letters, digits and underscores are allowed"
        fault(.invalid(value: "another character", rule: rule), field, start)
        return ""
      }
      return String(decoding: letters, as: UTF8.self)
    }
    let entry = Entry(
      firstInterface: firstInterface, compatible: text(start, "compatibleID"),
      sub: text(start + 8, "subCompatibleID"))
    if !entry.compatible.isEmpty { entries.append(entry) }
  }

  /// The ids of the whole device, as Windows takes them.
  ///
  /// Version 1.0 has no other way to say it than by the first interface. A subset of version 2.0 for a function
  /// is for composite devices: on others it was seen to have no effect.
  var device: Entry? {
    entries.first { version == 1 || $0.firstInterface == nil }
  }

  /// The ids of the function that begins with an interface.
  func function(_ number: UInt8) -> Entry? { entries.first { $0.firstInterface == number } }
}
