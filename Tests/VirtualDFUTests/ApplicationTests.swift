import DFU
import Testing
import USB
import VirtualUSB

@testable import VirtualDFU

@Suite("Run time") struct ApplicationTests {
  // MARK: Rows 0 and 1 of annex A

  @Test func `the application is on the bus, with a DFU interface of protocol 1 among others`()
    async throws
  {
    try await RuntimeBench.run { bench in
      let present = try await bench.present()
      #expect(present == "cafe:4001")
      let configuration = bench.device.info.configurations[0]
      #expect(configuration.faults.isEmpty)
      #expect(
        configuration.interfaces.map(\.interfaceClass.description) == ["ff/00/00", "fe/01/01"])
      #expect(
        configuration.interfaces[1].extra.first?.bytes == [9, 0x21, 0x0F, 0xE8, 3, 64, 0, 1, 1])
      #expect(try await bench.status() == GetStatusResponse(state: .appIdle))
      #expect(bench.events == [.launched(0)])
    }
  }

  @Test(arguments: [DFURequest.clearStatus, .abort, .download])
  func `in appIDLE every other request is stalled, and nothing changes`(
    _ request: DFURequest
  ) async throws {
    try await RuntimeBench.run { bench in
      let error = await #expect(throws: TransferError.self) { try await bench.send(request) }
      #expect(error?.code == .stall)
      let state = try await bench.status().state
      #expect(state == .appIdle)
    }
  }

  @Test(arguments: [DFURequest.clearStatus, .abort, .download, .detach])
  func `in appDETACH every other request is stalled, and ends it`(
    _ request: DFURequest
  ) async throws {
    try await RuntimeBench.run("will-detach=no") { bench in
      try await bench.send(.detach, value: 1000)
      #expect(try await bench.status().state == .appDetach)
      let error = await #expect(throws: TransferError.self) { try await bench.send(request) }
      #expect(error?.code == .stall)
      #expect(try await bench.status().state == .appIdle)
      try await bench.device.reset()
      #expect(try await bench.present() == "cafe:4001")
    }
  }

  @Test func `requests to the other interface, and before SET_CONFIGURATION, are stalled`()
    async throws
  {
    try await RuntimeBench.run { bench in
      try await bench.device.claimInterface(0)
      let error = await #expect(throws: TransferError.self) {
        try await bench.device.controlIn(
          DFURequest.getStatus(interface: 0), timeout: .seconds(1))
      }
      #expect(error?.code == .stall)
      #expect(try await bench.device.bulkOut(endpoint: 1, data: [1, 2], timeout: .seconds(1)) == 2)
      let silence = await #expect(throws: TransferError.self) {
        try await bench.device.bulkIn(endpoint: 0x81, length: 64, timeout: .seconds(1))
      }
      #expect(silence?.code == .timeout)
    }
  }

  @Test func `GETSTATUS at run time is optional`() async throws {
    try await RuntimeBench.run("runtime-status=stalls") { bench in
      let error = await #expect(throws: TransferError.self) { try await bench.status() }
      #expect(error?.code == .stall)
      try await bench.send(.detach, value: 1000)
      try await bench.clock.sleep(for: .seconds(1))
      #expect(try await bench.present() == "cafe:4000")
    }
  }

  // MARK: Detaching

  @Test func `with bitWillDetach it goes by itself and comes back in DFU mode, at another address`()
    async throws
  {
    try await RuntimeBench.run { bench in
      try await bench.send(.detach, value: 1000)
      try await bench.clock.sleep(for: .milliseconds(101))
      #expect(try await bench.present() == nil)
      try await bench.clock.sleep(for: .milliseconds(600))
      #expect(try await bench.present() == "cafe:4000")
      let device = try await RuntimeBench.open(on: bench.bus)
      #expect(device.info.address != bench.device.info.address)
      #expect(try await bench.status(of: device) == GetStatusResponse(state: .dfuIdle))
      #expect(bench.events == [.launched(0), .detached])
    }
  }

  @Test func `a reset of a part that detaches by itself makes it forget the request`() async throws
  {
    try await RuntimeBench.run { bench in
      try await bench.send(.detach, value: 1000)
      try await bench.device.reset()
      try await bench.clock.sleep(for: .seconds(2))
      #expect(try await bench.present() == "cafe:4001")
      #expect(bench.events.last == .detachDisturbed)
    }
  }

  @Test func `a reset that hits it back in DFU mode already starts the application again`()
    async throws
  {
    try await RuntimeBench.run { bench in
      try await bench.send(.detach, value: 1000)
      try await bench.clock.sleep(for: .seconds(1))
      let device = try await RuntimeBench.open(on: bench.bus)
      let error = await #expect(throws: TransferError.self) { try await device.reset() }
      #expect(error?.code == .disconnected)
      try await bench.clock.sleep(for: .seconds(1))
      #expect(try await bench.present() == "cafe:4001")
    }
  }

  @Test(arguments: ["return-time=0", "return-time=1", "return-time=3000"])
  func `without bitWillDetach it waits for a reset, and comes back in DFU mode`(
    _ option: String
  ) async throws {
    try await RuntimeBench.run("will-detach=no&" + option) { bench in
      try await bench.send(.detach, value: 1000)
      try await bench.clock.sleep(for: .milliseconds(500))
      #expect(try await bench.status().state == .appDetach)
      let error = await #expect(throws: TransferError.self) { try await bench.device.reset() }
      #expect(error?.code == .disconnected)
      let isOnTheSpot = option == "return-time=0"
      #expect(try await bench.present() == (isOnTheSpot ? "cafe:4000" : nil))
      try await bench.clock.sleep(for: .seconds(4))
      #expect(try await bench.present() == "cafe:4000")
      #expect(bench.events == [.launched(0), .detached])
    }
  }

  struct Timer: CustomTestStringConvertible {
    var asked: UInt16
    var most: UInt16
    var ends: Int
    var testDescription: String { "\(asked) of \(most)" }
  }

  @Test(arguments: [
    Timer(asked: 500, most: 1000, ends: 500), Timer(asked: 5000, most: 1000, ends: 1000),
    Timer(asked: 0, most: 1000, ends: 0), Timer(asked: 1000, most: 0, ends: 0),
  ])
  func
    `appDETACH lasts for the lesser of wValue and wDetachTimeOut, and then the application runs on`(
      _ timer: Timer
    ) async throws
  {
    try await RuntimeBench.run("will-detach=no&detach-timeout=\(timer.most)") { bench in
      try await bench.send(.detach, value: timer.asked)
      if timer.ends > 0 {
        try await bench.clock.sleep(for: .milliseconds(timer.ends - 10))
        #expect(try bench.part { $0.state } == .appDetach)
        try await bench.clock.sleep(for: .milliseconds(11))
      }
      #expect(try await bench.status().state == .appIdle)
      #expect(bench.events.last == .detachExpired)
      // Too late.
      try await bench.device.reset()
      #expect(try await bench.present() == "cafe:4001")
      #expect(try await bench.status().state == .appIdle)
    }
  }

  @Test func `ids, protocol and serial number may be the same or others`() async throws {
    try await RuntimeBench.run("id=1D50:6018&runtime-id=1D50:6018&protocol=0&serial=77") { bench in
      #expect(try await bench.present() == "1d50:6018")
      #expect(bench.device.info.serialNumber == "77")
      #expect(bench.device.info.configurations[0].interfaces[1].interfaceClass.protocolCode == 0)
      try await bench.send(.detach, value: 1000)
      try await bench.clock.sleep(for: .seconds(1))
      #expect(try await bench.present() == "1d50:6018")
      let device = try await RuntimeBench.open(on: bench.bus)
      #expect(device.info.configurations[0].interfaces.count == 2)
      #expect(try await bench.status(of: device).state == .dfuIdle)
    }
  }

  @Test func `it may never come back, or come by a detour`() async throws {
    try await RuntimeBench.run("return-time=never") { bench in
      try await bench.send(.detach, value: 1000)
      try await bench.clock.sleep(for: .seconds(600))
      #expect(try await bench.present() == nil)
    }
    try await RuntimeBench.run("detour=yes") { bench in
      try await bench.send(.detach, value: 1000)
      try await bench.clock.sleep(for: .milliseconds(700))
      #expect(try await bench.present() == "cafe:4002")
      let device = try await RuntimeBench.open(on: bench.bus)
      try await device.claimInterface(0)
      await #expect(throws: TransferError.self) { try await bench.status(of: device) }
      // Enumerated, reset, whatever: it goes on by itself.
      try await device.reset()
      try await bench.clock.sleep(for: .seconds(2))
      #expect(try await bench.present() == "cafe:4000")
    }
  }
}
