internal import USB

/// The device node of an address, for example `/dev/bus/usb/001/005`.
func deviceNode(bus: Int, address: UInt8) -> String {
  "/dev/bus/usb/\(decimal(bus))/\(decimal(Int(address)))"
}

/// A number of at least three digits, as the kernel names its nodes.
private func decimal(_ number: Int) -> String {
  let text = String(number)
  return String(repeating: "0", count: max(0, 3 - text.count)) + text
}

/// The line for udev that lets whoever sits at the machine use a device. There is no blank in it, so that
/// a terminal leaves it whole.
func udevRule(_ descriptor: DeviceDescriptor) -> String {
  "SUBSYSTEM==\"usb\",ATTR{idVendor}==\"\(descriptor.vendor)\","
    + "ATTR{idProduct}==\"\(descriptor.product)\",TAG+=\"uaccess\""
}

/// Where the errors are shown: what to do differs.
enum Platform: Sendable {
  case linux
  case macOS
  case other

  /// The one that this was compiled for.
  static var current: Platform {
    #if os(Linux)
      .linux
    #elseif os(macOS)
      .macOS
    #else
      .other
    #endif
  }
}

extension HostError {
  /// libusb does not begin.
  static func cannotBegin(_ code: LibUSBCode) -> HostError {
    HostError(
      .unreachable, "libusb cannot be used here (\(code.name)).",
      help: "Look whether /dev/bus/usb and /sys are there; a container gets them from outside.")
  }

  /// libusb does not list.
  static func cannotList(_ code: LibUSBCode) -> HostError {
    HostError(code.hostCode, "The USB devices could not be listed (\(code.name)).")
  }

  /// No device with the id is attached any more.
  ///
  /// - Parameters:
  ///   - last: what it was, where that is known.
  ///   - seen: what is attached instead.
  /// - Returns: the error.
  static func gone(_ last: DeviceInfo?, seen: [DeviceInfo]) -> HostError {
    let what = last.map { "The device \($0.ids) at \($0.path)" } ?? "The device"
    // Root hubs are part of the machine; there is nothing to choose among them.
    let others = seen.filter { !$0.path.ports.isEmpty }.map { "\($0.ids) at \($0.path)" }
    return HostError(
      .notFound, "\(what) is no longer attached.",
      help: others.isEmpty
        ? "No USB device is attached now; check the cable."
        : "Attached now: \(others.joined(separator: ", ")). List the devices again.")
  }

  /// A device could not be opened.
  ///
  /// - Parameters:
  ///   - info: the device.
  ///   - code: what libusb says.
  ///   - hasNode: whether there is a node for it.
  ///   - platform: where.
  /// - Returns: the error.
  static func cannotOpen(
    _ info: DeviceInfo, _ code: LibUSBCode, hasNode: Bool, platform: Platform = .current
  ) -> HostError {
    let name = "\(info.ids) at \(info.path)"
    let node = deviceNode(bus: info.path.bus, address: info.address)
    switch code.hostCode {
    case .permission where platform == .linux:
      return HostError(
        .permission, "There is no permission to open \(name): \(node) may not be written to.",
        help: "Add this line to /etc/udev/rules.d/60-dfu.rules: \(udevRule(info.descriptor)) "
          + "and run `sudo udevadm control --reload`, then plug the device in again. For users "
          + "who do not sit at the machine (ssh, a service), write MODE=\"0660\", "
          + "GROUP=\"plugdev\" instead of the TAG.")
    case .permission:
      return HostError(
        .permission, "The system gives no permission to open \(name).",
        help: "Close the program that uses it. A driver of the system that holds it gives way "
          + "to root only.")
    case .notFound where !hasNode && platform == .linux:
      return HostError(
        .permission, "\(name) cannot be opened: the kernel has it, but \(node) is not here.",
        help: "In a container, pass /dev/bus/usb in with the right to use it, for example "
          + "`docker run -v /dev/bus/usb:/dev/bus/usb --device-cgroup-rule 'c 189:* rmw'`.")
    case .notFound:
      return HostError(
        .notFound, "The device \(name) is no longer attached.", help: "List the devices again.")
    case .busy:
      return HostError(
        .busy, "\(name) is in use by another program.", help: "Close that program.")
    case .unreachable:
      // libusb: "operation not supported or unimplemented on this platform"; for opening, by the driver.
      return HostError(
        .permission, "\(name) has a driver that lets no program use it (\(code.name)).",
        help: "On Windows it needs the driver WinUSB.")
    case .other:
      return HostError(.other, "\(name) could not be opened (\(code.name)).")
    }
  }
}

/// Who holds an interface that could not be claimed, and how it is freed.
///
/// - Parameters:
///   - interface: its number.
///   - name: the kernel's name of it.
///   - driver: the driver that holds it, where that is known.
/// - Returns: words for the parentheses of a `TransferError`.
func holder(ofInterface interface: UInt8, name: String, driver: String?) -> String {
  switch driver {
  case nil: "interface \(interface) is held; close the program that uses the device"
  case "usbfs": "another program has claimed interface \(interface); close it"
  case let driver?:
    "the driver \(driver) holds interface \(interface); close what uses it and free it with "
      + "`echo \(name) | sudo tee /sys/bus/usb/drivers/\(driver)/unbind`"
  }
}
