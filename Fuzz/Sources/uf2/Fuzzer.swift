import Firmware
import FuzzInput

/// UF2: what can be read can be written and read again.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = FuzzInput(start, count)
  checkFile(input.remaining(), as: .uf2)
  return 0
}
