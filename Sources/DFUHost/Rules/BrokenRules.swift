internal import DFU
internal import USB

#if RULE_SWITCHES
  // What a host does that does not keep a rule, for the tests that take it away.

  extension FlashPlan {
    /// Without rule 5: each run with the sectors that it needs, the highest first.
    var stepsInDescendingOrder: [FlashStep] {
      parts.flatMap { part -> [FlashStep] in
        var steps: [FlashStep] = [.select(part.target.alternateSetting)]
        for run in part.runs.reversed() {
          for erase in part.erases.reversed() {
            for index in (0..<erase.count).reversed() {
              let start = erase.start + index * erase.sectorSize
              let sector = Sector(range: start..<start + erase.sectorSize, rights: erase.rights)
              if sector.range.overlaps(run.range) { steps.append(.erase(sector)) }
            }
          }
          steps.append(.write(run))
        }
        return steps + part.verify.map { .verify($0) }
      }
    }
  }

  extension SessionOpening {
    /// What some hosts send “to be safe” and rule 14 forbids.
    func askEverything() async throws(DFUError) {
      let interface = function.interfaceNumber
      let descriptor = SetupPacket.getDescriptor(.dfuFunctional, index: 0, length: 9)
      let commands = DFURequest.upload.setup(value: 0, interface: interface, length: 4)
      do throws(TransferError) {
        _ = try await device.controlIn(descriptor, timeout: .seconds(5))
      } catch  where error.code == .stall {
      } catch { throw DFUError(error, during: .describe) }
      do throws(TransferError) {
        _ = try await device.controlIn(commands, timeout: .seconds(5))
        try await device.controlOut(
          DFURequest.clearStatus.setup(interface: interface), data: [], timeout: .seconds(5))
      } catch { throw DFUError(error, during: .describe) }
    }
  }
#endif
