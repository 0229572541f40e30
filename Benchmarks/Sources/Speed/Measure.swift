#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Measuring, and printing what was measured.
enum Measure {
  /// The processor time that this process has used.
  static var processorTime: Duration {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
  }

  /// The shortest of several runs: what the machine does to others only ever adds.
  static func best(of runs: Int = 7, _ body: () throws -> Void) rethrows -> Duration {
    var best = Duration.seconds(1_000_000)
    for _ in 0..<runs { best = min(best, try ContinuousClock().measure(body)) }
    return best
  }
}

extension Duration {
  /// The duration in seconds.
  var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }

  /// The duration with a unit that suits it, for example `1.52 ms`.
  var text: String {
    switch inSeconds {
    case ..<1e-5: "\(rounded(inSeconds * 1e9)) ns"
    case ..<1e-2: "\(rounded(inSeconds * 1e6, places: 1)) µs"
    case ..<1: "\(rounded(inSeconds * 1e3, places: 1)) ms"
    default: "\(rounded(inSeconds, places: 2)) s"
    }
  }
}

/// `value` with a fixed number of decimal places.
func rounded(_ value: Double, places: Int = 0) -> String {
  guard value.isFinite else { return "-" }
  let scale = (0..<places).reduce(1.0) { scale, _ in scale * 10 }
  let units = Int((value * scale).rounded())
  guard places > 0 else { return "\(units)" }
  let digits = String(units % Int(scale))
  return "\(units / Int(scale))." + String(repeating: "0", count: places - digits.count) + digits
}

/// A table with a title, printed with aligned columns; the first is text, the others are numbers.
func printTable(_ title: String, _ header: [String], _ rows: [[String]]) {
  print("\n\(title)\n")
  let all = [header] + rows
  let widths = header.indices.map { column in
    all.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
  }
  for row in all {
    let cells = row.enumerated().map { column, cell in
      let padding = String(repeating: " ", count: widths[column] - cell.count)
      return column == 0 ? cell + padding : padding + cell
    }
    print("  " + cells.joined(separator: "   "))
  }
}
