internal import USB

/// What is known while a recording is read.
struct RecordingReading {
  private(set) var hasBegun = false
  private var hasEvents = false
  private var devices: Set<DeviceID> = []
  private var handles: Set<UInt32> = []
  private var calls: UInt32 = 0
  /// The calls under way, by their labels.
  private var pending: [UInt32: (number: UInt32, call: DeviceCall, start: Int64)] = [:]
  private var latest: Int64 = 0
  /// The bytes that transfers may still have.
  private var remainingLength: Int
  /// A device whose descriptors are still to come.
  private var unfinished: UnfinishedDevice?

  init(remainingLength: Int) { self.remainingLength = remainingLength }

  var isInsideDevice: Bool { unfinished != nil }

  mutating func take(
    _ line: RecordingLine, into document: inout RecordingDocument
  ) throws(RecordingError) {
    var line = line
    guard !line.isAtEnd() else { return }
    guard hasBegun else { return try begin(&line) }
    if var device = unfinished {
      try device.take(&line)
      unfinished = device
      if let info = device.info {
        unfinished = nil
        devices.insert(info.id)
        try add(.attached(info), at: device.time, line: device.line, to: &document)
      }
      return
    }
    if !hasEvents, line.take("program") {
      document.recording.program = try line.quoted("the program")
      return try line.requireEnd()
    }
    if !hasEvents, line.take("selector") {
      document.recording.selector = try line.quoted("the selector")
      return try line.requireEnd()
    }
    hasEvents = true
    try takeEvent(&line, into: &document)
  }

  private mutating func begin(_ line: inout RecordingLine) throws(RecordingError) {
    guard line.take(RecordingNotation.magic) else {
      throw RecordingError(
        .notARecording, line: line.number,
        "it is not “\(RecordingNotation.magic) \(Recording.version)”")
    }
    let version: Int = try line.number("the version")
    guard version == Recording.version else {
      throw RecordingError(
        .version, line: line.number,
        "the format has version \(version), and version \(Recording.version) is known here")
    }
    try line.requireEnd()
    hasBegun = true
  }

  private mutating func add(
    _ kind: Recording.Kind, at time: Int64, line: Int, to document: inout RecordingDocument
  ) throws(RecordingError) {
    guard document.recording.events.count < Recording.maximumEventCount else {
      throw RecordingError(
        .beyondLimit, line: line,
        "a recording has at most \(Recording.maximumEventCount) events")
    }
    remainingLength -= Recording.dataLength(of: kind)
    guard remainingLength >= 0 else {
      throw RecordingError(
        .beyondLimit, line: line,
        "all transfers together have more than \(Recording.maximumTotalLength) bytes")
    }
    document.recording.events.append(Recording.Event(nanoseconds: time, kind))
    document.lines.append(line)
  }

  private mutating func takeEvent(
    _ line: inout RecordingLine, into document: inout RecordingDocument
  ) throws(RecordingError) {
    let time = try line.time("the time")
    guard time >= latest else {
      throw RecordingError(.contradiction, line: line.number, "its time is before the last one")
    }
    latest = time
    let word = line.peekWord()
    switch word {
    case "attached":
      unfinished = try UnfinishedDevice(&line, time: time)
    case "detached":
      _ = line.take("detached")
      let id = DeviceID(rawValue: try line.number("the device"))
      let path = try line.path()
      guard devices.remove(id) != nil else { throw unknown(id, line) }
      try add(.detached(id, path), at: time, line: line.number, to: &document)
      try line.requireEnd()
    case "list": try takeList(&line, at: time, into: &document)
    case "open": try takeOpening(&line, at: time, into: &document)
    case "end":
      _ = line.take("end")
      let label = try line.label()
      guard let call = pending.removeValue(forKey: label) else {
        throw RecordingError(
          .contradiction, line: line.number, "no call with the label @\(label) is under way")
      }
      try line.require("=")
      let outcome = try line.outcome(of: call.call)
      guard time - (try line.duration()) == call.start else { throw wrongDuration(line) }
      try add(.ended(number: call.number, outcome), at: time, line: line.number, to: &document)
      try line.requireEnd()
    default: try takeCall(&line, at: time, into: &document)
    }
  }

  private func unknown(_ id: DeviceID, _ line: RecordingLine) -> RecordingError {
    RecordingError(
      .contradiction, line: line.number, "there is no device \(id.rawValue) at that time")
  }

  private func wrongDuration(_ line: RecordingLine) -> RecordingError {
    RecordingError(
      .contradiction, line: line.number, "its duration is not the time since the call began")
  }

  private mutating func takeList(
    _ line: inout RecordingLine, at time: Int64, into document: inout RecordingDocument
  ) throws(RecordingError) {
    _ = line.take("list")
    if line.take("=") {
      let error = try line.hostError()
      try add(.listingFailed(error), at: time, line: line.number, to: &document)
      return try line.requireEnd()
    }
    var ids: [DeviceID] = []
    if !line.take("none") {
      repeat {
        let id = DeviceID(rawValue: try line.number("the device"))
        guard devices.contains(id), !ids.contains(id) else { throw unknown(id, line) }
        ids.append(id)
      } while !line.isAtEnd()
    }
    try add(.listed(ids), at: time, line: line.number, to: &document)
    try line.requireEnd()
  }

  private mutating func takeOpening(
    _ line: inout RecordingLine, at time: Int64, into document: inout RecordingDocument
  ) throws(RecordingError) {
    _ = line.take("open")
    let id = DeviceID(rawValue: try line.number("the device"))
    try line.require("=")
    if line.take("handle") {
      let handle: UInt32 = try line.number("the handle")
      guard devices.contains(id) else { throw unknown(id, line) }
      guard handles.insert(handle).inserted else {
        throw RecordingError(
          .contradiction, line: line.number, "handle \(handle) has been used before")
      }
      try add(.opened(id, handle: handle), at: time, line: line.number, to: &document)
    } else {
      let error = try line.hostError()
      try add(.openingFailed(id, error), at: time, line: line.number, to: &document)
    }
    try line.requireEnd()
  }

  private mutating func takeCall(
    _ line: inout RecordingLine, at time: Int64, into document: inout RecordingDocument
  ) throws(RecordingError) {
    let handle: UInt32 = try line.number("the handle, or what happened,")
    guard handles.contains(handle) else {
      throw RecordingError(
        .contradiction, line: line.number, "handle \(handle) has not been opened")
    }
    let call = try line.call()
    calls += 1
    let number = calls
    try add(
      .began(number: number, handle: handle, call), at: time, line: line.number, to: &document)
    if line.peek() == UInt8(ascii: "@") {
      let label = try line.label()
      guard pending.updateValue((number, call, time), forKey: label) == nil else {
        throw RecordingError(
          .contradiction, line: line.number, "a call with the label @\(label) is under way already")
      }
      return try line.requireEnd()
    }
    try line.require("=")
    let outcome = try line.outcome(of: call)
    let (end, overflow) = time.addingReportingOverflow(try line.duration())
    guard !overflow, end <= Recording.maximumNanoseconds else {
      throw RecordingError(.beyondLimit, line: line.number, "it lasts too long")
    }
    latest = end
    try add(.ended(number: number, outcome), at: end, line: line.number, to: &document)
    try line.requireEnd()
  }
}

/// A device of which the line `attached` has been read, and not yet all of its descriptors.
private struct UnfinishedDevice {
  let time: Int64
  let line: Int
  private let id: DeviceID
  private let path: PortPath
  private let address: UInt8
  private let speed: USBSpeed
  private var active: UInt8?
  private var serial: String?
  private let count: Int
  private var descriptor: DeviceDescriptor?
  private var configurations: [ConfigurationDescriptor] = []

  init(_ line: inout RecordingLine, time: Int64) throws(RecordingError) {
    self.time = time
    self.line = line.number
    _ = line.take("attached")
    id = DeviceID(rawValue: try line.number("the device"))
    path = try line.path()
    try line.require("address")
    address = try line.number("the address")
    try line.require("speed")
    let word = try line.word("the speed")
    guard let speed = USBSpeed(rawValue: word) else {
      throw line.malformed("“\(word)” is no speed")
    }
    self.speed = speed
    if line.take("configured") { active = try line.number("the configuration") }
    if line.take("serial") { serial = try line.quoted("the serial number") }
    try line.require("configurations")
    // bNumConfigurations is a byte.
    count = Int(try line.number("the number of configurations", as: UInt8.self))
    try line.requireEnd()
  }

  /// Takes one of the lines that have to follow.
  mutating func take(_ line: inout RecordingLine) throws(RecordingError) {
    guard descriptor != nil else {
      try line.require("device")
      let bytes = try line.hexBytes("the device descriptor", limit: DeviceDescriptor.length)
      var reader = ByteReader(bytes.span.bytes)
      do throws(ParseError) {
        descriptor = try DeviceDescriptor(parsing: &reader)
      } catch { throw line.malformed("the device descriptor is wrong: \(error.sentence)") }
      return try line.requireEnd()
    }
    try line.require("configuration")
    // wTotalLength has 16 bits.
    let bytes = try line.hexBytes("the configuration", limit: Int(UInt16.max))
    var reader = ByteReader(bytes.span.bytes)
    do throws(ParseError) {
      configurations.append(try ConfigurationDescriptor(parsing: &reader))
    } catch { throw line.malformed("the configuration is wrong: \(error.sentence)") }
    try line.requireEnd()
  }

  /// The device, when all of it is there.
  var info: DeviceInfo? {
    guard let descriptor, configurations.count == count else { return nil }
    return DeviceInfo(
      id: id, path: path, address: address, speed: speed, descriptor: descriptor,
      configurations: configurations, activeConfiguration: active, serialNumber: serial)
  }
}
