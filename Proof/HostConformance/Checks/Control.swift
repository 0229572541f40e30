internal import USB

extension Check {
  /// Control transfers that go well.
  static let control: [Check] = [
    Check("a control transfer brings exactly the bytes that were asked for") { bench in
      let device = try await bench.open()
      for count in [1, 8, 63, 64, 65, 512, 1000] {
        try await requirePattern(device, count, length: count, bench)
      }
    },
    Check("a control transfer of 4096 bytes brings them all") { bench in
      let device = try await bench.open()
      try await requirePattern(device, 4096, length: 4096, bench)
    },
    Check("a short answer is no error, and is as long as it is") { bench in
      let device = try await bench.open()
      try await requirePattern(device, 5, length: 64, bench)
      try await requirePattern(device, 70, length: 512, bench)
    },
    Check("an answer that ends with an empty packet is as long as it is") { bench in
      let device = try await bench.open()
      try await requirePattern(device, 64, length: 128, bench)
      try await requirePattern(device, 128, length: 4096, bench)
    },
    Check("an empty answer is no error") { bench in
      let device = try await bench.open()
      try await requirePattern(device, 0, length: 64, bench)
      try await device.requireAnswers(bench)
    },
    Check("a control transfer to the host may have no data stage") { bench in
      let device = try await bench.open()
      try await requirePattern(device, 9, length: 0, bench)
      try await device.requireAnswers(bench)
    },
    Check("what goes to the device arrives, byte for byte, from 1 to 4096 bytes") { bench in
      let device = try await bench.open()
      for count in [1, 63, 64, 65, 512, 1023, 4096] {
        let data = referencePattern(count, seed: UInt16(count))
        try await device.tell(.echo, data: data, timeout: bench.patience)
        let back = try await device.ask(.echo, length: 4096, timeout: bench.patience)
        try require("the echo of \(count) bytes", back, is: data)
      }
    },
    Check("a control transfer to the device may have no data stage") { bench in
      let device = try await bench.open()
      try await device.tell(.note, value: 7, timeout: bench.patience)
      try await device.tell(.note, value: 0xFFFE, timeout: bench.patience)
      try require("what the device has noted", try await device.log(bench), is: [7, 0xFFFE])
    },
    Check("each control transfer is sent once") { bench in
      let device = try await bench.open()
      let before = try await device.tally(bench)
      for number in 0..<5 {
        try await device.tell(.note, value: UInt16(number), timeout: bench.patience)
        _ = try await device.ask(.pattern, value: 3, length: 8, timeout: bench.patience)
      }
      try require(
        "the requests that it has seen", try await device.tally(bench).requests - before.requests,
        is: 10)
    },
  ]

  /// What is refused, by the host before anything is sent or by the device.
  static let refusals: [Check] = [
    Check("more than the longest control transfer is refused before anything is sent") { bench in
      let device = try await bench.open()
      let before = try await device.tally(bench)
      let count = bench.fixture.longestControlTransfer + 1
      // wLength has 16 bits: where all are carried, there is nothing to refuse.
      guard count <= 0xFFFF else { return }
      try await requireRefusal(.other, of: "reading \(count) bytes") {
        try await device.ask(.pattern, value: 8, length: count, timeout: bench.patience)
      }
      try await requireRefusal(.other, of: "writing \(count) bytes") {
        try await device.tell(
          .echo, data: [UInt8](repeating: 1, count: count), timeout: bench.patience)
      }
      try require("what the device has seen", try await device.tally(bench), is: before)
    },
    Check("data that are not as long as wLength are refused before anything is sent") { bench in
      let device = try await bench.open()
      let before = try await device.tally(bench)
      for (length, count) in [(8, 7), (8, 9), (0, 1), (1, 0)] {
        try await requireRefusal(.other, of: "wLength \(length) with \(count) bytes") {
          try await device.controlOut(
            .reference(.echo, .out, length: length), data: [UInt8](repeating: 1, count: count),
            timeout: bench.patience)
        }
      }
      try require("what the device has seen", try await device.tally(bench), is: before)
    },
    Check("a direction bit that says otherwise is refused before anything is sent") { bench in
      let device = try await bench.open()
      let before = try await device.tally(bench)
      try await requireRefusal(.other, of: "controlIn with an OUT request") {
        try await device.controlIn(
          .reference(.echo, .out, length: 4), timeout: bench.patience)
      }
      try await requireRefusal(.other, of: "controlOut with an IN request") {
        try await device.controlOut(
          .reference(.pattern, .in, length: 4), data: [1, 2, 3, 4], timeout: bench.patience)
      }
      try require("what the device has seen", try await device.tally(bench), is: before)
    },
    Check("a refused request is a stall, and the pipe works afterwards") { bench in
      let device = try await bench.open()
      for _ in 0..<2 {
        try await requireRefusal(.stall, of: "the read") {
          try await device.ask(.stall, length: 8, timeout: bench.patience)
        }
        try await device.requireAnswers(bench)
        try await requireRefusal(.stall, of: "the write") {
          try await device.tell(.stall, data: [1, 2, 3], timeout: bench.patience)
        }
        try await requireRefusal(.stall, of: "the request without data") {
          try await device.tell(.stall, timeout: bench.patience)
        }
        try await device.requireAnswers(bench)
      }
    },
    Check("an error of a control transfer names its setup packet") { bench in
      let device = try await bench.open()
      let setup = SetupPacket.reference(.stall, .in, value: 3, index: 4, length: 8)
      do {
        _ = try await device.controlIn(setup, timeout: bench.patience)
        throw BrokenPromise(what: "nothing is refused", place: "\(#fileID):\(#line)")
      } catch let error as TransferError {
        try require("the setup packet", error.setup, is: setup)
      }
    },
    Check("more bytes than were asked for are an overflow, and the pipe works afterwards") {
      bench in
      let device = try await bench.open()
      try await requireRefusal(.overflow, of: "the answer") {
        try await device.ask(.babble, value: 3, length: 8, timeout: bench.patience)
      }
      try await device.requireAnswers(bench)
    },
  ]
}

private func requirePattern(
  _ device: any USBDevice, _ count: Int, length: Int, _ bench: Bench, file: String = #fileID,
  line: Int = #line
) async throws {
  let seed = UInt16(count + length)
  let bytes = try await device.ask(
    .pattern, value: UInt16(count), index: seed, length: length, timeout: bench.patience)
  try require(
    "\(count) bytes where \(length) were asked for", bytes,
    is: referencePattern(min(count, length), seed: seed), file: file, line: line)
}
