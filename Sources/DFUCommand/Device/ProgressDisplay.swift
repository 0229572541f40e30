import DFUHost
import Reports
import Synchronization
import USB

/// Shows how far a job is: a bar on a terminal, a line for each phase elsewhere, lines of JSON for a
/// program.
///
/// The display is told of every block; it draws only what looks different.
final class ProgressDisplay: Sendable {
  private let console: Console
  private let sendsEvents: Bool
  private let last = Mutex<(phase: DFUPhase?, permille: UInt64)>((nil, 0))

  init(_ console: Console, sendsEvents: Bool) {
    self.console = console
    self.sendsEvents = sendsEvents
  }

  /// One that sends events where the console does.
  convenience init(_ console: Console) { self.init(console, sendsEvents: console.sendsEvents) }

  /// Takes a point on the way.
  var handler: DFUProgress.Handler {
    { [self] progress in show(progress) }
  }

  private func show(_ progress: DFUProgress) {
    let permille =
      progress.total == 0
      ? 0
      : min(1000, progress.done.multipliedReportingOverflow(by: 1000).partialValue / progress.total)
    let isNew = last.withLock { last in
      // A hundred events for a phase are enough for a program, a thousand steps for a bar.
      let step: UInt64 = sendsEvents ? 10 : 5
      guard last.phase != progress.phase || permille / step != last.permille / step else {
        return (phase: false, step: false)
      }
      let isPhase = last.phase != progress.phase
      last = (progress.phase, permille)
      return (phase: isPhase, step: true)
    }
    guard isNew.step else { return }
    if sendsEvents {
      try? console.event(ProgressDocument(progress))
    } else if Terminal.isTerminal(.error) {
      console.progress(line(progress, permille))
    } else if isNew.phase, !console.isJSON {
      let size = progress.total == 0 ? "" : " \(sizeText(progress.total))"
      console.tell("  \(progress.phase.words)\(size)")
    }
  }

  private func line(_ progress: DFUProgress, _ permille: UInt64) -> String {
    let style = console.noteStyle
    // The line must fit: one that wraps cannot be taken back, and a hundred of them stay.
    let size = progress.total > 0 ? " \(permille / 10)% of \(sizeText(progress.total))" : ""
    var place = progress.address.map { "  " + addressText($0) } ?? ""
    let room = style.width - 2 - displayWidth(of: progress.phase.words + size)
    if room - place.utf8.count < 16 { place = "" }
    let cells = min(28, room - place.utf8.count)
    guard cells >= 4 else { return progress.phase.words }
    let full = Int(permille) * cells / 1000
    let bar =
      style(.accent, String(repeating: style.usesDrawing ? "█" : "#", count: full))
      + style(.faint, String(repeating: style.usesDrawing ? "░" : "-", count: cells - full))
    return "\(progress.phase.words) \(bar)\(size)\(style(.faint, place))"
  }
}
