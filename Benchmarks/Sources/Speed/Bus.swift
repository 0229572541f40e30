import Reports
import USB
import VirtualUSB

/// Descriptors, trees and enumerations: only our own work, no device waits.
enum Bus {
  /// A device with a keyboard, a serial port and a bootloader, as it stands in the `descriptors` file of sysfs.
  static let device: [UInt8] = {
    func descriptors(_ text: String) -> [UInt8] {
      text.split { $0 == " " || $0 == "\n" }.compactMap { UInt8($0, radix: 16) }
    }
    var configuration = descriptors(
      """
      09 02 00 00 04 01 00 a0 32
      09 04 00 00 01 03 01 01 00 09 21 11 01 00 01 22 3f 00 07 05 81 03 08 00 0a
      08 0b 01 02 02 02 01 00 09 04 01 00 01 02 02 01 00 05 24 00 10 01 05 24 01 00 02 04 24 02 02
      05 24 06 01 02 07 05 82 03 08 00 10
      09 04 02 00 02 0a 00 00 00 07 05 03 02 40 00 00 07 05 83 02 40 00 00
      09 04 03 00 00 fe 01 02 04 09 04 03 01 00 fe 01 02 05 09 21 0b ff 00 00 08 1a 01
      """)
    configuration[2] = UInt8(configuration.count)
    return descriptors("12 01 00 02 ef 02 01 40 83 04 40 57 00 02 01 02 03 01") + configuration
  }()

  static func reportDescriptors() {
    var rows: [[String]] = []
    func add(_ name: String, _ rounds: Int, _ goal: String, _ body: () -> Void) {
      let time = Measure.best { for _ in 0..<rounds { body() } }
      let rate = Double(device.count * rounds) / 1e6 / time.inSeconds
      rows.append([name, (time / rounds).text, rounded(rate, places: 1), goal])
    }
    var sum = 0
    var places: [FieldPlace] = []
    add("found, and every rule checked", 2000, "100") {
      sum &+= DescriptorTree(parsing: device, speed: .full).nodes.count
    }
    add("the number of every field read as well", 2000, "") {
      let tree = DescriptorTree(parsing: device, speed: .full)
      for node in tree.nodes {
        places.removeAll(keepingCapacity: true)
        tree.findPlaces(of: node, appendingTo: &places)
        let bytes = tree.bytes(of: node)
        for place in places {
          sum &+= Int(truncatingIfNeeded: place.number(in: bytes) ?? 0)
        }
      }
    }
    add("every field by its name, with its bytes", 500, "") {
      let tree = DescriptorTree(parsing: device, speed: .full)
      for node in tree.nodes { sum &+= tree.fields(of: node).count }
    }
    add("as text", 200, "") {
      let set = DescriptorSet(parsing: device, speed: .full)
      sum &+= DescriptorsReport(set, source: "").text(.plain).utf8.count
    }
    printTable(
      "Descriptors: a composite device, \(device.count) bytes",
      ["work", "a device", "MB/s", "goal"], rows)
    if sum == 0 { print("nothing was decoded") }
  }

  static func reportTree() {
    var reader = ByteReader(device.span.bytes)
    guard let descriptor = try? DeviceDescriptor(parsing: &reader) else { return }
    let configurations = ConfigurationDescriptor.all(parsing: &reader)
    let devices = (0..<127).map { (index: Int) -> DeviceInfo in
      // Seven at the root, and the others behind them.
      let port = UInt8(index % 7 + 1)
      let ports: [UInt8] = index < 7 ? [port] : [port, UInt8(index / 7)]
      return DeviceInfo(
        id: DeviceID(rawValue: UInt64(index)), path: PortPath(bus: 1, ports: ports),
        address: UInt8(index + 1), speed: .full, descriptor: descriptor,
        configurations: configurations, activeConfiguration: 1)
    }
    let tree = Measure.best { _ = BusTreeReport(devices).text(.plain) }
    let verbose = Measure.best { _ = BusTreeReport(devices).text(.plain, isVerbose: true) }
    let enumeration = Measure.best(of: 3) {
      var topology = VirtualTopology(portCount: 8)
      for port in UInt8(1)...8 {
        try? topology.plugIn(VirtualHub(portCount: 14), at: PortPath(bus: 1, ports: [port]))
        for below in UInt8(1)...14 {
          try? topology.plugIn(
            VirtualHub(portCount: 1), at: PortPath(bus: 1, ports: [port, below]))
        }
      }
      var host = Enumeration(like: .windows, topology)
      host.run()
    }
    printTable(
      "127 devices", ["work", "time", "goal"],
      [
        ["dfu usb tree", tree.text, "100 ms"], ["dfu usb tree -v", verbose.text, ""],
        ["120 hubs enumerated", enumeration.text, ""],
      ])
  }
}
