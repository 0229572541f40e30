internal import NIOCore
internal import USB

/// A ``ServerSession`` on its connection. All of it happens on the connection's event loop; the device works
/// elsewhere.
final class ServerHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let core: ServerCore
  private var session: ServerSession
  private var context: ChannelHandlerContext?
  private var client = "a client"
  private var clientAddress = ""
  private var alarms: [Alarm: Task<Void, Never>] = [:]
  private var busID: BusID?
  private var device: ImportedDevice?
  private var watcher: Task<Void, Never>?
  /// What is under way, by the number of its start: a client may use a sequence number again at once.
  private var tasks: [UInt64: Task<Void, Never>] = [:]
  private var starts: [UInt32: UInt64] = [:]
  private var lastStart: UInt64 = 0
  private var controls = ControlQueue()
  private var hasLeft = false
  private var isOver = false

  private enum Alarm: Hashable { case handshake, write, leaving }

  init(_ core: ServerCore) {
    self.core = core
    session = ServerSession(limits: core.policy.limits)
  }

  // MARK: The channel

  func channelActive(context: ChannelHandlerContext) {
    self.context = context
    if let address = context.remoteAddress {
      clientAddress = address.ipAddress ?? ""
      client = address.port.map { "\(clientAddress):\($0)" } ?? clientAddress
    }
    let me = NIOLoopBound(self, eventLoop: context.eventLoop)
    let loop = context.eventLoop
    let isWelcome = core.enter(self) { loop.execute { me.value.finish(.serverEnds) } }
    guard isWelcome else {
      core.log(.dropped(client: client, reason: "there are too many connections"))
      isOver = true
      return context.close(promise: nil)
    }
    for (option, value) in Sockets.options {
      _ = context.channel.setOption(option, value: value)
    }
    set(.handshake, core.policy.handshakeLimit) { me in
      me.drop("it has not said in time what it wants")
    }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isOver else { return }
    do throws(USBIPError) {
      try session.receive(unwrapInboundIn(data).readableBytesView)
    } catch {
      return drop(error.sentence.asPart)
    }
    hearAll()
  }

  private func hearAll() {
    do throws(USBIPError) {
      while !isOver, let event = try session.next() { hear(event) }
    } catch {
      return drop(error.sentence.asPart)
    }
    flush()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    // The client has said its last; that is how it gives the device back.
    if case ChannelEvent.inputClosed? = event as? ChannelEvent { finish(.clientLeft) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    finish(.clientLeft)
    self.context = nil
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    finish(.broken("the connection broke: \(words(for: error))"))
  }

  /// What a client does not read has to stop what it asks.
  func channelWritabilityChanged(context: ChannelHandlerContext) {
    let isWritable = context.channel.isWritable
    _ = context.channel.setOption(.autoRead, value: isWritable)
    alarms.removeValue(forKey: .write)?.cancel()
    if !isWritable {
      set(.write, core.policy.writeLimit) { $0.drop("it does not read what it has asked for") }
    }
  }

  private func flush(promise: EventLoopPromise<Void>? = nil) {
    let bytes = session.takeOutput()
    guard !bytes.isEmpty, let context else {
      promise?.succeed()
      return
    }
    context.writeAndFlush(
      NIOAny(context.channel.allocator.buffer(bytes: bytes)), promise: promise)
  }

  private func set(
    _ alarm: Alarm, _ limit: Duration, _ body: @escaping @Sendable (ServerHandler) -> Void
  ) {
    guard let loop = context?.eventLoop else { return }
    let (clock, me) = (core.clock, NIOLoopBound(self, eventLoop: loop))
    alarms[alarm]?.cancel()
    alarms[alarm] = Task {
      guard (try? await clock.sleep(for: limit)) != nil else { return }
      loop.execute { body(me.value) }
    }
  }

  // MARK: What the client says

  private func hear(_ event: ServerSession.Event) {
    switch event {
    case .list:
      alarms.removeValue(forKey: .handshake)?.cancel()
      elsewhere { [core] in
        await core.list()
      } then: { me, devices in
        me.session.list(devices)
        me.flushAndClose()
      }
    case .importDevice(let busID):
      alarms.removeValue(forKey: .handshake)?.cancel()
      importDevice(busID)
    case .submit(let submission): submit(submission)
    case .cancel(let sequence):
      if controls.remove(sequence) { return }
      if let start = starts.removeValue(forKey: sequence) { tasks[start]?.cancel() }
    }
  }

  /// Does something that is not for an event loop, and goes on here with what came of it.
  private func elsewhere<Result: Sendable>(
    _ body: @escaping @Sendable () async -> Result,
    then next: @escaping @Sendable (ServerHandler, Result) -> Void
  ) {
    guard let loop = context?.eventLoop else { return }
    let me = NIOLoopBound(self, eventLoop: loop)
    Task {
      let result = await body()
      loop.execute { next(me.value, result) }
    }
  }

  // MARK: The import

  private func importDevice(_ busID: BusID) {
    guard core.policy.mayImport(clientAddress) else {
      return refuse(busID, .notAvailable, "this client may only list")
    }
    guard core.take(busID) else {
      return refuse(busID, .busy, "another client has it")
    }
    let (core, client) = (core, client)
    elsewhere { () -> Result<ImportedDevice, ImportedDevice.Refusal> in
      do throws(ImportedDevice.Refusal) {
        guard let port = await core.ports().first(where: { $0.busID == busID }) else {
          throw ImportedDevice.Refusal(status: .noDevice, reason: "it is not exported")
        }
        guard port.isImportable else {
          throw ImportedDevice.Refusal(status: .notAvailable, reason: "it is only listed")
        }
        return .success(
          try await ImportedDevice.open(port, clock: core.clock) { info in
            core.log(.followed(busID, info))
          })
      } catch {
        return .failure(error)
      }
    } then: { me, outcome in
      switch outcome {
      case .failure(let refusal):
        core.free(busID)
        me.refuse(busID, refusal.status, refusal.reason)
      case .success(let device):
        guard !me.isOver else {
          Task {
            await device.close()
            core.free(busID)
          }
          return
        }
        core.log(.imported(busID, device.info, client: client))
        me.begin(busID, device)
      }
    }
  }

  private func refuse(_ busID: BusID, _ status: OperationStatus, _ reason: String) {
    guard !isOver else { return }
    core.log(.refused(busID, status, client: client, reason: reason))
    session.refuse(status)
    flushAndClose()
  }

  private func begin(_ busID: BusID, _ device: ImportedDevice) {
    guard let loop = context?.eventLoop else { return }
    self.busID = busID
    self.device = device
    session.accept(ExportedDevice(device.info, as: busID))
    let me = NIOLoopBound(self, eventLoop: loop)
    let events = device.events
    watcher = Task {
      for await event in events {
        guard case .detached(let id, _) = event, device.hasLost(id) else { continue }
        return loop.execute { me.value.deviceLeft() }
      }
    }
    // A client need not wait for the answer before it asks for its first transfers.
    hearAll()
  }

  // MARK: Transfers

  private func submit(_ submission: URBSubmission) {
    guard !hasLeft else {
      session.complete(submission.completion(.shutDown))
      return
    }
    guard submission.endpoint == 0 else { return start(submission, nil) }
    controls.append(submission, device?.care(for: submission))
    startControls()
  }

  private func startControls() {
    while let (submission, care) = controls.next() { start(submission, care) }
  }

  private func start(_ submission: URBSubmission, _ care: ImportedDevice.Care?) {
    guard let loop = context?.eventLoop, let device else { return }
    let me = NIOLoopBound(self, eventLoop: loop)
    lastStart += 1
    let start = lastStart
    starts[submission.sequence] = start
    // It runs here up to its first pause: by then it has its place in the device's queue.
    tasks[start] = Task.immediate {
      let completion = await device.perform(submission, care)
      loop.execute { me.value.finished(start, submission, completion) }
    }
  }

  private func finished(
    _ start: UInt64, _ submission: URBSubmission, _ completion: URBCompletion
  ) {
    tasks[start] = nil
    if starts[submission.sequence] == start {
      starts[submission.sequence] = nil
      session.complete(completion)
    }
    if submission.endpoint == 0 {
      controls.finished()
      startControls()
    }
    flush()
    if hasLeft, tasks.isEmpty { finish(.deviceLeft) }
  }

  /// The device has left its bus. What is under way ends by itself; its answers go out before the end.
  private func deviceLeft() {
    guard !isOver, !hasLeft else { return }
    hasLeft = true
    for submission in controls.removeAll() { session.complete(submission.completion(.shutDown)) }
    flush()
    guard !tasks.isEmpty else { return finish(.deviceLeft) }
    set(.leaving, .seconds(1)) { $0.finish(.deviceLeft) }
  }

  // MARK: The end

  private func flushAndClose() {
    guard let context else { return }
    let written = context.eventLoop.makePromise(of: Void.self)
    let me = NIOLoopBound(self, eventLoop: context.eventLoop)
    written.futureResult.whenComplete { _ in me.value.finish(.clientLeft) }
    flush(promise: written)
  }

  private func drop(_ reason: String) {
    guard !isOver else { return }
    core.log(.dropped(client: client, reason: reason))
    finish(.broken(reason))
  }

  private func finish(_ reason: ServerEvent.FreeReason) {
    guard !isOver else { return }
    isOver = true
    for alarm in alarms.values { alarm.cancel() }
    alarms = [:]
    watcher?.cancel()
    for task in tasks.values { task.cancel() }
    (tasks, starts) = ([:], [:])
    _ = controls.removeAll()
    guard let loop = context?.eventLoop else { return core.leave(self) }
    let (core, client, device, busID) = (core, client, device, busID)
    let me = NIOLoopBound(self, eventLoop: loop)
    self.device = nil
    Task {
      // Freed before the connection is closed: who sees the end of it may ask for the device again.
      await device?.close()
      if let busID {
        core.free(busID)
        core.log(.freed(busID, client: client, reason: reason))
      }
      loop.execute {
        me.value.context?.close(promise: nil)
        core.leave(me.value)
      }
    }
  }
}

/// The transfers on endpoint 0: in their order, and those that the bus has to know of alone.
private struct ControlQueue {
  private var waiting: [(URBSubmission, ImportedDevice.Care?)] = []
  private var running = 0
  private var isAlone = false

  mutating func append(_ submission: URBSubmission, _ care: ImportedDevice.Care?) {
    waiting.append((submission, care))
  }

  /// What may start now.
  mutating func next() -> (URBSubmission, ImportedDevice.Care?)? {
    guard !isAlone, let (submission, care) = waiting.first else { return nil }
    guard care == nil || running == 0 else { return nil }
    waiting.removeFirst()
    running += 1
    isAlone = care != nil
    return (submission, care)
  }

  mutating func finished() {
    running -= 1
    isAlone = false
  }

  /// Takes out what has not started; false where it has, or is not there.
  mutating func remove(_ sequence: UInt32) -> Bool {
    guard let index = waiting.firstIndex(where: { $0.0.sequence == sequence }) else {
      return false
    }
    waiting.remove(at: index)
    return true
  }

  mutating func removeAll() -> [URBSubmission] {
    defer { waiting = [] }
    return waiting.map(\.0)
  }
}
