internal import USB

/// The parts of a line that belong together.
extension RecordingLine {
  /// `at 1-4.2`.
  mutating func path() throws(RecordingError) -> PortPath {
    try require("at")
    let text = try word("the path")
    guard let path = PortPath(text), path.description == text else {
      throw malformed("“\(text)” is no path such as 1-4.2")
    }
    return path
  }

  /// `!CODE "sentence" "help"`.
  mutating func hostError() throws(RecordingError) -> HostError {
    let text = try word("how it ended")
    guard text.first == "!", let code = HostError.Code(rawValue: String(text.dropFirst())) else {
      throw malformed("“\(text)” is no failure of a host")
    }
    let sentence = try quoted("the sentence")
    let help = isAtEnd() ? nil : try quoted("the help")
    return HostError(code, sentence, help: help)
  }

  /// What is asked of a device.
  mutating func call() throws(RecordingError) -> DeviceCall {
    let verb = try word("what is asked")
    switch verb {
    case "in": return .controlIn(try setup())
    case "out":
      let setup = try setup()
      return .controlOut(setup, try data())
    case "bulk-in": return .bulkIn(try hexByte("the endpoint"), length: try length())
    case "bulk-out": return .bulkOut(try hexByte("the endpoint"), try data())
    case "interrupt-in": return .interruptIn(try hexByte("the endpoint"), length: try length())
    case "interrupt-out": return .interruptOut(try hexByte("the endpoint"), try data())
    case "set-configuration": return .setConfiguration(try number("the configuration"))
    case "claim": return .claim(try number("the interface"))
    case "release": return .release(try number("the interface"))
    case "set-interface":
      let interface: UInt8 = try number("the interface")
      return .setAlternateSetting(try number("the alternate setting"), interface: interface)
    case "clear-halt": return .clearHalt(try hexByte("the endpoint"))
    case "reset": return .reset
    case "close": return .close
    default: throw malformed("“\(verb)” is nothing that is asked of a device")
    }
  }

  private mutating func setup() throws(RecordingError) -> SetupPacket {
    let bytes = try hexBytes("the setup packet", limit: 8)
    var reader = ByteReader(bytes.span.bytes)
    guard bytes.count == 8, let setup = try? SetupPacket(parsing: &reader) else {
      throw malformed("the setup packet has \(bytes.count) bytes instead of 8")
    }
    return setup
  }

  private mutating func length() throws(RecordingError) -> Int {
    let length: UInt32 = try number("the length")
    guard length <= Recording.maximumDataLength else {
      throw RecordingError(
        .beyondLimit, line: self.number,
        "a transfer has at most \(Recording.maximumDataLength) bytes")
    }
    return Int(length)
  }

  private mutating func data() throws(RecordingError) -> [UInt8] {
    guard take(">") else { return [] }
    let data = try hexBytes("the data", limit: Recording.maximumDataLength)
    guard !data.isEmpty else { throw malformed("no data follow the >") }
    return data
  }

  /// How a call ended.
  mutating func outcome(of call: DeviceCall) throws(RecordingError) -> CallOutcome {
    let outcome: CallOutcome
    if take("ok") {
      outcome = .done
    } else if take("empty") {
      outcome = .received([])
    } else if take("sent") {
      outcome = .sent(try length())
    } else if peek() == UInt8(ascii: "!") {
      let text = try word("how it ended")
      guard let code = TransferError.Code(rawValue: String(text.dropFirst())) else {
        throw malformed("“\(text)” is no failure of a transfer")
      }
      let detail = peek() == UInt8(ascii: "\"") ? try quoted("the reason") : nil
      outcome = .failed(code, detail: detail)
    } else {
      let bytes = try hexBytes("the answer", limit: Recording.maximumDataLength)
      guard !bytes.isEmpty else { throw malformed("how it ended is missing") }
      outcome = .received(bytes)
    }
    guard outcome.fits(call) else { throw malformed("this call cannot end like that") }
    return outcome
  }

  /// `+0.000310000`.
  mutating func duration() throws(RecordingError) -> Int64 {
    guard peek() == UInt8(ascii: "+") else { throw malformed("the duration is missing") }
    return try time("the duration")
  }
}
