internal import USB

extension Check {
  /// Who may use an interface.
  static let claims: [Check] = [
    Check("transfers to an interface that is not claimed are refused", needs: .streams) { bench in
      let device = try await bench.open()
      try await requireRefusal(.closed, of: "reading") {
        try await device.bulkIn(endpoint: 0x81, length: 8, timeout: bench.patience)
      }
      try await requireRefusal(.closed, of: "writing") {
        try await device.interruptOut(endpoint: 0x02, data: [1], timeout: bench.patience)
      }
      // Another interface's claim is not this one's.
      try await device.claimInterface(1)
      try await requireRefusal(.closed, of: "reading beside the claim") {
        try await device.bulkIn(endpoint: 0x81, length: 8, timeout: bench.patience)
      }
    },
    Check("a control transfer to an interface that is not claimed is refused, unseen") { bench in
      let device = try await bench.open()
      let before = try await device.tally(bench)
      let setup = SetupPacket(
        RequestType(.in, .standard, .interface), request: 0, value: 0, index: 0, length: 2)
      try await requireRefusal(.closed, of: "GET_STATUS of the interface") {
        try await device.controlIn(setup, timeout: bench.patience)
      }
      try require("what the device has seen", try await device.tally(bench), is: before)
      try await device.claimInterface(0)
      try require(
        "GET_STATUS of the claimed interface",
        try await device.controlIn(setup, timeout: bench.patience), is: [0, 0])
    },
    Check("claiming sends nothing, and an interface may be claimed again by its owner") { bench in
      let device = try await bench.open()
      let before = try await device.tally(bench)
      try await device.claimInterface(0)
      try await device.claimInterface(0)
      try await device.releaseInterface(0)
      try await device.claimInterface(0)
      try require("what the device has seen", try await device.tally(bench), is: before)
    },
    Check("an interface that is not there cannot be claimed") { bench in
      let device = try await bench.open()
      try await requireRefusal(.unsupported, of: "claiming interface 7") {
        try await device.claimInterface(7)
      }
    },
    Check("only what is claimed can be released, and it is claimed no longer") { bench in
      let device = try await bench.open()
      try await requireRefusal(.closed, of: "releasing what is not claimed") {
        try await device.releaseInterface(0)
      }
      try await device.claimInterface(0)
      try await device.releaseInterface(0)
      try await requireRefusal(.closed, of: "releasing it twice") {
        try await device.releaseInterface(0)
      }
      try await requireRefusal(.closed, of: "a transfer after the release") {
        try await device.bulkIn(endpoint: 0x81, length: 8, timeout: bench.patience)
      }
    },
    Check(
      "an interface has one owner: another handle is told that it is busy",
      needs: .secondHandle
    ) { bench in
      let (one, two) = (try await bench.open(), try await bench.open())
      try await one.claimInterface(0)
      try await requireRefusal(.busy, of: "claiming what another handle has") {
        try await two.claimInterface(0)
      }
      try await two.claimInterface(1)
      try await requireRefusal(.busy, of: "claiming what the other handle has") {
        try await one.claimInterface(1)
      }
    },
    Check("what one handle releases another can claim", needs: .secondHandle) { bench in
      let (one, two) = (try await bench.open(), try await bench.open())
      try await one.claimInterface(0)
      try await one.releaseInterface(0)
      try await two.claimInterface(0)
      try await requireRefusal(.busy, of: "claiming it back") { try await one.claimInterface(0) }
    },
    Check("closing a handle ends its claims", needs: .secondHandle) { bench in
      let (one, two) = (try await bench.open(), try await bench.open())
      try await one.claimInterface(0)
      try await one.claimInterface(1)
      await one.close()
      try await two.claimInterface(0)
      try await two.claimInterface(1)
      try await two.requireAnswers(bench)
    },
    Check("withInterface gives the interface back, whatever happens") { bench in
      let device = try await bench.open()
      do {
        try await device.withInterface(0, onTransferError: { $0 as any Error }) {
          () async throws in
          throw BrokenPromise(what: "on purpose", place: "")
        }
      } catch is BrokenPromise {}
      try await requireRefusal(.closed, of: "releasing what was given back") {
        try await device.releaseInterface(0)
      }
    },
  ]
}
