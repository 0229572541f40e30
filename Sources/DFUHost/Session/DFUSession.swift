internal import DFU
internal import Synchronization
public import USB

/// An open DFU device and everything that can be done with it.
///
/// One thing at a time: a second operation while one is under way throws `.inUse`. An operation whose
/// task is cancelled finishes the block it is at and throws `.cancelled` with the state of the device.
public final class DFUSession: Sendable {
  /// What the device is.
  public let description: DFUDescription

  let meter: TransferMeter
  let clock: AnyClock
  let link: DFULink
  private let isClaimed: Bool

  struct State {
    var isInUse = false
    /// The alternate setting that the device has and in which it waits; nil when that is not certain.
    var selected: UInt8?
    /// `bState` as it was last seen.
    var lastState: DFUState?
    var durations: [DFUPhase: Duration] = [:]
    var hasLeft = false
  }
  let state = Mutex(State())

  init(
    description: DFUDescription, meter: TransferMeter, clock: AnyClock, window: Int,
    isClaimed: Bool
  ) {
    self.description = description
    self.meter = meter
    self.clock = clock
    link = description.link(window: window)
    self.isClaimed = isClaimed
    state.withLock { $0.lastState = description.state }
  }

  /// The alternate settings that can be flashed; none while the application runs.
  public var targets: [FlashTarget] { description.targets }

  /// All that has gone over the wire since the device was opened.
  public var transfers: TransferCount { meter.count }

  /// The time that has been spent in each phase since the device was opened.
  public var durations: [DFUPhase: Duration] { state.withLock { $0.durations } }

  /// Opens a device and finds out what it is.
  ///
  /// Sends no more than the reads of its strings, and DFU_GETSTATUS where the descriptors do not tell
  /// its mode (rule 14).
  ///
  /// - Parameters:
  ///   - info: one of the devices that `host` lists.
  ///   - host: where the device is.
  ///   - clock: measures pauses and durations.
  ///   - options: how to talk to it.
  /// - Returns: a session, which is closed with ``close()``.
  /// - Throws: ``DFUError`` where it cannot be opened or has no DFU interface.
  public static func open(
    _ info: DeviceInfo, on host: any USBHost, clock: AnyClock,
    options: SessionOptions = SessionOptions()
  ) async throws(DFUError) -> DFUSession {
    // What is no DFU device is not opened, as far as its descriptors are known before.
    let known = DFUFunction.choose(in: info, interface: options.interface)
    guard known != nil || info.isOutline && info.configurations.isEmpty else {
      throw DFUError(.notDFU, during: .describe)
    }
    let device: any USBDevice
    do throws(HostError) {
      device = try await host.open(info.id)
    } catch {
      throw DFUError(error)
    }
    let start = clock.now
    let meter = TransferMeter(device)
    do throws(DFUError) {
      // A list may tell less than the open device: that of a USB/IP server knows classes only.
      let function =
        device.info.configurations == info.configurations
        ? known : DFUFunction.choose(in: device.info, interface: options.interface)
      guard let function else { throw DFUError(.notDFU, during: .describe) }
      let opening = SessionOpening(
        info: device.info, function: function, device: meter, clock: clock)
      let (description, isClaimed) = try await opening.run(window: options.window)
      let session = DFUSession(
        description: description, meter: meter, clock: clock, window: options.window,
        isClaimed: isClaimed)
      session.state.withLock { $0.durations[.describe] = start.duration(to: clock.now) }
      return session
    } catch {
      await meter.close()
      throw error
    }
  }

  /// Gives the device back.
  public func close() async {
    let hasLeft = state.withLock { $0.hasLeft }
    if isClaimed, !hasLeft {
      // A device that is gone cannot be released from.
      try? await meter.releaseInterface(description.function.interfaceNumber)
    }
    await meter.close()
  }

  /// Runs one operation: alone, and to a settled end even where the task is cancelled.
  func exclusively<Result: Sendable>(
    _ phase: DFUPhase, in mode: DFUMode = .dfu, progress: DFUProgress.Handler?,
    _ body: @escaping @Sendable (inout Operation) async throws(DFUError) -> Result
  ) async throws(DFUError) -> Result {
    guard description.mode == mode else { throw DFUError(.runtimeMode, during: phase) }
    let selected = try state.withLock { (state) throws(DFUError) -> UInt8? in
      guard !state.isInUse else { throw DFUError(.inUse, during: phase) }
      state.isInUse = true
      return state.selected
    }
    let cancellation = Cancellation()
    let session = self
    // Not a child: cancelling a child would cut its transfers short and leave the device anywhere.
    let task = Task(executorPreference: currentTaskExecutor()) {
      () -> Swift.Result<Result, DFUError> in
      var operation = Operation(
        session, selected: selected, progress: progress, cancellation: cancellation)
      let outcome: Swift.Result<Result, DFUError>
      do throws(DFUError) {
        outcome = .success(try await body(&operation))
      } catch {
        operation.selected = nil
        outcome = .failure(await operation.completed(error))
      }
      operation.store()
      return outcome
    }
    let outcome = await withTaskCancellationHandler {
      await task.value
    } onCancel: {
      cancellation.request()
    }
    return try outcome.get()
  }
}

/// The executor on which the calling task's children would run, so that a task that is no child runs
/// there too: simulated time knows only its own executor.
private func currentTaskExecutor() -> (any TaskExecutor)? {
  guard #available(macOS 26.4, iOS 26.4, watchOS 26.4, tvOS 26.4, visionOS 26.4, *) else {
    return nil
  }
  return withUnsafeCurrentTask { $0?.unownedTaskExecutor?.asTaskExecutor() }
}

extension DFUFunction {
  /// The DFU interface of the active configuration, or else of the first that has one.
  static func choose(in info: DeviceInfo, interface: UInt8?) -> DFUFunction? {
    let active = info.configurations.filter { $0.value == info.activeConfiguration }
    let others = info.configurations.filter { $0.value != info.activeConfiguration }
    for configuration in active + others {
      let found = DFUFunction.find(in: configuration).first {
        interface == nil || $0.interfaceNumber == interface
      }
      if let found { return found }
    }
    return nil
  }
}
