public import Firmware

/// Which bytes go to which alternate setting of a device.
public struct TargetChoice: Hashable, Sendable {
  /// Bytes for one alternate setting.
  public enum Payload: Hashable, Sendable {
    /// Bytes with addresses.
    case image(FirmwareImage)
    /// A whole payload for a device without addresses, its prefix included.
    case plain([UInt8])
  }

  /// An alternate setting and what is written to it.
  public struct Assignment: Hashable, Sendable {
    /// The alternate setting.
    public var target: FlashTarget
    /// What is written to it.
    public var payload: Payload

    /// An assignment.
    public init(target: FlashTarget, payload: Payload) {
      self.target = target
      self.payload = payload
    }
  }

  /// Ascending by alternate setting, each at most once.
  public var assignments: [Assignment]
  /// All alternate settings of the device, to name one that would fit better.
  public var targets: [FlashTarget]
  /// What was assumed, for a person to know.
  public var notes: [PlanNote]

  /// A choice from its parts.
  public init(assignments: [Assignment], targets: [FlashTarget] = [], notes: [PlanNote] = []) {
    self.assignments = assignments
    self.targets = targets
    self.notes = notes
  }

  /// All of an image, for one alternate setting.
  public init(_ image: FirmwareImage, for target: FlashTarget) {
    self.init(assignments: [Assignment(target: target, payload: .image(image))], targets: [target])
  }

  /// Notes what has been read of an alternate setting, or why it could not be read.
  public mutating func note(
    contents: FirmwareImage?, refusal: String? = nil, ofAlternateSetting number: UInt8
  ) {
    for index in assignments.indices
    where assignments[index].target.alternateSetting == number {
      assignments[index].target.contents = contents
      assignments[index].target.readRefusal = refusal
    }
  }

  /// Adds what another file wants on the same device: several files are one plan.
  ///
  /// - Parameter other: the choice for the other file.
  /// - Throws: ``PlanError`` where both want different bytes at one address, or both want to be the
  ///   whole payload of one target. This choice is unchanged then.
  public mutating func merge(_ other: TargetChoice) throws(PlanError) {
    var merged = assignments
    for addition in other.assignments {
      let index = merged.firstIndex {
        $0.target.alternateSetting == addition.target.alternateSetting
      }
      guard let index else {
        merged.append(addition)
        continue
      }
      guard case .image(var image) = merged[index].payload, case .image(let more) = addition.payload
      else {
        throw PlanError(
          .contradiction,
          "Two files want to be the payload of \(addition.target.described), which takes one.",
          help: "Give them to different targets, one after the other.")
      }
      try TargetChoice.merge(more, into: &image)
      merged[index].payload = .image(image)
    }
    assignments = merged.sorted { $0.target.alternateSetting < $1.target.alternateSetting }
    notes += other.notes.filter { !notes.contains($0) }
  }
}
