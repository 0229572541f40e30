/// The Windows that decides: its version, its machine and its policy.
public struct WindowsProfile: Codable, Hashable, Sendable {
  /// What kind of processor it runs on, as INF decorations spell it.
  public enum Architecture: String, Codable, Hashable, Sendable, CaseIterable {
    /// 32 bits.
    case x86
    /// Itanium.
    case ia64
    /// 64 bits.
    case amd64
    /// ARM of 32 bits.
    case arm
    /// ARM of 64 bits.
    case arm64
  }

  /// What kind of Windows it is (`wProductType` of OSVERSIONINFOEX).
  public enum ProductType: UInt8, Codable, Hashable, Sendable, CaseIterable {
    /// Windows for people.
    case workstation = 1
    /// A server that is a domain controller.
    case domainController = 2
    /// Another server.
    case server = 3
  }

  /// The first number of the version: 10 for Windows 10 and 11.
  public var major: Int
  /// The second number of the version.
  public var minor: Int
  /// The build: 19045, 22631.
  public var build: Int
  /// The processor.
  public var architecture: Architecture
  /// The kind of Windows.
  public var productType: ProductType
  /// The suites, a bit for each: 0x80 is Data Center (`wSuiteMask`).
  public var suites: UInt32
  /// The LANGID of the system.
  public var language: UInt16
  /// Whether devices have `USB\COMPAT_VID_…` ids. Dumps have them from Windows 11 22H2 on and not up to 21H2;
  /// the first build is not known.
  public var hasVendorClasses: Bool
  /// Whether the policy "all signatures are equal" is on, as it is by default since Windows 7.
  public var signaturesAreEqual: Bool

  /// A Windows; what is not said follows from the version.
  public init(
    major: Int = 10, minor: Int = 0, build: Int, architecture: Architecture = .amd64,
    productType: ProductType = .workstation, suites: UInt32 = 0, language: UInt16 = 0x0409,
    hasVendorClasses: Bool? = nil, signaturesAreEqual: Bool? = nil
  ) {
    self.major = major
    self.minor = minor
    self.build = build
    self.architecture = architecture
    self.productType = productType
    self.suites = suites
    self.language = language
    let version = [major, minor, build]
    self.hasVendorClasses = hasVendorClasses ?? !version.lexicographicallyPrecedes([10, 0, 22621])
    self.signaturesAreEqual = signaturesAreEqual ?? !version.lexicographicallyPrecedes([6, 1])
  }

  /// Windows 7 with its service pack, 64 bits.
  public static let windows7 = WindowsProfile(major: 6, minor: 1, build: 7601)
  /// The last Windows 10, 64 bits.
  public static let windows10 = WindowsProfile(build: 19045)
  /// Windows 11 24H2, 64 bits.
  public static let windows11 = WindowsProfile(build: 26100)

  /// Its version: `10.0.26100`.
  public var version: String { "\(major).\(minor).\(build)" }

  /// In words: `Windows 10.0.26100 (amd64)`.
  public var name: String { "Windows \(version) (\(architecture.rawValue))" }

  /// Whether it is this version or a later one.
  public func isAtLeast(_ major: Int, _ minor: Int, _ build: Int = 0) -> Bool {
    ![self.major, self.minor, self.build].lexicographicallyPrecedes([major, minor, build])
  }
}
