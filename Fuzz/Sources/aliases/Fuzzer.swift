import DriverMatching
import FuzzInput
import USB

/// A modalias, a line end, and a text of aliases and settings: reading ends, the index finds what a comparison with
/// every line finds, and a decision has words.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = FuzzInput(start, count)
  let content = input.remaining()
  guard content.count <= 1 << 16 else { return 0 }
  let parts = content.split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false)
  let name = String(decoding: parts[0], as: UTF8.self)
  let text = parts.count > 1 ? Array(parts[1]) : []
  let table = ModuleAliases(text, order: text)
  for finding in table.findings { checkText(of: finding) }
  let found = table.matches(name)
  require(found.allSatisfy { $0.line > 0 && !$0.module.isEmpty }, "a line without a place")
  // The index is a short cut and no other answer. Bytes that are no text are another pattern as text.
  let texts = table.aliases.filter { !$0.pattern.contains("\u{FFFD}") }
  let each = texts.filter { ModuleAliases([$0]).matches(name).count == 1 }
  let shown = found.filter { !$0.pattern.contains("\u{FFFD}") }
  require(Set(shown) == Set(each) && shown.count == each.count, "the index misses a line")
  for alias in table.aliases {
    if let fields = AliasFields(alias.pattern) {
      require(!fields.words.isEmpty, "fields without words")
    }
  }
  let configuration = ModprobeConfiguration(
    [ConfigurationFile(directory: "/etc/modprobe.d", name: "a.conf", bytes: text)],
    commandLine: name)
  for finding in configuration.findings { checkText(of: finding) }
  _ = DynamicID(name).map {
    require(DynamicID($0.description) == $0, "an id that is not read back")
  }
  let modalias: Modalias
  do throws(ModaliasError) {
    modalias = try Modalias(parsing: name)
  } catch {
    checkText(of: error)
    require(error.column > 0 && error.column <= name.utf8.count + 1, "a column outside of the text")
    return 0
  }
  require(
    (try? Modalias(parsing: modalias.description)) == modalias, "a modalias that is not read back")
  // Of the lines of one product, and in the order of depmod, the same comes for that product.
  let own = ModuleAliases(text, order: text, only: (modalias.vendor, modalias.product))
  require(Set(own.matches(modalias)) == Set(table.matches(modalias)), "one product's lines differ")
  let matcher = LinuxDriverMatcher(
    modules: KernelModules(aliases: table, builtin: table, configuration: configuration),
    registeredDrivers: found.map(\.module))
  let decision = matcher.decision(for: modalias)
  require(!decision.outcome.sentence.isEmpty, "an outcome without words")
  require(decision.candidates.allSatisfy { !$0.steps.isEmpty }, "a candidate without a reason")
  return 0
}
