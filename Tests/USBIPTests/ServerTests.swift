import DFU
import Testing
import USB
import VirtualDFU
import VirtualUSB

@testable import USBIP

/// The server among clients that are late, rude, or gone.
@Suite(.timeLimit(.minutes(1))) struct ServerTests {
  static let busID = BusID("1-1")
  static let listRequest: [UInt8] = [0x01, 0x11, 0x80, 0x05, 0, 0, 0, 0]

  private static func policy(
    _ change: (inout USBIPServer.Policy) -> Void
  ) -> USBIPServer.Policy {
    var policy = USBIPServer.Policy()
    change(&policy)
    return policy
  }

  @Test(arguments: [0, 1, 7, 8, 39])
  func `a client that does not say what it wants is dropped`(_ said: Int) async throws {
    let policy = Self.policy { $0.handshakeLimit = .milliseconds(30) }
    try await LoopbackBench.run([VirtualBootloader(.stm32f407)], policy: policy) { bench in
      let rest = try await RawPeer.run(to: bench.server.port) { talk in
        var request = try #require(Self.busID).field
        request = [0x01, 0x11, 0x80, 0x03, 0, 0, 0, 0] + request
        try await talk.send(Array(request.prefix(said)))
        return await talk.rest()
      }
      #expect(rest.isEmpty)
      await bench.log.wait(for: 1)
      guard case .dropped = bench.log.events.first else {
        Issue.record("\(bench.log.events)")
        return
      }
    }
  }

  /// What is no request: each ends the connection without an answer.
  @Test(
    arguments: [
      [0x01, 0x06, 0x80, 0x05, 0, 0, 0, 0], [0x01, 0x11, 0x00, 0x05, 0, 0, 0, 0],
      [0x01, 0x11, 0x80, 0x02, 0, 0, 0, 0], Array("GET / HTTP/1.1\r\n\r\n".utf8),
      [0, 0, 0, 1, 0, 0, 0, 1] + Array(repeating: 0, count: 40),
      [0x01, 0x11, 0x80, 0x03, 0, 0, 0, 0] + Array(repeating: 0x41, count: 32),
      [0x01, 0x11, 0x80, 0x03, 0, 0, 0, 0] + Array(repeating: 0, count: 32),
    ] as [[UInt8]])
  func `what is no request ends the connection, and that alone`(_ bytes: [UInt8]) async throws {
    try await LoopbackBench.run([VirtualBootloader(.stm32f407)]) { bench in
      let rest = try await RawPeer.run(to: bench.server.port) { talk in
        try await talk.send(bytes)
        return await talk.rest()
      }
      #expect(rest.isEmpty)
      #expect(try await bench.host().devices().count == 1)
    }
  }

  @Test func `a second import of a taken device is told that it is busy`() async throws {
    try await LoopbackBench.run([VirtualBootloader(.stm32f407)]) { bench in
      let busID = try #require(Self.busID)
      let (first, second) = try await RawPeer.run(to: bench.server.port) { one in
        let first = try await one.importDevice(busID)
        let second = try await RawPeer.run(to: bench.server.port) { two in
          let head = try await two.importDevice(busID)
          return head + (await two.rest())
        }
        // And it is not listed.
        let listed = try await bench.host().devices()
        #expect(listed.isEmpty)
        return (first, second)
      }
      #expect(first.count == 320)
      #expect(second == [0x01, 0x11, 0x00, 0x03, 0, 0, 0, 2])
      await bench.log.wait(for: 3)
      #expect(try await bench.host().devices().count == 1)
    }
  }

  @Test func `of many who ask at once one gets the device (CVE-2018-5814)`() async throws {
    try await LoopbackBench.run([VirtualBootloader(.stm32f407)]) { bench in
      let busID = try #require(Self.busID)
      let port = bench.server.port
      for _ in 0..<10 {
        // Each holds what it was given until all have asked.
        let asked = AsyncStream<Void>.makeStream()
        let answers = try await withThrowingTaskGroup(of: [UInt8].self) { group in
          let gates = (0..<8).map { _ in AsyncStream<Void>.makeStream() }
          for gate in gates {
            group.addTask {
              try await RawPeer.run(to: port) { talk in
                let answer = try await talk.importDevice(busID)
                asked.continuation.yield()
                for await _ in gate.stream {}
                return answer
              }
            }
          }
          var count = 0
          for await _ in asked.stream {
            count += 1
            if count == gates.count { break }
          }
          for gate in gates { gate.continuation.finish() }
          return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.count { $0.count == 320 } == 1)
        #expect(answers.count { $0 == [0x01, 0x11, 0x00, 0x03, 0, 0, 0, 2] } == 7)
        // It is free again before the next round.
        while try await bench.host().devices().isEmpty { await Task.yield() }
      }
    }
  }

  @Test func `a transfer that comes with the import is begun after its answer (CVE-2021-29265)`()
    async throws
  {
    try await LoopbackBench.run([VirtualBootloader(.stm32f407)]) { bench in
      let busID = try #require(Self.busID)
      var client = ClientSession(importing: busID)
      var submission = URBSubmission.control(.getDescriptor(.device, length: 18))
      submission.sequence = 7
      let both = client.takeOutput() + submission.bytes(devid: 1 << 16 | 1)
      let answer = try await RawPeer.run(to: bench.server.port) { talk in
        try await talk.send(both)
        return await talk.read(320 + 66)
      }
      try #require(answer.count == 386)
      #expect(Array(answer[..<8]) == [0x01, 0x11, 0x00, 0x03, 0, 0, 0, 0])
      #expect(Array(answer[320..<328]) == [0, 0, 0, 3, 0, 0, 0, 7])
      #expect(Array(answer[368..<370]) == [18, 1])
    }
  }

  /// CVE-2017-16911 showed addresses of the kernel: a record tells what a client needs, and nothing of the server.
  @Test func `a record names no file and no serial number of the server (CVE-2017-16911)`()
    async throws
  {
    let profile = try Profile.stm32f407.setting("serial", to: "SECRET")
    try await LoopbackBench.run([VirtualBootloader(profile)]) { bench in
      let list = try await RawPeer.run(to: bench.server.port) { talk in
        try await talk.send(Self.listRequest)
        return await talk.rest()
      }
      let text = String(decoding: list, as: UTF8.self)
      #expect(text.contains("/swift-dfu/1-1"))
      #expect(!text.contains("SECRET"))
      #expect(!text.contains("/sys"))
    }
  }

  @Test(arguments: ["1-2", "no-such", String(repeating: "x", count: 31)])
  func `what is not exported is told as no such device`(_ name: String) async throws {
    try await LoopbackBench.run([VirtualBootloader(.stm32f407)]) { bench in
      let answer = try await RawPeer.run(to: bench.server.port) { talk in
        try await talk.importDevice(try #require(BusID(name)))
      }
      #expect(answer == [0x01, 0x11, 0x00, 0x03, 0, 0, 0, 4])
    }
  }

  @Test func `a client may be allowed to list only`() async throws {
    let policy = Self.policy { $0.mayImport = { $0 != "127.0.0.1" } }
    try await LoopbackBench.run([VirtualBootloader(.stm32f407)], policy: policy) { bench in
      let host = bench.host()
      let info = try #require(try await host.devices().first)
      await #expect(throws: HostError.self) { try await host.open(info.id) }
    }
  }

  @Test func `one connection too many is closed, and the others stay`() async throws {
    let policy = Self.policy { $0.connections = 1 }
    try await LoopbackBench.run([VirtualBootloader(.stm32f407)], policy: policy) { bench in
      let busID = try #require(Self.busID)
      try await RawPeer.run(to: bench.server.port) { one in
        _ = try await one.importDevice(busID)
        let rest = try await RawPeer.run(to: bench.server.port) { await $0.rest() }
        #expect(rest.isEmpty)
        try await one.submit(1, .control(.getDescriptor(.device, length: 18)))
        #expect(await one.read(48 + 18).count == 66)
      }
    }
  }

  @Test func `unknown endpoints stall, isochronous transfers fail, and the connection stays`()
    async throws
  {
    try await LoopbackBench.run([VirtualBootloader(.stm32f407)]) { bench in
      let busID = try #require(Self.busID)
      try await RawPeer.run(to: bench.server.port) { talk in
        _ = try await talk.importDevice(busID)
        try await talk.submit(5, URBSubmission(direction: .in, endpoint: 1, length: 64))
        let stalled = await talk.read(48)
        try #require(stalled.count == 48)
        #expect(Array(stalled[0x14..<0x18]) == [0xFF, 0xFF, 0xFF, 0xE0])
        let packet = IsochronousPacket(offset: 0, length: 8, actualLength: 0, status: .none)
        try await talk.submit(
          6,
          URBSubmission(
            direction: .in, endpoint: 2, length: 8, packetCount: 1, packets: [packet]))
        let failed = await talk.read(48 + 16)
        try #require(failed.count == 64)
        #expect(Array(failed[0x14..<0x18]) != [0, 0, 0, 0])
        #expect(Array(failed[0x20..<0x24]) == [0, 0, 0, 1])
        try await talk.submit(7, .control(.getDescriptor(.device, length: 18)))
        #expect(await talk.read(66).suffix(18).first == 18)
      }
    }
  }

  @Test func `a client that reads nothing is held back, and is dropped in the end`() async throws {
    let policy = Self.policy { $0.writeLimit = .milliseconds(200) }
    try await LoopbackBench.run([VirtualBootloader(.stm32f407)], policy: policy) { bench in
      let busID = try #require(Self.busID)
      // Its socket takes no more at some point; writing then waits, and this end is closed.
      try await RawPeer.run(to: bench.server.port) { talk in
        _ = try await talk.importDevice(busID)
        let request = URBSubmission.control(.getDescriptor(.configuration, length: 255))
        var sequence: UInt32 = 0
        do {
          while true {
            var batch: [UInt8] = []
            for _ in 0..<64 {
              sequence &+= 1
              var one = request
              one.sequence = sequence
              batch += one.bytes(devid: 0x10001)
            }
            try await talk.send(batch)
          }
        } catch {
          // The server has closed.
        }
      }
      await bench.log.wait(for: 2)
      #expect(
        bench.log.events.contains {
          if case .dropped = $0 { true } else { false }
        })
      #expect(try await bench.host().devices().count == 1)
    }
  }

  @Test func `a client that goes away in the middle of a transfer frees its device`() async throws {
    try await LoopbackBench.run([VirtualBootloader(.stm32f407)]) { bench in
      let busID = try #require(Self.busID)
      for round in 1...10 {
        try await RawPeer.run(to: bench.server.port) { talk in
          _ = try await talk.importDevice(busID)
          for sequence in 1...20 {
            try await talk.submit(
              UInt32(sequence), .control(.getDescriptor(.device, length: 18)))
          }
        }
        await bench.log.wait(for: 2 * round)
        #expect(try await bench.host().devices().count == 1)
      }
    }
  }

  @Test func `the second read of 64 bytes of the device descriptor resets the device`()
    async throws
  {
    let profile = try Profile.runtime.setting("will-detach", to: "no")
      .setting("detach-timeout", to: "65535")
    try await LoopbackBench.run([VirtualBootloader(profile)], pace: 5) { bench in
      let busID = try #require(Self.busID)
      let there = try #require(try await bench.bus.devices().first)
      let function = try #require(
        there.configurations.lazy.flatMap(DFUFunction.find(in:)).first)
      let product = try await RawPeer.run(to: bench.server.port) { talk in
        _ = try await talk.importDevice(busID)
        let head = URBSubmission.control(.getDescriptor(.device, length: 64))
        try await talk.submit(1, head)
        _ = await talk.read(66)
        let detach = SetupPacket(
          RequestType(.out, .class, .interface), request: 0, value: 60_000,
          index: UInt16(function.interfaceNumber), length: 0)
        try await talk.submit(2, .control(detach))
        let answer = await talk.read(48)
        try #require(answer.count == 48)
        #expect(Array(answer[0x14..<0x18]) == [0, 0, 0, 0])
        try await talk.submit(3, head)
        let descriptor = await talk.read(66).suffix(18)
        try #require(descriptor.count == 18)
        return Array(descriptor)[10..<12]
      }
      #expect(Array(product) == [0x00, 0x40])
      #expect(
        bench.log.events.contains {
          if case .followed = $0 { true } else { false }
        })
    }
  }
}
