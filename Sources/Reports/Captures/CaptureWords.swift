internal import Captures
internal import DFU
internal import USB

extension CapturedDevice {
  /// What it is, by its classes; nil where the capture does not tell.
  var classWords: String? {
    guard let descriptor else { return nil }
    let configurations = configurations
    guard !configurations.isEmpty || descriptor.deviceClass.words != nil else { return nil }
    return DeviceInfo(
      id: DeviceID(rawValue: 0), path: PortPath(bus: Int(bus), ports: [1]), address: 0,
      speed: .full, descriptor: descriptor, configurations: configurations,
      activeConfiguration: activeConfiguration
    ).classWords
  }

  /// The names of the settings of its DFU interfaces, where they were read.
  var memoryNames: [String] {
    configurations.flatMap { DFUFunction.find(in: $0) }.flatMap(\.settings).compactMap { setting in
      guard let text = strings[setting.nameIndex] else { return nil }
      return (try? MemoryMap(dfuseString: text))?.describedInWords ?? text
    }
  }
}

extension CaptureStory.Kind {
  /// A stable word for it.
  var word: String {
    switch self {
    case .introduced: "introduced"
    case .setAddress: "set-address"
    case .descriptor: "descriptor"
    case .string: "string"
    case .setConfiguration: "set-configuration"
    case .setInterface: "set-interface"
    case .request: "request"
    case .pipe: "transfers"
    case .pointer: "set-address-pointer"
    case .erase: "erase"
    case .massErase: "mass-erase"
    case .readUnprotect: "read-unprotect"
    case .unknownCommand: "unknown-command"
    case .write: "write"
    case .read: "read"
    case .commands: "get-commands"
    case .finish(nil, _): "finish"
    case .finish: "leave"
    case .status: "get-status"
    case .state: "get-state"
    case .clearStatus: "clear-status"
    case .abort: "abort"
    case .detach: "detach"
    }
  }

  /// The first address that it is about.
  var address: UInt64? {
    switch self {
    case .pointer(let address, _), .erase(let address, _, _, _): UInt64(address)
    case .finish(let address, _): address.map { UInt64($0) }
    case .write(let blocks, _), .read(let blocks): blocks.range?.lowerBound
    default: nil
    }
  }

  /// How many bytes it moved.
  var byteCount: Int? {
    switch self {
    case .write(let blocks, _), .read(let blocks): blocks.bytes
    case .pipe(_, _, _, let bytes): bytes
    case .descriptor(_, _, let length): length
    default: nil
    }
  }

  /// The DFU_GETSTATUS behind it.
  var polls: CaptureStory.Polls? {
    switch self {
    case .pointer(_, let polls), .erase(_, _, _, let polls), .massErase(let polls),
      .readUnprotect(let polls), .unknownCommand(_, let polls), .write(_, let polls),
      .finish(_, let polls):
      polls
    default: nil
    }
  }

  /// The state that it was itself about.
  var ownState: String? {
    switch self {
    case .status(let answer, _): answer?.state.description
    case .state(let state): state?.description
    default: nil
    }
  }

  /// What happened, in words.
  func words(of device: CapturedDevice) -> String {
    switch self {
    case .introduced:
      return "known to the host already: \(device.ids ?? "a device")"
        + (device.classWords.map { ", \($0)" } ?? "")
    case .setAddress(let address): return "SET_ADDRESS \(address)"
    case .descriptor(let type, let index, let length):
      return "GET_DESCRIPTOR \(Self.name(of: type))\(index == 0 ? "" : " \(index)"), "
        + byteText(length) + (type == .device ? device.ids.map { ": \($0)" } ?? "" : "")
    case .string(0, _): return "GET_DESCRIPTOR string: the languages"
    case .string(let index, let text):
      return "GET_DESCRIPTOR string \(index)" + (text.map { ": “\($0)”" } ?? "")
    case .setConfiguration(let value): return "SET_CONFIGURATION \(value)"
    case .setInterface(let number, let setting):
      return "SET_INTERFACE \(number), setting \(setting)"
        + (Self.name(of: setting, interface: number, device).map { ": \($0)" } ?? "")
    case .request(let setup, let count):
      return Self.words(of: setup) + (count > 1 ? ", \(count) times" : "")
    case .pipe(let kind, let endpoint, let count, let bytes):
      return "\(countText(count, "\(kind.name) transfer")) "
        + "\(endpoint & 0x80 != 0 ? "from" : "to") endpoint 0x\(hex(endpoint)), \(byteText(bytes))"
    default: return dfuWords
    }
  }

  private var dfuWords: String {
    switch self {
    case .pointer(let address, let polls):
      return "Set Address Pointer \(addressText(UInt64(address)))" + Self.words(of: polls)
    case .erase(let first, let last, let count, let polls):
      let place =
        count == 1
        ? "the sector at \(addressText(UInt64(first)))"
        : "\(count) sectors, \(addressText(UInt64(first))) to \(addressText(UInt64(last)))"
      return "erased \(place)" + Self.words(of: polls)
    case .massErase(let polls): return "Mass Erase" + Self.words(of: polls)
    case .readUnprotect(let polls): return "Read Unprotect" + Self.words(of: polls)
    case .unknownCommand(let bytes, let polls):
      let digits = bytes.prefix(8).map { hex($0) }.joined(separator: " ")
      return "a command that is not known: \(digits)" + Self.words(of: polls)
    case .write(let blocks, let polls):
      return "wrote \(Self.words(of: blocks))" + Self.words(of: polls)
    case .read(let blocks): return "read \(Self.words(of: blocks))"
    case .commands(let bytes):
      return "Get Commands: \(bytes.prefix(16).map { hex($0) }.joined(separator: " "))"
    case .finish(nil, let polls): return "the end of the download" + Self.words(of: polls)
    case .finish(let address?, let polls):
      return "leave, to what is at \(addressText(UInt64(address)))" + Self.words(of: polls)
    case .status(let answer, let count):
      return "DFU_GETSTATUS" + (answer.map { ": \($0.words)" } ?? "")
        + (count > 1 ? ", \(count) times" : "")
    case .state(let state): return "DFU_GETSTATE" + (state.map { ": \($0)" } ?? "")
    case .clearStatus: return "DFU_CLRSTATUS"
    case .abort: return "DFU_ABORT"
    case .detach(let timeout): return "DFU_DETACH, within \(timeout) ms"
    default: return ""
    }
  }

  private static func words(of blocks: CaptureStory.Blocks) -> String {
    let count =
      blocks.count == 1
      ? "block \(blocks.first), \(byteText(blocks.bytes))"
      : blocks.count * blocks.length == blocks.bytes
        ? "\(blocks.count) blocks of \(byteText(blocks.length))"
        : "\(blocks.count) blocks of at most \(byteText(blocks.length))"
    if let range = blocks.range, !range.isEmpty {
      return "\(addressText(range.lowerBound))–\(addressText(range.upperBound - 1)), \(count)"
    }
    return blocks.count == 1
      ? count : "blocks \(blocks.first) to \(blocks.last), \(count), \(byteText(blocks.bytes))"
  }

  /// What the device said while it was asked; nothing where it was simply ready.
  private static func words(of polls: CaptureStory.Polls) -> String {
    polls.last.map { ": \($0.status), \($0.state)" } ?? ""
  }

  private static func name(of type: DescriptorType) -> String {
    switch type {
    case .device: "device"
    case .configuration: "configuration"
    case .deviceQualifier: "device qualifier"
    case .otherSpeedConfiguration: "other speed configuration"
    case .binaryObjectStore: "BOS"
    case .dfuFunctional: "DFU functional"
    default: "type 0x\(hex(type.rawValue))"
    }
  }

  private static func name(
    of setting: UInt8, interface: UInt8, _ device: CapturedDevice
  ) -> String? {
    device.name(ofSetting: setting, interface: interface).map { text in
      (try? MemoryMap(dfuseString: text))?.displayName ?? "“\(text)”"
    }
  }

  private static func words(of setup: SetupPacket) -> String {
    let names: [UInt8: String] = [
      0: "GET_STATUS", 1: "CLEAR_FEATURE", 3: "SET_FEATURE", 7: "SET_DESCRIPTOR",
      8: "GET_CONFIGURATION", 10: "GET_INTERFACE", 12: "SYNCH_FRAME",
    ]
    let type = setup.requestType
    if type.kind == .standard, let name = names[setup.request] {
      switch type.recipient {
      case .interface: return "\(name) of interface \(setup.index)"
      case .endpoint: return "\(name) of endpoint 0x\(hex(UInt8(truncatingIfNeeded: setup.index)))"
      default: return name
      }
    }
    let kind =
      switch type.kind {
      case .standard: "standard"
      case .class: "class"
      case .vendor: "vendor"
      case .reserved: "reserved"
      }
    return "\(kind) request 0x\(hex(setup.request)) (\(setup))"
  }
}

private func byteText(_ count: Int) -> String { countText(count, "byte") }

extension GetStatusResponse {
  fileprivate var words: String {
    "\(status), \(state)" + (pollTimeout > 0 ? ", wait \(pollTimeout) ms" : "")
  }
}

extension CaptureStory.Problem {
  /// A stable word for it.
  var word: String {
    switch self {
    case .failed(let status, _): status.meaning.rawValue
    case .refused: "refused"
    case .unanswered: "unanswered"
    case .status: "error-status"
    }
  }

  /// What went wrong, in words.
  func words(of device: CapturedDevice) -> String {
    switch self {
    case .failed(let status, let request):
      return (request.map { "\($0.specificationName): " } ?? "")
        + "\(status.meaning.words), \(status.name)"
    case .refused(let status): return "the host could not send it, \(status.name)"
    case .unanswered: return "the capture does not have its end"
    case .status(let answer):
      let text = device.strings[answer.stringIndex].map { ", “\($0)”" } ?? ""
      let name = answer.status == .ok ? "" : "\(answer.status): \(answer.status.meaning)"
      return "the device is in \(answer.state)" + (name.isEmpty ? "" : ", \(name)") + text
    }
  }
}

extension DFUStatus {
  /// What it says (DFU 1.1, 6.1.2), in a few words.
  fileprivate var meaning: String {
    switch self {
    case .errTarget: "a wrong file, or an address that is not allowed"
    case .errFile: "the file fails a check"
    case .errWrite: "memory cannot be written"
    case .errErase: "the erase failed"
    case .errCheckErased: "the memory is not blank"
    case .errProg: "programming failed"
    case .errVerify: "what was programmed is not what was sent"
    case .errAddress: "an address that is out of range"
    case .errNotDone: "the download ended too early"
    case .errFirmware: "there is no sound application"
    case .errVendor: "an error of the vendor's; with DfuSe, the memory is protected"
    case .errUsbReset: "a bus reset that was not expected"
    case .errPowerOnReset: "a power-on reset that was not expected"
    case .errUnknown: "it does not know what"
    case .errStalledPkt: "a request that was not expected"
    default: "no status of the specification"
    }
  }
}
