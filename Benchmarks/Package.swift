// swift-tools-version: 6.2
import PackageDescription

// Speed, reported beside its goals and beside other programs. Nothing here is asserted.
let package = Package(
  name: "Benchmarks",
  platforms: [.macOS(.v26)],
  dependencies: [.package(name: "swift-dfu", path: "..")],
  targets: [
    .executableTarget(
      name: "Speed",
      dependencies: [
        "USB", "Firmware", "DFU", "DFUHost", "VirtualUSB", "VirtualDFU", "DriverMatching",
        "Reports",
      ].map { .product(name: $0, package: "swift-dfu") },
      swiftSettings: [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
      ])
  ]
)
