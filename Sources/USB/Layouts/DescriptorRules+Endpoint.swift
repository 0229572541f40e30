extension DescriptorRules {
  mutating func checkEndpoint(_ at: Int) {
    let address = bytes[at + 2]
    if address & 0x0F == 0 {
      tell(
        at + 2, "bEndpointAddress", "Endpoint 0 is described; it has no descriptor.",
        linux: "It skips it.")
    }
    if address & 0x70 != 0 {
      tell(
        at + 2, "bEndpointAddress",
        "Bits 6 to 4 of bEndpointAddress are reserved, and 0x\(hex(address)) has some of them.",
        linux: "It clears them.")
    }
    let size = Int(bytes[at + 4]) | Int(bytes[at + 5]) << 8
    let kind = TransferKind(attributes: bytes[at + 3])
    if let rule = packetRule(kind, size) {
      tell(at + 4, "wMaxPacketSize", rule.sentence, linux: rule.linux)
    }
    if let rule = intervalRule(kind, Int(bytes[at + 6])) {
      tell(at + 6, "bInterval", rule.sentence, linux: rule.linux)
    }
  }

  private typealias Rule = (sentence: String, linux: String?)

  private func packetRule(_ kind: TransferKind, _ raw: Int) -> Rule? {
    guard let speed = tree.speed else { return nil }
    let size = raw & 0x7FF
    let limit: Int
    switch (speed, kind) {
    case (.low, .bulk), (.low, .isochronous):
      return (
        "A low-speed device has no \(kind.words) endpoints (USB 2.0, 5.\(kind == .bulk ? 8 : 6)).",
        kind == .bulk ? "It makes an interrupt endpoint of it." : nil
      )
    case (.low, _): limit = 8
    case (.full, .isochronous): limit = 1023
    case (.full, _): limit = 64
    case (.high, .bulk):
      guard size != 512 else { return nil }
      return (
        "wMaxPacketSize of a bulk endpoint is \(size); at high speed it is 512 (USB 2.0, 5.8.3).",
        "It warns, and uses it."
      )
    case (.high, .control): limit = 64
    case (.high, _): limit = 1024
    case (_, .bulk):
      guard size != 1024 else { return nil }
      return (
        "wMaxPacketSize of a bulk endpoint is \(size); at SuperSpeed it is 1024.", "It warns."
      )
    case (_, .control): limit = 512
    case (_, _): limit = 1024
    }
    if size > limit {
      return (
        "wMaxPacketSize is \(size); \(kind.article) \(kind.words) endpoint has at most \(limit) at \(speed.words).",
        "It uses \(limit)."
      )
    }
    if speed == .full, kind == .bulk, ![8, 16, 32, 64].contains(size) {
      return (
        "wMaxPacketSize of a bulk endpoint is \(size); 8, 16, 32 and 64 are allowed at full speed.",
        nil
      )
    }
    return nil
  }

  private func intervalRule(_ kind: TransferKind, _ interval: Int) -> Rule? {
    guard let speed = tree.speed else { return nil }
    let isFast = speed != .low && speed != .full
    switch kind {
    case .interrupt where isFast && !(1...16).contains(interval):
      return (
        "bInterval is \(interval); at \(speed.words) it is an exponent from 1 to 16 (USB 2.0, 9.6.6).",
        interval == 0 ? "It uses 7." : "It takes the number for milliseconds."
      )
    case .interrupt where interval == 0:
      return (
        "bInterval is 0; an interrupt endpoint is asked every 1 to 255 ms.", "It uses 10."
      )
    case .isochronous where !(1...16).contains(interval):
      return (
        "bInterval is \(interval); for isochronous endpoints it is an exponent from 1 to 16.",
        isFast ? "It uses 7." : "It uses 4."
      )
    default: return nil
    }
  }
}

/// How an endpoint transfers.
public enum TransferKind: UInt8, Hashable, Sendable, CaseIterable {
  /// Control.
  case control = 0
  /// Isochronous.
  case isochronous = 1
  /// Bulk.
  case bulk = 2
  /// Interrupt.
  case interrupt = 3

  /// The kind in bits 1 and 0 of `bmAttributes`.
  public init(attributes: UInt8) { self = Self(rawValue: attributes & 3) ?? .control }

  /// Its name.
  public var words: String { "\(self)" }

  var article: String { self == .isochronous || self == .interrupt ? "an" : "a" }
}

extension USBSpeed {
  /// Its name in a sentence: `high speed`.
  public var words: String {
    switch self {
    case .low: "low speed"
    case .full: "full speed"
    case .high: "high speed"
    case .superSpeed: "SuperSpeed"
    case .superSpeedPlus: "SuperSpeedPlus"
    }
  }
}
