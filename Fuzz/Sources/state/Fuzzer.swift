import DFU
import FuzzInput
import USB
import VirtualDFU
import VirtualUSB

/// The state file of a virtual bootloader: what is not whole is refused and changes nothing; what is
/// taken is written again as it was, and the device still works.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = FuzzInput(start, count)
  let profile = input.one(of: Profile.all)
  var device = VirtualBootloader(profile)
  switch input.below(3) {
  case 0: restore(input.remaining(), in: &device)
  case 1:
    // Fuzzers find neither the checksum nor the name.
    let name = Array(profile.name.utf8)
    let body =
      Array("VDFU".utf8) + [UInt8(input.below(2) + 1), UInt8(name.count)] + name + input.remaining()
    restore(body + crc32(body).littleEndianBytes, in: &device)
  default:
    for _ in 0..<4 {
      let base = input.one(of: [0x0800_0000, 0x1FFF_C000, 0x1FFF_7800, 0x9000_0000, 0] as [UInt64])
      device.load(input.bytes(input.below(64)), at: base + UInt64(input.number(UInt16.self)))
    }
    var other = VirtualBootloader(profile)
    restore(device.snapshot(), in: &other)
    require(other.snapshot() == device.snapshot(), "the state was changed")
  }
  return 0
}

private func restore(_ bytes: [UInt8], in device: inout VirtualBootloader) {
  do throws(SnapshotError) {
    try device.restore(bytes)
  } catch {
    checkText(of: error)
    return
  }
  let snapshot = device.snapshot()
  var other = VirtualBootloader(device.profile)
  do throws(SnapshotError) { try other.restore(snapshot) } catch { fatalError("\(error)") }
  require(other.snapshot() == snapshot, "the state was changed")
  other.powerOn(at: .zero)
  _ = other.respond(to: .setConfiguration(1), data: [], at: .zero)
  let setup = DFURequest.upload.setup(value: 2, interface: 0, length: 64)
  _ = other.respond(to: setup, data: [], at: .zero)
  other.advance(to: .seconds(100))
}

private func crc32(_ bytes: [UInt8]) -> UInt32 {
  var crc = UInt32.max
  for byte in bytes {
    crc ^= UInt32(byte)
    for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
  }
  return ~crc
}
