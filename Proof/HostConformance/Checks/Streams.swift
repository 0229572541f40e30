internal import USB

extension Check {
  /// Bulk and interrupt transfers that go well.
  static let streams: [Check] = [
    Check("bulk data go there and back in every size", needs: .streams) { bench in
      let device = try await bench.open()
      try await device.claimInterface(0)
      let size = ReferenceDescriptors(speed: bench.fixture.speed).bulkPacketSize
      for count in [1, 2, size - 1, size, size + 1, 3 * size, 3 * size + 7, 4096, 10000] {
        try await requireLoopback(device, count, room: 16384, bench)
      }
    },
    Check("an empty bulk transfer goes there and back", needs: .streams) { bench in
      let device = try await bench.open()
      try await device.claimInterface(0)
      try await requireLoopback(device, 0, room: 64, bench)
      try await requireLoopback(device, 3, room: 64, bench)
    },
    Check(
      "a bulk read ends with its bytes, and the empty packet behind them is the next",
      needs: .streams
    ) { bench in
      let device = try await bench.open()
      try await device.claimInterface(0)
      let size = ReferenceDescriptors(speed: bench.fixture.speed).bulkPacketSize
      let data = referencePattern(2 * size, seed: 3)
      try await send(data, device, bench)
      try await requireRead("the first packet", Array(data[..<size]), size, device, bench)
      try await requireRead("the second packet", Array(data[size...]), size, device, bench)
      try await requireRead("the empty packet", [], size, device, bench)
    },
    Check("a packet that does not fit a bulk read is an overflow", needs: .streams) { bench in
      let device = try await bench.open()
      try await device.claimInterface(0)
      try await send([1, 2, 3, 4, 5], device, bench)
      try await requireRefusal(.overflow, of: "reading 3 of 5 bytes") {
        try await device.bulkIn(endpoint: 0x81, length: 3, timeout: bench.patience)
      }
      try await device.requireAnswers(bench)
    },
    Check("interrupt data go there and back", needs: .streams) { bench in
      let device = try await bench.open()
      try await device.claimInterface(0)
      for count in [1, 15, 16, 8] {
        let data = referencePattern(count, seed: UInt16(count))
        try require(
          "the bytes sent",
          try await device.interruptOut(endpoint: 0x02, data: data, timeout: bench.patience),
          is: count)
        try require(
          "the echo of \(count) bytes",
          try await device.interruptIn(endpoint: 0x82, length: 16, timeout: bench.patience),
          is: data)
        // Behind a full packet there is an empty one.
        guard count == 16 else { continue }
        try require(
          "the empty packet",
          try await device.interruptIn(endpoint: 0x82, length: 16, timeout: bench.patience), is: [])
      }
    },
    Check("each bulk transfer is sent once", needs: .streams) { bench in
      let device = try await bench.open()
      try await device.claimInterface(0)
      let before = try await device.tally(bench)
      for _ in 0..<4 { try await requireLoopback(device, 100, room: 1024, bench) }
      let after = try await device.tally(bench)
      try require("the writes", after.streamsOut - before.streamsOut, is: 4)
      try require("the reads", after.streamsIn - before.streamsIn, is: 4)
    },
    Check(
      "a bulk call to an interrupt endpoint is refused, and the other way round",
      needs: .streams
    ) { bench in
      let device = try await bench.open()
      try await device.claimInterface(0)
      try await requireRefusal(.unsupported, of: "bulkIn from an interrupt endpoint") {
        try await device.bulkIn(endpoint: 0x82, length: 16, timeout: bench.patience)
      }
      try await requireRefusal(.unsupported, of: "interruptOut to a bulk endpoint") {
        try await device.interruptOut(endpoint: 0x01, data: [1], timeout: bench.patience)
      }
    },
    Check("an endpoint that is not there is refused", needs: .streams) { bench in
      let device = try await bench.open()
      try await device.claimInterface(0)
      try await requireRefusal(.unsupported, of: "reading from endpoint 0x85") {
        try await device.bulkIn(endpoint: 0x85, length: 16, timeout: bench.patience)
      }
      try await requireRefusal(.unsupported, of: "writing to endpoint 0x05") {
        try await device.interruptOut(endpoint: 0x05, data: [1], timeout: bench.patience)
      }
    },
    Check("a halted endpoint refuses until its halt is cleared", needs: .streams, .halts) { bench in
      let device = try await bench.open()
      try await device.claimInterface(0)
      try await send([1], device, bench)
      try await device.tell(.halt, index: 0x81, timeout: bench.patience)
      for _ in 0..<2 {
        try await requireRefusal(.stall, of: "reading from a halted endpoint") {
          try await device.bulkIn(endpoint: 0x81, length: 64, timeout: bench.patience)
        }
      }
      try await device.clearHalt(endpoint: 0x81)
      try await requireRead("what waited behind the halt", [1], 64, device, bench)
    },
    Check("a halted endpoint leaves the others alone", needs: .streams, .halts) { bench in
      let device = try await bench.open()
      try await device.claimInterface(0)
      try await device.tell(.halt, index: 0x01, timeout: bench.patience)
      try await requireRefusal(.stall, of: "writing to a halted endpoint") {
        try await device.bulkOut(endpoint: 0x01, data: [1], timeout: bench.patience)
      }
      try await device.requireAnswers(bench)
      _ = try await device.interruptOut(endpoint: 0x02, data: [2], timeout: bench.patience)
      try await device.clearHalt(endpoint: 0x01)
      try await requireLoopback(device, 5, room: 64, bench)
    },
    Check("a halt can be cleared only of an endpoint that is there and claimed", needs: .halts) {
      bench in
      let device = try await bench.open()
      let before = try await device.tally(bench)
      try await requireRefusal(.closed, of: "clearing the halt of an interface not claimed") {
        try await device.clearHalt(endpoint: 0x81)
      }
      try await device.claimInterface(0)
      try await requireRefusal(.unsupported, of: "clearing the halt of endpoint 0x85") {
        try await device.clearHalt(endpoint: 0x85)
      }
      try require("what the device has seen", try await device.tally(bench), is: before)
    },
  ]
}

private func send(_ data: [UInt8], _ device: any USBDevice, _ bench: Bench) async throws {
  try require(
    "the bytes sent",
    try await device.bulkOut(endpoint: 0x01, data: data, timeout: bench.patience), is: data.count)
}

private func requireRead(
  _ what: String, _ wanted: [UInt8], _ length: Int, _ device: any USBDevice, _ bench: Bench,
  file: String = #fileID, line: Int = #line
) async throws {
  try require(
    what, try await device.bulkIn(endpoint: 0x81, length: length, timeout: bench.patience),
    is: wanted, file: file, line: line)
}

/// Sends bytes and requires them back.
func requireLoopback(
  _ device: any USBDevice, _ count: Int, room: Int, endpoint: UInt8 = 0x01, _ bench: Bench,
  file: String = #fileID, line: Int = #line
) async throws {
  let data = referencePattern(count, seed: UInt16(truncatingIfNeeded: count))
  try require(
    "the bytes sent",
    try await device.bulkOut(endpoint: endpoint, data: data, timeout: bench.patience), is: count,
    file: file, line: line)
  try require(
    "the \(count) bytes back",
    try await device.bulkIn(endpoint: endpoint | 0x80, length: room, timeout: bench.patience),
    is: data, file: file, line: line)
}
