/// A TargetOS decoration: `NT[arch][.[major][.[minor][.[product][.[suite][.[build]]]]]]` (Microsoft Learn, "INF
/// Manufacturer Section").
public struct INFDecoration: Codable, Hashable, Sendable {
  /// As it is written; empty for none.
  public var text: String
  /// The processor; nil for any.
  public var architecture: WindowsProfile.Architecture?
  /// The first number of the version; nil for any version.
  public var major: Int?
  /// The second number of the version.
  public var minor: Int?
  /// The kind of Windows, as a number; nil for any.
  public var productType: Int?
  /// The suites that must all be there.
  public var suites: UInt32?
  /// The build; understood from 10.0.14310 on.
  public var build: Int?

  /// No decoration: the section's bare name.
  public static let none = INFDecoration(bare: ())

  private init(bare: Void) { text = "" }

  /// Reads a decoration.
  ///
  /// - Returns: nil where the text is none.
  public init?(_ text: String) {
    self.text = text
    let parts = text.lowercased().split(separator: ".", omittingEmptySubsequences: false)
    guard let first = parts.first, first.hasPrefix("nt"), parts.count <= 6 else { return nil }
    let name = first.dropFirst(2)
    if !name.isEmpty {
      guard let architecture = WindowsProfile.Architecture(rawValue: String(name)) else {
        return nil
      }
      self.architecture = architecture
    }
    var numbers: [Int?] = []
    for part in parts.dropFirst() {
      guard let number = INFNumber(part) else {
        guard part.isEmpty else { return nil }
        numbers.append(nil)
        continue
      }
      numbers.append(number.value)
    }
    numbers += Array(repeating: nil, count: 5 - numbers.count)
    major = numbers[0]
    minor = numbers[1]
    productType = numbers[2]
    suites = numbers[3].map { UInt32(truncatingIfNeeded: $0) }
    build = numbers[4]
  }

  /// Why it does not count on a Windows; nil where it does.
  public func objection(on windows: WindowsProfile) -> String? {
    if let architecture {
      if architecture != windows.architecture {
        return
          "it is for \(architecture.rawValue), and this machine is \(windows.architecture.rawValue)"
      }
    } else if windows.architecture != .x86 {
      return "it names no architecture, and only x86 takes that since Windows Server 2003"
    }
    let order = version.map { Self.compare($0, (windows.major, windows.minor)) } ?? -1
    if let version, order > 0 {
      return "it is for Windows \(version.0).\(version.1) and later"
    }
    if let build {
      guard let major, major >= 10, build >= 14310 else {
        return
          "a build stands only with version 10.0 and from 14310 on, so that it is no decoration"
      }
      guard windows.isAtLeast(10, 0, 14310) else {
        return "this Windows does not know decorations with a build"
      }
      if order == 0, build > windows.build { return "it is for build \(build) and later" }
    }
    if let productType, productType != Int(windows.productType.rawValue) {
      return "it is for product type \(productType), and this is \(windows.productType.rawValue)"
    }
    if let suites, suites & windows.suites != suites {
      return "it is for the suites 0x\(String(suites, radix: 16)), which this Windows has not all"
    }
    return nil
  }

  /// Major and minor; nil where it names no version.
  private var version: (Int, Int)? { major.map { ($0, minor ?? 0) } }

  private static func compare(_ left: (Int, Int), _ right: (Int, Int)) -> Int {
    left == right ? 0 : left < right ? -1 : 1
  }

  /// How closely it describes a Windows, the more important first: version, build, product, suite, architecture.
  var closeness: [Int] {
    [
      major ?? -1, major == nil ? -1 : minor ?? 0, build ?? -1, productType == nil ? 0 : 1,
      suites == nil ? 0 : 1, architecture == nil ? 0 : 1, text.isEmpty ? 0 : 1,
    ]
  }

  /// What makes it closer than another that counts as well.
  func advantage(over other: INFDecoration) -> String {
    let names = [
      "version", "version", "build", "product type", "suite", "architecture", "decoration",
    ]
    let place = zip(closeness, other.closeness).enumerated().first { $0.element.0 != $0.element.1 }
    guard let place, names.indices.contains(place.offset) else { return "it stands first" }
    let name = names[place.offset]
    return ["version", "build"].contains(name) ? "its \(name) is higher" : "it names the \(name)"
  }
}

/// A number as INFs write it: digits, or 0x and hexadecimal digits.
struct INFNumber {
  var value: Int

  init?(_ text: some StringProtocol) {
    let text = text.lowercased()
    let isHexadecimal = text.hasPrefix("0x")
    let digits = isHexadecimal ? text.dropFirst(2) : text[...]
    guard digits.utf8.first != 0x2B, digits.utf8.first != 0x2D,
      let value = UInt32(digits, radix: isHexadecimal ? 16 : 10)
    else { return nil }
    self.value = Int(value)
  }
}
