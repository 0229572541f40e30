import DriverMatching
import Testing

@Suite("Which sections of an INF a Windows reads") struct INFModelsTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var line: String
    var windows: WindowsProfile
    var sections: [String]
    var expected: String?

    var testDescription: String { "\(line) on \(windows.name)" }

    static let every = "NTx86, NTamd64, NTamd64.6.1, NTamd64.10.0, NTamd64.10.0...16299"

    static func windows(
      _ major: Int, _ minor: Int, _ build: Int = 0,
      _ architecture: WindowsProfile.Architecture = .amd64, suites: UInt32 = 0,
      _ productType: WindowsProfile.ProductType = .workstation
    ) -> WindowsProfile {
      WindowsProfile(
        major: major, minor: minor, build: build, architecture: architecture,
        productType: productType, suites: suites)
    }

    /// Our own table, then Microsoft's, of facts/windows-driver-matching.md, section 6.1.
    static let all: [Case] =
      [
        (every, windows(10, 0, 19045), nil, "M.NTamd64.10.0...16299"),
        (every, windows(10, 0, 15063), nil, "M.NTamd64.10.0"),
        (every, windows(10, 0, 10240), nil, "M.NTamd64.10.0"),
        (every, windows(6, 3, 9600), nil, "M.NTamd64.6.1"),
        (every, windows(6, 0, 6002), nil, "M.NTamd64"),
        (every, windows(10, 0, 22631, .arm64), nil, nil),
        ("", windows(10, 0, 19045), ["M"], nil),
        ("", windows(10, 0, 19045, .x86), ["M"], "M"),
        ("NTamd64", windows(10, 0, 19045), ["M"], nil),
        ("NT, NT.5, NT.5.5, NT....0x80", windows(5, 1, 2600, .x86), nil, "M.NT.5"),
        (
          "NT, NT.5, NT.5.5, NT....0x80", windows(5, 1, 2600, .x86, suites: 0x80), nil, "M.NT.5"
        ),
        (
          "NTx86....0x80, NTamd64", windows(5, 2, 3790, .x86, suites: 0x80), nil, "M.NTx86....0x80"
        ),
        ("NTx86....0x80, NTamd64", windows(5, 2, 3790, .x86), nil, nil),
        ("NTx86.6.0, NTx86.5.1", windows(6, 1, 7601, .x86), nil, "M.NTx86.6.0"),
        ("NTx86.6.0, NTx86.5.1", windows(5, 2, 3790, .x86), nil, "M.NTx86.5.1"),
        ("NTx86.5.1", windows(5, 0, 2195, .x86), ["M", "M.NTx86.5.1"], "M"),
        (
          "NTamd64.6.1, NTamd64.10.0, NTamd64.10.0...14393", windows(6, 2, 9200), nil,
          "M.NTamd64.6.1"
        ),
        (
          "NTamd64.6.1, NTamd64.10.0, NTamd64.10.0...14393", windows(10, 0, 10586), nil,
          "M.NTamd64.10.0"
        ),
        (
          "NTamd64.6.1, NTamd64.10.0, NTamd64.10.0...14393", windows(10, 0, 14393), nil,
          "M.NTamd64.10.0...14393"
        ),
        // Beyond the tables: the kind of Windows, a build without its version, a higher version.
        ("NTamd64, NTamd64...3", windows(10, 0, 20348, .amd64, .server), nil, "M.NTamd64...3"),
        ("NTamd64, NTamd64...3", windows(10, 0, 19045), nil, "M.NTamd64"),
        ("NTamd64, NTamd64.....16299", windows(10, 0, 19045), nil, "M.NTamd64"),
        ("ntAMD64.10.0, NTamd64.10", windows(10, 0, 19045), nil, "M.ntAMD64.10.0"),
        ("NTamd64.10.0...99999", windows(10, 1, 30000), nil, "M.NTamd64.10.0...99999"),
      ].map { line, windows, sections, expected in
        let named = line.split(separator: ",").map {
          "M." + String($0.drop { $0 == " " })
        }
        return Case(
          line: line, windows: windows, sections: sections ?? named, expected: expected)
      }
  }

  @Test(arguments: Case.all)
  func `each decoration is kept or dropped, and one section is read`(_ example: Case) throws {
    let text =
      INFTests.head + "[Manufacturer]\nMaker = M"
      + (example.line.isEmpty ? "" : ", " + example.line) + "\n"
      + example.sections.map { "[\($0)]\n" }.joined()
    let reading = INFReading(try INF(text: text, name: "a.inf"))
    let models = try #require(reading.models(on: example.windows).first)
    #expect(models.section == example.expected)
    #expect(models.manufacturer == "Maker")
    #expect(
      models.considered.filter(\.isTaken).map(\.section) == [example.expected].compactMap { $0 })
    #expect(models.considered.allSatisfy { !$0.reason.isEmpty })
  }

  @Test func `an empty section shuts a Windows out, and says so`() throws {
    let text =
      INFTests.head
      + "[Manufacturer]\n%M%=M,NTamd64,NTamd64.10.0\n[M.NTamd64]\na=b,c\n[M.NTamd64.10.0]\n"
    let reading = INFReading(try INF(text: text, name: "a.inf"))
    let models = try #require(reading.models(on: .windows10).first)
    #expect(models.section.map { reading.entries(of: $0) } == [])
    #expect(models.considered[1].reason.contains("shuts this Windows out"))
    #expect(models.considered[0].reason == "M.NTamd64.10.0 is closer: its version is higher")
  }

  @Test(
    arguments: [
      (["X", "X.NT", "X.NTamd64"], "X.NTamd64", true), (["X", "X.NT"], "X.NT", true),
      (["X", "X.NTx86"], "X", false), ([], "X", false), (["x.ntAMD64"], "X.NTamd64", true),
    ] as [([String], String, Bool)])
  func `the install section is the one of the architecture, else .NT, else the bare one`(
    _ sections: [String], _ expected: String, _ isDecorated: Bool
  ) throws {
    let text = INFTests.head + sections.map { "[\($0)]\n" }.joined()
    let found = INFReading(try INF(text: text, name: "a.inf")).installSection("X", on: .amd64)
    #expect(found.name == expected)
    #expect(found.isDecorated == isDecorated)
  }

  static let package = """
    Class = USBDevice
    ClassGuid = {88bae032-5a81-49f0-bc3d-a4ff138216d6}
    Provider = %Me%
    CatalogFile = plain.cat
    CatalogFile.NTamd64 = amd64.cat
    DriverVer = 04-26-2018, 3.0.6.1
    [Install.NT]
    Include = winusb.inf, other.inf
    Needs = WINUSB.NT, Nowhere.NT
    FeatureScore = 7F
    ExcludeID = USB\\VID_1111&PID_2222, usb\\vid_3333&pid_4444
    [Install.NT.Services]
    Include = other.inf
    Needs = Other.Services
    [Install.NT.HW]
    AddReg = Own
    Include = other.inf
    Needs = Other.HW
    [Own]
    HKR,,DeviceInterfaceGUIDs,0x10000,%Guid%,"{01105872-bf45-43be-8b67-3c0f2b8cf0d9}"
    HKR,Sub,DeviceInterfaceGUIDs,0x10000,"{11111111-bf45-43be-8b67-3c0f2b8cf0d9}"
    HKR,,Other,,"{22222222-bf45-43be-8b67-3c0f2b8cf0d9}"
    [Strings]
    Me = "Maker"
    Guid = "{3fe809ab-fb91-4cb5-a643-69670d52366e}"
    """

  static let other = """
    [Other.Services]
    AddService = Filter, 0, A
    AddService = Function, 0x00000002, B
    Needs = Other.Services, Deeper
    [Other.HW]
    AddReg = Own
    [Own]
    HKR,,DeviceInterfaceGUID,,"{44444444-bf45-43be-8b67-3c0f2b8cf0d9}"
    [Deeper]
    Needs = Other.Services
    """

  @Test func `what an installation does is gathered from the file and from those that it needs`()
    throws
  {
    let reading = INFReading(try INF(text: INFTests.head + Self.package, name: "mine.inf"))
    let other = INFReading(try INF(text: INFTests.head + Self.other, name: "OTHER.inf"))
    let installation = reading.installation("Install", on: .amd64, INFLibrary([reading, other]))
    #expect(installation.section == "Install.NT")
    #expect(installation.isDecorated)
    #expect(installation.service?.text == "Function")
    #expect(installation.service?.place == "OTHER.inf:5")
    #expect(
      installation.interfaceGUIDs.map(\.text) == [
        "{3fe809ab-fb91-4cb5-a643-69670d52366e}", "{01105872-bf45-43be-8b67-3c0f2b8cf0d9}",
        "{44444444-bf45-43be-8b67-3c0f2b8cf0d9}",
      ])
    #expect(installation.featureScore == 0x7F)
    #expect(
      installation.excludedIDs.map(\.text) == [
        #"USB\VID_1111&PID_2222"#, #"usb\vid_3333&pid_4444"#,
      ])
    #expect(installation.missing.map(\.text) == ["Nowhere.NT"])
    let version = reading.version(on: .amd64)
    #expect(version.provider == "Maker")
    #expect(version.catalog == "amd64.cat")
    #expect(reading.version(on: .arm64).catalog == "plain.cat")
    #expect(version.driverVersion == DriverVersion(year: 2018, month: 4, day: 26, [3, 0, 6, 1]))
  }

  @Test func `WinUSB is known where Windows' own file is not at hand`() throws {
    let text =
      INFTests.head + "[I]\nInclude=winusb.inf\nNeeds=WINUSB.NT\n[I.Services]\nInclude=winusb.inf\n"
      + "Needs=WINUSB.NT.Services\n"
    let reading = INFReading(try INF(text: text, name: "a.inf"))
    let installation = reading.installation("I", on: .amd64, INFLibrary())
    #expect(installation.service?.text == "WINUSB")
    #expect(installation.service?.certainty == .documented)
    #expect(installation.service?.place == "a.inf:8")
    #expect(installation.missing.isEmpty)
  }

  @Test func `Needs that goes in a circle or too deep ends`() throws {
    let chain = (0..<200).map { "[N\($0)]\nNeeds = N\($0 + 1), N0\n" }.joined()
    let text = INFTests.head + "[I.Services]\nNeeds = N0\n" + chain + "[N200]\nAddService=a,2,b\n"
    let reading = INFReading(try INF(text: text, name: "a.inf"))
    let installation = reading.installation("I", on: .amd64, INFLibrary([reading]))
    #expect(installation.service == nil)
    #expect(installation.isCut)
  }

  @Test(arguments: [
    ("04/26/2018", "3.0.6.1", "04/26/2018", "3.0.6.1"), ("4-6-2018", "1", "04/06/2018", "1.0.0.0"),
    ("", "", "00/00/0000", "0.0.0.0"), ("13/01/2018", "1.2", "00/00/0000", "1.2.0.0"),
    ("04/26/2018", "1.70000", "04/26/2018", "0.0.0.0"), ("x/y/z", "a.b", "00/00/0000", "0.0.0.0"),
    ("99999999999/1/1", "-1.2", "00/00/0000", "0.0.0.0"),
    ("1/2/2020", "1.2.3.4.5", "01/02/2020", "0.0.0.0"),
  ])
  func `a DriverVer that cannot be read is the oldest`(
    _ date: String, _ version: String, _ expectedDate: String, _ expectedVersion: String
  ) {
    let read = DriverVersion(date: date, version: version)
    #expect(read.date == expectedDate)
    #expect(read.version == expectedVersion)
  }
}
