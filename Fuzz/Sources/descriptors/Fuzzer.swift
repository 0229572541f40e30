import FuzzInput
import USB

/// Device, configuration and string descriptors: what is decoded encodes to what decodes the same.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = FuzzInput(start, count)
  let kind = input.below(4)
  let bytes = input.remaining()
  var reader = ByteReader(bytes.span.bytes)
  do throws(ParseError) {
    switch kind {
    case 0: try checkDevice(&reader)
    case 1: try checkConfiguration(&reader, bytes)
    default: try checkString(&reader, singleBytes: kind == 3)
    }
  } catch {
    require((0...bytes.count).contains(error.offset), "an error outside of the bytes")
    checkText(of: error)
  }
  return 0
}

private func checkDevice(_ reader: inout ByteReader) throws(ParseError) {
  let device = try DeviceDescriptor(parsing: &reader)
  let bytes = device.bytes
  var again = ByteReader(bytes.span.bytes)
  require(try DeviceDescriptor(parsing: &again) == device, "the device was changed")
}

private func checkConfiguration(_ reader: inout ByteReader, _ whole: [UInt8]) throws(ParseError) {
  let configuration = try ConfigurationDescriptor(parsing: &reader)
  for fault in configuration.faults { checkText(of: fault) }
  let bytes = configuration.bytes
  require(bytes.count <= whole.count, "bytes out of nowhere")
  var again = ByteReader(bytes.span.bytes)
  let back = try ConfigurationDescriptor(parsing: &again)
  require(back.bytes == bytes, "the configuration was changed")
  require(back.interfaces.count == configuration.interfaces.count, "interfaces were lost")
}

private func checkString(_ reader: inout ByteReader, singleBytes: Bool) throws(ParseError) {
  let string = try StringDescriptor(parsing: &reader, singleBytes: singleBytes)
  let bytes = string.bytes
  require(bytes.count <= 254, "a string descriptor of \(bytes.count) bytes")
  var again = ByteReader(bytes.span.bytes)
  let back = try StringDescriptor(parsing: &again)
  require(singleBytes || string.isRepaired || back.text == string.text, "the text was changed")
}
