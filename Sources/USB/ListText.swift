/// Words as a list: `a`, `a and b`, `a, b and c`.
public func listText(_ words: [String], _ conjunction: String = "and") -> String {
  guard let last = words.last else { return "" }
  if words.count == 1 { return last }
  return words.dropLast().joined(separator: ", ") + " \(conjunction) \(last)"
}
