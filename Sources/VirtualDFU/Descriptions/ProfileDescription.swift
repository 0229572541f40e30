internal import DFU
internal import USB
internal import VirtualUSB

/// A profile that a person has written down: JSON in the format `swift-dfu device 1`.
///
/// <doc:DescribingADevice> tells all its keys. A description starts from a built-in profile (`base`)
/// and tells what differs, or tells everything. Nothing that it can say makes a virtual device trap,
/// hang or grow without bound: what is outside the bounds is a fault, with its place.
public struct ProfileDescription: Hashable, Sendable {
  /// What `format` has to be.
  public static let format = "swift-dfu device 1"
  /// The most bytes that a description may have. The longest that makes sense has a hundredth.
  public static let sizeLimit = 1 << 20

  /// The profile.
  public var profile: Profile
  /// What is allowed and may be a mistake, in the order of the text.
  public var notes: [DescriptionFault]

  /// Reads a description.
  ///
  /// - Parameters:
  ///   - bytes: JSON in UTF-8, with comments from `//` to the end of the line.
  ///   - file: what errors call it.
  /// - Throws: ``ProfileDescriptionError`` with everything that is wrong.
  public init(parsing bytes: [UInt8], file: String) throws(ProfileDescriptionError) {
    let document: JSONReader.Document
    do throws(JSONFault) {
      document = try JSONReader.read(bytes)
    } catch {
      throw ProfileDescriptionError(
        file: file,
        faults: [
          DescriptionFault(
            place: error.place, path: DescriptionPath(), sentence: error.sentence,
            help: error.help)
        ])
    }
    var decoder = DescriptionDecoder()
    for fault in document.repetitions {
      decoder.refuse(fault.place, DescriptionPath(), fault.sentence, fault.help)
    }
    let profile = decoder.profile(document.root)
    guard let profile, decoder.isSound else {
      throw ProfileDescriptionError(
        file: file, faults: decoder.faults.sorted { $0.place < $1.place },
        untold: decoder.untold)
    }
    self.profile = profile
    notes = decoder.notes.sorted { $0.place < $1.place }
  }

  /// Writes a profile as a description that tells everything, to be changed and used.
  ///
  /// - Parameters:
  ///   - profile: any profile, also a built-in one.
  ///   - name: the name in the description; nil for the profile's own, with `my-` in front where a
  ///     built-in profile has it.
  /// - Returns: JSON in lines, with a line end behind the last.
  /// - Throws: ``ProfileDescriptionError`` for a profile that no description can tell: what was
  ///   written is read again, and is the same.
  public static func text(
    of profile: Profile, name: String? = nil
  ) throws(ProfileDescriptionError) -> String {
    var profile = profile
    profile.name = name ?? (Profile.named(profile.name) == nil ? "" : "my-") + profile.name
    let text = JSONWriter.text(DescriptionEncoder.description(of: profile))
    let read = try ProfileDescription(parsing: Array(text.utf8), file: profile.name)
    guard read.profile == profile else {
      throw ProfileDescriptionError(
        file: profile.name,
        faults: [
          DescriptionFault(
            place: .start, path: DescriptionPath(),
            sentence: "This profile has something that no description can tell.", help: nil)
        ])
    }
    return text
  }
}

/// The names that each object of a description may have.
enum DescriptionKeys {
  static let whole = [
    "format", "base", "name", "sentence", "usb", "dfu", "memories", "timing", "behaviour", "launch",
    "protection", "contents", "application",
  ]
}

/// A profile that is being made from a description.
struct ProfileDraft {
  /// What has been read so far.
  var profile: Profile
  /// The built-in profile that it started from.
  let base: Profile?
  /// Where each memory is described; the whole description for those of the base.
  var memoryPlaces: [Located]
  /// The names of memories that are described wrongly: what refers to them is not wrong for that.
  var unusableMemories: Set<String> = []

  init(base: Profile?, whole: Located) {
    self.base = base
    profile =
      base
      ?? Profile(
        name: "", sentence: "",
        description: DeviceDescription(
          device: DeviceDescriptor(
            vendor: VendorID(0), product: ProductID(0), deviceVersion: BCDVersion(0x0100)),
          configurations: [ConfigurationDescriptor(attributes: 0x80, interfaces: [])], strings: [:]),
        functional: DFUFunctionalDescriptor(
          attributes: [], detachTimeout: 255, transferSize: 0, version: nil),
        dialect: .stROM, memories: [])
    memoryPlaces = profile.memories.map { _ in whole }
  }
}

extension DescriptionDecoder {
  /// The profile that a description tells; nil where it cannot be told for faults.
  mutating func profile(_ root: JSONValue) -> Profile? {
    let whole = Located(value: root, path: DescriptionPath())
    guard isDescription(whole), let fields = object(whole, DescriptionKeys.whole) else {
      return nil
    }
    var base: Profile?
    if let item = fields["base"] {
      base = choice(item, of: Profile.all.map(\.name)).flatMap(Profile.named)
      // Without it everything would seem to be missing.
      guard base != nil else { return nil }
    }
    var draft = ProfileDraft(base: base, whole: whole)
    readName(fields, into: &draft)
    readIdentity(fields, into: &draft)
    readMemories(fields, into: &draft)
    readFunction(fields, into: &draft)
    readTiming(fields, into: &draft)
    readBehaviour(fields, into: &draft)
    readLaunch(fields, into: &draft)
    readProtection(fields, into: &draft)
    readContents(fields, into: &draft)
    readApplication(fields, into: &draft)
    check(draft, fields)
    return draft.profile
  }

  /// Whether it is one at all; another document would be all unknown keys.
  private mutating func isDescription(_ whole: Located) -> Bool {
    let begin = "Begin with \"format\": \"\(ProfileDescription.format)\"."
    guard case .object(let members) = whole.value.content else {
      refuse(whole, "A description is an object: it stands in { and }.", begin)
      return false
    }
    guard let member = members.first(where: { $0.name == "format" }) else {
      refuse(whole, "This says no format, so it is no description of a device.", begin)
      return false
    }
    let item = Located(value: member.value, path: DescriptionPath([.member("format")]))
    guard case .text(let format) = member.value.content, format != ProfileDescription.format else {
      if case .text = member.value.content { return true }
      refuse(item, "The format is a text.", begin)
      return false
    }
    refuse(
      item, "“\(shown(format))” is not a format that this program knows.",
      "It knows “\(ProfileDescription.format)”; a newer one may know more.")
    return false
  }

  private mutating func readName(_ fields: Fields, into draft: inout ProfileDraft) {
    if let item = fields["name"], let name = text(item, example: "\"my-board\"") {
      if !isName(name) {
        refuse(
          item,
          "A name is made of letters without accents, digits, points, hyphens and underscores.",
          "Write up to 64 of them, for example \"my-board\".")
      } else if Profile.named(name) != nil {
        refuse(
          item, "A built-in device is called “\(name)” already.",
          "Choose another name: state files are told apart by it.")
      } else {
        draft.profile.name = name
      }
    } else if fields["name"] == nil {
      refuse(
        fields.place(of: "name"), "The device has no name.",
        "Write, for example, \"name\": \"my-board\".")
    }
    if let item = fields["sentence"], let sentence = text(item) {
      if sentence.utf8.count > 400 {
        refuse(item, "A sentence has at most 400 bytes.", "Shorten it.")
      }
      draft.profile.sentence = sentence
    } else if fields["sentence"] == nil {
      draft.profile.sentence = "A device from a description."
    }
  }

  private func isName(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count)
      && name.utf8.allSatisfy {
        switch $0 {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
          UInt8(ascii: "_"):
          true
        default: false
        }
      }
  }

  /// The object of a section; what it has to say without a base is told where there is none.
  mutating func section(
    _ name: String, _ keys: [String], of whole: Fields, _ draft: ProfileDraft,
    orSay needed: String? = nil
  ) -> Fields? {
    if whole[name] == nil, draft.base == nil, let needed {
      refuse(
        whole.place(of: name), "“\(name)” is missing, and there is no base to take it from.", needed
      )
    }
    return object(whole[name], keys)
  }

  /// Tells that a member is missing, where no base gives it.
  mutating func requireMember(
    _ name: String, of fields: Fields, _ draft: ProfileDraft, _ example: String
  ) {
    guard draft.base == nil, fields[name] == nil else { return }
    refuse(fields.place(of: name), "This has to be told.", "Write, for example, \(example).")
  }
}
