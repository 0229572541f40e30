/// Faults that happen to a device while a host speaks to it: deterministic, and printable.
///
///     stall@37, disconnect@erase:3, flip@read:0x08001000.4, busy+5s@write
///
/// Faults are joined by commas. Each is a kind, `@`, and where it strikes:
///
/// - `37`: the control transfer with that number, counted from 0 when the device is plugged in;
///   enumeration does not count.
/// - `erase:3`: the third Erase command; `erase` is the first. The words are those of
///   ``TransferWord``.
/// - `erase:all`: every one of them.
/// - `erase:3+1`: one transfer behind it, where the DFU_GETSTATUS is that starts the work.
/// - `read:0x08001000`: every transfer that carries the byte at that address; for `flip` with the
///   number of the bit behind a point.
///
/// The kinds are those of ``FaultKind``.
public struct FaultSchedule: Hashable, Sendable, CustomStringConvertible {
  /// A fault and where it strikes.
  public struct Entry: Hashable, Sendable, CustomStringConvertible {
    /// What happens.
    public var kind: FaultKind
    /// To which transfers.
    public var place: FaultPlace

    /// A fault.
    public init(_ kind: FaultKind, at place: FaultPlace) {
      self.kind = kind
      self.place = place
    }

    /// The entry as it is read.
    public var description: String { "\(kind)@\(place)" }
  }

  /// The faults, in the order in which they were written.
  public var entries: [Entry]

  /// A schedule from its entries.
  public init(_ entries: [Entry] = []) { self.entries = entries }

  /// The schedule as it is read.
  public var description: String { entries.map(\.description).joined(separator: ",") }

  /// The most entries that a text may have.
  public static let longestSchedule = 1000
}

/// What happens to a transfer.
public enum FaultKind: Hashable, Sendable {
  /// `stall`: the host sees a stall; the device has seen nothing.
  case stall
  /// `timeout`: no answer; the device has seen nothing.
  case timeout
  /// `broken`: the packets break on the wire; the device has seen nothing.
  case broken
  /// `disconnect`: the cable is pulled before the device has seen the transfer, and put back.
  case disconnect
  /// `disconnect-inside`: the device has done what it was told, the host sees no answer.
  case disconnectInside
  /// `disconnect-after`: the cable is pulled when the transfer is over.
  case disconnectAfter
  /// `power`: the power goes in the middle of the work that is in hand after the transfer.
  case powerCut
  /// `gone`: as `disconnect`, for good.
  case gone
  /// `reconnect`: the host loses sight of the device, which comes back under another address.
  case reconnect
  /// `intruder`: a device of the same kind is plugged in beside it.
  case intruder
  /// `short`: the last byte of the answer is missing.
  case shortAnswer
  /// `corrupt`: the bits 0, 2, 4 and 6 of each byte of the answer are turned over.
  case corruptAnswer
  /// `state:N`: DFU_GETSTATUS answers with this bState.
  case wrongState(UInt8)
  /// `status:N`: DFU_GETSTATUS answers with this bStatus.
  case wrongStatus(UInt8)
  /// `endless-busy`: from there on DFU_GETSTATUS answers dfuDNBUSY, 5 ms, for ever.
  case endlessBusy
  /// `zero-busy`: the same with a poll timeout of 0.
  case zeroBusy
  /// `busy+TIME`: for so long DFU_GETSTATUS answers dfuDNBUSY, 5 ms.
  case busy(Duration)
  /// `flip`: one bit of the answer is turned over: that of the place, or bit 0 of the first byte.
  case flip

  /// How long a cable that is put back was out.
  static let absence = Duration.seconds(1)

  /// The kind as it is read.
  var word: String {
    switch self {
    case .stall: "stall"
    case .timeout: "timeout"
    case .broken: "broken"
    case .disconnect: "disconnect"
    case .disconnectInside: "disconnect-inside"
    case .disconnectAfter: "disconnect-after"
    case .powerCut: "power"
    case .gone: "gone"
    case .reconnect: "reconnect"
    case .intruder: "intruder"
    case .shortAnswer: "short"
    case .corruptAnswer: "corrupt"
    case .wrongState(let state): "state:\(state)"
    case .wrongStatus(let status): "status:\(status)"
    case .endlessBusy: "endless-busy"
    case .zeroBusy: "zero-busy"
    case .busy(let duration): "busy+\(FaultKind.text(duration))"
    case .flip: "flip"
    }
  }

  /// The kinds that are a word and nothing else.
  static let plain: [FaultKind] = [
    .stall, .timeout, .broken, .disconnect, .disconnectInside, .disconnectAfter, .powerCut, .gone,
    .reconnect, .intruder, .shortAnswer, .corruptAnswer, .endlessBusy, .zeroBusy, .flip,
  ]

  /// All of them with what they take, for help and errors.
  public static let forms: [String] =
    plain.map(\.word) + ["state:N", "status:N", "busy+TIME (for example busy+5s, busy+200ms)"]

  private static func text(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let milliseconds = attoseconds / 1_000_000_000_000_000
    return milliseconds == 0 ? "\(seconds)s" : "\(seconds * 1000 + milliseconds)ms"
  }
}

extension FaultKind: CustomStringConvertible {
  /// The kind as it is read.
  public var description: String { word }
}

/// What a host does with a transfer, in a word: where a fault strikes.
public enum TransferWord: String, Hashable, Sendable, CaseIterable {
  /// GET_DESCRIPTOR of the device.
  case device
  /// GET_DESCRIPTOR of a configuration.
  case configuration
  /// GET_DESCRIPTOR of a string.
  case string
  /// GET_DESCRIPTOR of the BOS.
  case binaryObjectStore = "bos"
  /// GET_DESCRIPTOR of the device qualifier.
  case qualifier
  /// SET_ADDRESS, which only `dfu usb enumerate` sends.
  case setAddress = "set-address"
  /// SET_CONFIGURATION.
  case configure
  /// SET_INTERFACE.
  case select
  /// Set Address Pointer.
  case address
  /// Erase of a sector.
  case erase
  /// Erase of everything.
  case massErase = "mass-erase"
  /// Read Unprotect.
  case unprotect
  /// A block of data to the device.
  case write
  /// A block of data from the device.
  case read
  /// DFU_DNLOAD without data: the end of a download, or leaving.
  case end
  /// DFU_DETACH.
  case detach
  /// DFU_GETSTATUS.
  case status
  /// DFU_GETSTATE.
  case state
  /// DFU_CLRSTATUS.
  case clear
  /// DFU_ABORT.
  case abort
}

/// To which transfers a fault happens.
public enum FaultPlace: Hashable, Sendable, CustomStringConvertible {
  /// The transfer with this number, from 0.
  case number(Int)
  /// The transfer `offset` behind the `count`th, from 1, of a kind; a count of 0 is every one.
  case word(TransferWord, count: Int, offset: Int)
  /// Every transfer of a kind, read or write, that carries the byte at this address; the bit for
  /// ``FaultKind/flip``.
  case byte(TransferWord, address: UInt64, bit: Int?)

  /// The place as it is read.
  public var description: String {
    switch self {
    case .number(let number): "\(number)"
    case .word(let word, let count, let offset):
      word.rawValue + (count == 1 ? "" : count == 0 ? ":all" : ":\(count)")
        + (offset == 0 ? "" : "+\(offset)")
    case .byte(let word, let address, let bit):
      "\(word.rawValue):0x\(hexText(address))" + (bit.map { ".\($0)" } ?? "")
    }
  }

  private func hexText(_ address: UInt64) -> String {
    let digits = String(address, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 8 - digits.count)) + digits
  }
}
