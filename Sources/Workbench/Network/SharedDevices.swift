internal import LibUSB
public import USB
public import USBIP

/// The devices of this machine that are offered over USB/IP, each under its place, `1-4.2`.
///
/// A board that detaches and comes back with other ids is still offered where a selector names its place, or
/// another one its new ids.
public struct SharedDevices: Sendable {
  private let host: any USBHost
  private let filters: [DeviceFilter]

  /// What selectors name; where there are none, everything is listed and nothing is given away.
  ///
  /// - Parameter selectors: ids, serial numbers and paths, as a person typed them.
  /// - Throws: ``SelectorError``; ``BoardError`` for one that is not of this machine; `HostError` where libusb
  ///   cannot begin.
  public init(_ selectors: [String]) throws {
    try self.init(selectors) { try LibUSBHost(clock: AnyClock(ContinuousClock())) }
  }

  init(_ selectors: [String], on host: () throws -> any USBHost) throws {
    filters = try selectors.map { text in
      guard var filter = DeviceFilter.shared(try DeviceSelector(text)) else {
        throw BoardError(
          slug: "not-shareable",
          sentence: "“\(text)” is no device of this machine, and only those are shared.",
          help: "Name ids, a serial number or a path; `dfu emulate` exports virtual devices.")
      }
      filter.needsDFU = false
      return filter
    }
    self.host = try host()
  }

  /// Whether devices are only listed.
  public var isReadOnly: Bool { filters.isEmpty }

  /// What is offered now. Hubs are not: what is behind them is.
  public func devices() async throws(HostError) -> [DeviceInfo] {
    let present = try await host.devices().filter { !$0.isHub }
    guard !filters.isEmpty else { return present }
    var named: Set<USB.DeviceID> = []
    for filter in filters {
      for info in await filter.choose(among: present, on: host).named { named.insert(info.id) }
    }
    return present.filter { named.contains($0.id) }
  }

  /// The ports that a server exports now; none while the system gives no list.
  public func ports() async -> [ExportedPort] {
    let devices = (try? await devices()) ?? []
    return devices.compactMap { info in
      BusID("\(info.path)").map {
        ExportedPort($0, of: host, at: info.path, isImportable: !isReadOnly)
      }
    }
  }
}
