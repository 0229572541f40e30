// swift-tools-version: 6.2
import PackageDescription

// One executable for each parser and each engine, linked with libFuzzer. `run` builds and runs them.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  // libFuzzer brings `main`.
  .unsafeFlags(["-parse-as-library"]),
]

func room(_ name: String) -> Target.Dependency { .product(name: name, package: "swift-dfu") }

func fuzzer(_ name: String, of rooms: [String]) -> Target {
  .executableTarget(
    name: name, dependencies: ["FuzzInput"] + rooms.map(room), swiftSettings: settings)
}

let package = Package(
  name: "Fuzz",
  platforms: [.macOS(.v26)],
  dependencies: [.package(name: "swift-dfu", path: "..")],
  targets: [
    .target(name: "FuzzInput", dependencies: [room("Firmware"), room("USB")]),
    fuzzer("descriptors", of: ["USB"]),
    fuzzer("layouts", of: ["USB", "Captures", "Reports"]),
    fuzzer("dumps", of: ["USB", "Captures", "Reports"]),
    fuzzer("inf", of: ["USB", "DriverMatching"]),
    fuzzer("functions", of: ["USB", "DFU"]),
    fuzzer("status", of: ["USB", "DFU"]),
    fuzzer("map", of: ["DFU"]),
    fuzzer("options", of: ["USB", "DFU"]),
    fuzzer("file", of: ["Firmware"]),
    fuzzer("dfuse", of: ["Firmware"]),
    fuzzer("suffix", of: ["Firmware"]),
    fuzzer("hex", of: ["Firmware"]),
    fuzzer("srecord", of: ["Firmware"]),
    fuzzer("elf", of: ["Firmware"]),
    fuzzer("uf2", of: ["Firmware"]),
    fuzzer("bootloader", of: ["USB", "DFU", "VirtualUSB", "VirtualDFU"]),
    fuzzer("faults", of: ["USB", "VirtualUSB", "VirtualDFU"]),
    fuzzer("device", of: ["USB", "DFU", "VirtualUSB", "VirtualDFU"]),
    fuzzer("settings", of: ["USB", "DFU", "VirtualUSB", "VirtualDFU"]),
    fuzzer("state", of: ["USB", "DFU", "VirtualUSB", "VirtualDFU"]),
    fuzzer("engines", of: ["USB", "DFU", "DFUHost"]),
    fuzzer("recording", of: ["USB", "Captures"]),
    fuzzer("capture", of: ["USB", "Captures", "Reports"]),
    fuzzer("replay", of: ["USB", "DFU", "DFUHost", "Captures"]),
    fuzzer("plan", of: ["USB", "DFU", "Firmware", "DFUHost"]),
    fuzzer("usbip-server", of: ["USB", "USBIP"]),
    fuzzer("usbip-client", of: ["USB", "USBIP"]),
    fuzzer("usbip-names", of: ["USB", "USBIP"]),
    fuzzer("aliases", of: ["USB", "DriverMatching"]),
    fuzzer("udev-rules", of: ["USB", "DriverMatching"]),
    fuzzer("drivers", of: ["USB", "DriverMatching"]),
  ]
)
