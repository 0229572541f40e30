internal import DFUHost
public import USB

/// The devices of a place, as they come and go.
public struct DeviceWatch: Sendable {
  /// Something that was seen.
  public enum Happening: Hashable, Sendable {
    /// It was there when the watch began.
    case present(DeviceInfo)
    /// It has come.
    case attached(DeviceInfo)
    /// It has gone.
    case detached(PortPath)
  }

  /// The time of the devices.
  public var clock: AnyClock { place.clock }

  private let place: SearchPlace
  private let watch: HostWatch

  /// Begins to listen.
  ///
  /// - Parameter selector: whose devices; nil for all of this machine.
  /// - Throws: where the selector is none, or its host cannot be made.
  public init(_ selector: String?) throws {
    try self.init(selector, places: SearchPlaces())
  }

  init(_ selector: String?, places: SearchPlaces) throws {
    var places = places
    var place = try places.place(
      of: try selector.map { try DeviceSelector($0) }, typed: selector ?? "")
    place.filter.needsDFU = false
    self.place = place
    watch = HostWatch(place.host, clock: place.clock)
  }

  /// Tells what happens.
  ///
  /// - Parameters:
  ///   - limit: for how long.
  ///   - tell: gets each thing, and the time since the watch began; false ends the watch.
  /// - Throws: `HostError` where the host cannot list its devices any more.
  public func run(for limit: Duration, tell: (Happening, Duration) -> Bool) async throws {
    let start = clock.now
    let deadline = start.advanced(by: limit)
    var known: [USB.DeviceID: PortPath] = [:]
    func elapsed() -> Duration { start.duration(to: clock.now) }
    for info in await chosen(try await place.host.devices()) {
      known[info.id] = info.path
      guard tell(.present(info), .zero) else { return }
    }
    while let sighting = try await watch.next(until: deadline) {
      var arrived: [DeviceInfo] = []
      var gone: [USB.DeviceID] = []
      var isOver = false
      switch sighting {
      case .attached(let info): arrived = [info]
      case .detached(let id, _): gone = [id]
      case .present(let devices, let over):
        // What a host tells only when it is asked.
        isOver = over
        let present = Set(devices.map(\.id))
        gone = known.keys.filter { !present.contains($0) }.sorted { $0.rawValue < $1.rawValue }
        arrived = devices
      }
      for id in gone {
        guard let path = known.removeValue(forKey: id) else { continue }
        guard tell(.detached(path), elapsed()) else { return }
      }
      for info in await chosen(arrived.filter { known[$0.id] == nil }) {
        known[info.id] = info.path
        guard tell(.attached(info), elapsed()) else { return }
      }
      if isOver { return }
    }
  }

  private func chosen(_ devices: [DeviceInfo]) async -> [DeviceInfo] {
    await place.filter.choose(among: devices, on: place.host).fitting
  }
}
