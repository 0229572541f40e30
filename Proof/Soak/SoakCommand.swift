import Synchronization
import USB
import USBIP
import VirtualDFU
import VirtualUSB

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// `usbip-soak [COUNT]`: so many control transfers through our client and our server over loopback, one after
/// the other and eight at a time; the memory of the process must not grow after the first 10 000.
@main
struct SoakCommand {
  /// What an allocator may move without a leak: less than a byte and a half for each of a million transfers.
  static let tolerance = 1 << 20
  static let settling = 10_000
  static let board = PortPath(bus: 1, ports: [1])

  static func main() async throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard arguments.count <= 1, let count = Int(arguments.first ?? "1000000"), count > 0 else {
      print("usage: usbip-soak [COUNT]")
      exit(64)
    }
    let bus = VirtualBus(clock: SimulatedClock())
    bus.attach(VirtualBootloader(.stm32f407), path: board)
    guard let busID = BusID("1-1") else { exit(70) }
    let ports = [ExportedPort(busID, of: bus, at: board)]
    let clock = AnyClock(ContinuousClock())
    let server = try await USBIPServer.start(port: 0, clock: clock, ports: { ports })
    let host = USBIPHost(USBIPAddress(host: "127.0.0.1", port: server.port), clock: clock)
    guard let info = try await host.devices().first else { exit(70) }
    let device = try await host.open(info.id)
    let before = residentBytes()
    try await run(min(settling, count), on: device, atATime: 8)
    let settled = residentBytes()
    for width in [1, 8] {
      let half = max(1, (count - settling) / 2)
      let start = ContinuousClock.now
      try await run(half, on: device, atATime: width)
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      print(
        "\(half) control transfers, \(width) at a time: \(Int(Double(half) / seconds)) a second")
    }
    let end = residentBytes()
    print(
      "resident memory: \(before >> 10) KiB at the start, \(settled >> 10) KiB after \(settling), "
        + "\(end >> 10) KiB at the end")
    await device.close()
    await server.stop()
    guard end - settled <= tolerance else {
      print("it has grown by \((end - settled) >> 10) KiB")
      exit(1)
    }
  }

  /// Alternates reads of the device descriptor and of a status, each answer checked.
  static func run(_ count: Int, on device: any USBDevice, atATime width: Int) async throws {
    let descriptor = try await device.controlIn(
      .getDescriptor(.device, length: 18), timeout: .seconds(5))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for worker in 0..<width {
        group.addTask {
          for number in stride(from: worker, to: count, by: width) {
            let answer: [UInt8]
            if number % 2 == 0 {
              answer = try await device.controlIn(
                .getDescriptor(.device, length: 18), timeout: .seconds(5))
              guard answer == descriptor else { throw Wrong() }
            } else {
              answer = try await device.controlIn(getStatus, timeout: .seconds(5))
              guard answer.count == 2 else { throw Wrong() }
            }
          }
        }
      }
      try await group.waitForAll()
    }
  }

  static let getStatus = SetupPacket(
    RequestType(.in, .standard, .device), request: StandardRequest.getStatus.rawValue, value: 0,
    index: 0, length: 2)

  struct Wrong: Error {}

  /// What the process has in memory; 0 where the system does not tell in this way.
  static func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
    let text = String(
      decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let fields = text.split(separator: " ")
    guard fields.count > 1, let pages = Int(fields[1]) else { return 0 }
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
  }
}
