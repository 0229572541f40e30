/// Tells without making a string whether an id may be one of a device's, or of its vendor's: stores have a hundred
/// thousand ids, and nearly none of them matter. It may say yes too often, and never no.
struct IDFilter {
  private var hashes: Set<UInt64> = []
  private let prefix: [UInt8]

  /// A filter for a prefix, in lower case.
  init(_ prefix: String?) { self.prefix = Array((prefix ?? "").utf8) }

  /// Adds an id, in lower case.
  mutating func insert(_ id: String) { hashes.insert(look(at: id).hash) }

  func mayMatter(_ id: String) -> Bool {
    let (hash, isSimple, hasPrefix) = look(at: id)
    return hasPrefix || !isSimple || hashes.contains(hash)
  }

  private func look(at id: String) -> (hash: UInt64, isSimple: Bool, hasPrefix: Bool) {
    // FNV-1a over letters in lower case; what is not ASCII is looked at closely elsewhere.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    var isSimple = true
    var matched = 0
    var isPrefix = !prefix.isEmpty
    for byte in id.utf8 {
      let lower = (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
      if byte >= 0x80 { isSimple = false }
      hash = (hash ^ UInt64(lower)) &* 0x100_0000_01B3
      if isPrefix, matched < prefix.count {
        isPrefix = prefix[matched] == lower
        matched += 1
      }
    }
    return (hash, isSimple, isPrefix && matched == prefix.count)
  }
}
