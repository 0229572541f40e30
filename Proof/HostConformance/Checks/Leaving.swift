internal import USB

extension Check {
  /// A device that goes, by itself or because somebody pulls its cable.
  static let leaving: [Check] = [
    Check(
      "a device that has left is gone for its handle, whatever is asked",
      needs: .leaving, .returning
    ) { bench in
      let device = try await bench.open()
      try await device.claimInterface(0)
      let listener = bench.host.listen(clock: bench.clock)
      try await device.leave(for: 2, bench)
      try await Absence(bench: bench, old: device.info).requireHeard(by: listener)
      try await requireDisconnected(device, bench)
      await device.close()
      try await requireClosed(device, bench)
    },
    Check(
      "a device that leaves ends every transfer that waits",
      needs: .leaving, .returning, .several, .waiting, .streams
    ) { bench in
      let device = try await bench.open()
      try await device.claimInterface(0)
      try await device.leave(for: 2, after: 5, bench)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<3 {
          group.addImmediateTask {
            try await requireRefusal(.disconnected, of: "the control transfer") {
              try await device.ask(.silent, length: 8, timeout: .seconds(3600))
            }
          }
          group.addImmediateTask {
            try await requireRefusal(.disconnected, of: "the bulk transfer") {
              try await device.bulkIn(endpoint: 0x81, length: 8, timeout: .seconds(3600))
            }
          }
        }
        group.addImmediateTask {
          try await requireRefusal(.disconnected, of: "the interrupt transfer") {
            try await device.interruptIn(endpoint: 0x82, length: 8, timeout: .seconds(3600))
          }
        }
        try await group.waitForAll()
      }
      try await requireRefusal(.disconnected, of: "a transfer afterwards") {
        try await device.ask(.pattern, value: 1, length: 8, timeout: bench.patience)
      }
    },
    Check(
      "a device that comes back has its path and a new id, and the old one is not found",
      needs: .leaving, .returning
    ) { bench in
      let device = try await bench.open()
      let old = device.info
      let listener = bench.host.listen(clock: bench.clock)
      try await device.leave(for: 2, bench)
      let heard = try await Absence(bench: bench, old: old).requireHeard(by: listener)
      let info = try await bench.find()
      try require("the id in the list", info.id, is: heard.id)
      try await requireNotFound(old.id, bench)
      let back = try await bench.open(info.id)
      // What a list leaves out, the open device tells.
      var same = back.info
      (same.id, same.address) = (old.id, old.address)
      try require("all but id and address", same, is: old)
      try await back.requireAnswers(bench)
    },
    Check(
      "a device that comes back as another tells its new ids and strings",
      needs: .leaving, .returning
    ) { bench in
      let device = try await bench.open()
      let old = device.info.id
      try await device.leave(for: 1, as: .other, bench)
      let info = try await bench.find { $0.id != old }
      let wanted = ReferenceDescriptors(.other, speed: bench.fixture.speed)
      try require("the ids", info.ids, is: "1209:0002")
      let other = try await bench.open(info.id)
      try require("the device descriptor", other.info.descriptor.bytes, is: wanted.device)
      try require(
        "the product", try await other.string(2, timeout: bench.patience),
        is: "Reference device, its other self")
    },
    Check("a device that stays away is not listed, and not found", needs: .leaving, .cable) {
      bench in
      let device = try await bench.open()
      let listener = bench.host.listen(clock: bench.clock)
      try await device.leave(for: nil, bench)
      try await Absence(bench: bench, old: device.info).requireGone(listener)
      try require("what is at the path", try await bench.present(), is: nil)
      try await requireNotFound(device.info.id, bench)
      try await bench.fixture.cable?.pull()
      try await bench.fixture.cable?.plug()
      try await (try await bench.open()).requireAnswers(bench)
    },
    Check("every listener hears all that happens, in order", needs: .leaving, .returning) { bench in
      let device = try await bench.open()
      let absence = Absence(bench: bench, old: device.info)
      let listeners = (0..<3).map { _ in bench.host.listen(clock: bench.clock) }
      let events = bench.host.events()
      try await withThrowingTaskGroup(of: [DeviceID].self) { group in
        for listener in listeners {
          group.addTask { [try await absence.requireHeard(by: listener).id] }
        }
        group.addTask {
          for await case .detached(absence.old.id, absence.bench.path) in events { break }
          for await case .attached(let info) in events where info.path == absence.bench.path {
            return [info.id]
          }
          throw BrokenPromise(what: "the stream has ended", place: "\(#fileID):\(#line)")
        }
        try await device.leave(for: 2, bench)
        let ids = try await group.reduce(into: Set<DeviceID>()) { $0.formUnion($1) }
        try require("the different ids that were heard", ids.count, is: 1)
      }
    },
    Check("what happens before the first question is heard", needs: .leaving, .returning) {
      bench in
      let device = try await bench.open()
      let listener = bench.host.listen(clock: bench.clock)
      try await device.leave(for: 1, bench)
      let old = device.info.id
      let info = try await bench.find { $0.id != old }
      let heard = try await Absence(bench: bench, old: device.info).requireHeard(by: listener)
      try require("what was heard", heard.id, is: info.id)
    },
    Check(
      "a cable that is pulled ends every transfer that waits",
      needs: .cable, .several, .waiting, .streams
    ) { bench in
      let device = try await bench.open()
      let listener = bench.host.listen(clock: bench.clock)
      try await device.claimInterface(0)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<2 {
          group.addImmediateTask {
            try await requireRefusal(.disconnected, of: "the control transfer") {
              try await device.ask(.silent, length: 8, timeout: .seconds(3600))
            }
          }
          group.addImmediateTask {
            try await requireRefusal(.disconnected, of: "the bulk transfer") {
              try await device.bulkIn(endpoint: 0x81, length: 8, timeout: .seconds(3600))
            }
          }
        }
        try await bench.pass()
        try await bench.fixture.cable?.pull()
        try await group.waitForAll()
      }
      try await Absence(bench: bench, old: device.info).requireGone(listener)
      try require("what is at the path", try await bench.present(), is: nil)
      try await requireDisconnected(device, bench)
      try await bench.fixture.cable?.plug()
      let info = try await bench.find()
      try require(info.id != device.info.id, "the device has its old id")
    },
  ]
}

/// Requires that everything fails because the device is gone.
private func requireDisconnected(_ device: any USBDevice, _ bench: Bench) async throws {
  let patience = bench.patience
  try await requireRefusal(.disconnected, of: "controlIn") {
    try await device.ask(.pattern, value: 1, length: 8, timeout: patience)
  }
  try await requireRefusal(.disconnected, of: "controlOut") {
    try await device.tell(.note, value: 1, timeout: patience)
  }
  try await requireRefusal(.disconnected, of: "bulkIn") {
    try await device.bulkIn(endpoint: 0x81, length: 8, timeout: patience)
  }
  try await requireRefusal(.disconnected, of: "interruptOut") {
    try await device.interruptOut(endpoint: 0x02, data: [1], timeout: patience)
  }
  try await requireRefusal(.disconnected, of: "claimInterface") {
    try await device.claimInterface(0)
  }
  try await requireRefusal(.disconnected, of: "setConfiguration") {
    try await device.setConfiguration(1)
  }
  try await requireRefusal(.disconnected, of: "clearHalt") {
    try await device.clearHalt(endpoint: 0x81)
  }
  try await requireRefusal(.disconnected, of: "reset") { try await device.reset() }
}
