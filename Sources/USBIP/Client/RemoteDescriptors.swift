internal import USB

/// What an imported device says of itself.
struct RemoteDescriptors: Sendable {
  var device: DeviceDescriptor
  var configurations: [ConfigurationDescriptor]
}

extension ClientConnection {
  private static let limit = Duration.seconds(5)

  private func bytes(_ setup: SetupPacket) async throws(TransferError) -> [UInt8] {
    try await perform(.control(setup), within: Self.limit).data
  }

  /// Reads the device descriptor and the configurations. A configuration that cannot be read is left out.
  func descriptors() async throws(TransferError) -> RemoteDescriptors {
    let head = try await bytes(
      .getDescriptor(.device, index: 0, language: 0, length: UInt16(DeviceDescriptor.length)))
    var reader = ByteReader(head.span.bytes)
    let device: DeviceDescriptor
    do throws(ParseError) {
      device = try DeviceDescriptor(parsing: &reader)
    } catch {
      throw TransferError(.other, detail: "its device descriptor: \(error.sentence.asPart)")
    }
    var configurations: [ConfigurationDescriptor] = []
    // USB knows eight at most in practice; a hostile device may say 255.
    for index in 0..<min(device.configurationCount, 8) {
      if let configuration = try await configuration(index) { configurations.append(configuration) }
    }
    return RemoteDescriptors(device: device, configurations: configurations)
  }

  private func configuration(
    _ index: UInt8
  ) async throws(TransferError) -> ConfigurationDescriptor? {
    do throws(TransferError) {
      let head = try await bytes(
        .getDescriptor(.configuration, index: index, language: 0, length: 9))
      guard head.count >= 4 else { return nil }
      let total = UInt16(head[2]) | UInt16(head[3]) << 8
      // Linux reads no more than a page of usbfs either.
      let all = try await bytes(
        .getDescriptor(
          .configuration, index: index, language: 0,
          length: min(total, UInt16(USBIPDevice.maximumControlLength))))
      var reader = ByteReader(all.span.bytes)
      return try? ConfigurationDescriptor(parsing: &reader)
    } catch {
      guard error.code == .stall || error.code == .timeout else { throw error }
      return nil
    }
  }

  /// SET_CONFIGURATION.
  func configure(_ value: UInt8) async throws(TransferError) {
    _ = try await perform(.control(.setConfiguration(value)), within: Self.limit)
  }

  /// Reads the serial number; nil where there is none.
  func serialNumber(_ device: DeviceDescriptor) async throws(TransferError) -> String? {
    guard device.serialNumberIndex != 0 else { return nil }
    do throws(TransferError) {
      let answer = try await bytes(
        .getDescriptor(
          .string, index: device.serialNumberIndex,
          language: LanguageID.englishUnitedStates.rawValue, length: 255))
      var reader = ByteReader(answer.span.bytes)
      return try? StringDescriptor(parsing: &reader, singleBytes: false).text
    } catch {
      guard error.code == .stall || error.code == .timeout else { throw error }
      return nil
    }
  }
}
