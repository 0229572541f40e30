import Firmware
import FuzzInput

/// The DFU suffix and the prefixes: what is found comes off and goes on again.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = FuzzInput(start, count)
  let isRepaired = input.bool()
  let bytes = input.remaining()
  checkFile(bytes, as: .dfu)
  do throws(FirmwareError) {
    // Fuzzers do not find CRCs.
    let file = isRepaired ? try DFUSuffix.repairingCRC(of: bytes) : bytes
    if isRepaired { checkFile(file, as: .dfu) }
    if let suffix = try DFUSuffix.find(in: file) {
      require(suffix.length <= file.count, "the suffix is longer than the file")
      let body = Array(file.dropLast(suffix.length))
      let again = try suffix.appended(to: body)
      require(try DFUSuffix.find(in: again) == suffix, "the suffix was changed")
    }
    if let prefix = FirmwarePrefix.find(in: file[...]) {
      require(prefix.length <= file.count, "the prefix is longer than the file")
      let header = try prefix.encoded(before: file.count - prefix.length)
      require(header.count == prefix.length, "the prefix has another length")
    }
  } catch {
    checkText(of: error)
  }
  return 0
}
