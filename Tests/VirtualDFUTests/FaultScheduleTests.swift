import DFU
import Synchronization
import Testing
import USB
import VirtualUSB

@testable import VirtualDFU

@Suite("Fault schedules") struct FaultScheduleTests {
  @Test(arguments: [
    "stall@37", "disconnect@erase:3", "flip@read:0x08001000.4", "busy+5s@write", "timeout@0",
    "broken@status:12", "disconnect-inside@write:2+1", "disconnect-after@end", "power@erase+1",
    "gone@unprotect", "reconnect@mass-erase", "intruder@detach", "short@string:7", "corrupt@read",
    "state:9@status", "status:11@status:3", "endless-busy@address", "zero-busy@erase",
    "busy+250ms@select", "stall@abort,stall@clear,stall@state", "stall@write:0x08000000", "",
  ])
  func `a schedule is printed as it is read`(_ text: String) throws {
    #expect(try FaultSchedule(text).description == text)
  }

  @Test func `blanks and counts of one do not matter`() throws {
    #expect(try FaultSchedule(" stall@write:1 ,  stall@37 ").description == "stall@write,stall@37")
    #expect(try FaultSchedule("busy+5000ms@write").description == "busy+5s@write")
  }

  struct Bad: CustomTestStringConvertible {
    var text: String
    var entry: String
    var offset: Int
    var words: String
    var testDescription: String { text }
  }

  @Test(arguments: [
    Bad(text: "stall", entry: "stall", offset: 0, words: "where it strikes"),
    Bad(text: "stall@1,boom@2", entry: "boom@2", offset: 8, words: "no kind"),
    Bad(text: "stall@", entry: "stall@", offset: 0, words: "no place"),
    Bad(text: "stall@-1", entry: "stall@-1", offset: 0, words: "no place"),
    Bad(text: "stall@write:0", entry: "stall@write:0", offset: 0, words: "no place"),
    Bad(text: "stall@99999999999", entry: "stall@99999999999", offset: 0, words: "no place"),
    Bad(text: "flip@erase:0x10.1", entry: "flip@erase:0x10.1", offset: 0, words: "no place"),
    Bad(text: "flip@read:0x10.8", entry: "flip@read:0x10.8", offset: 0, words: "no place"),
    Bad(text: "flip@write:0x10.1", entry: "flip@write:0x10.1", offset: 0, words: "answers"),
    Bad(text: "state:256@status", entry: "state:256@status", offset: 0, words: "no kind"),
    Bad(text: "busy+5@write", entry: "busy+5@write", offset: 0, words: "no kind"),
    Bad(text: "busy+٣s@write", entry: "busy+٣s@write", offset: 0, words: "no kind"),
    Bad(text: "stall@1,", entry: "", offset: 8, words: "where it strikes"),
  ])
  func `what is wrong is named with its place`(_ bad: Bad) throws {
    let error = #expect(throws: FaultScheduleError.self) { try FaultSchedule(bad.text) }
    #expect(error?.entry == bad.entry)
    #expect(error?.offset == bad.offset)
    #expect(error?.sentence.contains(bad.words) == true, "\(error?.sentence ?? "")")
  }

  @Test func `a schedule has no more than a thousand entries`() {
    let text = Array(repeating: "stall@1", count: 1001).joined(separator: ",")
    #expect(throws: FaultScheduleError.self) { try FaultSchedule(text) }
  }

  // MARK: Striking

  /// A board with faults, and the numbers of the transfers at which they struck.
  private static func struck(
    _ text: String, _ profile: Profile = .stm32f407,
    _ body: @escaping @Sendable (Bench) async throws -> Void
  ) async throws -> [Int] {
    let schedule = try FaultSchedule(text)
    return try await Simulation().run { clock in
      let bench = try await Bench(profile, clock) {
        $0.load([1, 2, 3, 4], at: profile.memories[0].range.lowerBound)
      }
      let numbers = Mutex<[Int]>([])
      bench.bus.intercept(
        schedule.interceptor(for: profile, at: bench.path) { _, number in
          numbers.withLock { $0.append(number) }
        })
      try await body(bench)
      return numbers.withLock { $0 }
    }
  }

  private static func fails(
    _ code: TransferError.Code, _ body: () async throws -> Void
  ) async {
    let error = await #expect(throws: TransferError.self) { try await body() }
    #expect(error?.code == code)
  }

  @Test func `a word counts the requests of its kind, and an offset goes on from there`()
    async throws
  {
    let numbers = try await Self.struck("stall@address:2,timeout@erase+1,broken@0") { bench in
      await Self.fails(.protocolError) { _ = try await bench.getStatus() }
      try await bench.command(.setAddressPointer(0x0800_0000))
      try await bench.settle()
      await Self.fails(.stall) { try await bench.command(.setAddressPointer(0x0800_4000)) }
      try await bench.command(.erase(0x0800_0000))
      await Self.fails(.timeout) { _ = try await bench.getStatus() }
      #expect(try await bench.settle().state == .dfuDnloadIdle)
    }
    #expect(numbers == [0, 4, 6])
  }

  @Test func `a bit flips wherever its byte is read, and nowhere else`() async throws {
    _ = try await Self.struck("flip@read:0x08000802.7") { bench in
      let first = try await bench.upload(2, 4)
      #expect(first == [1, 2, 3, 4])
      let block = try await bench.upload(3, 2048)
      #expect(block[2] == 0x7F)
      #expect(block.filter { $0 != 0xFF }.count == 1)
      // The address pointer moves, and the byte comes with another block.
      try await bench.send(.abort)
      try await bench.command(.setAddressPointer(0x0800_0800))
      try await bench.settle()
      try await bench.send(.abort)
      let moved = try await bench.upload(2, 4)
      #expect(moved == [0xFF, 0xFF, 0x7F, 0xFF])
    }
  }

  @Test func `answers can be short, wrong and upside down`() async throws {
    _ = try await Self.struck(
      "short@read,corrupt@read:2,state:9@status,status:11@status:2,short@status:3"
    ) { bench in
      let short = try await bench.upload(2, 4)
      #expect(short == [1, 2, 3])
      let turned = try await bench.upload(2, 4)
      #expect(turned == [0x54, 0x57, 0x56, 0x51])
      #expect(try await bench.getStatus().state == .dfuUploadIdle)
      #expect(try await bench.getStatus().status == .errVendor)
      await #expect(throws: ParseError.self) { try await bench.getStatus() }
    }
  }

  @Test func `busy ends after its time, or never`() async throws {
    _ = try await Self.struck("busy+1s@address") { bench in
      try await bench.command(.setAddressPointer(0x0800_0000))
      #expect(
        try await bench.getStatus() == GetStatusResponse(pollTimeout: 5, state: .dfuDnBusy))
      try await bench.clock.sleep(for: .seconds(1))
      #expect(try await bench.settle().state == .dfuDnloadIdle)
    }
    _ = try await Self.struck("zero-busy@address") { bench in
      try await bench.command(.setAddressPointer(0x0800_0000))
      for _ in 0..<5 {
        try await bench.clock.sleep(for: .seconds(3600))
        #expect(try await bench.getStatus() == GetStatusResponse(state: .dfuDnBusy))
      }
    }
  }

  @Test func `power goes in the middle of the third erase`() async throws {
    _ = try await Self.struck("power@erase:3") { bench in
      for sector in UInt32(0)..<2 {
        try await bench.command(.erase(0x0800_0000 + sector * 0x4000))
        try await bench.settle()
      }
      try await bench.command(.erase(0x0800_8000))
      _ = try await bench.getStatus()
      try await bench.clock.sleep(for: .seconds(5))
      #expect(bench.events.last == .interrupted(0x0800_8000..<0x0800_C000))
      let again = try await bench.bus.devices()
      #expect(again.map(\.path) == [bench.path])
      #expect(again.first?.id != bench.device.info.id)
    }
  }

  @Test func `an intruder is plugged in beside, with the same ids and blank memory`() async throws {
    _ = try await Self.struck("intruder@status,reconnect@status") { bench in
      let address = bench.device.info.address
      _ = try await bench.getStatus()
      try await bench.clock.sleep(for: .seconds(3))
      let devices = try await bench.bus.devices()
      #expect(devices.map(\.path.ports) == [[1], [2]])
      #expect(devices[0].descriptor == devices[1].descriptor)
      #expect(devices[0].address != address)
      // It has kept its power: nothing was lost.
      #expect(bench.contents(0x0800_0000..<0x0800_0004) == [1, 2, 3, 4])
    }
  }

  @Test func `plain DFU counts its blocks from the beginning of the partition`() async throws {
    _ = try await Self.struck("flip@read:0x41.0", .dfu11) { bench in
      let first = try await bench.upload(0, 64)
      #expect(first[0] == 1)
      let second = try await bench.upload(1, 64)
      #expect(second[1] == 0xFE)
    }
  }
}
