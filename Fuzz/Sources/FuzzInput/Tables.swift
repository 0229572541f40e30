import USB

// Of AddressSanitizer, with which every fuzzer is linked.
@_silgen_name("__lsan_disable") private func beginLeaking()
@_silgen_name("__lsan_enable") private func endLeaking()

/// Builds the tables of descriptors once, out of the leak checker's sight.
///
/// They live as long as the program. Swift marks the cases of their enums in spare bits of pointers, so that the
/// checker does not know these pointers for some, and takes what is behind them for lost.
public func buildTables() { _ = tables }

private let tables: Int = {
  beginLeaking()
  defer { endLeaking() }
  return DescriptorLayout.all.count
}()
