internal import USB

/// Writes a recording as text while it happens: every event becomes bytes to append.
///
/// The format is one that people can read and compare (``RecordingDocument`` has its grammar). A call
/// takes one line: what is asked stands there as soon as it begins, how it ended is put behind it. If
/// something else happens meanwhile the line ends with a label, `@7`, and the end of the call gets a
/// line of its own with that label. So what was under way when the program died can be seen as well.
public struct RecordingWriter: Sendable {
  private struct Pending {
    var call: DeviceCall
    var handle: UInt32
    var start: Int64
  }

  private var pending: [UInt32: Pending] = [:]
  /// The call whose line has no end yet.
  private var open: UInt32?
  private var devices: [DeviceID: CallWords] = [:]
  private var handles: [UInt32: CallWords] = [:]

  /// A writer at the beginning of a recording.
  public init() {}

  /// The first lines.
  ///
  /// - Parameters:
  ///   - program: the program that records, with its version.
  ///   - selector: what names the device.
  /// - Returns: the bytes to begin with.
  public func header(program: String?, selector: String?) -> [UInt8] {
    var text = Array("\(RecordingNotation.magic) \(Recording.version)\n".utf8)
    if let program {
      text += "program ".utf8
      RecordingNotation.append(quoted: program, to: &text)
      text.append(UInt8(ascii: "\n"))
    }
    if let selector {
      text += "selector ".utf8
      RecordingNotation.append(quoted: selector, to: &text)
      text.append(UInt8(ascii: "\n"))
    }
    return text
  }

  /// What an event adds to the text.
  ///
  /// - Parameter event: the next event, not earlier than the one before.
  /// - Returns: the bytes to append.
  public mutating func text(of event: Recording.Event) -> [UInt8] {
    var text: [UInt8] = []
    if case .ended(let number, let outcome) = event.kind {
      appendEnd(number, outcome, at: event.nanoseconds, to: &text)
      return text
    }
    closeLine(&text)
    RecordingNotation.append(time: event.nanoseconds, to: &text)
    text.append(UInt8(ascii: " "))
    switch event.kind {
    case .began(let number, let handle, let call):
      text += "\(handle) ".utf8
      RecordingWriter.append(call, to: &text)
      pending[number] = Pending(call: call, handle: handle, start: event.nanoseconds)
      open = number
      return text
    case .attached(let info):
      devices[info.id] = CallWords(info)
      RecordingWriter.append(info, to: &text)
    case .detached(let id, let path): text += "detached \(id.rawValue) at \(path)".utf8
    case .listed(let ids):
      text += "list".utf8
      text += ids.isEmpty ? " none".utf8 : ids.map { " \($0.rawValue)" }.joined().utf8
    case .listingFailed(let error):
      text += "list".utf8
      RecordingWriter.append(error, to: &text)
    case .opened(let id, let handle):
      handles[handle] = devices[id]
      text += "open \(id.rawValue) = handle \(handle)".utf8
    case .openingFailed(let id, let error):
      text += "open \(id.rawValue)".utf8
      RecordingWriter.append(error, to: &text)
    case .ended: break
    }
    text.append(UInt8(ascii: "\n"))
    return text
  }

  /// What ends the text, where a call is still under way; nothing otherwise.
  public mutating func end() -> [UInt8] {
    var text: [UInt8] = []
    closeLine(&text)
    return text
  }

  private mutating func closeLine(_ text: inout [UInt8]) {
    guard let number = open else { return }
    open = nil
    text += " @\(number)\n".utf8
  }

  private mutating func appendEnd(
    _ number: UInt32, _ outcome: CallOutcome, at time: Int64, to text: inout [UInt8]
  ) {
    let began = pending.removeValue(forKey: number)
    if open == number {
      open = nil
    } else {
      closeLine(&text)
      RecordingNotation.append(time: time, to: &text)
      text += " end @\(number)".utf8
    }
    text += " =".utf8
    RecordingWriter.append(outcome, to: &text)
    text += " +".utf8
    RecordingNotation.append(time: max(0, time - (began?.start ?? time)), to: &text)
    if let began {
      var words = handles[began.handle] ?? CallWords(isDfuSe: false)
      let comment = words.comment(began.call, outcome)
      handles[began.handle] = words
      if let comment { text += "  # \(comment)".utf8 }
    }
    text.append(UInt8(ascii: "\n"))
  }

  // MARK: Parts of lines

  private static func append(_ call: DeviceCall, to text: inout [UInt8]) {
    switch call {
    case .controlIn(let setup):
      text += "in".utf8
      RecordingNotation.append(hex: setup.bytes, to: &text)
    case .controlOut(let setup, let data):
      text += "out".utf8
      RecordingNotation.append(hex: setup.bytes, to: &text)
      append(data: data, to: &text)
    case .bulkIn(let endpoint, let length): text += "bulk-in \(hex(endpoint)) \(length)".utf8
    case .bulkOut(let endpoint, let data):
      text += "bulk-out \(hex(endpoint))".utf8
      append(data: data, to: &text)
    case .interruptIn(let endpoint, let length):
      text += "interrupt-in \(hex(endpoint)) \(length)".utf8
    case .interruptOut(let endpoint, let data):
      text += "interrupt-out \(hex(endpoint))".utf8
      append(data: data, to: &text)
    case .setConfiguration(let value): text += "set-configuration \(value)".utf8
    case .claim(let number): text += "claim \(number)".utf8
    case .release(let number): text += "release \(number)".utf8
    case .setAlternateSetting(let setting, let number):
      text += "set-interface \(number) \(setting)".utf8
    case .clearHalt(let endpoint): text += "clear-halt \(hex(endpoint))".utf8
    case .reset: text += "reset".utf8
    case .close: text += "close".utf8
    }
  }

  private static func append(data: [UInt8], to text: inout [UInt8]) {
    guard !data.isEmpty else { return }
    text += " >".utf8
    RecordingNotation.append(hex: data, to: &text)
  }

  private static func append(_ outcome: CallOutcome, to text: inout [UInt8]) {
    switch outcome {
    case .done: text += " ok".utf8
    case .received(let bytes) where bytes.isEmpty: text += " empty".utf8
    case .received(let bytes): RecordingNotation.append(hex: bytes, to: &text)
    case .sent(let count): text += " sent \(count)".utf8
    case .failed(let code, let detail):
      text += " !\(code.rawValue)".utf8
      guard let detail else { return }
      text.append(UInt8(ascii: " "))
      RecordingNotation.append(quoted: detail, to: &text)
    }
  }

  private static func append(_ error: HostError, to text: inout [UInt8]) {
    text += " = !\(error.code.rawValue) ".utf8
    RecordingNotation.append(quoted: error.sentence, to: &text)
    guard let help = error.help else { return }
    text.append(UInt8(ascii: " "))
    RecordingNotation.append(quoted: help, to: &text)
  }

  private static func append(_ info: DeviceInfo, to text: inout [UInt8]) {
    text += "attached \(info.id.rawValue) at \(info.path) address \(info.address)".utf8
    text += " speed \(info.speed.rawValue)".utf8
    if let active = info.activeConfiguration { text += " configured \(active)".utf8 }
    if let serial = info.serialNumber {
      text += " serial ".utf8
      RecordingNotation.append(quoted: serial, to: &text)
    }
    text += " configurations \(info.configurations.count)\n  device".utf8
    RecordingNotation.append(hex: info.descriptor.bytes, to: &text)
    text += "  # \(info.descriptor.vendor):\(info.descriptor.product)".utf8
    for configuration in info.configurations {
      text += "\n  configuration".utf8
      RecordingNotation.append(hex: configuration.bytes, to: &text)
    }
  }
}

extension Recording {
  /// The recording as text.
  public var text: [UInt8] {
    var writer = RecordingWriter()
    var text = writer.header(program: program, selector: selector)
    for event in events { text += writer.text(of: event) }
    return text + writer.end()
  }
}
