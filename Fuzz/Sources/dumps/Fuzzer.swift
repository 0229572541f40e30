import Captures
import FuzzInput
import Reports
import USB

/// Texts of `lsusb`, USBView and USBTreeView, and digits: whatever is in them, reading ends, what nobody knows is
/// inside of what there is, and digits carry all of it.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  buildTables()
  var input = FuzzInput(start, count)
  let content = input.remaining()
  guard content.count <= 1 << 16, let dump = try? DescriptorDump.read(content) else { return 0 }
  let set = dump.set
  require(!set.documents.isEmpty, "a set without documents")
  for document in set.documents {
    let bytes = set.bytes(of: document)
    require(bytes.count <= content.count * 256, "more bytes than the text can tell")
    require(
      (set.unknown[document] ?? []).allSatisfy { bytes.indices.contains($0) },
      "an unknown byte outside of its document")
    let tree = set.tree(of: document)
    require(
      tree.nodes.flatMap { tree.fields(of: $0) }.flatMap(\.bytes) == bytes,
      "a byte without a field")
  }
  let report = DescriptorsReport(set, source: "fuzz")
  let digits = Array(report.hexadecimalText().utf8)
  let total = set.documents.reduce(0) { $0 + set.bytes(of: $1).count }
  guard total < 1 << 14, digits.count < DescriptorDump.sizeLimit else { return 0 }
  _ = report.text(.plain)
  for text in [LsusbText.text(of: set), USBViewText.text(of: set)] {
    require(text.utf8.count < 4000 + content.count * 16 + total * 400, "a text without an end")
    if let again = try? DescriptorDump.read(Array(text.utf8)).set {
      require(again.bytes.count <= 2 * total + 4096, "more bytes than were written")
    }
  }
  // A set from a text may have its documents in another order inside; digits of one are read as they stand.
  if dump.format == .hexadecimal, set.documents == [.descriptors] {
    let again = try? DescriptorDump.read(digits).set
    require(again?.bytes == set.bytes, "digits that are not read as they are written")
    require(again?.unknown == set.unknown, "unknown bytes that are not read as they are written")
  }
  return 0
}
