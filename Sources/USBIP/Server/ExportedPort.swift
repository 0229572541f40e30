public import USB

/// A port of a host whose device a server exports: whatever is plugged in there now.
public struct ExportedPort: Sendable {
  /// The name to import it by.
  public var busID: BusID
  /// Where the device is.
  public var host: any USBHost
  /// The port.
  public var path: PortPath
  /// Whether it may be imported, or only listed.
  public var isImportable: Bool

  /// A port.
  public init(
    _ busID: BusID, of host: any USBHost, at path: PortPath, isImportable: Bool = true
  ) {
    self.busID = busID
    self.host = host
    self.path = path
    self.isImportable = isImportable
  }

  /// The device that is there now; nil for an empty port.
  func device() async throws(HostError) -> DeviceInfo? {
    try await host.devices().first { $0.path == path }
  }
}

extension ExportedDevice {
  /// The record of a device. Nothing of the machine is told in it but what a client needs.
  init(_ info: DeviceInfo, as busID: BusID) {
    let active = info.configurations.first { $0.value == info.activeConfiguration }
    var triples: [UInt8: ClassTriple] = [:]
    var order: [UInt8] = []
    for interface in active?.interfaces ?? [] where triples[interface.number] == nil {
      triples[interface.number] = interface.interfaceClass
      order.append(interface.number)
    }
    // The number is the device's on its bus; 0 would be one that has no address yet.
    self.init(
      path: "/swift-dfu/\(busID)", busID: busID,
      bus: UInt32(exactly: PortPath(busID.text)?.bus ?? 1) ?? 1,
      device: UInt32(max(1, info.address)), speed: LinkSpeed(info.speed),
      vendor: info.descriptor.vendor, product: info.descriptor.product,
      version: info.descriptor.deviceVersion, deviceClass: info.descriptor.deviceClass,
      configurationValue: info.activeConfiguration ?? 0,
      configurationCount: info.descriptor.configurationCount,
      interfaces: order.sorted().compactMap { triples[$0] })
  }
}
