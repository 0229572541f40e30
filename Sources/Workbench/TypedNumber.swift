/// Reads a number as people type it: `0x08000000`, `134217728`, `0x0800_0000`.
///
/// - Parameter text: what was typed.
/// - Returns: the number; nil where the text is none, or has more than 64 bits.
public func typedNumber(_ text: some StringProtocol) -> UInt64? {
  let digits = String(text).filter { $0 != "_" }
  if digits.lowercased().hasPrefix("0x") {
    let rest = digits.dropFirst(2)
    return rest.first == "+" ? nil : UInt64(rest, radix: 16)
  }
  return digits.first == "+" ? nil : UInt64(digits)
}
