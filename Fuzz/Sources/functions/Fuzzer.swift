import DFU
import FuzzInput
import USB

/// The DFU functional descriptor alone, and the search for it in a configuration.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = FuzzInput(start, count)
  let isAlone = input.bool()
  let bytes = input.remaining()
  var reader = ByteReader(bytes.span.bytes)
  do throws(ParseError) {
    if isAlone {
      let descriptor = try DFUFunctionalDescriptor(parsing: &reader)
      let written = descriptor.bytes
      var again = ByteReader(written.span.bytes)
      require(try DFUFunctionalDescriptor(parsing: &again) == descriptor, "it was changed")
    } else {
      let configuration = try ConfigurationDescriptor(parsing: &reader)
      for function in DFUFunction.find(in: configuration) {
        require(!function.settings.isEmpty, "a function without settings")
        for fault in function.faults { require(!fault.sentence.isEmpty, "an empty fault") }
      }
    }
  } catch {
    checkText(of: error)
  }
  return 0
}
