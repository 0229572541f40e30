import DFU
import FuzzInput
import USB
import VirtualDFU
import VirtualUSB

/// What is changed about a virtual device by words, `NAME=VALUE&NAME=VALUE…`: it is refused with words,
/// or the device can be had, and still answers as a device does.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = FuzzInput(start, count)
  var profile = input.one(of: Profile.all)
  let text = String(decoding: input.remaining(), as: UTF8.self)
  for setting in text.split(separator: "&").prefix(8) {
    let pair = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard pair.count == 2 else { continue }
    do throws(ProfileOptionError) {
      profile = try profile.setting(String(pair[0]), to: String(pair[1]))
    } catch {
      checkText(of: error)
    }
  }
  let policy = profile.pollPolicy
  require(PollPolicy(policy.description) == policy, "\(policy) is not read as it is written")
  var quirks: BootloaderQuirks = []
  for name in profile.quirks.names {
    guard let quirk = BootloaderQuirks(named: name) else { fatalError("\(name) is unknown") }
    quirks.formUnion(quirk)
  }
  require(quirks == profile.quirks, "a peculiarity was lost")

  var device = VirtualBootloader(profile)
  device.powerOn(at: .zero)
  for index in UInt8(0)...8 {
    let setup = SetupPacket.getDescriptor(.string, index: index, language: 0x0409, length: 255)
    guard case .data(let bytes) = device.respond(to: setup, data: [], at: .zero).outcome else {
      continue
    }
    // Some descriptors are shorter than they say, none is longer.
    require(bytes.count >= 2 && bytes.count <= Int(bytes[0]), "a string of another length")
  }
  let whole = device.respond(
    to: .getDescriptor(.configuration, length: 512), data: [], at: .zero)
  guard case .data(let bytes) = whole.outcome else { fatalError("no configuration") }
  checkConfiguration(bytes)
  return 0
}

private func checkConfiguration(_ bytes: [UInt8]) {
  var reader = ByteReader(bytes.span.bytes)
  do throws(ParseError) {
    let configuration = try ConfigurationDescriptor(parsing: &reader)
    require(!DFUFunction.find(in: configuration).isEmpty, "no DFU interface")
  } catch { fatalError("\(error)") }
}
