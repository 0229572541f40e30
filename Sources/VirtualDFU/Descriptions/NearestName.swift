/// The name among `names` that somebody may have meant who wrote `text`; nil where none is near.
///
/// Case, hyphens, underscores and blanks do not count; beyond them a third of the characters may be
/// wrong, missing, too many, or in the place of their neighbour.
func nearestName(to text: String, of names: some Sequence<String>) -> String? {
  // Nobody mistypes more than this, and the comparison takes the product of the lengths.
  let letters = essence(of: text.prefix(64))
  var best: (name: String, distance: Int)?
  for name in names {
    let distance = editDistance(letters, essence(of: name.prefix(64)))
    if distance < best?.distance ?? .max { best = (name, distance) }
  }
  guard let best, best.distance <= max(1, letters.count / 3) else { return nil }
  return best.name
}

private func essence(of text: Substring) -> [Unicode.Scalar] {
  text.lowercased().unicodeScalars.filter { !["-", "_", " "].contains($0) }
}

/// How many insertions, removals, replacements and exchanges of neighbours lead from one to the other.
private func editDistance(_ one: [Unicode.Scalar], _ other: [Unicode.Scalar]) -> Int {
  // Rows of the table, for the first row, row + 1, row + 2 characters of `one`.
  var before = [Int](repeating: 0, count: other.count + 1)
  var row = Array(0...other.count)
  for (i, scalar) in one.enumerated() {
    var next = [i + 1]
    for (j, otherScalar) in other.enumerated() {
      var cost = min(row[j + 1] + 1, next[j] + 1, row[j] + (scalar == otherScalar ? 0 : 1))
      if i > 0, j > 0, scalar == other[j - 1], one[i - 1] == otherScalar {
        cost = min(cost, before[j - 1] + 1)
      }
      next.append(cost)
    }
    before = row
    row = next
  }
  return row[other.count]
}
