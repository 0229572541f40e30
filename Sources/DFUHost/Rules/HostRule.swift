/// The fifteen rules of the safe host: what keeps a flash from going wrong on the devices that there
/// are. Each stands where it is kept, as a condition.
///
/// In debug builds a test can take one away and see that a virtual device notices
/// (``withoutRule(_:_:)``); in release builds every condition is true and costs nothing.
package enum HostRule: Int, Hashable, Sendable, CaseIterable, CustomStringConvertible {
  /// The whole file is read, checked and planned before the device is touched.
  case checksEverythingFirst = 1
  /// The file's ids are those of the device that was opened, or wildcards.
  case matchesIDs
  /// dfuERROR is cleared and a transfer under way aborted until the device is in dfuIDLE;
  /// DFU_CLRSTATUS is sent in no other state.
  case comesToIdle
  /// The alternate setting is selected even where the device may have it already.
  case selectsSetting
  /// Everything is erased before the first byte is written, ascending, each sector once.
  case erasesFirst
  /// The address is set once a run, and again before the block number runs into 65 535.
  case setsAddressInTime
  /// bwPollTimeout is waited for after a busy state, and after no other.
  case pausesOnlyWhenBusy
  /// DFU_GETSTATUS may take 35 s while the device works, and a stall then is asked again.
  case waitsForSlowStatus
  /// Blocks are no longer than wTransferSize and padded to the unit of the flash.
  case padsToUnits
  /// What was written is read back.
  case provesByReading
  /// Sectors that hold already what they should are left alone.
  case leavesUnchangedAlone
  /// Before leaving the address is set to the start of the image; losing the device then is success.
  case leavesFromTheStart
  /// Option bytes are written whole, and the part that resets meanwhile has succeeded.
  case expectsReset
  /// No request is sent “just in case”.
  case sendsNothingUnasked
  /// No device is chosen among several.
  case choosesNothing

  /// The number in the list, and the name.
  package var description: String { "rule \(rawValue)" }

  #if RULE_SWITCHES
    /// The rule that is taken away in this task.
    @TaskLocal package static var absent: HostRule?

    /// Whether the rule is there.
    package var isKept: Bool { HostRule.absent != self }

    /// Runs `body` without a rule.
    package static func withoutRule<Result>(
      _ rule: HostRule?, _ body: () async throws -> Result
    ) async rethrows -> Result {
      try await $absent.withValue(rule) { try await body() }
    }
  #else
    /// Whether the rule is there: always.
    @inline(__always) package var isKept: Bool { true }
  #endif
}
