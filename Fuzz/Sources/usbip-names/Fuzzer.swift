import FuzzInput
import USB
import USBIP

/// Names that people type, and the kernel's list of ports: each is read as it is written, or is none.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = FuzzInput(start, count)
  let text = String(decoding: input.remaining(), as: UTF8.self)
  if let address = try? USBIPAddress(text) {
    guard let again = try? USBIPAddress(address.description) else {
      fatalError("\(address) is not read as it is written")
    }
    require(again == address, "\(address) is another one when it is read")
  }
  if let range = AddressRange(text) {
    let first = text.prefix { $0 != "/" }
    require(range.contains(String(first)), "\(range) is without its own address")
  }
  for port in VirtualPort.parse(text) {
    require(port.number >= 0, "a port with a negative number")
    // It becomes a part of a path.
    require(port.localBusID?.contains("/") != true, "a place that leads elsewhere")
    require(port.localBusID.map { PortPath($0) != nil } ?? true, "a place that is none")
  }
  return 0
}
