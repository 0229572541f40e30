internal import USB

extension Check {
  /// Alternate settings and configurations.
  static let settings: [Check] = [
    Check("an alternate setting is selected, and lasts", needs: .alternateSettings) { bench in
      let device = try await bench.open()
      try await device.claimInterface(1)
      try await device.setAlternateSetting(1, interface: 1)
      for _ in 0..<2 {
        try require("the setting that the device has", try await setting(device, bench), is: 1)
      }
      try await device.setAlternateSetting(2, interface: 1)
      try require("the setting that the device has", try await setting(device, bench), is: 2)
      try await device.setAlternateSetting(0, interface: 1)
      try require("the setting that the device has", try await setting(device, bench), is: 0)
    },
    Check("a setting has its endpoints and no others", needs: .alternateSettings, .streams) {
      bench in
      let device = try await bench.open()
      try await device.claimInterface(1)
      try await device.setAlternateSetting(1, interface: 1)
      try await requireLoopback(device, 70, room: 1024, endpoint: 0x03, bench)
      try await requireRefusal(.unsupported, of: "an endpoint of setting 2 in setting 1") {
        try await device.bulkOut(endpoint: 0x04, data: [1], timeout: bench.patience)
      }
      try await device.setAlternateSetting(2, interface: 1)
      try await requireLoopback(device, 70, room: 1024, endpoint: 0x04, bench)
      try await requireRefusal(.unsupported, of: "an endpoint of setting 1 in setting 2") {
        try await device.bulkOut(endpoint: 0x03, data: [1], timeout: bench.patience)
      }
      try await device.setAlternateSetting(0, interface: 1)
      try await requireRefusal(.unsupported, of: "an endpoint of setting 2 in setting 0") {
        try await device.bulkOut(endpoint: 0x04, data: [1], timeout: bench.patience)
      }
    },
    Check(
      "a setting can be selected again after the interface was given back",
      needs: .alternateSettings, .streams
    ) { bench in
      let device = try await bench.open()
      for endpoint in [UInt8(3), 4, 3] {
        try await device.claimInterface(1)
        try await device.setAlternateSetting(endpoint - 2, interface: 1)
        try await requireLoopback(device, 9, room: 1024, endpoint: endpoint, bench)
        try await device.releaseInterface(1)
      }
    },
    Check("selecting a setting is one request", needs: .alternateSettings) { bench in
      let device = try await bench.open()
      try await device.claimInterface(1)
      let before = try await device.tally(bench)
      try await device.setAlternateSetting(1, interface: 1)
      let after = try await device.tally(bench)
      try require("the requests that it has seen", after.requests - before.requests, is: 1)
      try require("SET_INTERFACE among them", after.settings - before.settings, is: 1)
    },
    Check(
      "a setting of an interface that is not claimed is refused, unseen",
      needs: .alternateSettings
    ) { bench in
      let device = try await bench.open()
      let before = try await device.tally(bench)
      try await requireRefusal(.closed, of: "selecting a setting without a claim") {
        try await device.setAlternateSetting(1, interface: 1)
      }
      try require("what the device has seen", try await device.tally(bench), is: before)
    },
    Check(
      "a setting that is not there is refused, and the old one stays",
      needs: .alternateSettings
    ) { bench in
      let device = try await bench.open()
      try await device.claimInterface(1)
      try await device.setAlternateSetting(1, interface: 1)
      // A host may know it from the descriptors, or let the device refuse.
      try await requireRefusal(.unsupported, .stall, of: "selecting setting 9") {
        try await device.setAlternateSetting(9, interface: 1)
      }
      try require("the setting that the device has", try await setting(device, bench), is: 1)
    },
    Check("a configuration is selected, and the list tells it", needs: .configurations) { bench in
      let device = try await bench.open()
      for value in [UInt8(2), 1] {
        try await device.setConfiguration(value)
        try require(
          "the configuration that the device has", try await configuration(device, bench),
          is: value)
        let info = try await bench.find()
        try require("the configuration in the list", info.activeConfiguration, is: value)
        try require("the id", info.id, is: device.info.id)
      }
    },
    Check("only interfaces of the active configuration can be claimed", needs: .configurations) {
      bench in
      let device = try await bench.open()
      try await device.setConfiguration(2)
      try await requireRefusal(.unsupported, of: "claiming what configuration 2 does not have") {
        try await device.claimInterface(1)
      }
      try await device.claimInterface(0)
      try await requireRefusal(.unsupported, of: "an endpoint that configuration 2 does not have") {
        try await device.bulkIn(endpoint: 0x81, length: 8, timeout: bench.patience)
      }
      try await device.releaseInterface(0)
      try await device.setConfiguration(1)
      try await device.claimInterface(1)
    },
    Check("configuration 0 unconfigures the device", needs: .configurations) { bench in
      let device = try await bench.open()
      try await device.setConfiguration(0)
      try require(
        "the configuration in the list", try await bench.find().activeConfiguration, is: nil)
      try await requireRefusal(.unsupported, of: "claiming an interface") {
        try await device.claimInterface(0)
      }
      try await device.setConfiguration(1)
      try await device.claimInterface(0)
      try await device.requireAnswers(bench)
    },
    Check("a configuration is not changed under a claim", needs: .configurations) { bench in
      let device = try await bench.open()
      try await device.claimInterface(0)
      let before = try await device.tally(bench)
      try await requireRefusal(.busy, of: "changing the configuration under a claim") {
        try await device.setConfiguration(2)
      }
      try require("what the device has seen", try await device.tally(bench), is: before)
      try await device.releaseInterface(0)
      try await device.setConfiguration(2)
      try await device.setConfiguration(1)
    },
    Check(
      "a configuration is not changed under the claim of another handle",
      needs: .configurations, .secondHandle
    ) { bench in
      let (one, two) = (try await bench.open(), try await bench.open())
      try await one.claimInterface(0)
      try await requireRefusal(.busy, of: "changing the configuration under another's claim") {
        try await two.setConfiguration(2)
      }
      try require(
        "the configuration that the device has", try await configuration(one, bench), is: 1)
    },
    Check(
      "a configuration that is not there is refused, and the old one stays",
      needs: .configurations
    ) { bench in
      let device = try await bench.open()
      try await requireRefusal(.unsupported, .stall, of: "selecting configuration 9") {
        try await device.setConfiguration(9)
      }
      try await device.claimInterface(0)
      try await device.requireAnswers(bench)
    },
  ]
}

/// GET_INTERFACE of interface 1 (USB 2.0, 9.4.4).
private func setting(_ device: any USBDevice, _ bench: Bench) async throws -> UInt8? {
  let setup = SetupPacket(
    RequestType(.in, .standard, .interface), request: Chapter9.getInterface, value: 0, index: 1,
    length: 1)
  return try await device.controlIn(setup, timeout: bench.patience).first
}

/// GET_CONFIGURATION (9.4.2).
private func configuration(_ device: any USBDevice, _ bench: Bench) async throws -> UInt8? {
  let setup = SetupPacket(
    RequestType(.in, .standard, .device), request: Chapter9.getConfiguration, value: 0, index: 0,
    length: 1)
  return try await device.controlIn(setup, timeout: bench.patience).first
}
