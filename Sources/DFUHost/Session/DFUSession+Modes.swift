internal import DFU
public import USB

extension DFUDescription {
  /// Why a device at run time must not be told to detach; a clause. Nil where it may be.
  public var detachObstacle: String? {
    if quirks.contains(.notDFU) { return "its DFU interface speaks something else" }
    if quirks.contains(.cannotDetach) { return "its bootloader starts by its button only" }
    if quirks.contains(.noRuntime) { return "its DFU interface does nothing while it is at work" }
    return nil
  }

  /// Whether it goes into DFU mode by itself after DFU_DETACH; otherwise it has to be reset.
  public var detachesByItself: Bool {
    function.attributes.contains(.willDetach) || quirks.contains(.noBusReset)
  }

  /// How long it is waited for when it has gone away.
  public var returnLimit: Duration {
    quirks.contains(.slowReturn) ? DeviceFollower.patientLimit : DeviceFollower.usualLimit
  }

  /// How a device without addresses is made to leave DFU mode; nil where there is no way but unplugging.
  var wayToApplication: DetachEngine.Way? {
    if quirks.contains(.detachToLeave) { return .byDetach }
    return quirks.contains(.noBusReset) ? nil : .byReset
  }
}

extension DFUSession {
  /// The error of an operation that needs DFU mode while the application runs, with the way there.
  public var runtimeModeError: DFUError {
    DFUError(
      .runtimeMode, during: .describe, state: description.state,
      help: description.detachObstacle == nil
        ? nil : "Start its bootloader as its maker says, with its button or a jumper.")
  }

  /// Tells the application to make room for the bootloader: DFU_DETACH, then a USB reset unless the
  /// device goes by itself.
  ///
  /// - Returns: how the device took it.
  /// - Throws: ``DFUError``: `.cannotDetach`, or the device refused.
  public func detach() async throws(DFUError) -> DetachEngine.Output {
    try checkDetachable()
    let way = DetachEngine.Way.intoDFUMode(
      timeout: description.function.detachTimeout, willDetach: description.detachesByItself)
    return try await exclusively(.detach, in: .runtime, progress: nil) {
      (operation) throws(DFUError) in
      try await operation.claim()
      var engine = DetachEngine(way, link: operation.link, during: .detach)
      let output = try await operation.run(&engine, .detach)
      operation.hasLeft = output.hasLeft
      return output
    }
  }

  private func checkDetachable() throws(DFUError) {
    guard description.mode == .runtime else {
      throw DFUError(
        .cannotDetach, during: .detach, sentence: "The device is in DFU mode already.")
    }
    if let obstacle = description.detachObstacle {
      throw DFUError(
        .cannotDetach, during: .detach,
        sentence: "The device is not detached, because \(obstacle).",
        help: "Start its bootloader as its maker says, with its button or a jumper.")
    }
  }

  /// Brings a device at run time into DFU mode, and follows it. This session is closed by that.
  ///
  /// - Parameters:
  ///   - host: where the device is.
  ///   - limit: how long it may take; nil for what is known of the device.
  ///   - progress: is told when the wait begins.
  /// - Returns: the device in DFU mode: another attachment, mostly, and often other ids.
  /// - Throws: ``DFUError``: `.notReturned` where nothing comes back in time, `.didNotDetach` where
  ///   something else is there than a bootloader.
  public func enterDFUMode(
    on host: any USBHost, within limit: Duration? = nil, progress: DFUProgress.Handler? = nil
  ) async throws(DFUError) -> DeviceInfo {
    try checkDetachable()
    let info = description.info
    var limit = limit ?? description.returnLimit
    let follower = DeviceFollower(info, on: host, clock: clock)
    progress?(DFUProgress(phase: .detach, done: 0, total: 0))
    let output = try await detach()
    await close()
    if case .reset(let state) = output {
      // Nothing changed on the bus, and yet it is in DFU mode.
      if state.rawValue >= DFUState.dfuIdle.rawValue { return info }
      // The reset left it where it was: if it goes, it goes soon.
      limit = min(limit, .seconds(5))
    }
    progress?(DFUProgress(phase: .follow, done: 0, total: 0))
    let back = try await follower.returned(.bootloader, within: limit)
    switch back {
    case .bootloader(let info), .unclear(let info): return info
    case .runtime(let info), .application(let info):
      throw DFUError(
        .didNotDetach, during: .detach,
        sentence: "The device has come back at \(info.path), but not in DFU mode: as \(info.ids).",
        help: "Start its bootloader with its button or a jumper.")
    case .stayed:
      throw DFUError(
        .didNotDetach, during: .detach,
        sentence: output == .notReset
          ? "The device waits for a USB reset, which this system does not give."
          : "The device took DFU_DETACH, and runs its application all the same.",
        help: "Start its bootloader with its button or a jumper.")
    case .nothing: throw DFUError(notReturned: info.path, within: limit)
    }
  }

  /// Leaves DFU mode for the application on a device without addresses: by a USB reset, or by
  /// DFU_DETACH where the device wants that.
  ///
  /// - Returns: how the device took it.
  /// - Throws: ``DFUError`` where there is no way, or the device refused.
  public func startApplication() async throws(DFUError) -> DetachEngine.Output {
    guard let way = description.wayToApplication else {
      throw DFUError(
        .unsupported, during: .leave,
        sentence:
          "The device must not be reset on the bus, and has no other way to its application.",
        help: "Unplug it and plug it in again.")
    }
    let readsFirst = description.quirks.contains(.readBeforeAttach)
    let target = targets.first { $0.canUpload }
    return try await exclusively(.leave, progress: nil) { (operation) throws(DFUError) in
      if readsFirst, let target {
        try await operation.select(target.alternateSetting)
        var engine = PlainUploadEngine(
          limit: operation.link.transferSize, stopsAtLimit: true, link: operation.link)
        _ = try await operation.run(&engine, .leave)
      }
      operation.selected = nil
      var engine = DetachEngine(way, link: operation.link, during: .leave)
      let output = try await operation.run(&engine, .leave)
      operation.hasLeft = output.hasLeft
      return output
    }
  }

  /// Leaves DFU mode for the application on a device without addresses, and follows it. This session is
  /// closed by that.
  ///
  /// - Parameters:
  ///   - host: where the device is.
  ///   - limit: how long it may take; nil for what is known of the device.
  ///   - progress: is told when the wait begins.
  /// - Returns: what is there then.
  /// - Throws: ``DFUError`` where there is no way, or the device refused.
  public func leaveForApplication(
    on host: any USBHost, within limit: Duration? = nil, progress: DFUProgress.Handler? = nil
  ) async throws(DFUError) -> Returned {
    let info = description.info
    let follower = DeviceFollower(info, on: host, clock: clock)
    var output = try await startApplication()
    if case .reset(let state) = output, state.rawValue >= DFUState.dfuIdle.rawValue,
      description.quirks.contains(.needsSecondReset)
    {
      output = try await startApplication()
    }
    await close()
    switch output {
    case .reset(let state) where state.rawValue < DFUState.dfuIdle.rawValue: return .runtime(info)
    case .notReset: return .stayed(info)
    // Still in DFU mode although it was reset: if it goes, it goes soon.
    case .reset: return try await follower.returned(within: .seconds(2))
    default: break
    }
    progress?(DFUProgress(phase: .follow, done: 0, total: 0))
    return try await followHome(follower, on: host, within: limit)
  }

  /// Waits for a device that has left DFU mode, and resets it once more where it is known to need that. This
  /// session is closed by that.
  ///
  /// - Parameters:
  ///   - follower: made before the device left.
  ///   - host: where the device is.
  ///   - limit: how long it may take; nil for what is known of the device.
  /// - Returns: what is there then.
  /// - Throws: ``DFUError`` where the wait was cancelled.
  public func followHome(
    _ follower: DeviceFollower, on host: any USBHost, within limit: Duration? = nil
  ) async throws(DFUError) -> Returned {
    await close()
    let limit = limit ?? description.returnLimit
    guard description.quirks.contains(.needsSecondReset) else {
      return try await follower.returned(within: limit)
    }
    // It is still there, or soon again, in its bootloader.
    var back = try await follower.returned(within: min(limit, .seconds(2)))
    if back == .nothing { back = try await follower.returned(within: limit) }
    let info: DeviceInfo
    switch back {
    case .bootloader(let found), .stayed(let found): info = found
    case .runtime, .application, .unclear, .nothing: return back
    }
    let again = DeviceFollower(info, on: host, clock: clock)
    let session = try await DFUSession.open(info, on: host, clock: clock)
    _ = try await session.startApplication()
    await session.close()
    return try await again.returned(within: limit)
  }
}

extension DFUError {
  /// The error of a device that has gone and did not come back.
  init(notReturned path: PortPath, within limit: Duration) {
    self.init(
      .notReturned, during: .follow,
      sentence: "Nothing has come back at \(path) within \(limit.inWords).",
      help: "Unplug the device and plug it in again, then look with `dfu list`.")
  }
}

extension Duration {
  /// Seconds, or milliseconds where tenths of a second are too coarse.
  fileprivate var inWords: String {
    let (seconds, attoseconds) = components
    let milliseconds = attoseconds / 1_000_000_000_000_000
    if milliseconds == 0 { return "\(seconds) s" }
    return milliseconds % 100 == 0
      ? "\(seconds).\(milliseconds / 100) s" : "\(seconds * 1000 + milliseconds) ms"
  }
}

extension DetachEngine.Output {
  /// Whether there is nothing to give back to the device.
  fileprivate var hasLeft: Bool {
    switch self {
    case .goesByItself, .gone: true
    case .pending, .reset, .resetInSilence, .notReset: false
    }
  }
}

extension Operation {
  /// Takes the DFU interface of a device at run time; the claim ends with the session.
  func claim() async throws(DFUError) {
    do throws(TransferError) {
      try await session.meter.claimInterface(session.description.function.interfaceNumber)
    } catch {
      throw DFUError(error, during: .detach)
    }
  }
}
