public import USB
public import VirtualUSB

extension Fixture {
  /// A ``ReferenceDevice`` on a bus in simulated time.
  ///
  /// - Parameters:
  ///   - clock: the time of the bus.
  ///   - speed: of the device.
  ///   - wrapping: puts something between the checks and the bus, for example a recorder.
  /// - Returns: a fixture in which everything can be asked.
  public static func virtual(
    _ clock: SimulatedClock, speed: USBSpeed = .full,
    wrapping: (VirtualBus) -> any USBHost = { $0 }
  ) -> Fixture {
    virtual(VirtualBus(clock: clock), clock: AnyClock(clock), speed: speed, wrapping)
  }

  /// A ``ReferenceDevice`` on a bus in another time, for example the real one.
  ///
  /// - Parameters:
  ///   - clock: the time of the bus.
  ///   - speed: of the device.
  /// - Returns: a fixture in which everything can be asked.
  public static func virtual(_ clock: AnyClock, speed: USBSpeed = .full) -> Fixture {
    virtual(VirtualBus(clock: clock), clock: clock, speed: speed) { $0 }
  }

  private static func virtual(
    _ bus: VirtualBus, clock: AnyClock, speed: USBSpeed, _ wrapping: (VirtualBus) -> any USBHost
  ) -> Fixture {
    let path = PortPath(bus: bus.number, ports: [2])
    let device = ReferenceDevice(speed: speed)
    bus.attach(device, path: path)
    return Fixture(
      host: wrapping(bus), clock: clock, path: path, speed: speed,
      cable: Cable(
        pull: { bus.detach(path) },
        plug: { bus.attach(device, path: path) }))
  }
}
