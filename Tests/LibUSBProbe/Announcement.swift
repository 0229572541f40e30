import USB

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Tells whoever listens to udev under umockdev of a device, as udev's daemon would.
///
/// The message is libudev's (systemd, `libsystemd/sd-device/device-monitor.c`): a header of 40 bytes,
/// then properties that end with a zero each. umockdev has a socket in its folder for each listener.
///
/// - Parameters:
///   - action: `add` or `remove`.
///   - folder: of the device, below /sys.
///   - node: of the device, below /dev, for example `bus/usb/001/012`.
/// - Returns: whether anybody was told.
func announce(_ action: String, folder: String, node: String) -> Bool {
  let numbers = node.split(separator: "/").suffix(2)
  let properties = [
    "ACTION=\(action)", "DEVPATH=\(folder)", "SUBSYSTEM=usb", "DEVTYPE=usb_device",
    "DEVNAME=/dev/\(node)", "BUSNUM=\(numbers.first ?? "")", "DEVNUM=\(numbers.last ?? "")",
    "SEQNUM=1", "MAJOR=189", "MINOR=1",
  ].flatMap { (line: String) -> [UInt8] in Array(line.utf8) + [0] }
  var message = Array("libudev".utf8) + [0, 0xFE, 0xED, 0xCA, 0xFE]
  for number in [40, 40, UInt32(properties.count)] { message += number.littleEndianBytes }
  // The hashes of "usb" and "usb_device", by which the kernel already filters; no tags.
  message += [0x05, 0x77, 0xC5, 0xE5, 0x27, 0xF8, 0xF5, 0x0C] + [UInt8](repeating: 0, count: 8)
  message += properties
  guard let testbed = getenv("UMOCKDEV_DIR") else { return false }
  var isTold = false
  for number in 0..<64 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let path = Array("\(String(cString: testbed))/event\(number)".utf8)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.prefix($0.count - 1)) }
    #if canImport(Darwin)
      let socket = socket(AF_UNIX, SOCK_DGRAM, 0)
    #else
      let socket = socket(AF_UNIX, Int32(SOCK_RAW.rawValue), 0)
    #endif
    let sent = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(socket, message, message.count, 0, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    close(socket)
    isTold = isTold || sent == message.count
  }
  return isTold
}
