import Synchronization
import Testing
import USB
import VirtualDFU
import VirtualUSB

@testable import Workbench

/// The devices of a machine, made up: a bus in simulated time, of which less may be known, and less allowed,
/// than of a virtual one.
struct Desk: USBHost {
  let clock = SimulatedClock()
  let bus: VirtualBus
  /// Whether the serial numbers are known without asking.
  var knowsSerialNumbers = true
  /// The places of devices that may not be opened.
  var isRefused: Set<PortPath> = []
  let opened = Opened()

  final class Opened: Sendable {
    private let places = Mutex<[PortPath]>([])
    var all: [PortPath] { places.withLock { $0 } }
    func note(_ path: PortPath) { places.withLock { $0.append(path) } }
  }

  init() { bus = VirtualBus(clock: clock) }

  /// The search that finds what is here.
  var places: SearchPlaces { SearchPlaces(physical: self, AnyClock(clock)) }

  /// Plugs a virtual device in, for example `runtime?serial=A1`.
  func attach(_ text: String, port: UInt8, after delay: Duration? = nil) throws {
    guard case .virtual(let selector) = try DeviceSelector("virtual:" + text) else { return }
    plug(VirtualBootloader(try selector.namedProfile().profile), port, delay)
  }

  /// Plugs a device in that has no DFU interface.
  func attach(_ device: Gadget, port: UInt8, after delay: Duration? = nil) {
    plug(device, port, delay)
  }

  private func plug(_ device: any VirtualDevice, _ port: UInt8, _ delay: Duration?) {
    let path = PortPath(bus: 1, ports: [port])
    if let delay {
      bus.attach(device, path: path, after: delay)
    } else {
      bus.attach(device, path: path)
    }
  }

  func devices() async throws(HostError) -> [DeviceInfo] {
    try await bus.devices().map { info in
      var info = info
      if !knowsSerialNumbers { info.serialNumber = nil }
      return info
    }
  }

  func open(_ id: USB.DeviceID) async throws(HostError) -> any USBDevice {
    let info = try await bus.devices().first { $0.id == id }
    if let path = info?.path {
      opened.note(path)
      if isRefused.contains(path) { throw HostError(.permission, "You may not open it.") }
    }
    return try await bus.open(id)
  }

  func events() -> AsyncStream<HostEvent> { bus.events() }

  func listen(clock: AnyClock) -> any HostListener { bus.listen(clock: clock) }
}

/// A device without a DFU interface.
struct Gadget: VirtualDevice {
  private var standard: StandardRequests

  init(
    _ vendor: UInt16, _ product: UInt16, _ device: ClassTriple = .perInterface,
    interface: ClassTriple = ClassTriple(0xFF, 0, 0), serial: String? = nil
  ) {
    standard = StandardRequests(
      DeviceDescription(
        device: DeviceDescriptor(
          deviceClass: device, vendor: VendorID(vendor), product: ProductID(product),
          deviceVersion: BCDVersion(0x0100), serialNumberIndex: serial == nil ? 0 : 3),
        configurations: [
          ConfigurationDescriptor(interfaces: [
            InterfaceDescriptor(number: 0, interfaceClass: interface)
          ])
        ], strings: serial.map { [3: $0] } ?? [:]))
  }

  mutating func busReset(at now: Duration) { standard.reset() }

  mutating func respond(to setup: SetupPacket, data: [UInt8], at now: Duration) -> VirtualResponse {
    standard.respond(to: setup) ?? .stall
  }
}
