import DFU
import Testing
import USB

@testable import DFUHost

/// A device as a table: what it must be asked, line by line, and what it answers.
///
/// Lines: `DNLOAD n | bytes`, `UPLOAD n length < bytes`, `GETSTATUS < bytes`, `CLRSTATUS`, `ABORT`,
/// `DETACH ms`, `SELECT n`, `RESET`, `WAIT ms`, `CANCEL`; ` ! failure` at the end makes the request fail. Interface
/// 0, numbers of blocks and lengths in decimal, bytes in hexadecimal; `x*n` repeats a byte.
struct Script {
  var lines: [String]

  init(_ text: String) {
    lines = text.split(separator: "\n").map { line in
      line.drop { $0 == " " }.prefix { $0 != "#" }.description
    }.filter { $0.contains { $0 != " " } }
  }

  /// Dnloads a command or a block that settles in dfuDNLOAD-IDLE after `ms`.
  static func settles(_ download: String, ms: UInt8 = 0) -> String {
    """
    \(download)
    GETSTATUS < 00 \(hex(ms)) 00 00 04 00
    \(ms > 0 ? "WAIT \(ms)" : "")
    GETSTATUS < 00 00 00 00 05 00

    """
  }

  static func pointer(_ address: UInt32) -> String {
    "DNLOAD 0 | 21 " + address.littleEndianBytes.map { hex($0) }.joined(separator: " ")
  }

  static func erase(_ address: UInt32) -> String {
    "DNLOAD 0 | 41 " + address.littleEndianBytes.map { hex($0) }.joined(separator: " ")
  }

  /// Runs `engine` against the table, one action at a time; every line must be used.
  func play<Engine: DFUEngine>(_ engine: inout Engine) throws -> Engine.Output {
    var rest = lines[...]
    while let action = engine.next() {
      if action == .finish {
        try #require(rest.isEmpty, "the engine ended before: \(rest.first ?? "")")
        return engine.output
      }
      while rest.first == "CANCEL" {
        rest.removeFirst()
        try engine.handle(.cancelRequested)
      }
      let first = rest.popFirst()
      let line = try #require(first, "the engine went on with \(Script.text(action))")
      let halves = line.split(separator: "!", maxSplits: 1)
      let asked = halves[0].split(separator: "<", maxSplits: 1)
      let expected = Script.normal(asked[0])
      let got = Script.text(action)
      try #require(got == expected, "the device expected \(expected) and got \(got)")
      var event: DFUEvent
      switch action {
      case .controlOut(let token, _, _, _), .setAlternateSetting(let token, _, _),
        .reset(let token):
        event = .sent(token)
        if halves.count > 1 { event = .failed(token, try Script.failure(halves[1])) }
      case .controlIn(let token, _, _):
        event = .received(token, asked.count > 1 ? Script.bytes(asked[1]) : [])
        if halves.count > 1 { event = .failed(token, try Script.failure(halves[1])) }
      case .wait, .finish: event = .waited
      }
      try engine.handle(event)
    }
    throw ScriptEnd()
  }

  struct ScriptEnd: Error {}

  private static func failure(_ text: Substring) throws -> TransferError {
    let word = text.split(separator: " ").joined()
    return TransferError(try #require(TransferError.Code(rawValue: word)))
  }

  static func bytes(_ text: some StringProtocol) -> [UInt8] {
    text.split(separator: " ").flatMap { word -> [UInt8] in
      let parts = word.split(separator: "*")
      guard let byte = UInt8(parts[0], radix: 16) else { return [] }
      return [UInt8](repeating: byte, count: parts.count > 1 ? Int(parts[1]) ?? 0 : 1)
    }
  }

  private static func normal(_ text: Substring) -> String {
    let halves = text.split(separator: "|", maxSplits: 1)
    let words = halves[0].split(separator: " ").joined(separator: " ")
    guard halves.count > 1 || words.hasPrefix("DNLOAD") else { return words }
    return words + " | " + summary(halves.count > 1 ? bytes(halves[1]) : [])
  }

  private static func summary(_ bytes: [UInt8]) -> String {
    bytes.map { hex($0) }.joined(separator: " ")
  }

  /// An action as a line.
  static func text(_ action: DFUAction) -> String {
    switch action {
    case .controlOut(_, let setup, let data, _):
      guard let request = DFURequest(setup) else { return "\(setup)" }
      switch request {
      case .download:
        return setup.length == UInt16(data.count)
          ? "DNLOAD \(setup.value) | " + summary(data) : "wLength differs: \(setup)"
      case .clearStatus: return "CLRSTATUS"
      case .abort: return "ABORT"
      case .detach: return "DETACH \(setup.value)"
      default: return "\(setup)"
      }
    case .controlIn(_, let setup, _):
      switch DFURequest(setup) {
      case .upload?: return "UPLOAD \(setup.value) \(setup.length)"
      case .getStatus?: return "GETSTATUS"
      default: return "\(setup)"
      }
    case .setAlternateSetting(_, _, let setting): return "SELECT \(setting)"
    case .wait(let duration):
      let parts = duration.components
      return "WAIT \(parts.seconds * 1000 + parts.attoseconds / 1_000_000_000_000_000)"
    case .reset: return "RESET"
    case .finish: return "FINISH"
    }
  }
}

/// The error that an engine throws against a script.
func failure<Engine: DFUEngine>(
  _ engine: Engine, _ script: String, sourceLocation: SourceLocation = #_sourceLocation
) throws -> DFUError {
  var engine = engine
  return try #require(throws: DFUError.self, sourceLocation: sourceLocation) {
    _ = try Script(script).play(&engine)
  }
}

let link = DFULink(interface: 0, transferSize: 4)
