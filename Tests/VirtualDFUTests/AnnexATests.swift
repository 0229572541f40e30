import DFU
import Testing
import USB
import VirtualUSB

@testable import VirtualDFU

/// One row of the transition table of DFU 1.1, copied as text: what each trigger does.
///
/// `S,10` is a stall into dfuERROR, `S,0` a stall in appIDLE, a number an answer and that state, `-`
/// no reply. Conditions stand behind a number in words.
struct TableRow: CustomTestStringConvertible {
  var state: UInt8
  var detach, download, downloadEnd, upload, getStatus, clearStatus, getState, abort: String

  var testDescription: String { DFUState(rawValue: state).description }

  var cells: [(DFUTrigger, String)] {
    [
      (.detach, detach), (.download, download), (.downloadEnd, downloadEnd), (.upload, upload),
      (.getStatus, getStatus), (.clearStatus, clearStatus), (.getState, getState), (.abort, abort),
    ]
  }

  static let all: [TableRow] = [
    row(0, "1", "S,0", "S,0", "S,0", "0", "S,0", "0", "S,0"),
    row(1, "S,0", "S,0", "S,0", "S,0", "1", "S,0", "1", "S,0"),
    row(2, "S,10", "3 can download", "S,10", "9 can upload", "2", "S,10", "2", "2"),
    row(3, "S,10", "S,10", "S,10", "S,10", "5 done else 4", "S,10", "3", "S,10"),
    row(4, "S,10", "S,10", "S,10", "S,10", "S,10", "S,10", "S,10", "S,10"),
    row(5, "S,10", "3", "6 agrees", "S,10", "5", "S,10", "5", "2"),
    row(6, "S,10", "S,10", "S,10", "S,10", "2 manifested else 7", "S,10", "6", "S,10"),
    row(7, "S,10", "S,10", "S,10", "S,10", "S,10", "S,10", "S,10", "S,10"),
    row(8, "-", "-", "-", "-", "-", "-", "-", "-"),
    row(9, "S,10", "S,10", "S,10", "2 short else 9", "9", "S,10", "9", "2"),
    row(10, "S,10", "S,10", "S,10", "S,10", "10", "2", "10", "S,10"),
  ]

  static func row(
    _ state: UInt8, _ detach: String, _ download: String, _ end: String, _ upload: String,
    _ status: String, _ clear: String, _ getState: String, _ abort: String
  ) -> TableRow {
    TableRow(
      state: state, detach: detach, download: download, downloadEnd: end, upload: upload,
      getStatus: status, clearStatus: clear, getState: getState, abort: abort)
  }

  /// What the cell says for a device: the answer and the state.
  static func meaning(
    of cell: String, _ device: DFUConditions
  ) -> (DFUTransition.Answer, UInt8) {
    switch cell {
    case "-": (.silent, 8)
    case "S,0": (.stalled, 0)
    case "S,10": (.stalled, 10)
    case "3 can download": device.canDownload ? (.answered, 3) : (.stalled, 10)
    case "9 can upload": device.canUpload ? (.answered, 9) : (.stalled, 10)
    case "5 done else 4": (.answered, device.isBlockDone ? 5 : 4)
    case "6 agrees": device.agreesToEnd ? (.answered, 6) : (.stalled, 10)
    case "2 manifested else 7":
      (.answered, device.isManifested && device.isTolerant ? 2 : 7)
    case "2 short else 9": (.answered, device.isShortBlock ? 2 : 9)
    default: (.answered, UInt8(cell) ?? 255)
    }
  }
}

/// Every combination of what the table depends on.
let everyDevice: [DFUConditions] = (0..<256).map { bits in
  func bit(_ number: Int) -> Bool { bits >> number & 1 == 1 }
  return DFUConditions(
    canDownload: bit(0), canUpload: bit(1), isTolerant: bit(2), isFirmwareIntact: bit(3),
    isBlockDone: bit(4), agreesToEnd: bit(5), isManifested: bit(6), isShortBlock: bit(7))
}

@Suite("Annex A") struct AnnexATests {
  @Test(arguments: TableRow.all)
  func `every request in every state does what the table says`(row: TableRow) {
    let state = DFUState(rawValue: row.state)
    for device in everyDevice {
      for (trigger, cell) in row.cells {
        let (answer, next) = TableRow.meaning(of: cell, device)
        let transition = DFUTransition.annexA(state, trigger, device)
        #expect(transition.answer == answer, "\(trigger) \(cell)")
        #expect(transition.state.rawValue == next, "\(trigger) \(cell)")
      }
    }
  }

  @Test func `a stall into dfuERROR is errSTALLEDPKT, but a refused end is errNOTDONE`() {
    for row in TableRow.all where row.state < 10 {
      for (trigger, cell) in row.cells where cell == "S,10" {
        let transition = DFUTransition.annexA(DFUState(rawValue: row.state), trigger, .init())
        #expect(transition.status == .errStalledPkt)
      }
    }
    let refusing = DFUConditions(agreesToEnd: false)
    #expect(DFUTransition.annexA(.dfuDnloadIdle, .downloadEnd, refusing).status == .errNotDone)
    #expect(DFUTransition.annexA(.dfuError, .clearStatus, .init()).status == .ok)
  }

  @Test func `resets and timers go as the table says`() {
    let intact = DFUConditions()
    let corrupt = DFUConditions(isFirmwareIntact: false)
    for raw in UInt8(2)...10 {
      let state = DFUState(rawValue: raw)
      for trigger in [DFUTrigger.busReset, .powerReset] {
        #expect(DFUTransition.annexA(state, trigger, intact).state == .appIdle)
        #expect(DFUTransition.annexA(state, trigger, corrupt) == .to(.dfuError, .errFirmware))
      }
    }
    #expect(DFUTransition.annexA(.appDetach, .busReset, intact).state == .dfuIdle)
    #expect(DFUTransition.annexA(.appDetach, .busReset, corrupt).state == .dfuError)
    #expect(DFUTransition.annexA(.appDetach, .powerReset, intact).state == .appIdle)
    #expect(DFUTransition.annexA(.appDetach, .timer, intact).state == .appIdle)
    #expect(DFUTransition.annexA(.dfuDnBusy, .timer, intact).state == .dfuDnloadSync)
    #expect(
      DFUTransition.annexA(.dfuManifest, .timer, DFUConditions(isTolerant: true)).state
        == .dfuManifestSync)
    #expect(DFUTransition.annexA(.dfuManifest, .timer, intact).state == .dfuManifestWaitReset)
  }

  @Test func `dialects depart from the table only where they are known to`() {
    let departures: [(BootloaderDialect, DFUState, DFUTrigger)] = [
      (.stROM, .dfuIdle, .downloadEnd), (.stLibrary, .dfuIdle, .downloadEnd),
      (.stLibrary, .dfuDnloadSync, .abort), (.stLibrary, .dfuManifestSync, .abort),
      (.gd32ROM, .dfuIdle, .downloadEnd),
    ]
    // mboot has no such table: StateTableTests have what it does.
    for dialect in BootloaderDialect.allCases where dialect != .mboot {
      for raw in UInt8(2)...10 where DFUState(rawValue: raw) != .dfuManifest {
        let state = DFUState(rawValue: raw)
        for trigger in DFUTrigger.allCases where trigger != .getState {
          if dialect == .tinyUSB, trigger == .clearStatus { continue }
          let table = DFUTransition.annexA(state, trigger, .init())
          let own = dialect.transition(state, trigger, .init(), [])
          let isKnown = departures.contains { $0 == (dialect, state, trigger) }
          #expect((own != table) == isKnown, "\(dialect) \(state) \(trigger)")
        }
      }
    }
  }
}

/// One request to a real device of each profile, in a state that it has been brought into.
@Suite("Wrong requests over the wire") struct WrongRequestTests {
  @Test(arguments: [
    "stm32f105", "stm32f407", "stm32g0b1", "stm32c5", "st-library", "dfu11", "lpc43xx",
  ])
  func `a request in the wrong state is stalled and ends in dfuERROR`(
    name: String
  )
    async throws
  {
    let profile = try #require(Profile.named(name))
    try await Simulation().run { clock in
      let bench = try await Bench(profile, clock)
      // UPLOAD in dfuDNLOAD-IDLE.
      try await bench.download(0, profile.firstBlock)
      #expect(try await bench.settle().state == .dfuDnloadIdle)
      let error = await #expect(throws: TransferError.self) { try await bench.upload(2, 64) }
      #expect(error?.code == .stall)
      #expect(
        try await bench.getStatus()
          == GetStatusResponse(status: .errStalledPkt, state: .dfuError))
      try await bench.send(.clearStatus)
      #expect(try await bench.getStatus().state == .dfuIdle)
    }
  }

  @Test func `a request that is no DFU request ends in dfuERROR`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f407, clock)
      let setup = SetupPacketOfNoClass.setup
      await #expect(throws: TransferError.self) {
        try await bench.device.controlOut(setup, data: [], timeout: .seconds(1))
      }
      #expect(try await bench.getStatus().status == .errStalledPkt)
    }
  }

  @Test func `an unknown command, block 1 and a block that is too long are stalled`() async throws {
    try await Simulation().run { clock in
      let bench = try await Bench(.stm32f407, clock)
      let wrong: [(UInt16, [UInt8])] = [
        (0, [0x77]), (0, [0x21, 0]), (0, [0x41, 0, 0]), (1, [1, 2, 3, 4]),
        (2, [UInt8](repeating: 0, count: 2049)),
      ]
      for (block, data) in wrong {
        await #expect(throws: TransferError.self) { try await bench.download(block, data) }
        #expect(
          try await bench.getStatus()
            == GetStatusResponse(status: .errStalledPkt, state: .dfuError))
        try await bench.send(.clearStatus)
      }
    }
  }
}
