public import USB

extension LibUSBHost {
  /// What `/sys` tells of a device beside its descriptors; nil on other systems, and of a device that has gone.
  public func surroundings(of info: DeviceInfo) -> DeviceSurroundings? {
    sysfs.surroundings(of: info)
  }
}

extension Sysfs {
  /// The most ports of a hub (USB 2.0, 11.23.2.1: 8 bits).
  private static let mostPorts = 255

  /// What the kernel tells of a device (Documentation/ABI/stable/sysfs-bus-usb, testing/sysfs-bus-usb).
  func surroundings(of info: DeviceInfo) -> DeviceSurroundings? {
    guard isCurrent(info.path, address: info.address) else { return nil }
    var found = DeviceSurroundings()
    // A root hub is driven by `usb` as every device is; who drives the controller says more.
    found.driver = link(
      info.path.ports.isEmpty ? "../driver" : "driver", of: info.path)
    found.removable = known(line("removable", of: info.path))
    found.powerState = known(line("power/runtime_status", of: info.path))
    if let configuration = info.activeConfiguration {
      for number in Set(info.interfaceNumbers) {
        found.interfaceDrivers[number] = driver(
          info.path, configuration: configuration, interface: number)
      }
    }
    if let count = line("maxchild", of: info.path).flatMap(Int.init), count > 0 {
      found.ports = (1...min(count, Self.mostPorts)).map { port($0, of: info.path) }
    }
    return found
  }

  private func known(_ text: String?) -> String? { text == "unknown" ? nil : text }

  private func port(_ number: Int, of hub: PortPath) -> DeviceSurroundings.Port {
    // `1-0:1.0/usb1-port2`, and `1-4:1.0/1-4-port2` for a hub that is no root hub.
    let interface = hub.ports.isEmpty ? "\(hub.bus)-0:1.0" : "\(hub):1.0"
    let folder = "\(interface)/\(hub)-port\(number)"
    return DeviceSurroundings.Port(
      number: UInt8(truncatingIfNeeded: number),
      connectType: known(line("\(folder)/connect_type", of: hub)),
      overCurrentCount: line("\(folder)/over_current_count", of: hub).flatMap { Int($0) },
      companion: link("\(folder)/peer", of: hub))
  }
}

extension DeviceInfo {
  /// The numbers of the interfaces of the active configuration.
  var interfaceNumbers: [UInt8] {
    configurations.first { $0.value == activeConfiguration }?.interfaces.map(\.number) ?? []
  }
}
