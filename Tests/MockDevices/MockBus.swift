package import Foundation
package import USB

/// Devices that umockdev makes up for a program: their files under /sys, their nodes, and what they
/// answer.
package struct MockBus: Sendable {
  package var devices: [MockDevice]
  /// What the device at `MockDevice.path` answers, in the order in which it is asked.
  package var tape: (device: MockDevice, transfers: [TapedTransfer])?

  package init(
    devices: [MockDevice] = [.rootHub],
    tape: (device: MockDevice, transfers: [TapedTransfer])? = nil
  ) {
    self.devices = devices
    self.tape = tape
  }

  package static var isPossible: Bool {
    FileManager.default.isExecutableFile(atPath: "/usr/bin/umockdev-run")
  }

  /// How a program has ended, and what it has printed.
  package struct Ended {
    package var status: Int32
    package var output: String
    package var error: String
  }

  /// Runs a program among the devices.
  ///
  /// - Parameters:
  ///   - program: the program.
  ///   - arguments: of the program.
  ///   - script: run by a shell instead, with the program as `$0`.
  ///   - isNobody: whether the user is somebody without rights, also where root tests.
  ///   - environment: added to the plain one.
  ///   - folder: the current directory of the run; nil for one of its own.
  /// - Returns: its end.
  /// - Throws: what the system says when the process cannot be started.
  package func run(
    _ program: URL, _ arguments: [String] = [], script: String? = nil, isNobody: Bool = false,
    environment: [String: String] = [:], in folder: URL? = nil
  ) throws -> Ended {
    let scratch = try ScratchFolder()
    let fixture = scratch.url.appendingPathComponent("devices.umockdev")
    try Data(devices.map(\.description).joined(separator: "\n").utf8).write(to: fixture)
    var words = ["/usr/bin/umockdev-run"]
    if !devices.isEmpty { words += ["-d", fixture.path] }
    if let tape {
      let file = scratch.url.appendingPathComponent("tape.pcap")
      try Data(tapeBytes(tape.transfers, of: tape.device)).write(to: file)
      words += ["-p", "/sys\(tape.device.folder)=\(file.path)"]
    }
    words += ["--"]
    words += script.map { ["/bin/sh", "-c", $0, program.path] } ?? [program.path] + arguments
    if isNobody, getuid() == 0 {
      words = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] + words
    }
    let process = Process()
    // Bounded: a hang is a failure, and not the end of the suite.
    process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
    process.arguments = ["30"] + words
    process.currentDirectoryURL = folder ?? scratch.url
    var variables = [
      "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TMPDIR": "/tmp", "COLUMNS": "80",
      "LD_LIBRARY_PATH": ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"] ?? "",
    ]
    variables.merge(environment) { $1 }
    process.environment = variables
    process.standardInput = FileHandle.nullDevice
    let (output, error) = (try scratch.file("output"), try scratch.file("error"))
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: error)
    try process.run()
    process.waitUntilExit()
    return Ended(
      status: process.terminationStatus,
      output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
      error: String(decoding: try Data(contentsOf: error), as: UTF8.self))
  }
}

/// A device as the kernel tells of it.
package struct MockDevice: CustomStringConvertible, Sendable {
  package var path: PortPath
  package var address: UInt8
  package var descriptor: DeviceDescriptor
  package var configurations: [ConfigurationDescriptor]
  package var serial: String?
  package var product: String?
  package var manufacturer: String?
  package var speed = "12"
  /// Bytes in place of those of the configurations.
  package var rawConfigurations: [UInt8]?

  package init(
    path: PortPath, address: UInt8, descriptor: DeviceDescriptor,
    configurations: [ConfigurationDescriptor], serial: String? = nil, speed: String = "12"
  ) {
    self.path = path
    self.address = address
    self.descriptor = descriptor
    self.configurations = configurations
    self.serial = serial
    self.speed = speed
  }

  package var folder: String {
    "/devices/pci0000:00/0000:00:14.0/usb1" + (path.ports.isEmpty ? "" : "/\(path)")
  }

  /// The device as an `umockdev-record` would write it.
  package var description: String {
    let following = rawConfigurations ?? configurations.flatMap(\.bytes)
    let bytes = (descriptor.bytes + following).map { hex($0).uppercased() }.joined()
    let node =
      "bus/usb/00\(path.bus)/\(String(repeating: "0", count: address < 10 ? 2 : 1))\(address)"
    var lines = [
      "P: \(folder)", "N: \(node)=\(bytes)", "E: DEVTYPE=usb_device", "E: SUBSYSTEM=usb",
      "E: DEVNAME=/dev/\(node)", "A: bConfigurationValue=1", "A: busnum=\(path.bus)\\n",
      "A: devnum=\(address)\\n", "A: speed=\(speed)\\n",
      "A: devpath=\(path.ports.map(String.init).joined(separator: "."))\\n",
    ]
    for (name, text) in [("serial", serial), ("product", product), ("manufacturer", manufacturer)] {
      if let text { lines.append("A: \(name)=\(text)\\n") }
    }
    lines.append("H: descriptors=\(bytes)")
    return lines.joined(separator: "\n") + "\n"
  }

  package static let rootHub = MockDevice(
    path: PortPath(bus: 1, ports: []), address: 1,
    descriptor: DeviceDescriptor(
      deviceClass: ClassTriple(9, 0, 1), vendor: VendorID(0x1D6B), product: ProductID(2),
      deviceVersion: BCDVersion(0x0601)),
    configurations: [
      ConfigurationDescriptor(interfaces: [
        InterfaceDescriptor(number: 0, interfaceClass: ClassTriple(9, 0, 0))
      ])
    ], speed: "480")

  /// The bootloader in the ROM of an STM32F4: four memories as four settings (AN3156; UM0424).
  package static let bootloader = MockDevice(
    path: PortPath(bus: 1, ports: [2]), address: 5,
    descriptor: DeviceDescriptor(
      usbVersion: BCDVersion(0x0100), vendor: .stMicroelectronics, product: ProductID(0xDF11),
      deviceVersion: BCDVersion(0x2200), manufacturerIndex: 1, productIndex: 2,
      serialNumberIndex: 3),
    configurations: [
      ConfigurationDescriptor(
        attributes: 0xC0,
        interfaces: (0..<4).map { setting in
          InterfaceDescriptor(
            number: 0, alternateSetting: setting, interfaceClass: .dfuMode,
            nameIndex: 4 + setting,
            extra: setting < 3
              ? [] : [RawDescriptor(bytes: [9, 0x21, 0x0B, 0xFF, 0, 0, 8, 0x1A, 1], offset: 0)])
        })
    ], serial: "3276364D3034")

  /// A device of its vendor's own class with bulk endpoints.
  package static let pipes = MockDevice(
    path: PortPath(bus: 1, ports: [4]), address: 12,
    descriptor: DeviceDescriptor(
      vendor: VendorID(0x1D50), product: ProductID(0x607F), deviceVersion: BCDVersion(0x0100)),
    configurations: [
      ConfigurationDescriptor(interfaces: [
        InterfaceDescriptor(
          number: 0, interfaceClass: ClassTriple(0xFF, 0, 0),
          endpoints: [
            EndpointDescriptor(address: 0x01, attributes: 2, maxPacketSize: 64, interval: 0),
            EndpointDescriptor(address: 0x81, attributes: 2, maxPacketSize: 64, interval: 0),
            EndpointDescriptor(address: 0x82, attributes: 3, maxPacketSize: 8, interval: 10),
          ])
      ])
    ])
}

/// A transfer and its end, as umockdev plays it back from a recording of usbmon.
package struct TapedTransfer: Sendable {
  package var kind: UInt8
  package var endpoint: UInt8
  /// The setup packet of a control transfer.
  package var setup = [UInt8](repeating: 0, count: 8)
  /// How many bytes may go.
  package var length: Int
  package var sent: [UInt8] = []
  /// Negative errno.
  package var status: Int32 = 0
  package var answer: [UInt8] = []
  package var count: Int

  package static func control(
    _ setup: SetupPacket, sent: [UInt8] = [], answer: [UInt8] = [], status: Int32 = 0
  ) -> TapedTransfer {
    TapedTransfer(
      kind: 2, endpoint: setup.requestType.rawValue & 0x80, setup: setup.bytes,
      length: Int(setup.length), sent: sent, status: status, answer: answer,
      count: sent.count + answer.count)
  }

  package static func bulkIn(
    _ endpoint: UInt8, length: Int, answer: [UInt8], status: Int32 = 0, kind: UInt8 = 3
  ) -> TapedTransfer {
    TapedTransfer(
      kind: kind, endpoint: endpoint, length: length, status: status, answer: answer,
      count: answer.count)
  }

  package static func bulkOut(_ endpoint: UInt8, _ data: [UInt8]) -> TapedTransfer {
    TapedTransfer(kind: 3, endpoint: endpoint, length: data.count, sent: data, count: data.count)
  }
}

/// The bytes of a pcap file with link type 220 (Linux, Documentation/usb/usbmon.rst).
private func tapeBytes(_ transfers: [TapedTransfer], of device: MockDevice) -> [UInt8] {
  var bytes = UInt32(0xA1B2_C3D4).littleEndianBytes + [2, 0, 4, 0]
  bytes += [UInt8](repeating: 0, count: 8) + UInt32(65535).littleEndianBytes
  bytes += UInt32(220).littleEndianBytes
  for (number, transfer) in transfers.enumerated() {
    for isEnd in [false, true] {
      let data = isEnd ? transfer.answer : transfer.sent
      let size = UInt32(64 + data.count).littleEndianBytes
      bytes += [UInt8](repeating: 0, count: 8) + size + size
      bytes += UInt64(number + 1).littleEndianBytes
      bytes += [UInt8(ascii: isEnd ? "C" : "S"), transfer.kind, transfer.endpoint, device.address]
      bytes += UInt16(device.path.bus).littleEndianBytes + [0, 0]
      bytes += [UInt8](repeating: 0, count: 12) + transfer.status.littleEndianBytes
      bytes += UInt32(isEnd ? transfer.count : transfer.length).littleEndianBytes
      bytes += UInt32(data.count).littleEndianBytes + transfer.setup
      bytes += [UInt8](repeating: 0, count: 16) + data
    }
  }
  return bytes
}

/// A folder for one test, removed after it. Anyone may read it.
package final class ScratchFolder: Sendable {
  package let url: URL

  package init() throws {
    url = URL(fileURLWithPath: "/tmp/dfu-libusb-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: url, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// An empty file in it.
  func file(_ name: String) throws -> URL {
    let file = url.appendingPathComponent(name)
    try Data().write(to: file)
    return file
  }
}
