import DFU
import FuzzInput
import USB

/// The answer to DFU_GETSTATUS, and the commands of DfuSe.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = FuzzInput(start, count)
  let bytes = input.remaining()
  var reader = ByteReader(bytes.span.bytes)
  do throws(ParseError) {
    let status = try GetStatusResponse(parsing: &reader)
    require(status.pollTimeout < 1 << 24, "24 bits")
    require(status.bytes == Array(bytes.prefix(6)), "the answer was changed")
  } catch {
    checkText(of: error)
    require(bytes.count < 6, "six bytes are an answer")
  }
  if let command = DfuSeCommand(bytes) { require(command.bytes == bytes, "it was changed") }
  return 0
}
