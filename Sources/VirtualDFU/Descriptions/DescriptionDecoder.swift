internal import USB

/// A value of a description, and the way to it.
struct Located: Sendable {
  var value: JSONValue
  var path: DescriptionPath

  var isNull: Bool { value.content == .null }
}

/// An object of a description, whose names are all known.
struct Fields: Sendable {
  var located: Located
  var members: [String: JSONMember]

  /// The value of a member; nil where the description does not say it.
  subscript(_ name: String) -> Located? {
    members[name].map { Located(value: $0.value, path: located.path.appending(.member(name))) }
  }

  /// Where a fault about a member is told: at the member, or at the object that has it not.
  func place(of name: String) -> Located {
    self[name]
      ?? Located(
        value: JSONValue(.null, at: located.value.place),
        path: located.path.appending(.member(name)))
  }
}

/// Reads values of a description, and collects what is wrong with it.
///
/// What cannot be used is told and left out, and reading goes on: the result counts only where
/// ``isSound``.
struct DescriptionDecoder {
  private(set) var faults: [DescriptionFault] = []
  private(set) var notes: [DescriptionFault] = []
  private(set) var untold = 0

  /// More notes than this are dropped.
  static let noteLimit = 20

  var isSound: Bool { faults.isEmpty }

  /// Tells a fault.
  mutating func refuse(_ item: Located, _ sentence: String, _ help: String? = nil) {
    refuse(item.value.place, item.path, sentence, help)
  }

  mutating func refuse(
    _ place: TextPlace, _ path: DescriptionPath, _ sentence: String, _ help: String?
  ) {
    guard faults.count < ProfileDescriptionError.limit else {
      untold += 1
      return
    }
    faults.append(DescriptionFault(place: place, path: path, sentence: sentence, help: help))
  }

  /// Tells something that is allowed and may be a mistake.
  mutating func note(_ item: Located, _ sentence: String, _ help: String? = nil) {
    guard notes.count < Self.noteLimit else { return }
    notes.append(
      DescriptionFault(place: item.value.place, path: item.path, sentence: sentence, help: help))
  }

  // MARK: Kinds of values

  private mutating func refuseKind(_ item: Located, _ wanted: String, _ example: String) {
    refuse(
      item,
      "\(wanted.prefix(1).uppercased())\(wanted.dropFirst()) belongs here, not "
        + "\(item.value.kindInWords).", "Write, for example, \(example).")
  }

  /// An object; every name that is not among `known` is a fault.
  mutating func object(_ item: Located?, _ known: [String]) -> Fields? {
    guard let item else { return nil }
    guard case .object(let list) = item.value.content else {
      refuseKind(item, "an object", "{ \"\(known.first ?? "")\": … }")
      return nil
    }
    var members: [String: JSONMember] = [:]
    for member in list {
      if known.contains(member.name) {
        members[member.name] = member
        continue
      }
      // What is not told any more needs no advice, which takes its time.
      let near =
        faults.count < ProfileDescriptionError.limit ? nearestName(to: member.name, of: known) : nil
      refuse(
        member.namePlace, item.path.appending(.member(member.name)), "There is no such key here.",
        near.map { "Did you mean “\($0)”?" } ?? "There are \(listText(known)).")
    }
    return Fields(located: item, members: members)
  }

  /// The entries of a list, each with its way.
  ///
  /// - Parameters:
  ///   - item: the list.
  ///   - noun: what an entry is.
  ///   - limit: how many there may be.
  ///   - first: the number of the first; alternate settings count from 0.
  /// - Returns: the entries; nil where there is no list, or one that is too long.
  mutating func list(
    _ item: Located?, of noun: String, limit: Int, first: Int = 1
  ) -> [Located]? {
    guard let item else { return nil }
    guard case .array(let values) = item.value.content else {
      refuseKind(item, "a list", "[ … ]")
      return nil
    }
    if values.count > limit {
      refuse(item, "\(values.count) are too many: there may be \(limit).")
      return nil
    }
    return values.enumerated().map { index, value in
      var name: String?
      if case .object(let members) = value.content,
        case .text(let text)? = members.first(where: { $0.name == "name" })?.value.content
      {
        name = String(text.prefix(40))
      }
      let step = DescriptionPath.Step.entry(
        noun: noun, number: index + first, index: index, name: name)
      return Located(value: value, path: item.path.appending(step))
    }
  }

  mutating func text(_ item: Located?, example: String = "\"text\"") -> String? {
    guard let item else { return nil }
    guard case .text(let text) = item.value.content else {
      refuseKind(item, "a text", example)
      return nil
    }
    return text
  }

  mutating func flag(_ item: Located?) -> Bool? {
    guard let item else { return nil }
    guard case .flag(let flag) = item.value.content else {
      refuseKind(item, "true or false", "true")
      return nil
    }
    return flag
  }

  /// A whole number, as a number or as a text such as `"0x10"`.
  mutating func integer(
    _ item: Located?, _ range: ClosedRange<UInt64>, _ what: String
  ) -> UInt64? {
    guard let item else { return nil }
    let value: UInt64? =
      switch item.value.content {
      case .number(let number): number.integer
      case .text(let text): typedNumber(text)
      default: nil
      }
    guard let value, range.contains(value) else {
      refuse(
        item, "\(what) is a number from \(range.lowerBound) to \(range.upperBound).",
        isScalar(item) ? nil : "Write, for example, \(range.lowerBound).")
      return nil
    }
    return value
  }

  private func isScalar(_ item: Located) -> Bool {
    switch item.value.content {
    case .number, .text: true
    default: false
    }
  }

  /// An address of the 32-bit space of a device.
  mutating func address(_ item: Located?) -> UInt64? {
    guard let item else { return nil }
    let value: UInt64? =
      switch item.value.content {
      case .number(let number): number.integer
      case .text(let text): typedNumber(text)
      default: nil
      }
    guard let value, value <= UInt64(UInt32.max) else {
      refuse(
        item, "An address is a number from 0 to 0xFFFFFFFF.",
        "Write it as a text, for example \"0x08000000\".")
      return nil
    }
    return value
  }

  /// A number of bytes, at least 1 and at most 4 GiB.
  mutating func size(_ item: Located?) -> UInt64? {
    guard let item else { return nil }
    let value: UInt64? =
      switch item.value.content {
      case .number(let number): number.integer
      case .text(let text): typedByteCount(text)
      default: nil
      }
    guard let value, (1...1 << 32).contains(value) else {
      refuse(
        item, "A size is a number of bytes from 1 to 4 GiB.",
        "Write 4096, or a text: \"16K\", \"2 MiB\", \"0x1000\".")
      return nil
    }
    return value
  }

  /// A time of the part: not negative, and at most an hour.
  mutating func time(_ item: Located?) -> Duration? {
    guard let item, let time = anyTime(item) else { return nil }
    guard time <= .seconds(3600) else {
      refuse(item, "No part takes longer than an hour.", "Write \"60 min\" at most.")
      return nil
    }
    return time
  }

  /// A time of whole milliseconds, as descriptors carry it.
  mutating func milliseconds(_ item: Located?, limit: UInt32) -> UInt32? {
    guard let item, let time = anyTime(item) else { return nil }
    guard let value = wholeMilliseconds(time), value <= limit else {
      refuse(
        item, "This is told in whole milliseconds, and \(limit) at most.",
        "Write, for example, \"255 ms\".")
      return nil
    }
    return value
  }

  private mutating func anyTime(_ item: Located) -> Duration? {
    guard case .text(let text) = item.value.content, let time = Duration(described: text) else {
      let isNumber: Bool = if case .number = item.value.content { true } else { false }
      refuse(
        item, isNumber ? "A time needs its unit." : "A time is a number and a unit.",
        "Write it as a text, for example \"250 ms\"; there are min, s, ms, us and ns.")
      return nil
    }
    guard time >= .zero else {
      refuse(item, "A time is not negative.", "Remove the minus sign.")
      return nil
    }
    return time
  }

  /// One of the values of a closed set.
  mutating func choice<Value>(_ item: Located?, _ type: Value.Type = Value.self) -> Value?
  where Value: RawRepresentable<String> & CaseIterable {
    guard let item else { return nil }
    return choice(item, of: Value.allCases.map(\.rawValue)).flatMap(Value.init(rawValue:))
  }

  /// One of several words.
  mutating func choice(_ item: Located, of names: [String]) -> String? {
    guard let text = text(item, example: "\"\(names.first ?? "")\"") else { return nil }
    guard names.contains(text) else {
      let near = nearestName(to: text, of: names).map { "Did you mean “\($0)”? " } ?? ""
      refuse(item, "“\(shown(text))” is not known here.", "\(near)There are \(listText(names)).")
      return nil
    }
    return text
  }

  /// Several words of a closed set, in any order.
  mutating func words(
    _ item: Located?, of noun: String, among names: [String]
  ) -> Set<String>? {
    guard let entries = list(item, of: noun, limit: 64) else { return nil }
    var words: Set<String> = []
    var isSound = true
    for entry in entries {
      guard let word = choice(entry, of: names) else {
        isSound = false
        continue
      }
      if !words.insert(word).inserted { refuse(entry, "“\(word)” is said twice.", "Remove one.") }
    }
    return isSound ? words : nil
  }

  /// A version in binary-coded decimal.
  mutating func version(_ item: Located?) -> BCDVersion? {
    guard let item else { return nil }
    guard case .text(let text) = item.value.content, let version = BCDVersion(typed: text) else {
      refuse(
        item, "A version is a text of digits, a point and digits.",
        "Write, for example, \"1.1a\" or \"0x011A\".")
      return nil
    }
    return version
  }

  /// A text that goes into a string descriptor.
  mutating func descriptorText(_ item: Located?) -> String? {
    guard let item, let text = text(item) else { return nil }
    let units = text.utf16.count
    guard units <= Self.descriptorTextLimit else {
      refuse(
        item,
        "A string descriptor holds \(Self.descriptorTextLimit) UTF-16 units; this has "
          + "\(units).", "Shorten it.")
      return nil
    }
    return text
  }

  /// `bLength` is one byte, and two of 255 are the header (USB 2.0, 9.6.7).
  static let descriptorTextLimit = 126
}

/// As much of somebody's text as an error shows.
func shown(_ text: String) -> String { text.count > 40 ? "\(text.prefix(39))…" : text }

/// The number of milliseconds; nil where it is not whole.
func wholeMilliseconds(_ time: Duration) -> UInt32? {
  let (seconds, attoseconds) = time.components
  guard attoseconds.isMultiple(of: 1_000_000_000_000_000), (0...1_000_000).contains(seconds) else {
    return nil
  }
  return UInt32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000)
}
