internal import SystemPackage
public import USB

/// The virtual host controller of Linux, `vhci_hcd`: its ports are where the kernel has the devices that it
/// imports over USB/IP (`drivers/usb/usbip/vhci_sysfs.c`).
///
/// Everything is read from and written to its files in sysfs.
public struct VirtualHostController: Sendable {
  private let folder: FilePath
  private let devices: FilePath
  private let records: FilePath

  /// The controller of this machine.
  public init() { self.init(system: "/sys", records: "/var/run/vhci_hcd") }

  /// A controller whose files are elsewhere.
  ///
  /// - Parameters:
  ///   - system: where sysfs is.
  ///   - records: where the `usbip` tool notes from which server each port's device is.
  package init(system: String, records: String) {
    let system = FilePath(system)
    // Controllers beyond the first are told in the folder of the first.
    folder = system.appending("devices/platform/vhci_hcd.0")
    devices = system.appending("bus/usb/devices")
    self.records = FilePath(records)
  }

  // MARK: Ports

  /// The ports of all controllers, in order.
  ///
  /// - Throws: ``USBIPError`` with `.noController` where the kernel has none.
  public func ports() throws(USBIPError) -> [VirtualPort] {
    var ports: [VirtualPort] = []
    // Linux has up to 128 controllers (`USBIP_VHCI_NR_HCS`).
    for number in 0..<128 {
      let name = number == 0 ? "status" : "status.\(number)"
      guard let text = SmallFile.read(folder.appending(name)) else { break }
      ports += VirtualPort.parse(text)
    }
    guard !ports.isEmpty else {
      throw USBIPError(
        .noController, "This kernel has no virtual host controller (vhci_hcd).",
        help:
          "On Linux, `sudo modprobe vhci-hcd` loads it; a container uses that of its host. No other system "
          + "has one: there, -d usbip:// needs none.")
    }
    for index in ports.indices where !ports[index].isFree { describe(&ports[index]) }
    return ports.sorted { $0.number < $1.number }
  }

  /// Adds what sysfs and the records know of a port's device.
  private func describe(_ port: inout VirtualPort) {
    if let busID = port.localBusID {
      port.vendor = id(of: busID, "idVendor").map { VendorID($0) }
      port.product = id(of: busID, "idProduct").map { ProductID($0) }
    }
    // "HOST PORT BUSID", as `usbip attach` writes it.
    let fields = SmallFile.read(records.appending("port\(port.number)"))?
      .split(whereSeparator: \.isWhitespace)
    guard let fields, fields.count == 3, let tcpPort = Int(fields[1]), let busID = BusID(fields[2])
    else { return }
    port.server = USBIPAddress(host: String(fields[0]), port: tcpPort, busID: busID)
  }

  private func id(of busID: String, _ name: String) -> UInt16? {
    let text = SmallFile.read(devices.appending(busID).appending(name))
    return text.flatMap { UInt16($0.prefix { $0.isHexDigit }, radix: 16) }
  }

  // MARK: Attaching

  /// Imports a device and gives its connection to the kernel, which enumerates it as if it had been plugged in.
  ///
  /// - Parameters:
  ///   - address: the server and the bus id.
  ///   - clock: measures how long the kernel is given to enumerate it.
  /// - Returns: the port, with what the kernel says of it; without ids where somebody wanted an end while the
  ///   kernel was enumerating.
  /// - Throws: ``USBIPError``: `.permission`, `.noController`, `.noFreePort`, what the server says, or
  ///   `.refused` where the kernel has not enumerated the device within ten seconds. Its port is free again
  ///   then: one that holds such a device keeps Debian 12's `usbip` from working.
  public func attach(
    _ address: USBIPAddress, clock: AnyClock
  ) async throws(USBIPError) -> VirtualPort {
    guard let busID = address.busID else {
      throw USBIPError(.noDevice, "No device of \(address.place) is named.")
    }
    // Whether it may be done is known before a server is asked.
    _ = try ports()
    try SmallFile.checkWritable(folder.appending("attach"))
    let connection = try await ClientConnection.open(
      ClientSession(importing: busID), at: address, clock: clock)
    let port: VirtualPort
    do throws(USBIPError) {
      let record = try await connection.importedRecord(busID, at: address)
      port = try await hand(connection, record)
    } catch {
      connection.drop()
      throw error
    }
    // The kernel has the socket; this end of it only closes its own number for it.
    connection.drop()
    note(address, busID, on: port)
    return try await enumerated(port, of: address, clock: clock)
  }

  private func hand(
    _ connection: ClientConnection, _ record: ExportedDevice
  ) async throws(USBIPError) -> VirtualPort {
    guard (1...6).contains(record.speed.rawValue) else {
      throw USBIPError(
        .violation,
        "The server says that the device has speed \(record.speed.rawValue); Linux takes 1 to 6.")
    }
    let isSuper = record.speed.rawValue >= 5
    let socket = try await connection.socket()
    // Somebody else may take a port between the look and the writing.
    for port in try ports() where port.isFree && port.isSuperSpeed == isSuper {
      let order = "\(port.number) \(socket) \(record.devid) \(record.speed.rawValue)"
      if try SmallFile.write(order, to: folder.appending("attach"), busyIsFalse: true) {
        return port
      }
    }
    throw USBIPError(
      .noFreePort,
      "All ports of the kernel for \(isSuper ? "SuperSpeed" : "high-speed and slower") devices are taken.",
      help: "`dfu usb attach --list` shows them; free one with `sudo dfu usb detach PORT`.")
  }

  private func enumerated(
    _ port: VirtualPort, of address: USBIPAddress, clock: AnyClock
  ) async throws(USBIPError) -> VirtualPort {
    let deadline = clock.now.advanced(by: .seconds(10))
    while true {
      let now = try ports().first { $0.number == port.number } ?? port
      if now.state == .used, now.vendor != nil { return now }
      guard clock.now < deadline else {
        try? detach(port.number)
        throw USBIPError(
          .refused, "The kernel has not enumerated the device of \(address) within ten seconds.",
          help: "Its port is free again. `dmesg` may tell why.")
      }
      guard (try? await clock.sleep(for: .milliseconds(50))) != nil else { return now }
    }
  }

  /// Takes a device away from the kernel, or frees a port whose device it could not enumerate.
  ///
  /// - Parameter port: its number.
  /// - Throws: ``USBIPError``: `.permission`, `.noController`, or `.noDevice` for a port without a device.
  public func detach(_ port: Int) throws(USBIPError) {
    let found = try ports().first { $0.number == port }
    guard let found, !found.isFree else {
      throw USBIPError(
        .noDevice, "Port \(port) has no device.", help: "`dfu usb attach --list` shows the ports.")
    }
    try SmallFile.write("\(port)", to: folder.appending("detach"))
    SmallFile.remove(records.appending("port\(port)"))
  }

  // MARK: Records

  /// Notes where a device is from, for `usbip port`. That it cannot be noted changes nothing.
  private func note(_ address: USBIPAddress, _ busID: BusID, on port: VirtualPort) {
    SmallFile.makeFolder(records)
    _ = try? SmallFile.write(
      "\(address.host) \(address.port) \(busID)\n",
      to: records.appending("port\(port.number)"), creating: true)
  }
}
