/// What something costs: control transfers, bytes on the wire, time.
public struct PlanCost: Hashable, Sendable {
  /// Control transfers.
  public var controlTransfers: Int
  /// Bytes of data stages to the device.
  public var bytesOut: Int
  /// Bytes of data stages from the device.
  public var bytesIn: Int
  /// The expected time, from the chip table and the speed of the wire.
  public var duration: Duration

  /// A cost from its parts.
  public init(
    controlTransfers: Int = 0, bytesOut: Int = 0, bytesIn: Int = 0, duration: Duration = .zero
  ) {
    self.controlTransfers = controlTransfers
    self.bytesOut = bytesOut
    self.bytesIn = bytesIn
    self.duration = duration
  }

  /// Nothing.
  public static let zero = PlanCost()

  /// Both, one after the other.
  public static func + (left: PlanCost, right: PlanCost) -> PlanCost {
    PlanCost(
      controlTransfers: left.controlTransfers + right.controlTransfers,
      bytesOut: left.bytesOut + right.bytesOut, bytesIn: left.bytesIn + right.bytesIn,
      duration: left.duration + right.duration)
  }

  /// Adds a cost.
  public static func += (left: inout PlanCost, right: PlanCost) { left = left + right }

  /// The same, several times.
  public static func * (left: PlanCost, count: Int) -> PlanCost {
    PlanCost(
      controlTransfers: left.controlTransfers * count, bytesOut: left.bytesOut * count,
      bytesIn: left.bytesIn * count, duration: left.duration * count)
  }
}
