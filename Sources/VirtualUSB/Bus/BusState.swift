internal import USB

/// All that a bus knows, changed under its lock.
struct BusState: Sendable {
  /// A port with something plugged in. A reference, so that finding one copies nothing; it never
  /// leaves the lock.
  // Unchecked: only a function of BusState reaches it, and the bus's mutex guards that.
  final class Port: @unchecked Sendable {
    let path: PortPath
    var device: any VirtualDevice
    /// Whether the cable is in, and brings power.
    var isPlugged = true
    /// When the cable is put back, after a fault pulled it out.
    var comesBackAt: Duration?
    /// When the power goes, and for how long.
    var powerCut: (at: Duration, comesBackAfter: Duration?)?
    /// Until when the host does not see a device that has power.
    var linkReturnsAt: Duration?
    /// It did not answer its enumeration; the host waits until it has gone.
    var hasFailed = false
    /// When a device that has just connected is enumerated.
    var settlesAt: Duration?
    /// The device as the host knows it; nil while it does not.
    var attachment: Attachment?
    /// What the device said last, kept because asking it costs more than all the rest.
    private(set) var isConnected = false
    private(set) var deviceEvent: Duration?

    /// Asks the device where it stands, after anything has been done to it.
    func refresh() {
      (isConnected, deviceEvent) = isPlugged ? device.presence() : (false, nil)
      if linkReturnsAt != nil { isConnected = false }
    }

    /// When something happens here by itself.
    var nextEvent: Duration? {
      var next = comesBackAt
      for event in [settlesAt, deviceEvent, linkReturnsAt, powerCut?.at] {
        if let event { next = min(next ?? event, event) }
      }
      return next
    }

    init(path: PortPath, device: any VirtualDevice) {
      self.path = path
      self.device = device
    }
  }

  /// One enumeration of a device, until it is gone.
  // Unchecked for the same reason as Port: reached only under the bus's mutex.
  final class Attachment: @unchecked Sendable {
    let id: DeviceID
    var info: DeviceInfo
    let speed: USBSpeed
    /// Bytes of one packet on the default pipe.
    let packetSize: Int
    /// Who has claimed which interface.
    var claims: [UInt8: UInt64] = [:]
    /// Selected alternate settings, where not 0.
    var settings: [UInt8: UInt8] = [:]
    var pipes: [Pipe] = []
    /// The transfers that wait for their end.
    var watchers: [Watcher] = []
    /// How often something has happened to the device: a transfer that it holds is asked again then.
    var stirs = 0

    init(info: DeviceInfo) {
      id = info.id
      self.info = info
      speed = info.speed
      // SuperSpeed has 512 always, and bMaxPacketSize0 its logarithm (USB 3.2, 9.6.1).
      let isSuper = speed == .superSpeed || speed == .superSpeedPlus
      packetSize = isSuper ? 512 : Int(info.descriptor.maxPacketSize0)
    }

    /// The endpoint's pipe, made when it is first used.
    func pipe(_ endpoint: UInt8) -> Pipe {
      for pipe in pipes where pipe.endpoint == endpoint { return pipe }
      let pipe = Pipe(endpoint: endpoint)
      pipes.append(pipe)
      return pipe
    }
  }

  /// An endpoint that has been used: whether a transfer runs, and who waits for it to end.
  // Unchecked for the same reason as Port: reached only under the bus's mutex.
  final class Pipe: @unchecked Sendable {
    let endpoint: UInt8
    var isBusy = false
    var queue: [Place] = []

    /// Somebody's place in the queue.
    struct Place {
      var gate: Gate
      var handle: UInt64
    }

    init(endpoint: UInt8) { self.endpoint = endpoint }
  }

  let number: Int
  let wire: WireTime
  var ports: [Port] = []
  var latest = Duration.zero
  var nextID: UInt64 = 0
  var nextHandle: UInt64 = 0
  var lastAddress: UInt8 = 0
  var transferCount = 0
  var interceptor: TransferInterceptor?
  var listeners: [WeakListener] = []
  var effects: [BusEffect] = []
  /// Until when the listeners sleep, as far as they know.
  var announcedEvent: Duration?

  /// USB 2.0, 7.1.7.3: a connection is let settle for 100 ms, then reset for 10 to 20 ms.
  static let settleTime = Duration.milliseconds(120)
  /// The most events handled at one moment: a device whose `nextEvent` never moves on is left alone.
  static let eventsPerMoment = 1000

  init(number: Int, wire: WireTime) {
    self.number = number
    self.wire = wire
  }

  func portIndex(of id: DeviceID) -> Int? {
    ports.firstIndex { $0.attachment?.id == id }
  }

  func portIndex(at path: PortPath) -> Int? { ports.firstIndex { $0.path == path } }

  /// When the next device does something by itself.
  var nextEvent: Duration? {
    var next: Duration?
    for port in ports {
      if let event = port.nextEvent { next = min(next ?? event, event) }
    }
    return next
  }

  /// Lets happen, in order, what devices do by themselves until `now`.
  mutating func pump(to now: Duration) {
    var left = BusState.eventsPerMoment
    while let next = nextEvent, next <= now, left > 0 {
      left -= 1
      for index in ports.indices {
        guard let event = ports[index].nextEvent, event <= next else { continue }
        happen(index, at: event)
      }
    }
  }

  private mutating func happen(_ index: Int, at time: Duration) {
    if let back = ports[index].comesBackAt, back <= time {
      ports[index].comesBackAt = nil
      ports[index].isPlugged = true
      ports[index].device.powerOn(at: time)
    }
    if let cut = ports[index].powerCut, cut.at <= time {
      unplug(index, at: time, comesBackAfter: cut.comesBackAfter)
    }
    if let returns = ports[index].linkReturnsAt, returns <= time {
      ports[index].linkReturnsAt = nil
    }
    if ports[index].isPlugged {
      ports[index].device.advance(to: time)
      stir(index)
    }
    if let settles = ports[index].settlesAt, settles <= time {
      ports[index].settlesAt = nil
      if ports[index].device.isConnected { enumerate(index, at: time, id: nil) }
    }
    followConnection(index, at: time)
  }

  /// Makes the host's view agree with the device's pull-up resistor.
  mutating func followConnection(_ index: Int, at time: Duration) {
    ports[index].refresh()
    if !ports[index].isConnected {
      ports[index].settlesAt = nil
      forget(index)
      ports[index].hasFailed = false
    } else if ports[index].attachment == nil, ports[index].settlesAt == nil,
      !ports[index].hasFailed
    {
      ports[index].settlesAt = time + BusState.settleTime
    }
  }

  /// The host sees the device go.
  mutating func forget(_ index: Int) {
    guard let attachment = ports[index].attachment else { return }
    ports[index].attachment = nil
    for watcher in attachment.watchers { effects.append(.open(watcher.gate)) }
    for pipe in attachment.pipes {
      for place in pipe.queue { effects.append(.open(place.gate)) }
    }
    tell(.detached(attachment.info.id, attachment.info.path))
  }

  mutating func tell(_ event: HostEvent) {
    listeners.removeAll { $0.queue == nil }
    effects.append(.tell(listeners.compactMap(\.queue), event))
  }

  /// Wakes the listeners when a device has made up its mind to do something sooner than they know.
  mutating func announceNextEvent() {
    let next = nextEvent
    if let next, next < announcedEvent ?? .seconds(Int64.max) {
      effects.append(.wake(listeners.compactMap(\.queue)))
    }
    announcedEvent = next
  }

  // MARK: Plugging

  mutating func plugIn(_ device: any VirtualDevice, path: PortPath?, at now: Duration) -> DeviceID {
    let path = path ?? firstFreePath
    _ = pullOut(path, at: now)
    ports.append(Port(path: path, device: device))
    let index = ports.count - 1
    ports[index].device.powerOn(at: now)
    ports[index].device.advance(to: now)
    nextID += 1
    let id = DeviceID(rawValue: nextID)
    if ports[index].device.isConnected { enumerate(index, at: now, id: id) }
    followConnection(index, at: now)
    return id
  }

  /// The same with the cable beside the port for a while.
  mutating func plugIn(
    _ device: any VirtualDevice, path: PortPath, after delay: Duration, at now: Duration
  ) {
    _ = pullOut(path, at: now)
    let port = Port(path: path, device: device)
    port.isPlugged = false
    port.comesBackAt = now + delay
    ports.append(port)
  }

  mutating func pullOut(_ path: PortPath, at now: Duration) -> (any VirtualDevice)? {
    guard let index = portIndex(at: path) else { return nil }
    unplug(index, at: now, comesBackAfter: nil)
    return ports.remove(at: index).device
  }

  /// Pulls the cable; the device stays beside the port.
  mutating func unplug(_ index: Int, at now: Duration, comesBackAfter pause: Duration?) {
    if ports[index].isPlugged {
      ports[index].device.advance(to: now)
      ports[index].device.powerOff(at: now)
    }
    ports[index].isPlugged = false
    ports[index].powerCut = nil
    ports[index].linkReturnsAt = nil
    ports[index].comesBackAt = pause.map { now + $0 }
    followConnection(index, at: now)
  }

  /// Power goes in the middle of what the device has in hand, or at once.
  mutating func cutPower(_ index: Int, at now: Duration, comesBackAfter pause: Duration?) {
    guard let work = ports[index].device.workUnderWay, work.upperBound > now else {
      unplug(index, at: now, comesBackAfter: pause)
      return
    }
    let middle = max(now, work.lowerBound + (work.upperBound - work.lowerBound) / 2)
    ports[index].powerCut = (middle, pause)
  }

  /// The host loses sight of a device that keeps its power.
  mutating func loseLink(_ index: Int, at now: Duration, for pause: Duration) {
    ports[index].linkReturnsAt = now + pause
    followConnection(index, at: now)
  }

  private var firstFreePath: PortPath {
    let used = Set(ports.map(\.path))
    let free = (UInt8(1)...255).lazy.map { PortPath(bus: number, ports: [$0]) }
      .first { !used.contains($0) }
    return free ?? PortPath(bus: number, ports: [255])
  }

  mutating func inspect<Device: VirtualDevice, Result>(
    _ path: PortPath, at now: Duration, _ body: (inout Device) throws -> Result
  ) rethrows -> Result? {
    guard let index = portIndex(at: path), var device = ports[index].device as? Device else {
      return nil
    }
    // Taken out, so that its memory is not copied when it is changed.
    ports[index].device = NoDevice()
    if ports[index].isPlugged { device.advance(to: now) }
    defer {
      ports[index].device = device
      stir(index)
      followConnection(index, at: now)
    }
    return try body(&device)
  }
}

extension VirtualDevice {
  /// Mutating although it changes nothing: so the device is looked at in its place, not copied.
  fileprivate mutating func presence() -> (Bool, Duration?) { (isConnected, nextEvent) }
}

/// What stands in for a device while somebody looks into it.
private struct NoDevice: VirtualDevice {
  mutating func busReset(at now: Duration) {}
  mutating func respond(
    to setup: SetupPacket, data: [UInt8], at now: Duration
  ) -> VirtualResponse { .noAnswer }
}
