public import DFU

/// What is known of option bytes after they were written and the part has reset.
public enum OptionOutcome: Hashable, Sendable {
  /// They were read back, and hold what they should.
  case proved
  /// The part refuses to be read now, as it should; of these other fields nothing more is known.
  case readProtected(unproved: [String])
  /// The part is gone, as it must be at level 2.
  case closed
  /// They were read back, and hold something else; `old` is what they should hold.
  case differs([OptionBytes.Change])
  /// They could not be read back; a clause says why.
  case notProved(because: String)
}

extension OptionPlan {
  /// What came out of it, after the part has been read again.
  public func outcome(of found: OptionByteContents) -> OptionOutcome {
    guard let options = found.options, options.layout == new.layout else {
      return .notProved(because: "the part that has come back has other option bytes")
    }
    // Bits without a name may come back as they like.
    let differences = options.changes(from: new)
    return differences.isEmpty ? .proved : .differs(differences)
  }

  /// What came out of it, when the part has come back and does not let itself be read.
  public func outcome(refusedWith error: SessionError) -> OptionOutcome {
    guard case .device(let error) = error, error.code == .readProtected else {
      return .notProved(because: "it cannot be read (\(error.slug))")
    }
    guard readProtects else {
      return .notProved(because: "it has come back read-protected")
    }
    return .readProtected(unproved: changes.map(\.field.name).filter { $0 != "RDP" })
  }

  /// What came out of it, when the part has not come back as a bootloader.
  public var outcomeWithoutDevice: OptionOutcome {
    closesForEver ? .closed : .notProved(because: "it has not come back in its bootloader")
  }
}
