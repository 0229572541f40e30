public import USB

/// Something that not every transport and not every place can be asked.
public enum Ability: String, Sendable, CaseIterable {
  /// The list tells configurations and serial numbers.
  case descriptors
  /// A transfer may be outstanding for a while: cancelling and time limits can be tried.
  case waiting
  /// Several transfers may be outstanding.
  case several
  /// Bulk and interrupt endpoints.
  case streams
  /// Alternate settings can be selected.
  case alternateSettings
  /// Another configuration can be selected.
  case configurations
  /// A halt can be cleared.
  case halts
  /// A device may be opened twice at a time.
  case secondHandle
  /// A reset of the port is possible.
  case resets
  /// A reset of the port reaches the device.
  case resetsOfTheDevice
  /// A device that leaves the bus is missed.
  case leaving
  /// A device that comes back to its port is found there.
  case returning
  /// A hand at the cable.
  case cable
}

/// Pulls a cable and puts it back.
public struct Cable: Sendable {
  /// Pulls the device out.
  public var pull: @Sendable () async throws -> Void
  /// Puts the same device in again, where it was.
  public var plug: @Sendable () async throws -> Void

  /// A cable by what moves it.
  public init(
    pull: @escaping @Sendable () async throws -> Void,
    plug: @escaping @Sendable () async throws -> Void
  ) {
    self.pull = pull
    self.plug = plug
  }
}

/// A host with a ``ReferenceDevice``, for a check.
public struct Fixture: Sendable {
  /// The host whose promises are tried.
  public var host: any USBHost
  /// Measures how long things may take; the time of the device, where that is not the real one.
  public var clock: AnyClock
  /// Where the reference device is.
  public var path: PortPath
  /// The speed at which it runs.
  public var speed: USBSpeed
  /// What cannot be asked here, and why.
  public var absent: [Ability: String]
  /// Nil where there is no hand at it.
  public var cable: Cable?
  /// The longest control transfer of this host.
  public var longestControlTransfer: Int
  /// A short while, long enough for a transfer or two. Nothing is compared with it.
  public var moment: Duration
  /// What does not come within this time does not come at all.
  public var patience: Duration

  /// A fixture.
  ///
  /// - Parameters:
  ///   - host: the host whose promises are tried.
  ///   - clock: measures how long things may take.
  ///   - path: where the reference device is.
  ///   - speed: the speed at which it runs.
  ///   - absent: what cannot be asked here, and why.
  ///   - cable: what pulls the device out and puts it in.
  ///   - longestControlTransfer: what the host carries at most.
  ///   - moment: a short while.
  ///   - patience: the longest that anything may take.
  public init(
    host: any USBHost, clock: AnyClock, path: PortPath, speed: USBSpeed = .full,
    absent: [Ability: String] = [:], cable: Cable? = nil, longestControlTransfer: Int = 4096,
    moment: Duration = .milliseconds(20), patience: Duration = .seconds(20)
  ) {
    self.host = host
    self.clock = clock
    self.path = path
    self.speed = speed
    self.absent = absent
    self.cable = cable
    self.longestControlTransfer = longestControlTransfer
    self.moment = moment
    self.patience = patience
  }

  /// Why something cannot be asked here; nil where it can.
  func reason(against ability: Ability) -> String? {
    if let reason = absent[ability] { return reason }
    return ability == .cable && cable == nil ? "there is no hand at the cable" : nil
  }
}
