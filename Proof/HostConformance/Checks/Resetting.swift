internal import USB

extension Check {
  /// Resets of the port.
  static let resetting: [Check] = [
    Check("a reset keeps the handle and the id, and the device works afterwards", needs: .resets) {
      bench in
      let device = try await bench.open()
      for _ in 0..<2 {
        try await device.reset()
        try await device.requireAnswers(bench)
      }
      let info = try await bench.find()
      try require("the id", info.id, is: device.info.id)
      try require("the active configuration", info.activeConfiguration, is: 1)
    },
    Check(
      "a reset keeps the claims, and every interface is in setting 0",
      needs: .resets, .streams, .alternateSettings
    ) { bench in
      let device = try await bench.open()
      try await device.claimInterface(0)
      try await device.claimInterface(1)
      try await device.setAlternateSetting(1, interface: 1)
      try await device.reset()
      try await requireLoopback(device, 30, room: 1024, bench)
      try await device.setAlternateSetting(2, interface: 1)
      try await requireLoopback(device, 30, room: 1024, endpoint: 0x04, bench)
    },
    Check(
      "a reset waits for the transfers before it, and those behind wait for it",
      needs: .resets, .several, .waiting
    ) { bench in
      let device = try await bench.open()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addImmediateTask { try await device.requireAnswers(bench, seed: 1) }
        group.addImmediateTask { try await device.reset() }
        try await group.waitForAll()
      }
      try await device.requireAnswers(bench, seed: 2)
    },
    Check("a reset reaches the device, and nobody hears of it", needs: .resetsOfTheDevice) {
      bench in
      let device = try await bench.open()
      let listener = bench.host.listen(clock: bench.clock)
      let before = try await device.tally(bench)
      try await device.reset()
      try require(
        try await device.tally(bench).resets > before.resets, "the device was not reset")
      try require("what is heard", await listener.next(within: bench.moment), is: nil)
    },
    Check(
      "a device that a reset makes another is gone for its handle, and attached anew",
      needs: .resetsOfTheDevice, .returning
    ) { bench in
      let device = try await bench.open()
      let absence = Absence(bench: bench, old: device.info)
      let listener = bench.host.listen(clock: bench.clock)
      try await device.tell(
        .become, index: UInt16(ReferenceDevice.Identity.other.rawValue), timeout: bench.patience)
      try await requireRefusal(.disconnected, of: "the reset") { try await device.reset() }
      try await requireRefusal(.disconnected, of: "a transfer after it") {
        try await device.ask(.pattern, value: 1, length: 8, timeout: bench.patience)
      }
      try await requireRefusal(.disconnected, of: "another reset") { try await device.reset() }
      let new = try await absence.requireHeard(by: listener)
      try require("the ids", new.ids, is: "1209:0002")
      try await requireNotFound(device.info.id, bench)
      try await (try await bench.open(new.id)).requireAnswers(bench)
    },
  ]
}
