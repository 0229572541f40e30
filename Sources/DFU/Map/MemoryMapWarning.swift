public import USB

/// Something odd in a DfuSe string that was read nevertheless: where, and which rule.
public struct MemoryMapWarning: Hashable, Sendable, CustomStringConvertible {
  /// What is odd. The raw value is a stable name.
  public enum Rule: String, Hashable, Sendable, CaseIterable {
    /// No letter between the size and the type: the size is in bytes (STM32L072).
    case missingMultiplier = "missing-multiplier"
    /// `k` or `m` in lower case: read as 1024 or 1 048 576.
    case lowerCaseMultiplier = "lower-case-multiplier"
    /// No type letter, or not one from a to g: the segment is left out, the later ones stay.
    case unclearType = "unclear-type"
    /// Not `count * size`: the rest of the group cannot be placed.
    case unclearSegment = "unclear-segment"
    /// Behind a segment of unknown length: its address is not known.
    case unplacedSegment = "unplaced-segment"
    /// No sectors, or sectors of no bytes: skipped.
    case emptySegment = "empty-segment"
    /// Not `0x` and hexadecimal digits: the group is left out.
    case unclearAddress = "unclear-address"
    /// Seven digits: one may have been lost. Taken as it stands.
    case sevenDigitAddress = "seven-digit-address"
    /// The memory would end beyond 2^32: sectors beyond it are left out.
    case beyondAddressSpace = "beyond-address-space"
    /// A second address behind a hyphen is ignored.
    case aliasIgnored = "alias-ignored"
    /// `0X` for `0x`, or blanks where the grammar has none.
    case looseSpelling = "loose-spelling"
    /// Characters that the grammar does not allow between segments: passed over.
    case strayCharacters = "stray-characters"
    /// Characters that cannot be part of a layout: everything from there on is ignored.
    case trailingGarbage = "trailing-garbage"
    /// Two groups claim the same addresses: the sectors of the later one are left out.
    case overlap = "overlap"
    /// The type letter says erasable, but memory of this kind is not.
    case notReallyErasable = "not-really-erasable"
    /// More segments or more text than a string descriptor can hold: the rest is ignored.
    case tooLong = "too-long"
    /// The string claims more memory than the part has.
    case claimsTooMuch = "claims-too-much"
    /// The string says sectors of another size than the part has.
    case wrongSectorSize = "wrong-sector-size"
  }

  /// What is odd.
  public var rule: Rule
  /// Which character of the string it is about, counted in Unicode scalars from 0.
  public var position: Int
  /// The text that is there, cut to a few characters.
  public var found: String

  /// A warning.
  public init(_ rule: Rule, position: Int, found: String = "") {
    self.rule = rule
    self.position = position
    self.found = found
  }

  /// A stable name for the rule.
  public var slug: String { "memory-map-\(rule.rawValue)" }

  /// What is odd and how it was read: one sentence.
  public var sentence: String {
    let what = found.isEmpty ? "at character \(position)" : "“\(found)” at character \(position)"
    return switch rule {
    case .missingMultiplier: "The segment \(what) has no size letter; its size is read as bytes."
    case .lowerCaseMultiplier: "The size letter \(what) is in lower case; it is read as upper case."
    case .unclearType:
      "The segment \(what) has no type letter from a to g; it is left out, and the later ones keep "
        + "their places."
    case .unclearSegment:
      "The segment \(what) is not “count*size”; it is left out, and the rest of its group cannot be "
        + "placed."
    case .unplacedSegment:
      "The segment \(what) follows one of unknown length; it is left out."
    case .emptySegment: "The segment \(what) has no bytes; it is skipped."
    case .unclearAddress:
      "The address \(what) is not “0x” and up to eight hexadecimal digits; its group is left out."
    case .sevenDigitAddress:
      "The address \(what) has seven digits; one may be missing, it is taken as it stands."
    case .beyondAddressSpace:
      "The segment \(what) ends beyond 2^32; the sectors beyond it are left out."
    case .aliasIgnored: "The second address \(what) is ignored."
    case .looseSpelling: "The spelling \(what) is looser than the grammar; it is accepted."
    case .strayCharacters: "The characters \(what) belong to nothing; they are passed over."
    case .trailingGarbage:
      "The characters \(what) cannot be part of a layout; what follows is ignored."
    case .overlap:
      "The segment \(what) covers addresses that an earlier one covers; those sectors are left out."
    case .notReallyErasable:
      "The segment \(what) is called erasable, but memory of this kind is not; it is not erased."
    case .tooLong: "The string is too long \(what); the rest is ignored."
    case .claimsTooMuch:
      "The string claims \(found), more than the part has; the sectors beyond are left out."
    case .wrongSectorSize:
      "The string says sectors of \(found), which the part does not have; they are put right."
    }
  }

  /// The sentence.
  public var description: String { sentence }
}

/// Why an interface string is no memory map.
public struct MemoryMapError: ExplainedError, Hashable {
  /// What is missing.
  public enum Code: String, Hashable, Sendable, CaseIterable {
    /// The string does not begin with `@`: it is the name of a plain DFU partition.
    case notALayout = "memory-map-not-a-layout"
    /// There is no address that can be understood.
    case noGroup = "memory-map-no-group"
    /// There is an address, but no segment that can be understood.
    case noSegment = "memory-map-no-segment"
  }

  /// What is missing.
  public var code: Code
  /// Which character of the string it is about, counted in Unicode scalars from 0.
  public var position: Int
  /// What was noticed on the way.
  public var warnings: [MemoryMapWarning]

  /// An error at a character.
  public init(_ code: Code, position: Int, warnings: [MemoryMapWarning] = []) {
    self.code = code
    self.position = position
    self.warnings = warnings
  }

  /// A stable name for the kind of error.
  public var slug: String { code.rawValue }

  /// What happened, in one sentence.
  public var sentence: String {
    switch code {
    case .notALayout:
      "The interface string is not a memory layout: it does not begin with “@”."
    case .noGroup:
      "The memory layout has no address “/0x…/” that can be understood (character \(position))."
    case .noSegment:
      "The memory layout has no segment “count*size” with a type that can be understood "
        + "(character \(position))."
    }
  }

  /// What to do next; nil where nothing useful can be said.
  public var help: String? {
    switch code {
    case .notALayout: nil
    case .noGroup, .noSegment:
      "The bootloader's description is damaged; give addresses by hand only if you know its memory."
    }
  }
}
