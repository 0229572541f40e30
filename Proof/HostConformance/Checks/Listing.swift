internal import USB

extension Check {
  /// What a host tells of its devices.
  static let listing: [Check] = [
    Check("listing the devices sends nothing to them") { bench in
      let device = try await bench.open()
      let before = try await device.tally(bench)
      for _ in 0..<3 { _ = try await bench.host.devices() }
      try require("what the device has seen", try await device.tally(bench), is: before)
    },
    Check("the list tells the path, the speed and the device descriptor as they are") { bench in
      let info = try await bench.find()
      try require("the path", info.path, is: bench.path)
      try require("the speed", info.speed, is: bench.fixture.speed)
      let wanted = ReferenceDescriptors(speed: bench.fixture.speed)
      try require("the device descriptor", info.descriptor.bytes, is: wanted.device)
      try require("the ids", info.ids, is: "1209:0001")
      try require("the active configuration", info.activeConfiguration, is: 1)
      try require(info.address <= 127, "the address is \(info.address)")
    },
    Check(
      "the list tells the configurations byte for byte, and the serial number",
      needs: .descriptors
    ) { bench in
      let info = try await bench.find()
      try requireConfigurations(info, bench)
      try require("the serial number", info.serialNumber, is: ReferenceDescriptors.serialNumber)
    },
    Check("an open device knows its configurations byte for byte") { bench in
      let device = try await bench.open()
      try requireConfigurations(device.info, bench)
      try require("the path", device.info.path, is: bench.path)
    },
    Check("the list is in the order of the paths, and no id is twice in it") { bench in
      let all = try await bench.host.devices()
      try require("the paths", all.map(\.path), is: all.map(\.path).sorted())
      try require("the different ids", Set(all.map(\.id)).count, is: all.count)
    },
    Check("an id stays the same while the device is attached") { bench in
      let info = try await bench.find()
      let device = try await bench.open(info.id)
      try require("the id of the open device", device.info.id, is: info.id)
      try await device.requireAnswers(bench)
      await device.close()
      try require("the id in the next list", try await bench.find().id, is: info.id)
    },
    Check("an id that was never given is not found") { bench in
      try await requireNotFound(DeviceID(rawValue: .max), bench)
    },
    Check("the strings of a device can be read") { bench in
      let device = try await bench.open()
      try require(
        "the product", try await device.string(2, timeout: bench.patience), is: "Reference device")
      try require(
        "a string that is not there", try await device.string(77, timeout: bench.patience), is: nil)
    },
  ]
}

private func requireConfigurations(
  _ info: DeviceInfo, _ bench: Bench, file: String = #fileID, line: Int = #line
) throws {
  let wanted = ReferenceDescriptors(speed: bench.fixture.speed).configurations
  try require(
    "the configurations", info.configurations.map(\.bytes), is: wanted, file: file, line: line)
}

/// Requires that no device bears an id.
func requireNotFound(
  _ id: DeviceID, _ bench: Bench, file: String = #fileID, line: Int = #line
) async throws {
  let place = "\(file):\(line)"
  do {
    await (try await bench.host.open(id)).close()
    throw BrokenPromise(what: "a device with the id \(id.rawValue) can be opened", place: place)
  } catch let error as HostError {
    guard error.code != .notFound else { return }
    throw BrokenPromise(
      what: "opening ends with \(error.code.rawValue), not device-not-found: \(error.sentence)",
      place: place)
  }
}
