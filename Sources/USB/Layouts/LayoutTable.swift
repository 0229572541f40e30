/// Layouts by a number of one byte, found without a search.
struct LayoutTable: ExpressibleByDictionaryLiteral, Sendable {
  private var layouts: [DescriptorLayout?]

  init(dictionaryLiteral pairs: (UInt8, DescriptorLayout)...) {
    layouts = Array(repeating: nil, count: 256)
    for (number, layout) in pairs { layouts[Int(number)] = layout }
  }

  /// The layout of a number, or nil.
  subscript(number: UInt8) -> DescriptorLayout? { layouts[Int(number)] }

  /// All of them, by their numbers.
  var all: [DescriptorLayout] { layouts.compactMap(\.self) }
}
