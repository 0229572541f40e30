public import USB

extension EnumerationFailure {
  /// What in the descriptors makes Windows give a device up where others forgive it.
  ///
  /// Only the order of interface numbers is documented; the rest is common knowledge, so that these are warnings and
  /// decide nothing.
  ///
  /// - Parameters:
  ///   - device: its device descriptor.
  ///   - configurations: its configurations; the first is the one that Windows looks at.
  ///   - speed: how fast it runs; nil where that is not known.
  /// - Returns: a step for each, which names the failure that it may lead to.
  public static func risks(
    _ device: DeviceDescriptor, _ configurations: [ConfigurationDescriptor], speed: USBSpeed? = nil
  ) -> [DriverDecision.Step] {
    var steps: [DriverDecision.Step] = []
    func risk(_ failure: EnumerationFailure, _ sentence: String, _ certainty: Certainty = .known) {
      steps.append(
        DriverDecision.Step(
          "enumeration-risk", "\(sentence) Windows may give the device up as \"\(failure.name)\".",
          Evidence("Windows' checks of descriptors", certainty)))
    }
    if let speed, !packetSizes(speed).contains(device.maxPacketSize0) {
      risk(
        .deviceValidation,
        "bMaxPacketSize0 is \(device.maxPacketSize0), which a device of \(speed.rawValue) speed may not have."
      )
    }
    guard let first = configurations.first else { return steps }
    if let fault = first.faults.first(where: { $0.field == "wTotalLength" }) {
      risk(.configurationValidation, fault.sentence)
    }
    let numbers = first.interfaces.map(\.number)
    if let place = zip(numbers, numbers.dropFirst()).first(where: { $0 > $1 }) {
      risk(
        .configurationValidation, "Interface \(place.1) stands behind interface \(place.0).",
        .documented)
    }
    for interface in first.interfaces {
      var seen: Set<UInt8> = []
      if let twice = interface.endpoints.first(where: { !seen.insert($0.address).inserted }) {
        risk(
          .configurationValidation,
          "Interface \(interface.number) has endpoint 0x\(hex(twice.address)) twice in setting "
            + "\(interface.alternateSetting).")
        break
      }
    }
    return steps
  }

  private static func packetSizes(_ speed: USBSpeed) -> [UInt8] {
    switch speed {
    case .low: [8]
    case .full: [8, 16, 32, 64]
    case .high: [64]
    // An exponent: 512 bytes.
    case .superSpeed, .superSpeedPlus: [9]
    }
  }
}
