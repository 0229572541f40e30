internal import USB

extension Check {
  /// Several transfers at a time.
  static let order: [Check] = [
    Check("control transfers run in the order in which they were started", needs: .several) {
      bench in
      let device = try await bench.open()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in UInt16(0)..<16 {
          group.addImmediateTask {
            try await device.tell(
              .note, value: number, data: [], timeout: bench.patience)
          }
        }
        try await group.waitForAll()
      }
      try require(
        "what the device has noted", try await device.log(bench), is: (0..<16).map { UInt16($0) })
    },
    Check("each of several transfers gets its own answer", needs: .several) { bench in
      let device = try await bench.open()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in UInt16(0)..<16 {
          group.addImmediateTask {
            let bytes = try await device.ask(
              .pattern, value: 20 + number, index: number, length: 64, timeout: bench.patience)
            try require(
              "answer \(number)", bytes, is: referencePattern(20 + Int(number), seed: number))
          }
        }
        try await group.waitForAll()
      }
    },
    Check("a transfer that is refused does not stop those behind it", needs: .several) { bench in
      let device = try await bench.open()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in UInt16(0)..<6 {
          group.addImmediateTask {
            guard number.isMultiple(of: 2) else {
              return try await device.requireAnswers(bench, seed: number)
            }
            try await requireRefusal(.stall, of: "the transfer") {
              try await device.ask(.stall, length: 8, timeout: bench.patience)
            }
          }
        }
        try await group.waitForAll()
      }
    },
    Check(
      "bulk transfers to one endpoint arrive in the order in which they were started",
      needs: .several, .streams
    ) { bench in
      let device = try await bench.open()
      try await device.claimInterface(0)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in UInt8(1)...8 {
          group.addImmediateTask {
            let data = [UInt8](repeating: number, count: Int(number))
            _ = try await device.bulkOut(endpoint: 0x01, data: data, timeout: bench.patience)
          }
        }
        try await group.waitForAll()
      }
      for number in UInt8(1)...8 {
        try require(
          "message \(number)",
          try await device.bulkIn(endpoint: 0x81, length: 64, timeout: bench.patience),
          is: [UInt8](repeating: number, count: Int(number)))
      }
    },
    Check(
      "several reads that wait get what comes, in the order in which they were started",
      needs: .several, .streams, .waiting
    ) { bench in
      let device = try await bench.open()
      try await device.claimInterface(0)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in UInt8(1)...4 {
          group.addImmediateTask {
            try require(
              "read \(number)",
              try await device.bulkIn(endpoint: 0x81, length: 64, timeout: bench.patience),
              is: [number, 0xEE])
          }
        }
        try await bench.pass()
        for number in UInt8(1)...4 {
          _ = try await device.bulkOut(
            endpoint: 0x01, data: [number, 0xEE], timeout: bench.patience)
        }
        try await group.waitForAll()
      }
    },
    Check(
      "a control transfer that waits does not hold up the other endpoints",
      needs: .several, .streams, .waiting
    ) { bench in
      let device = try await bench.open()
      try await device.claimInterface(0)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addImmediateTask {
          try await requireRefusal(.cancelled, of: "the control transfer") {
            try await device.ask(.silent, length: 8, timeout: .seconds(3600))
          }
        }
        _ = try await device.bulkOut(endpoint: 0x01, data: [5, 6], timeout: bench.patience)
        try require(
          "what came back",
          try await device.bulkIn(
            endpoint: 0x81, length: 64, timeout: bench.patience), is: [5, 6])
        group.cancelAll()
        try await group.waitForAll()
      }
    },
    Check(
      "a read that waits does not hold up the other endpoints",
      needs: .several, .streams, .waiting
    ) { bench in
      let device = try await bench.open()
      try await device.claimInterface(0)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addImmediateTask {
          try require(
            "the read that waited",
            try await device.bulkIn(endpoint: 0x81, length: 64, timeout: bench.patience), is: [8])
        }
        group.addImmediateTask {
          try require(
            "the other one",
            try await device.interruptIn(endpoint: 0x82, length: 16, timeout: bench.patience),
            is: [9])
        }
        try await bench.pass()
        try await device.requireAnswers(bench)
        _ = try await device.interruptOut(endpoint: 0x02, data: [9], timeout: bench.patience)
        _ = try await device.bulkOut(endpoint: 0x01, data: [8], timeout: bench.patience)
        try await group.waitForAll()
      }
    },
    Check(
      "transfers of two handles reach the device side by side",
      needs: .several, .secondHandle
    ) { bench in
      let (one, two) = (try await bench.open(), try await bench.open())
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in UInt16(0)..<6 {
          let device = number.isMultiple(of: 2) ? one : two
          group.addImmediateTask { try await device.requireAnswers(bench, seed: number) }
        }
        try await group.waitForAll()
      }
    },
  ]
}
