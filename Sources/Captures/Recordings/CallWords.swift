internal import DFU
internal import USB

/// Calls in the words of the specifications: the comments of a recording, and what a difference from
/// one is about.
struct CallWords: Hashable, Sendable {
  /// Whether block 0 of a download is a command (DfuSe).
  var isDfuSe: Bool

  /// The words for calls to a device with these descriptors.
  ///
  /// A device that speaks DfuSe says version 1.1a, or has names that begin with `@`, which are seen
  /// when they are read.
  init(_ info: DeviceInfo) {
    isDfuSe = info.configurations.contains { configuration in
      DFUFunction.find(in: configuration).contains { $0.functional?.version == BCDVersion(0x011A) }
    }
  }

  init(isDfuSe: Bool) { self.isDfuSe = isDfuSe }

  /// What a call is, in a few words.
  func words(_ call: DeviceCall) -> String {
    switch call {
    case .controlIn(let setup), .controlOut(let setup, _):
      return request(setup, call.data) ?? "control transfer"
    case .bulkIn(let endpoint, _): return "bulk read from endpoint 0x\(hex(endpoint))"
    case .bulkOut(let endpoint, _): return "bulk write to endpoint 0x\(hex(endpoint))"
    case .interruptIn(let endpoint, _): return "interrupt read from endpoint 0x\(hex(endpoint))"
    case .interruptOut(let endpoint, _): return "interrupt write to endpoint 0x\(hex(endpoint))"
    case .setConfiguration(let value): return "SET_CONFIGURATION \(value)"
    case .claim(let number): return "claim of interface \(number)"
    case .release(let number): return "release of interface \(number)"
    case .setAlternateSetting(let setting, let number):
      return "SET_INTERFACE \(number), setting \(setting)"
    case .clearHalt(let endpoint): return "CLEAR_FEATURE of endpoint 0x\(hex(endpoint))"
    case .reset: return "reset"
    case .close: return "close"
    }
  }

  /// What a call and its end mean; nil where the line says it all.
  mutating func comment(_ call: DeviceCall, _ outcome: CallOutcome) -> String? {
    guard let setup = call.setup, case .controlIn = call, case .received(let bytes) = outcome
    else {
      if case .controlOut(let setup, let data) = call { return request(setup, data) }
      if case .controlIn(let setup) = call { return request(setup, []) }
      return nil
    }
    if setup.requestType == RequestType(.in, .standard, .device),
      setup.request == StandardRequest.getDescriptor.rawValue,
      setup.value >> 8 == UInt16(DescriptorType.string.rawValue), setup.value & 0xFF != 0
    {
      var reader = ByteReader(bytes.span.bytes)
      guard let string = try? StringDescriptor(parsing: &reader) else { return request(setup, []) }
      if string.text.hasPrefix("@") { isDfuSe = true }
      var text: [UInt8] = []
      RecordingNotation.append(quoted: string.text, to: &text)
      return "string \(setup.value & 0xFF): \(String(decoding: text, as: UTF8.self))"
    }
    guard let request = DFURequest(setup) else { return self.request(setup, []) }
    return request.specificationName + (answer(request, setup, bytes).map { ": \($0)" } ?? "")
  }

  private func answer(_ request: DFURequest, _ setup: SetupPacket, _ bytes: [UInt8]) -> String? {
    switch request {
    case .getStatus:
      var reader = ByteReader(bytes.span.bytes)
      guard let answer = try? GetStatusResponse(parsing: &reader) else { return nil }
      let pause = answer.pollTimeout > 0 ? ", wait \(answer.pollTimeout) ms" : ""
      return "\(answer.status), \(answer.state)\(pause)"
    case .getState: return bytes.first.map { DFUState(rawValue: $0).description }
    case .upload where isDfuSe && setup.value == 0: return "Get Commands"
    case .upload: return "block \(setup.value), \(bytes.count) of \(setup.length) bytes"
    default: return nil
    }
  }

  private func request(_ setup: SetupPacket, _ data: [UInt8]) -> String? {
    guard let request = DFURequest(setup) else {
      guard setup.requestType == RequestType(.in, .standard, .device),
        setup.request == StandardRequest.getDescriptor.rawValue
      else { return nil }
      return "GET_DESCRIPTOR type \(setup.value >> 8), number \(setup.value & 0xFF)"
    }
    switch request {
    case .download: return "DFU_DNLOAD: \(download(setup, data))"
    case .upload: return "DFU_UPLOAD: block \(setup.value)"
    default: return request.specificationName
    }
  }

  private func download(_ setup: SetupPacket, _ data: [UInt8]) -> String {
    if data.isEmpty { return "the end, or leave" }
    if isDfuSe, setup.value == 0, let command = DfuSeCommand(data) {
      switch command {
      case .setAddressPointer(let address):
        return "Set Address Pointer \(addressText(UInt64(address)))"
      case .erase(let address): return "Erase \(addressText(UInt64(address)))"
      case .massErase: return "Mass Erase"
      case .readUnprotect: return "Read Unprotect"
      }
    }
    return "block \(setup.value), \(data.count) bytes"
  }
}
