internal import USB

/// An open device whose calls are recorded.
final class RecordingDevice: USBDevice {
  private let device: any USBDevice
  private let handle: UInt32
  private let recorder: Recorder

  init(_ device: any USBDevice, handle: UInt32, recorder: Recorder) {
    self.device = device
    self.handle = handle
    self.recorder = recorder
  }

  var info: DeviceInfo { device.info }

  /// Records `call` around `body`, which starts at once.
  private func record<Value>(
    _ call: DeviceCall, outcome: (Value) -> CallOutcome,
    _ body: () async throws(TransferError) -> Value
  ) async throws(TransferError) -> Value {
    let number = recorder.began(call, on: handle)
    do throws(TransferError) {
      let value = try await body()
      recorder.note(.ended(number: number, outcome(value)))
      return value
    } catch {
      recorder.note(.ended(number: number, .failed(error.code, detail: error.detail)))
      throw error
    }
  }

  func controlIn(_ setup: SetupPacket, timeout: Duration) async throws(TransferError) -> [UInt8] {
    try await record(.controlIn(setup), outcome: { .received($0) }) {
      () async throws(TransferError) in
      try await device.controlIn(setup, timeout: timeout)
    }
  }

  func controlOut(
    _ setup: SetupPacket, data: [UInt8], timeout: Duration
  ) async throws(TransferError) {
    try await record(.controlOut(setup, data), outcome: { _ in .done }) {
      () async throws(TransferError) in
      try await device.controlOut(setup, data: data, timeout: timeout)
    }
  }

  func bulkIn(
    endpoint: UInt8, length: Int, timeout: Duration
  ) async throws(TransferError) -> [UInt8] {
    try await record(.bulkIn(endpoint, length: length), outcome: { .received($0) }) {
      () async throws(TransferError) in
      try await device.bulkIn(endpoint: endpoint, length: length, timeout: timeout)
    }
  }

  func bulkOut(
    endpoint: UInt8, data: [UInt8], timeout: Duration
  ) async throws(TransferError) -> Int {
    try await record(.bulkOut(endpoint, data), outcome: { .sent($0) }) {
      () async throws(TransferError) in
      try await device.bulkOut(endpoint: endpoint, data: data, timeout: timeout)
    }
  }

  func interruptIn(
    endpoint: UInt8, length: Int, timeout: Duration
  ) async throws(TransferError) -> [UInt8] {
    try await record(.interruptIn(endpoint, length: length), outcome: { .received($0) }) {
      () async throws(TransferError) in
      try await device.interruptIn(endpoint: endpoint, length: length, timeout: timeout)
    }
  }

  func interruptOut(
    endpoint: UInt8, data: [UInt8], timeout: Duration
  ) async throws(TransferError) -> Int {
    try await record(.interruptOut(endpoint, data), outcome: { .sent($0) }) {
      () async throws(TransferError) in
      try await device.interruptOut(endpoint: endpoint, data: data, timeout: timeout)
    }
  }

  func setConfiguration(_ value: UInt8) async throws(TransferError) {
    try await record(.setConfiguration(value), outcome: { _ in .done }) {
      () async throws(TransferError) in
      try await device.setConfiguration(value)
    }
  }

  func claimInterface(_ number: UInt8) async throws(TransferError) {
    try await record(.claim(number), outcome: { _ in .done }) { () async throws(TransferError) in
      try await device.claimInterface(number)
    }
  }

  func releaseInterface(_ number: UInt8) async throws(TransferError) {
    try await record(.release(number), outcome: { _ in .done }) { () async throws(TransferError) in
      try await device.releaseInterface(number)
    }
  }

  func setAlternateSetting(
    _ setting: UInt8, interface number: UInt8
  ) async throws(TransferError) {
    try await record(.setAlternateSetting(setting, interface: number), outcome: { _ in .done }) {
      () async throws(TransferError) in
      try await device.setAlternateSetting(setting, interface: number)
    }
  }

  func clearHalt(endpoint: UInt8) async throws(TransferError) {
    try await record(.clearHalt(endpoint), outcome: { _ in .done }) {
      () async throws(TransferError) in
      try await device.clearHalt(endpoint: endpoint)
    }
  }

  func reset() async throws(TransferError) {
    try await record(.reset, outcome: { _ in .done }) { () async throws(TransferError) in
      try await device.reset()
    }
  }

  func close() async {
    let number = recorder.began(.close, on: handle)
    await device.close()
    recorder.note(.ended(number: number, .done))
  }
}
