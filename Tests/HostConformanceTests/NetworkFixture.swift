import HostConformance
import Testing
import USB
import USBIP
import VirtualUSB

/// A reference device behind our server, seen through our client.
enum NetworkFixture {
  static func run<Result>(
    speed: USBSpeed = .full, _ body: (Fixture) async throws -> Result
  ) async throws -> Result {
    let clock = AnyClock(ContinuousClock())
    let virtual = Fixture.virtual(clock, speed: speed)
    let port = ExportedPort(
      try #require(BusID("\(virtual.path)")), of: virtual.host, at: virtual.path)
    let server = try await USBIPServer.start(port: 0, clock: clock, ports: { [port] })
    let address = USBIPAddress(host: "127.0.0.1", port: server.port)
    var fixture = virtual
    fixture.host = USBIPHost(address, clock: clock)
    fixture.absent = [
      .descriptors: "a server lists neither configurations nor serial numbers",
      .secondHandle: "USB/IP gives a device to one client",
    ]
    do {
      let result = try await body(fixture)
      await server.stop()
      return result
    } catch {
      await server.stop()
      throw error
    }
  }
}
