/// The age of a driver: the date and the version of `DriverVer` (Microsoft Learn, "INF DriverVer Directive").
public struct DriverVersion: Codable, Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The year; 0 for no valid date, which is the oldest.
  public var year: Int
  /// The month, from 1; 0 for no valid date.
  public var month: Int
  /// The day, from 1; 0 for no valid date.
  public var day: Int
  /// The four numbers of the version; all 0 for none.
  public var numbers: [Int]

  /// No date and no version.
  public static let none = DriverVersion(year: 0, month: 0, day: 0)

  /// A date, and a version of up to four numbers.
  public init(year: Int, month: Int, day: Int, _ numbers: [Int] = []) {
    self.year = year
    self.month = month
    self.day = day
    self.numbers = Array((numbers + [0, 0, 0, 0]).prefix(4))
  }

  /// Reads `mm/dd/yyyy` (or `mm-dd-yyyy`) and `w.x.y.z`; what cannot be read is none.
  ///
  /// - Parameters:
  ///   - date: the first field of DriverVer.
  ///   - version: the second.
  public init(date: String, version: String = "") {
    self = .none
    let separator: Character = date.contains("/") ? "/" : "-"
    let parts = date.split(separator: separator, omittingEmptySubsequences: false).map {
      Self.number($0)
    }
    if parts.count == 3, let month = parts[0], let day = parts[1], let year = parts[2],
      (1...12).contains(month), (1...31).contains(day), (1...9999).contains(year)
    {
      (self.year, self.month, self.day) = (year, month, day)
    }
    let numbers = version.split(separator: ".", omittingEmptySubsequences: false).map {
      Self.number($0)
    }
    if (1...4).contains(numbers.count), numbers.allSatisfy({ ($0 ?? .max) <= 65534 }) {
      self.numbers = Array((numbers.compactMap { $0 } + [0, 0, 0, 0]).prefix(4))
    }
  }

  private static func number(_ text: some StringProtocol) -> Int? {
    guard (1...5).contains(text.utf8.count),
      text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
    else { return nil }
    return Int(text)
  }

  /// Whether it has a date.
  public var hasDate: Bool { year > 0 }

  /// The date as Windows writes it: `06/21/2006`.
  public var date: String {
    func digits(_ number: Int, _ count: Int) -> String {
      let text = String(number)
      return String(repeating: "0", count: max(0, count - text.count)) + text
    }
    return "\(digits(month, 2))/\(digits(day, 2))/\(digits(year, 4))"
  }

  /// The version: `10.0.19041.1`.
  public var version: String { numbers.map(String.init).joined(separator: ".") }

  /// Both: `04/26/2018, 3.0.6.1`.
  public var description: String { "\(date), \(version)" }

  /// Whether the left one is older: by date, then by version.
  public static func < (left: Self, right: Self) -> Bool {
    let numbers = { (version: Self) in
      [version.year, version.month, version.day] + version.numbers
    }
    return numbers(left).lexicographicallyPrecedes(numbers(right))
  }
}

/// What `[Version]` says (Microsoft Learn, "INF Version Section").
public struct INFVersion: Hashable, Sendable {
  /// `Class`: the name of the setup class.
  public var className: String
  /// `ClassGuid`, with its braces, as it is written; it decides which class it is.
  public var classGUID: String
  /// `Provider`.
  public var provider: String
  /// The catalog with the signature; nil for none: the package counts as not signed.
  public var catalog: String?
  /// `DriverVer`.
  public var driverVersion: DriverVersion
  /// `ExtensionId` of an extension INF.
  public var extensionID: String?
  /// The number of the line of DriverVer; nil where there is none.
  public var driverVersionLine: Int?

  /// The setup class of extension INFs.
  public static let extensionClass = "{e2f84ce7-8efa-411c-aa69-97454ca4cb57}"

  /// Whether the file adds to a driver and is none itself.
  public var isExtension: Bool { classGUID.lowercased() == Self.extensionClass }
}

extension INFReading {
  /// What `[Version]` says to a Windows of an architecture.
  public func version(on architecture: WindowsProfile.Architecture) -> INFVersion {
    func value(_ key: String) -> String? {
      line(key, in: "Version").map { field(0, of: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
    let driverVersion = line("DriverVer", in: "Version")
    return INFVersion(
      className: value("Class") ?? "", classGUID: value("ClassGuid") ?? "",
      provider: value("Provider") ?? "",
      catalog: value("CatalogFile.nt" + architecture.rawValue) ?? value("CatalogFile.nt")
        ?? value("CatalogFile"),
      driverVersion: driverVersion.map { self.driverVersion($0) } ?? .none,
      extensionID: value("ExtensionId"), driverVersionLine: driverVersion?.number)
  }

  /// What a DriverVer line says.
  func driverVersion(_ line: INF.Line) -> DriverVersion {
    DriverVersion(date: field(0, of: line), version: field(1, of: line))
  }
}
