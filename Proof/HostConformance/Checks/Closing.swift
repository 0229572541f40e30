internal import USB

extension Check {
  /// The end of a handle.
  static let closing: [Check] = [
    Check("every call after close is refused, and sends nothing") { bench in
      // Opening may ask the device something; how much is known beforehand.
      let first = try await bench.open()
      let start = try await first.tally(bench)
      await first.close()
      let device = try await bench.open()
      let before = try await device.tally(bench)
      try await device.claimInterface(0)
      await device.close()
      try await requireClosed(device, bench)
      let again = try await bench.open(device.info.id)
      let after = try await again.tally(bench)
      try require(
        "the requests that it has seen", after.requests - before.requests,
        is: before.requests - start.requests)
    },
    Check("a handle may be closed twice") { bench in
      let device = try await bench.open()
      await device.close()
      await device.close()
      try await (try await bench.open()).requireAnswers(bench)
    },
    Check("a device can be opened again and again") { bench in
      for _ in 0..<10 {
        let device = try await bench.open()
        try await device.claimInterface(0)
        try await device.requireAnswers(bench)
        await device.close()
      }
    },
    Check("closing one handle leaves another open", needs: .secondHandle) { bench in
      let (one, two) = (try await bench.open(), try await bench.open())
      await one.close()
      try await two.requireAnswers(bench)
    },
    Check(
      "closing ends the transfers that wait, and the device works afterwards",
      needs: .waiting, .several
    ) { bench in
      let device = try await bench.open()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<3 {
          group.addImmediateTask {
            try await requireRefusal(.closed, of: "the transfer of a closed handle") {
              try await device.ask(.silent, length: 8, timeout: .seconds(3600))
            }
          }
        }
        try await bench.pass()
        await device.close()
        try await group.waitForAll()
      }
      try await (try await bench.open()).requireAnswers(bench)
    },
    Check("closing ends a bulk read that waits", needs: .waiting, .several, .streams) { bench in
      let device = try await bench.open()
      try await device.claimInterface(0)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addImmediateTask {
          try await requireRefusal(.closed, of: "the read of a closed handle") {
            try await device.bulkIn(endpoint: 0x81, length: 8, timeout: .seconds(3600))
          }
        }
        try await bench.pass()
        await device.close()
        try await group.waitForAll()
      }
      let again = try await bench.open()
      try await again.claimInterface(0)
      try await requireLoopback(again, 3, room: 64, bench)
    },
    Check(
      "closing one handle leaves the transfers of another alone",
      needs: .waiting, .several, .secondHandle
    ) { bench in
      let (one, two) = (try await bench.open(), try await bench.open())
      let late = bench.milliseconds(4)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addImmediateTask {
          try require(
            "the answer to the other handle",
            try await two.ask(.late, value: late, index: 6, length: 8, timeout: bench.patience),
            is: referencePattern(8, seed: 6))
        }
        await one.close()
        try await group.waitForAll()
      }
    },
  ]
}

/// Requires that a closed handle refuses everything.
func requireClosed(_ device: any USBDevice, _ bench: Bench) async throws {
  let patience = bench.patience
  try await requireRefusal(.closed, of: "controlIn") {
    try await device.ask(.pattern, value: 1, length: 8, timeout: patience)
  }
  try await requireRefusal(.closed, of: "controlOut") {
    try await device.tell(.note, value: 1, timeout: patience)
  }
  try await requireRefusal(.closed, of: "bulkIn") {
    try await device.bulkIn(endpoint: 0x81, length: 8, timeout: patience)
  }
  try await requireRefusal(.closed, of: "bulkOut") {
    try await device.bulkOut(endpoint: 0x01, data: [1], timeout: patience)
  }
  try await requireRefusal(.closed, of: "interruptIn") {
    try await device.interruptIn(endpoint: 0x82, length: 8, timeout: patience)
  }
  try await requireRefusal(.closed, of: "interruptOut") {
    try await device.interruptOut(endpoint: 0x02, data: [1], timeout: patience)
  }
  try await requireRefusal(.closed, of: "setConfiguration") {
    try await device.setConfiguration(1)
  }
  try await requireRefusal(.closed, of: "claimInterface") { try await device.claimInterface(0) }
  try await requireRefusal(.closed, of: "releaseInterface") {
    try await device.releaseInterface(0)
  }
  try await requireRefusal(.closed, of: "setAlternateSetting") {
    try await device.setAlternateSetting(0, interface: 0)
  }
  try await requireRefusal(.closed, of: "clearHalt") { try await device.clearHalt(endpoint: 0x81) }
  try await requireRefusal(.closed, of: "reset") { try await device.reset() }
}
