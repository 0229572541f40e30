import Captures
import FuzzInput
import Reports
import USB

/// Descriptors, raw or as digits: every byte is of one descriptor and one field, and the texts are bounded.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  buildTables()
  var input = FuzzInput(start, count)
  let speeds: [USBSpeed?] = [nil] + USBSpeed.allCases
  let speed = input.one(of: speeds)
  var bytes = input.remaining()
  if let dump = try? DescriptorDump.read(bytes), dump.format == .hexadecimal {
    bytes = dump.set.bytes
  }
  guard bytes.count <= 4096 else { return 0 }
  let tree = DescriptorTree(parsing: bytes, speed: speed)
  var position = 0
  for node in tree.nodes {
    require(node.offset == position, "a gap between descriptors")
    let fields = tree.fields(of: node)
    require(fields.flatMap(\.bytes) == Array(tree.bytes(of: node)), "a byte without a field")
    position += node.length
  }
  require(position == bytes.count, "bytes without a descriptor")
  require(tree.faults.map(\.offset) == tree.faults.map(\.offset).sorted(), "faults out of order")
  let set = DescriptorSet(parsing: bytes, speed: speed)
  let report = DescriptorsReport(set, source: "fuzz")
  require(report.text(.plain).utf8.count < 1000 + bytes.count * 1000, "a text without an end")
  let digits = Array(report.hexadecimalText().utf8)
  if !bytes.isEmpty, set.binaryObjectStore == nil, set.deviceQualifier == nil {
    let again = try? DescriptorDump.read(digits).set
    require(again?.bytes == set.bytes, "digits that are not read as they are written")
  }
  return 0
}
