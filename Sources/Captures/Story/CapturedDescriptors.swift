public import USB

extension CaptureFile {
  /// What the capture holds of a device's descriptors, as it was sent. The speed is not in a capture.
  ///
  /// - Parameter place: `BUS.ADDRESS` of the device; nil for the only one, or the only one with a DFU interface.
  /// - Returns: the descriptors, and whose they are.
  /// - Throws: ``CapturedRecordingError`` where that device is not there, or nothing of it was read.
  public func descriptors(
    of place: String? = nil
  ) throws(CapturedRecordingError) -> (set: DescriptorSet, device: String) {
    let all = transfers
    let known = CaptureOwners(all)
    let device = known.devices[try CapturedRecording.choose(known, place, all)]
    guard !device.deviceBytes.isEmpty || !device.configurationBytes.isEmpty else {
      throw CapturedRecordingError(.notDescribed(device.place))
    }
    var set = DescriptorSet(
      device: device.deviceBytes,
      configurations: device.configurationBytes.sorted { $0.key < $1.key }.map(\.value),
      binaryObjectStore: device.binaryObjectStore)
    set.deviceQualifier = device.deviceQualifier
    set.language = device.language
    set.strings = device.strings
    return (set, device.place)
  }

  /// Whether some bytes begin as a capture does.
  public static func isWritten(in bytes: [UInt8]) -> Bool {
    let begins: [[UInt8]] = [
      [0xA1, 0xB2, 0xC3, 0xD4], [0xD4, 0xC3, 0xB2, 0xA1], [0xA1, 0xB2, 0x3C, 0x4D],
      [0x4D, 0x3C, 0xB2, 0xA1], [0x0A, 0x0D, 0x0D, 0x0A],
    ]
    return begins.contains { bytes.starts(with: $0) }
  }
}
