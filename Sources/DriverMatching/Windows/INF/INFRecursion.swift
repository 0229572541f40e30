/// Sections that need themselves, at once or by way of others of the same file.
enum INFRecursion {
  private static let limit = 100
  /// Needs of one file that are followed.
  private static let edgeLimit = 10_000

  /// One section that another needs, and where that stands.
  private struct Edge {
    var target: String
    var name: String
    var line: Int
  }

  static func findings(of reading: INFReading) -> [INFFinding] {
    let own = reading.inf.name.lowercased()
    var edges: [String: [Edge]] = [:]
    var count = 0
    for section in reading.inf.sections {
      let lines = section.lines.prefix(INFGathered.lineLimit)
      func values(_ key: String) -> [(String, Int)] {
        lines.lazy.filter { $0.key?.lowercased() == key }.prefix(INFGathered.countLimit).flatMap {
          line in
          line.fields.prefix(INFGathered.fieldLimit).map {
            (reading.expand($0, limit: INF.sectionNameLimit), line.number)
          }
        }
      }
      // A file that is borrowed from comes first, and is not looked into here.
      guard values("include").allSatisfy({ $0.0.isEmpty || $0.0.lowercased() == own }) else {
        continue
      }
      for (name, line) in values("needs") where count < edgeLimit {
        guard let target = reading.section(name)?.name.lowercased() else { continue }
        count += 1
        edges[section.name.lowercased(), default: []].append(
          Edge(target: target, name: name, line: line))
      }
    }
    return findings(reading, edges)
  }

  /// A walk that keeps its own stack: a chain may be as long as the file.
  private static func findings(
    _ reading: INFReading, _ edges: [String: [Edge]]
  ) -> [INFFinding] {
    var findings: [INFFinding] = []
    var open: Set<String> = []
    var done: Set<String> = []
    for section in reading.inf.sections {
      let start = section.name.lowercased()
      guard edges[start] != nil, !done.contains(start) else { continue }
      var path: [(section: String, next: Int)] = [(start, 0)]
      open.insert(start)
      while let (current, next) = path.last {
        guard let all = edges[current], next < all.count else {
          open.remove(current)
          done.insert(current)
          path.removeLast()
          continue
        }
        path[path.count - 1].next += 1
        let edge = all[next]
        if open.contains(edge.target) {
          guard findings.count < limit else { return findings }
          findings.append(
            INFFinding(
              "inf-needs-itself",
              "Needs leads back to [\(edge.name)], which is what needs this: the section is taken once.",
              line: edge.line))
        } else if !done.contains(edge.target) {
          open.insert(edge.target)
          path.append((edge.target, 0))
        }
      }
    }
    return findings.sorted { $0.line < $1.line }
  }
}
