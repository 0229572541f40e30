import HostConformance
import LibUSB
import USB
import USBIP
import VirtualUSB

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// `host-conformance serve [PORT]`: the reference device on USB/IP, as 1-2, until the process is killed.
/// `host-conformance run libusb`: the promises of a host, tried on the reference device that is attached to this
/// machine. `host-conformance run usbip://HOST[:PORT]`: the same through our client.
///
/// A line for each promise; ends with 1 where one is broken.
@main
struct ConformanceCommand {
  static let clock = AnyClock(ContinuousClock())

  static func main() async throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    switch arguments.first {
    case "serve": try await serve(port: arguments.dropFirst().first.flatMap { Int($0) } ?? 3240)
    case "run" where arguments.count == 2: try await run(arguments[1])
    default:
      print("usage: host-conformance serve [PORT] | run libusb | run usbip://HOST[:PORT]")
      exit(64)
    }
  }

  static func serve(port: Int) async throws {
    let virtual = Fixture.virtual(clock)
    guard let busID = BusID("\(virtual.path)") else { exit(70) }
    let exported = ExportedPort(busID, of: virtual.host, at: virtual.path)
    let server = try await USBIPServer.start(port: port, clock: clock, ports: { [exported] })
    print("the reference device is \(busID) at port \(server.port)")
    await server.ended()
  }

  static func run(_ place: String) async throws {
    let host: any USBHost
    var absent: [Ability: String] = [:]
    if place == "libusb" {
      host = try LibUSBHost(clock: clock)
      absent[.returning] = "the kernel does not import again what has left"
    } else if place.hasPrefix("usbip://") {
      host = USBIPHost(try USBIPAddress(place.dropFirst(8)), clock: clock)
      absent[.descriptors] = "a server lists neither configurations nor serial numbers"
      absent[.secondHandle] = "USB/IP gives a device to one client"
    } else {
      print("“\(place)” is neither libusb nor usbip://HOST[:PORT]")
      exit(64)
    }
    // The ids of the reference device, which pid.codes keeps for tests.
    guard let info = try await host.devices().first(where: { $0.ids == "1209:0001" }) else {
      print("no reference device is attached: `host-conformance serve`, and `usbip attach`")
      exit(69)
    }
    // An emulated processor is slow.
    let fixture = Fixture(
      host: host, clock: clock, path: info.path, speed: info.speed, absent: absent,
      moment: .milliseconds(200), patience: .seconds(20))
    var (kept, broken, skipped) = (0, 0, 0)
    for check in Check.all {
      switch await check.run(on: fixture) {
      case .kept:
        kept += 1
        print("kept    \(check.name)")
      case .skipped(let reason):
        skipped += 1
        print("skipped \(check.name): \(reason)")
      case .broken(let what):
        broken += 1
        print("BROKEN  \(check.name): \(what)")
      }
    }
    print("\(kept) promises kept, \(broken) broken, \(skipped) not asked")
    if broken > 0 { exit(1) }
  }
}
