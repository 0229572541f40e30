import Firmware
import FuzzInput

/// FirmwareFile, recognising the format: what can be read can be written and read again.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = FuzzInput(start, count)
  checkFile(input.remaining(), as: nil)
  return 0
}
