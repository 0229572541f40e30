import Testing
import USB

@testable import LibUSB

/// On the machine as it is, whatever is attached.
@Suite("The host on this machine", .timeLimit(.minutes(1)))
struct HostTests {
  private func host(_ watching: LibUSBHost.Watching) throws -> LibUSBHost {
    try LibUSBHost(clock: AnyClock(ContinuousClock()), watching: watching)
  }

  @Test(arguments: [LibUSBHost.Watching.events, .polling])
  func `ids stay while a device is attached`(_ watching: LibUSBHost.Watching) async throws {
    let host = try host(watching)
    let first = try await host.devices()
    let second = try await host.devices()
    #expect(first.map(\.id) == second.map(\.id))
    #expect(first.map(\.path) == first.map(\.path).sorted())
  }

  @Test func `an id that was never given is not found`() async throws {
    let host = try host(.events)
    let error = await #expect(throws: HostError.self) {
      _ = try await host.open(DeviceID(rawValue: 4711))
    }
    #expect(error?.code == .notFound)
  }

  @Test(arguments: [LibUSBHost.Watching.events, .polling])
  func `streams end when the host goes away`(_ watching: LibUSBHost.Watching) async throws {
    var streams: [AsyncStream<HostEvent>] = []
    do {
      let host = try host(watching)
      streams = [host.events(), host.events()]
    }
    for stream in streams { for await _ in stream {} }
  }

  @Test(arguments: [LibUSBHost.Watching.events, .polling])
  func `listening begins, ends and begins again`(_ watching: LibUSBHost.Watching) async throws {
    let host = try host(watching)
    for _ in 0..<20 {
      let listener = host.listen(clock: AnyClock(ContinuousClock()))
      _ = await listener.next(within: .milliseconds(1))
    }
    _ = try await host.devices()
  }

  @Test func `many hosts at a time do not disturb each other`() async throws {
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<8 {
        group.addTask {
          guard let host = try? LibUSBHost(clock: AnyClock(ContinuousClock())) else { return false }
          let events = host.events()
          defer { _ = events }
          return (try? await host.devices()) != nil
        }
      }
      for await isFine in group { #expect(isFine) }
    }
  }
}
