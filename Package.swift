// swift-tools-version: 6.2
import PackageDescription

// Warnings are errors with the compilers we test; a newer compiler may know new warnings, and
// those must not break a user's build.
#if compiler(<6.4)
  let warnings: [SwiftSetting] = [.treatAllWarnings(as: .error)]
#else
  let warnings: [SwiftSetting] = []
#endif

let house: [SwiftSetting] =
  warnings + [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableExperimentalFeature("Lifetimes"),
  ]

/// Debug builds can take a rule of the safe host away, to see that a virtual device notices.
let ruleSwitches: SwiftSetting = .define("RULE_SWITCHES", .when(configuration: .debug))

let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")
let nio: [Target.Dependency] = [
  .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
]
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

/// A room of the house (ARCHITECTURE.md): what it may import is written here and nowhere else.
func room(
  _ name: String, imports: [Target.Dependency] = [], settings: [SwiftSetting] = []
) -> Target {
  .target(name: name, dependencies: imports, swiftSettings: house + settings)
}

func proof(of name: String, imports: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.target(name: name)] + imports, exclude: exclude,
    swiftSettings: house)
}

let package = Package(
  name: "swift-dfu",
  platforms: [.macOS(.v26)],
  products: [
    .library(name: "USB", targets: ["USB"]),
    .library(name: "Firmware", targets: ["Firmware"]),
    .library(name: "DFU", targets: ["DFU"]),
    .library(name: "DFUHost", targets: ["DFUHost"]),
    .library(name: "VirtualUSB", targets: ["VirtualUSB"]),
    .library(name: "VirtualDFU", targets: ["VirtualDFU"]),
    .library(name: "DriverMatching", targets: ["DriverMatching"]),
    .library(name: "Captures", targets: ["Captures"]),
    .library(name: "Reports", targets: ["Reports"]),
    .library(name: "LibUSB", targets: ["LibUSB"]),
    .library(name: "USBIP", targets: ["USBIP"]),
    .executable(name: "dfu", targets: ["DFUCommand"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
  ],
  targets: [
    // Pure rooms: no Foundation, no Dispatch, no C; no clock, file or socket.
    room("USB"),
    room("Firmware", imports: ["USB"]),
    room("DFU", imports: ["USB"]),
    room("DFUHost", imports: ["DFU", "Firmware", "USB"], settings: [ruleSwitches]),
    room("VirtualUSB", imports: ["USB"]),
    room("VirtualDFU", imports: ["VirtualUSB", "DFU", "USB"]),
    room("DriverMatching", imports: ["USB"]),
    room("Captures", imports: ["DFU", "USB"]),
    room(
      "Reports",
      imports: [
        "USB", "Firmware", "DFU", "DFUHost", "VirtualUSB", "VirtualDFU", "DriverMatching",
        "Captures",
      ]),

    // Edges: these touch the world.
    .systemLibrary(
      name: "CLibUSB", pkgConfig: "libusb-1.0",
      providers: [.apt(["libusb-1.0-0-dev"]), .brew(["libusb"])]),
    room("LibUSB", imports: ["USB", "CLibUSB"]),
    room("USBIP", imports: ["USB", system] + nio),
    room(
      "Workbench",
      imports: [
        "USB", "Firmware", "DFU", "DFUHost", "VirtualUSB", "VirtualDFU", "DriverMatching",
        "Captures",
        "Reports", "LibUSB", "USBIP", system,
      ], settings: [ruleSwitches]),
    .executableTarget(
      name: "DFUCommand",
      dependencies: [
        "USB", "Firmware", "DFU", "DFUHost", "VirtualUSB", "VirtualDFU", "DriverMatching",
        "Captures",
        "Reports", "USBIP", "Workbench", argumentParser, system,
      ],
      swiftSettings: house),

    // Faults at every transfer of every operation: Proof/run, and a thinned set in the tests.
    .target(
      name: "FaultProof",
      dependencies: ["USB", "Firmware", "DFU", "DFUHost", "VirtualUSB", "VirtualDFU"],
      path: "Proof/FaultProof", swiftSettings: house),
    .executableTarget(
      name: "fault-proof", dependencies: ["FaultProof", "VirtualDFU"], path: "Proof/Command",
      swiftSettings: house),
    .testTarget(
      name: "FaultProofTests",
      dependencies: [
        "FaultProof", "USB", "Firmware", "DFU", "DFUHost", "VirtualUSB", "VirtualDFU", "Workbench",
      ],
      swiftSettings: house + [ruleSwitches]),

    // The promises of USBHost and USBDevice, tried on every implementation.
    .target(
      name: "HostConformance", dependencies: ["USB", "VirtualUSB"], path: "Proof/HostConformance",
      swiftSettings: house),
    .executableTarget(
      name: "host-conformance",
      dependencies: ["HostConformance", "LibUSB", "USBIP", "USB", "VirtualUSB"],
      path: "Proof/ConformanceCommand", swiftSettings: house),
    .testTarget(
      name: "HostConformanceTests",
      dependencies: ["HostConformance", "USB", "USBIP", "VirtualUSB", "Captures"],
      swiftSettings: house),

    // A million transfers through client and server: `make proof`.
    .executableTarget(
      name: "usbip-soak", dependencies: ["USBIP", "USB", "VirtualUSB", "VirtualDFU"],
      path: "Proof/Soak", swiftSettings: house),

    // What the tests of LibUSB run where devices are made up.
    .executableTarget(
      name: "libusb-probe", dependencies: ["LibUSB", "USB"], path: "Tests/LibUSBProbe",
      swiftSettings: house),

    // Devices that umockdev makes up, for the tests of LibUSB and of the command.
    .target(
      name: "MockDevices", dependencies: ["USB"], path: "Tests/MockDevices", swiftSettings: house),

    proof(of: "USB", imports: []),
    proof(of: "DriverMatching", imports: ["USB"], exclude: ["Fixtures"]),
    proof(of: "LibUSB", imports: ["USB", "CLibUSB", "MockDevices", "libusb-probe"]),
    proof(of: "Firmware", imports: ["USB"]),
    proof(of: "DFU", imports: ["USB"]),
    proof(of: "DFUHost", imports: ["DFU", "Firmware", "USB", "VirtualUSB", "VirtualDFU"]),
    proof(of: "VirtualUSB", imports: ["USB"]),
    proof(of: "VirtualDFU", imports: ["VirtualUSB", "DFU", "USB"]),
    proof(
      of: "Captures",
      imports: [
        "USB", "DFU", "DFUHost", "Firmware", "VirtualUSB", "VirtualDFU", "Reports", "MockDevices",
      ],
      exclude: ["Fixtures"]),
    proof(
      of: "Reports", imports: ["USB", "Firmware", "DFU", "DFUHost", "VirtualUSB", "VirtualDFU"]),
    proof(
      of: "Workbench",
      imports: [
        "USB", "Firmware", "DFU", "DFUHost", "VirtualUSB", "VirtualDFU", "DriverMatching",
        "Captures", "Reports",
        "MockDevices",
        "USBIP", system,
      ]),
    proof(
      of: "USBIP", imports: ["USB", "VirtualUSB", "VirtualDFU", "DFU", "DFUHost", "Firmware"] + nio),
    .testTarget(
      name: "DFUCommandTests",
      dependencies: [
        "DFUCommand", "Captures", "Firmware", "DFU", "DFUHost", "USB", "VirtualDFU", "MockDevices",
        system,
      ],
      exclude: ["Golden"], swiftSettings: house),
  ]
)
