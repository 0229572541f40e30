import DFU
import Testing
import USB
import VirtualUSB

@testable import VirtualDFU

/// What a profile does with every request in every state that a host can bring it into, by the letter
/// and by its dialect: rows as in the table of DFU 1.1, annex A.
///
/// `S,10` is a stall and that state, a number an answer and that state, `-` no answer within a second.
struct StateTable: CustomTestStringConvertible {
  var profile: Profile
  var rows: [TableRow]
  var testDescription: String { profile.name }

  /// Leaves 200 ms after it has said so, so that dfuMANIFEST can be looked at.
  init(_ profile: Profile, _ rows: [TableRow]) {
    self.profile = profile
    self.profile.leave = .later
    self.rows = rows
  }

  static let all: [StateTable] = [
    // AN3156: by the letter of DFU 1.1, but a download may end before it began (to leave), the state
    // can always be asked for, and a busy device answers.
    StateTable(.stm32f407, rom(clear: "S,10")),
    StateTable(.stm32f105, rom(clear: "S,10")),
    StateTable(.stm32l072, rom(clear: "S,10")),
    StateTable(.stm32c5, rom(clear: "S,10")),
    // CLRSTATUS outside dfuERROR makes an error.
    StateTable(.stm32h743, rom(clear: "10")),
    StateTable(.stm32g0b1, rom(clear: "10")),
    StateTable(.gd32vf103, rom(clear: "10")),
    // Busy it stalls GETSTATUS and keeps its state.
    StateTable(
      .stm32l476,
      rom(clear: "S,10").map { row in
        var row = row
        if row.state == 4 { row.getStatus = "S,4" }
        return row
      }),
    // ABORT in the two SYNC states; what comes while it is busy is held and counts when it is done.
    StateTable(
      .stLibrary,
      [
        .row(2, "S,10", "3", "6", "9", "2", "10", "2", "2"),
        .row(3, "S,10", "S,10", "S,10", "S,10", "4", "10", "3", "2"),
        .row(4, "S,10", "S,10", "S,10", "S,10", "5", "10", "3", "2"),
        .row(5, "S,10", "3", "6", "S,10", "5", "10", "5", "2"),
        .row(6, "S,10", "S,10", "S,10", "S,10", "7", "10", "6", "2"),
        .row(7, "-", "-", "-", "-", "-", "-", "-", "-"),
        .row(9, "S,10", "S,10", "S,10", "9", "9", "10", "9", "2"),
        .row(10, "S,10", "S,10", "S,10", "S,10", "10", "2", "10", "S,10"),
      ]),
    // Requests change nothing but what the next GETSTATUS says; busy, all of them wait.
    StateTable(
      .mboot,
      [
        .row(2, "2", "2", "2", "2", "2", "2", "2", "2"),
        .row(4, "5", "5", "5", "5", "5", "2", "5", "2"),
        .row(5, "5", "5", "5", "5", "5", "2", "5", "2"),
        .row(7, "7", "7", "7", "7", "7", "2", "7", "2"),
        .row(9, "9", "9", "9", "9", "9", "2", "9", "2"),
        .row(10, "10", "10", "10", "10", "10", "2", "10", "2"),
      ]),
    // CLRSTATUS always leads to dfuIDLE.
    StateTable(
      .dfu11,
      [
        .row(2, "S,10", "3", "S,10", "9", "2", "2", "2", "2"),
        .row(3, "S,10", "S,10", "S,10", "S,10", "4", "2", "3", "S,10"),
        .row(4, "S,10", "S,10", "S,10", "S,10", "4", "2", "S,10", "S,10"),
        .row(5, "S,10", "3", "6", "S,10", "5", "2", "5", "2"),
        .row(6, "S,10", "S,10", "S,10", "S,10", "7", "2", "6", "S,10"),
        .row(7, "S,10", "S,10", "S,10", "S,10", "7", "2", "S,10", "S,10"),
        .row(9, "S,10", "S,10", "S,10", "9", "9", "2", "9", "2"),
        .row(10, "S,10", "S,10", "S,10", "S,10", "10", "2", "10", "S,10"),
      ]),
    // The work is done inside DNLOAD: there is no dfuDNBUSY. GETSTATUS breaks an upload.
    StateTable(
      .dfu10,
      [
        .row(2, "S,10", "3", "S,10", "9", "2", "S,10", "2", "2"),
        .row(3, "S,10", "S,10", "S,10", "S,10", "5", "S,10", "3", "S,10"),
        .row(5, "S,10", "3", "6", "S,10", "5", "S,10", "5", "2"),
        .row(9, "S,10", "S,10", "S,10", "9", "S,10", "S,10", "9", "2"),
        .row(10, "S,10", "S,10", "S,10", "S,10", "10", "2", "10", "S,10"),
      ]),
    // bitCanUpload is not set.
    StateTable(
      .lpc43xx,
      [
        .row(2, "S,10", "3", "S,10", "S,10", "2", "S,10", "2", "2"),
        .row(3, "S,10", "S,10", "S,10", "S,10", "4", "S,10", "3", "S,10"),
        .row(10, "S,10", "S,10", "S,10", "S,10", "10", "2", "10", "S,10"),
      ]),
  ]

  /// A device that is not tolerant waits for its reset and says nothing.
  static let waiting = StateTable(
    .dfu11, [.row(8, "-", "-", "-", "-", "-", "2", "-", "-")])

  static func rom(clear: String) -> [TableRow] {
    [
      .row(2, "S,10", "3", "6", "9", "2", clear, "2", "2"),
      .row(3, "S,10", "S,10", "S,10", "S,10", "4", clear, "3", "S,10"),
      .row(4, "S,10", "S,10", "S,10", "S,10", "4", clear, "4", "S,10"),
      .row(5, "S,10", "3", "6", "S,10", "5", clear, "5", "2"),
      .row(6, "S,10", "S,10", "S,10", "S,10", "7", clear, "6", "S,10"),
      .row(7, "-", "-", "-", "-", "-", "-", "-", "-"),
      .row(9, "S,10", "S,10", "S,10", "9", "9", clear, "9", "2"),
      .row(10, "S,10", "S,10", "S,10", "S,10", "10", "2", "10", "S,10"),
    ]
  }
}

@Suite("Every request in every state, over the wire") struct StateTableTests {
  @Test(arguments: StateTable.all)
  func `a profile does what its table says`(table: StateTable) async throws {
    for row in table.rows {
      for (trigger, cell) in row.cells {
        try await Self.check(table.profile, row.state, trigger, cell)
      }
    }
  }

  @Test func `what waits for its reset answers nothing but CLRSTATUS of TinyUSB`() async throws {
    let profile = try Profile.dfu11.setting("tolerant", to: "no")
    for row in StateTable.waiting.rows {
      for (trigger, cell) in row.cells { try await Self.check(profile, 8, trigger, cell) }
    }
  }

  @Test(arguments: [UInt8(2), 5, 9, 10])
  func `mboot makes of what it was told last a state, when GETSTATUS asks`(
    state: UInt8
  )
    async throws
  {
    let outcomes: [(DFUTrigger, UInt8)] = [
      (.download, 4), (.downloadEnd, 7), (.upload, 9), (.clearStatus, 2), (.abort, 2),
      (.detach, state), (.getState, state),
    ]
    for (trigger, next) in outcomes {
      try await Simulation().run { clock in
        let bench = try await Bench(.mboot, clock)
        try await bench.bring(to: state)
        _ = try? await bench.perform(trigger)
        #expect(try await bench.getStatus().state.rawValue == next, "\(trigger)")
      }
    }
  }

  private static func check(
    _ profile: Profile, _ state: UInt8, _ trigger: DFUTrigger, _ cell: String
  ) async throws {
    let place: Comment = "\(profile.name), \(DFUState(rawValue: state)), \(trigger): \(cell)"
    try await Simulation().run { clock in
      let bench = try await Bench(profile, clock)
      try await bench.bring(to: state)
      #expect(try bench.state.rawValue == state, place)
      var outcome = ""
      var reported: UInt8?
      do throws(TransferError) {
        reported = try await bench.perform(trigger)
      } catch {
        outcome = error.code == .stall ? "S," : "-"
        // One that is on its way out may be gone before the host gives up.
        let isSilence = error.code == .timeout || error.code == .disconnected
        #expect(error.code == .stall || isSilence, place)
      }
      if outcome != "-" { outcome += "\(try bench.state.rawValue)" }
      if let reported { outcome = "\(reported)" }
      #expect(outcome == cell, place)
    }
  }
}

extension Bench {
  private var isPlain: Bool { !profile.dialect.isDfuSe }

  private var profile: Profile {
    bus.withDevice(at: path, as: VirtualBootloader.self) { $0.profile } ?? .stm32f407
  }

  /// An erase, which takes its time, or the first block of a partition.
  private var work: [UInt8] {
    if isPlain { return profile.firstBlock }
    let base: UInt32 = profile.dialect == .stLibrary ? 0x0802_0000 : 0x0801_0000
    return DfuSeCommand.erase(base).bytes
  }

  /// Brings the device into a state by requests alone.
  func bring(to state: UInt8) async throws {
    if try await getStatus().state == .dfuError { try await send(.clearStatus) }
    switch state {
    case 3: try await download(0, work)
    case 4:
      try await download(0, work)
      #expect(try await getStatus().state == .dfuDnBusy)
    case 5:
      try await download(0, profile.firstBlock)
      #expect(try await settle().state == .dfuDnloadIdle)
    case 6, 7, 8:
      if isPlain {
        try await download(0, profile.firstBlock)
        try await settle()
      }
      try await download(isPlain ? 1 : 0, [])
      if state > 6 { #expect(try await getStatus().state == .dfuManifest) }
      if state > 7 { try await clock.sleep(for: .milliseconds(100)) }
    case 9:
      _ = try await upload(isPlain ? 0 : 2, 16)
      if profile.dialect == .mboot { _ = try await getStatus() }
    case 10:
      if profile.dialect == .mboot {
        try await download(0, [0x77])
        #expect(try await settle().state == .dfuError)
      } else {
        await #expect(throws: TransferError.self) {
          try await device.controlOut(SetupPacketOfNoClass.setup, data: [], timeout: .seconds(1))
        }
      }
    default: break
    }
  }

  /// One request that makes sense by itself; the state that is reported, where one is.
  func perform(_ trigger: DFUTrigger) async throws(TransferError) -> UInt8? {
    switch trigger {
    case .detach: try await send(.detach)
    case .download: try await download(isPlain ? 1 : 0, isPlain ? profile.firstBlock : work)
    case .downloadEnd: try await download(isPlain ? 1 : 0, [])
    case .upload:
      let isUploading = (try? state) == .dfuUploadIdle
      _ = try await read(isPlain ? isUploading ? 1 : 0 : 2, 16)
    case .clearStatus: try await send(.clearStatus)
    case .abort: try await send(.abort)
    case .getStatus:
      let answer = try await device.controlIn(
        DFURequest.getStatus(interface: 0), timeout: .seconds(2))
      return answer.count == 6 ? answer[4] : nil
    case .getState:
      return try await device.controlIn(
        DFURequest.getState.setup(interface: 0, length: 1), timeout: .seconds(2)
      ).first
    default: break
    }
    return nil
  }

  private func read(_ block: UInt16, _ length: Int) async throws(TransferError) -> [UInt8] {
    try await device.controlIn(
      DFURequest.upload.setup(value: block, interface: 0, length: UInt16(length)),
      timeout: .seconds(2))
  }
}
