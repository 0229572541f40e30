import USB

/// How well a driver fits a device, `0xSSGGTHHH`; lower is better (Microsoft Learn, "How Windows Ranks Drivers").
///
/// SS is the signature score, GG the feature score, THHH the identifier score.
public struct DriverRank: RawRepresentable, Codable, Hashable, Sendable, Comparable {
  /// The number.
  public var rawValue: UInt32

  /// A rank from its number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// A rank from its parts.
  public init(signature: UInt8, feature: UInt8?, _ match: IdentifierMatch) {
    rawValue =
      UInt32(signature) << 24 | UInt32(feature ?? Self.noFeature) << 16 | UInt32(match.score)
  }

  private static let noFeature: UInt8 = 0xFF

  /// SS: 00 while all signatures count as equal.
  public var signatureScore: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 24) }
  /// GG: that of the install section; FF for none.
  public var featureScore: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 16) }
  /// THHH: which id matched which.
  public var identifierScore: UInt16 { UInt16(truncatingIfNeeded: rawValue) }

  /// As logs write it, with a prefix: `0x00FF2003`.
  public var text: String { "0x" + hex(rawValue).uppercased() }

  /// Whether the left one fits better.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// Each part in words.
  public var parts: [String] {
    func digits(_ value: UInt8) -> String { hex(value).uppercased() }
    let signature =
      switch signatureScore {
      case 0x00: "signed, and all signatures count as equal"
      case 0x0D: "signed by Microsoft"
      case 0x0F: "signed by somebody who is trusted"
      case 0x80: "not signed, with a section for Windows NT"
      case 0xC0: "not signed, and no section for Windows NT"
      default: "a signature that is not known"
      }
    let feature =
      featureScore == Self.noFeature
      ? "the install section has no FeatureScore" : "the FeatureScore of the install section"
    let number = identifierScore & 0xFFF
    let (match, index) =
      switch identifierScore >> 12 {
      case 0: ("a hardware id of the device in the first id field of the line", number)
      case 1: ("a hardware id of the device in a later id field of the line", number)
      case 2: ("a compatible id of the device in the first id field of the line", number)
      default: ("a compatible id of the device in a later id field of the line", number & 0xFF)
      }
    var parts = [
      "SS \(digits(signatureScore)): \(signature)", "GG \(digits(featureScore)): \(feature)",
      "T \(identifierScore >> 12): \(match)",
      "HHH \(hex(number, digits: 3).uppercased()): it is number \(index + 1) of the device's list",
    ]
    if identifierScore >> 12 == 3 {
      parts[3] += ", and number \(number >> 8 + 1) of the line's compatible ids"
    }
    return parts
  }
}

/// Which id of a device stands where in a line of a models section.
public struct IdentifierMatch: Codable, Hashable, Sendable {
  /// One of the two lists of a device, or of the two kinds of fields of a line.
  public enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
    /// Hardware ids.
    case hardware
    /// Compatible ids.
    case compatible
  }

  /// The id as the INF writes it.
  public var id: String
  /// The list of the device that has it.
  public var list: Kind
  /// Its place in that list, from 0.
  public var index: Int
  /// Whether it stands in the first id field of the line or in a later one.
  public var field: Kind
  /// Its place among the compatible ids of the line, from 0; 0 for the first id field.
  public var position: Int

  /// A match.
  public init(id: String, list: Kind, index: Int, field: Kind, position: Int = 0) {
    self.id = id
    self.list = list
    self.index = index
    self.field = field
    self.position = position
  }

  /// THHH of the rank. Lists have up to 64 ids; what is beyond the digits counts as their last.
  public var score: UInt16 {
    let index = UInt16(clamping: max(0, index))
    switch (list, field) {
    case (.hardware, .hardware): return min(index, 0xFFF)
    case (.hardware, .compatible): return 0x1000 | min(index, 0xFFF)
    case (.compatible, .hardware): return 0x2000 | min(index, 0xFFF)
    case (.compatible, .compatible):
      return 0x3000 | min(UInt16(clamping: max(0, position)), 0xF) << 8 | min(index, 0xFF)
    }
  }

  /// In words: `hardware id 2 of the device`.
  public var place: String { "\(list.rawValue) id \(index + 1) of the device" }
}

/// Who has signed a driver package.
public enum DriverSigner: String, Codable, Hashable, Sendable, CaseIterable {
  /// Windows' own.
  case inbox
  /// Microsoft, for the maker.
  case whql
  /// Somebody whose certificate the machine trusts: the maker, Zadig's own certificate.
  case authenticode
  /// Nobody.
  case unsigned

  /// As logs name it.
  public var text: String {
    switch self {
    case .inbox: "INBOX"
    case .whql: "WHQL"
    case .authenticode: "Authenticode"
    case .unsigned: "Not digitally signed"
    }
  }

  /// The signer score that logs have beside the rank; it changes nothing while signatures are equal.
  public var score: UInt32 {
    switch self {
    case .inbox: 0x0D00_0003
    case .whql: 0x0D00_0005
    case .authenticode: 0x0F00_0000
    case .unsigned: 0x8000_0000
    }
  }

  /// SS of the rank.
  ///
  /// - Parameters:
  ///   - windows: its policy decides whether signatures count as equal.
  ///   - isDecorated: whether the file has sections for Windows NT, which matters to what is not signed. A file
  ///     whose models sections are decorated was seen to count.
  /// - Returns: 0x00 to 0xC0, lower is better.
  public func signatureScore(on windows: WindowsProfile, isDecorated: Bool) -> UInt8 {
    switch self {
    case .unsigned: isDecorated ? 0x80 : 0xC0
    case .inbox, .whql: windows.signaturesAreEqual ? 0x00 : 0x0D
    case .authenticode: windows.signaturesAreEqual ? 0x00 : 0x0F
    }
  }
}
