public import USB

/// How far something is: what a progress bar shows.
public struct DFUProgress: Hashable, Sendable {
  /// What is being done.
  public var phase: DFUPhase
  /// Bytes that are done in this phase.
  public var done: UInt64
  /// Bytes that there are in this phase; 0 where that is not known.
  public var total: UInt64
  /// The address that is worked at.
  public var address: UInt64?
  /// The alternate setting that is worked at.
  public var alternateSetting: UInt8?

  /// A point on the way.
  public init(
    phase: DFUPhase, done: UInt64, total: UInt64, address: UInt64? = nil,
    alternateSetting: UInt8? = nil
  ) {
    self.phase = phase
    self.done = done
    self.total = total
    self.address = address
    self.alternateSetting = alternateSetting
  }

  /// Where progress goes.
  public typealias Handler = @Sendable (DFUProgress) -> Void
}

/// How to talk to a device.
public struct SessionOptions: Hashable, Sendable {
  /// How many requests may be outstanding at once: 1 for a local bus, more over a distance.
  public var window = 1
  /// Which DFU interface, where a device has several; nil for the first.
  public var interface: UInt8?

  /// The defaults.
  public init() {}
}

/// Why something with a file and a device failed: in planning, or at the device.
public enum SessionError: ExplainedError, Hashable {
  /// No plan could be made; the device's memory is as it was.
  case plan(PlanError)
  /// The device failed.
  case device(DFUError)

  private var base: any ExplainedError {
    switch self {
    case .plan(let error): error
    case .device(let error): error
    }
  }

  /// The slug of the error inside.
  public var slug: String { base.slug }
  /// The sentence of the error inside.
  public var sentence: String { base.sentence }
  /// The help of the error inside.
  public var help: String? { base.help }
}
