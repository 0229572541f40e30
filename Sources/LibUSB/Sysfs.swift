internal import USB

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// What Linux tells of its USB devices in files (Documentation/ABI/stable/sysfs-bus-usb). Elsewhere
/// there are no such files, and every answer is nil.
struct Sysfs: Sendable {
  /// The folder, `/sys` but in tests.
  var root = "/sys"

  /// More than a device descriptor and a handful of configurations of 65 535 bytes.
  static let maximumDescriptors = 1 << 20
  /// More than any line that these files hold; a string descriptor has 126 characters.
  static let maximumLine = 1024

  /// The folder of a device, for example `/sys/bus/usb/devices/1-4.2`.
  func folder(_ path: PortPath) -> String { "\(root)/bus/usb/devices/\(path)" }

  /// A file of one line, without the line's end; nil where there is none, or nothing in it.
  func line(_ name: String, of path: PortPath) -> String? {
    guard let bytes = read("\(folder(path))/\(name)", limit: Sysfs.maximumLine) else { return nil }
    let text = String(decoding: bytes.prefix { $0 != 0x0A && $0 != 0 }, as: UTF8.self)
    return text.isEmpty ? nil : text
  }

  /// Whether the files of this port speak of the device with this address: after a detachment and an
  /// attachment they may be those of another one.
  func isCurrent(_ path: PortPath, address: UInt8) -> Bool {
    line("devnum", of: path) == String(address)
  }

  /// The serial number, as the kernel has read it when the device was enumerated.
  func serialNumber(_ path: PortPath) -> String? { line("serial", of: path) }

  /// `bConfigurationValue`; nil while not configured.
  func activeConfiguration(_ path: PortPath) -> UInt8? {
    line("bConfigurationValue", of: path).flatMap { UInt8($0.filter { $0 != " " }) }
      .flatMap { $0 == 0 ? nil : $0 }
  }

  /// The device descriptor and all configurations, byte by byte.
  func descriptors(_ path: PortPath) -> [UInt8]? {
    read("\(folder(path))/descriptors", limit: Sysfs.maximumDescriptors)
  }

  /// The driver that holds an interface, for example `cdc_acm`, or `usbfs` for a program.
  ///
  /// - Parameters:
  ///   - path: the device.
  ///   - configuration: its active configuration.
  ///   - interface: `bInterfaceNumber`.
  /// - Returns: nil where no driver holds it.
  func driver(_ path: PortPath, configuration: UInt8, interface: UInt8) -> String? {
    return target(
      of: "\(root)/bus/usb/devices/\(Sysfs.name(path, configuration, interface))/driver")
  }

  /// The last part of where a link in the folder of a device leads; nil where there is none.
  func link(_ name: String, of path: PortPath) -> String? { target(of: "\(folder(path))/\(name)") }

  private func target(of link: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = buffer.withUnsafeMutableBytes { buffer in
      buffer.withMemoryRebound(to: CChar.self) { buffer in
        buffer.baseAddress.map { readlink(link, $0, buffer.count) } ?? -1
      }
    }
    guard count > 0, count < buffer.count else { return nil }
    let name = buffer[..<count].split(separator: UInt8(ascii: "/")).last
    return name.map { String(decoding: $0, as: UTF8.self) }
  }

  /// The kernel's name of an interface, for example `1-4.2:1.0`, and `1-0:1.0` of a root hub.
  static func name(_ path: PortPath, _ configuration: UInt8, _ interface: UInt8) -> String {
    (path.ports.isEmpty ? "\(path.bus)-0" : "\(path)") + ":\(configuration).\(interface)"
  }

  /// Whether there is such a file or folder.
  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// A whole file, at most `limit` bytes of it; nil where it cannot be read or is empty.
  private func read(_ path: String, limit: Int) -> [UInt8]? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while bytes.count < limit {
      let wanted = min(buffer.count, limit - bytes.count)
      let count = readOnce(file, &buffer, wanted)
      guard count >= 0 else { return nil }
      guard count > 0 else { break }
      bytes += buffer[..<count]
    }
    return bytes.isEmpty ? nil : bytes
  }

  private func readOnce(_ file: Int32, _ buffer: inout [UInt8], _ wanted: Int) -> Int {
    buffer.withUnsafeMutableBytes { buffer in
      var count = -1
      repeat {
        #if canImport(Darwin)
          count = Darwin.read(file, buffer.baseAddress, wanted)
        #elseif canImport(Musl)
          count = Musl.read(file, buffer.baseAddress, wanted)
        #else
          count = Glibc.read(file, buffer.baseAddress, wanted)
        #endif
      } while count < 0 && errno == EINTR
      return count
    }
  }
}
