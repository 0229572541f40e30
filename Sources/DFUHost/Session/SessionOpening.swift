internal import DFU
internal import USB

/// Finds out what an opened device is.
struct SessionOpening {
  let info: DeviceInfo
  let function: DFUFunction
  let device: TransferMeter
  let clock: AnyClock

  /// Reads the strings, finds the mode, and claims the interface of a device in DFU mode.
  func run(window: Int) async throws(DFUError) -> (DFUDescription, isClaimed: Bool) {
    let quirks = DFUQuirks.quirks(
      vendor: info.descriptor.vendor, product: info.descriptor.product,
      version: info.descriptor.deviceVersion)
    var strings = Strings(device: device)
    // What a device does not tell now, the system may have read when it came.
    let manufacturer =
      try await strings.read(info.descriptor.manufacturerIndex) ?? info.manufacturerName
    let product = try await strings.read(info.descriptor.productIndex) ?? info.productName
    var serialNumber = info.serialNumber
    // What the system has read may be single bytes taken for UTF-16.
    let isSingleBytes = quirks.contains(.singleByteStrings)
    if serialNumber == nil || isSingleBytes {
      serialNumber =
        try await strings.read(info.descriptor.serialNumberIndex, singleBytes: isSingleBytes)
        ?? serialNumber
    }
    var names: [String] = []
    for setting in function.settings {
      names.append(try await strings.readName(setting.nameIndex))
    }
    var mode = function.mode(quirks: quirks)
    var state: DFUState?
    var isClaimed = false
    if mode != .runtime {
      try await claim()
      isClaimed = true
    }
    if mode == .unknown {
      // Facts 1.1: the descriptors do not tell, the state does.
      // An application that does not know the request stalls it again; a stall by accident does not
      // repeat itself.
      state = try await askState()
      if state == .appIdle { state = try await askState() }
      mode = function.mode(state: state, quirks: quirks)
      if mode == .runtime {
        try? await device.releaseInterface(function.interfaceNumber)
        isClaimed = false
      }
    }
    #if RULE_SWITCHES
      if !HostRule.sendsNothingUnasked.isKept, isClaimed { try await askEverything() }
    #endif
    let description = DFUDescription(
      info: info, function: function, manufacturer: manufacturer, product: product,
      serialNumber: serialNumber, names: names, mode: mode, state: state)
    return (description, isClaimed)
  }

  private func claim() async throws(DFUError) {
    do throws(TransferError) {
      if let active = info.activeConfiguration, active != function.configurationValue {
        try await device.setConfiguration(function.configurationValue)
      }
      try await device.claimInterface(function.interfaceNumber)
    } catch {
      throw DFUError(error, during: .describe)
    }
  }

  private func askState() async throws(DFUError) -> DFUState {
    let bytes: [UInt8]
    do throws(TransferError) {
      bytes = try await device.controlIn(
        DFURequest.getStatus(interface: function.interfaceNumber), timeout: .seconds(5))
    } catch {
      // In appIDLE the request is optional: a stall is how an application says that it has none.
      guard error.code == .stall else { throw DFUError(error, during: .describe) }
      return .appIdle
    }
    return try response(bytes, .describe).state
  }
}

/// Reads strings, each once.
private struct Strings {
  let device: TransferMeter
  private var known: [UInt8: String?] = [:]
  private var isSilent = false

  init(device: TransferMeter) { self.device = device }

  mutating func read(_ index: UInt8, singleBytes: Bool = false) async throws(DFUError) -> String? {
    guard index != 0, !isSilent else { return nil }
    if let known = known[index] { return known }
    do throws(TransferError) {
      let text = try await ask(index, singleBytes: singleBytes)
      known[index] = .some(text)
      return text
    } catch {
      switch error.code {
      case .timeout, .overflow, .protocolError:
        // A device that is silent twice is asked for no other string.
        isSilent = error.code == .timeout
        known[index] = .some(nil)
        return nil
      default: throw DFUError(error, during: .describe)
      }
    }
  }

  /// The name of an alternate setting: a layout that cannot be read, cut short perhaps, is asked for
  /// once more.
  mutating func readName(_ index: UInt8) async throws(DFUError) -> String {
    let name = try await read(index) ?? ""
    guard name.hasPrefix("@"), !Strings.isWholeLayout(name) else { return name }
    known[index] = nil
    let again = try await read(index) ?? name
    return Strings.isWholeLayout(again) || again.count > name.count ? again : name
  }

  /// Whether nothing of a layout had to be left out.
  private static func isWholeLayout(_ name: String) -> Bool {
    guard let map = try? MemoryMap(dfuseString: name) else { return false }
    return !map.warnings.contains {
      [.unclearType, .unclearSegment, .unplacedSegment, .unclearAddress, .trailingGarbage].contains(
        $0.rule)
    }
  }

  /// A string that fails is asked for once more: the name of an alternate setting is its memory map.
  private func ask(_ index: UInt8, singleBytes: Bool) async throws(TransferError) -> String? {
    do throws(TransferError) {
      if let text = try await device.string(index, singleBytes: singleBytes) { return text }
    } catch {
      guard error.code != .disconnected, error.code != .cancelled else { throw error }
    }
    return try await device.string(index, singleBytes: singleBytes)
  }
}
