/// What has to be read before a plan can be made: for the comparison, and for the neighbours.
public struct FlashSurvey: Hashable, Sendable {
  /// What is read of one alternate setting.
  public struct Part: Hashable, Sendable {
    /// The alternate setting.
    public var target: FlashTarget
    /// What is read, ascending.
    public var ranges: [Range<UInt64>]

    /// A part of a survey.
    public init(target: FlashTarget, ranges: [Range<UInt64>]) {
      self.target = target
      self.ranges = ranges
    }
  }

  /// The alternate settings; those of which nothing is read are not among them.
  public var parts: [Part]

  /// A survey from its parts.
  public init(parts: [Part]) { self.parts = parts }

  /// How many bytes are read.
  public var byteCount: Int {
    parts.reduce(0) { $0 + $1.ranges.reduce(0) { $0 + $1.count } }
  }
}
