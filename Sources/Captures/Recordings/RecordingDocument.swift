internal import USB

/// A recording read from its text, with the line of each event.
///
/// The text is UTF-8. `#` begins a comment that goes to the end of the line; empty lines are nothing.
/// The first line is `dfu-recording 1`; `program "…"` and `selector "…"` may follow. Then each line
/// begins with a time in seconds, and no time is earlier than the one before it:
///
///     0.000000000 attached 1 at 1-1 address 1 speed full configured 1 serial "…" configurations 1
///       device 12 01 …                          18 bytes
///       configuration 09 02 …                   as many lines as were announced
///     0.000000000 list 1                        the ids of the devices, or none
///     0.000000000 open 1 = handle 1
///     0.000310000 1 in a1 03 00 00 00 00 06 00 = 00 00 00 00 02 00 +0.000310000
///     0.000620000 1 out 21 01 00 00 00 00 05 00 > 21 00 00 00 08 = ok +0.000320000
///     0.000940000 1 set-interface 0 1 = !stall +0.000270000
///     0.001000000 detached 1 at 1-1
///
/// A call is the number of its handle, what is asked (with the eight bytes of a setup packet, and the
/// data behind `>`), how it ended behind `=` (`ok`, `empty`, bytes, `sent N`, or `!` with a code and
/// perhaps a reason), and how long it took. The calls are `in`, `out`, `bulk-in EP N`, `bulk-out EP`,
/// `interrupt-in EP N`, `interrupt-out EP`, `set-configuration N`, `claim N`, `release N`,
/// `set-interface N SETTING`, `clear-halt EP`, `reset` and `close`; an endpoint is two hexadecimal
/// digits, and in data `ff*2048` is a byte so many times. A call in whose time something else happened has a label, `@7`, and no end; its end is a
/// line `TIME end @7 = …`. A call without an end was under way when the recording ended. `list` and
/// `open` may fail as well: `= !CODE "sentence" "help"`.
///
/// A last line without a line end was cut off when the program died: it is left out, and
/// ``cutLine`` tells. The limits are those of ``Recording``.
public struct RecordingDocument: Hashable, Sendable {
  /// What the text says.
  public var recording: Recording
  /// The line of each event, counted from 1.
  public var lines: [Int]
  /// The line that was cut off; nil where the text is whole.
  public var cutLine: Int?

  /// A recording that was not read, with the lines that its text would have.
  public init(_ recording: Recording) {
    self.recording = recording
    var writer = RecordingWriter()
    func count(_ text: [UInt8]) -> Int { text.count { $0 == UInt8(ascii: "\n") } }
    var line = 1 + count(writer.header(program: recording.program, selector: recording.selector))
    lines = []
    for event in recording.events {
      var text = writer.text(of: event)[...]
      // A line end in front belongs to the line before.
      if text.starts(with: " @".utf8), let end = text.firstIndex(of: UInt8(ascii: "\n")) {
        line += 1
        text = text[(end + 1)...]
      }
      lines.append(line)
      line += count(Array(text))
    }
  }

  /// Reads a recording.
  ///
  /// - Parameter bytes: the text.
  /// - Throws: ``RecordingError`` with the line that is wrong.
  public init(parsing bytes: [UInt8]) throws(RecordingError) {
    try self.init(parsing: bytes, totalLength: Recording.maximumTotalLength)
  }

  init(parsing bytes: [UInt8], totalLength: Int) throws(RecordingError) {
    recording = Recording()
    lines = []
    cutLine = nil
    var reading = RecordingReading(remainingLength: totalLength)
    var start = 0
    var number = 0
    while start < bytes.count {
      let limit = min(bytes.count, start + Recording.maximumLineLength + 1)
      let end = bytes[start..<limit].firstIndex(of: UInt8(ascii: "\n"))
      number += 1
      guard let end else {
        guard limit - start <= Recording.maximumLineLength else {
          throw RecordingError(
            .beyondLimit, line: number,
            "it has more than \(Recording.maximumLineLength) bytes")
        }
        var rest = RecordingLine(bytes, start..<limit, number: number)
        if !rest.isAtEnd() { cutLine = number }
        break
      }
      try reading.take(RecordingLine(bytes, start..<end, number: number), into: &self)
      start = end + 1
    }
    guard reading.hasBegun else {
      throw RecordingError(
        .notARecording, line: 1, "the first line is not “\(RecordingNotation.magic) 1”")
    }
    if reading.isInsideDevice { cutLine = cutLine ?? number }
  }
}
