public import USB

/// Why a file is no capture of USB.
public struct CaptureError: ExplainedError, Hashable {
  /// What kind of failure it is.
  public enum Code: String, Hashable, Sendable, CaseIterable {
    /// It does not begin like a capture.
    case notACapture = "capture-not-recognised"
    /// A capture of something else than USB, or in a form that is not known.
    case linkType = "capture-link-type"
    /// A length or a field breaks a rule of the format.
    case malformed = "capture-malformed"
    /// More than is read.
    case beyondLimit = "capture-beyond-limit"
  }

  /// What kind of failure it is.
  public var code: Code
  /// Where in the file, in bytes from its first.
  public var offset: Int
  /// Which rule is broken, and by what: a clause.
  public var rule: String

  init(_ code: Code, at offset: Int, _ rule: String) {
    self.code = code
    self.offset = offset
    self.rule = rule
  }

  /// The code's name.
  public var slug: String { code.rawValue }

  /// The byte, and what is wrong there.
  public var sentence: String { "The capture cannot be read at byte \(offset): \(rule)." }

  /// What to do next.
  public var help: String? {
    switch code {
    case .notACapture:
      "What can be read: pcap and pcapng, as Wireshark, tcpdump, USBPcap and --capture write them."
    case .linkType:
      "Capture usbmon (Linux) or USBPcap (Windows); their link types are 189, 220 and 249."
    case .malformed: "The file is damaged; capture again."
    case .beyondLimit: "Capture less at a time, or cut it with editcap."
    }
  }
}
