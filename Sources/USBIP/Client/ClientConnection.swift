internal import NIOCore
internal import NIOPosix
internal import Synchronization
internal import USB

/// A connection to a server: to its list of devices, or to one device.
final class ClientConnection: Sendable {
  private let channel: any Channel
  private let handler: NIOLoopBound<ClientHandler>

  private init(_ channel: any Channel, _ handler: NIOLoopBound<ClientHandler>) {
    self.channel = channel
    self.handler = handler
  }

  /// Connects, and asks what the session asks.
  ///
  /// - Throws: ``USBIPError`` with `.unreachable`.
  static func open(
    _ session: ClientSession, at address: USBIPAddress, clock: AnyClock
  ) async throws(USBIPError) -> ClientConnection {
    let bootstrap = ClientBootstrap(group: Sockets.group)
      .connectTimeout(Sockets.connectLimit)
      .channelOption(.allowRemoteHalfClosure, value: false)
    // A name may stand for several addresses, which are tried one after the other.
    let tried = Mutex<[ObjectIdentifier: NIOLoopBound<ClientHandler>]>([:])
    do {
      let channel = try await bootstrap.channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let handler = ClientHandler(session, clock: clock)
          tried.withLock {
            $0[ObjectIdentifier(channel)] = NIOLoopBound(handler, eventLoop: channel.eventLoop)
          }
          try channel.pipeline.syncOperations.addHandler(handler)
        }
      }.connect(host: address.host, port: address.port).get()
      for (option, value) in Sockets.options {
        try? await channel.setOption(option, value: value).get()
      }
      guard let handler = tried.withLock({ $0[ObjectIdentifier(channel)] }) else {
        throw ChannelError.alreadyClosed
      }
      return ClientConnection(channel, handler)
    } catch {
      throw .noServer(at: address, because: error)
    }
  }

  private func onLoop(_ body: @escaping @Sendable (ClientHandler) -> Void) {
    let handler = handler
    channel.eventLoop.execute { body(handler.value) }
  }

  /// The server's answer to what the session asked.
  ///
  /// - Throws: ``USBIPError`` where there is none, or not within `limit`.
  func answer(within limit: Duration) async throws(USBIPError) -> ClientSession.Event {
    let answer: ClientHandler.Answer = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        onLoop { $0.await(continuation, within: limit) }
      }
    } onCancel: {
      onLoop { $0.end(.broken("the wait was cancelled")) }
    }
    return try answer.get()
  }

  /// Performs a transfer. Those that are started one after the other are sent in that order; `started` is
  /// called when this one has its place among them, before anything suspends.
  ///
  /// - Throws: `TransferError`, also for the end that the server tells.
  func perform(
    _ submission: URBSubmission, within limit: Duration,
    started: (ClientTransfer) -> Void = { _ in }
  ) async throws(TransferError) -> URBCompletion {
    let setup = submission.endpoint == 0 ? submission.setup : nil
    guard !Task.isCancelled else { throw TransferError(.cancelled, setup: setup) }
    let transfer = ClientTransfer(submission)
    start(transfer, within: limit)
    started(transfer)
    let ending = await withTaskCancellationHandler {
      await transfer.ending()
    } onCancel: {
      stop(transfer, .cancelled)
    }
    switch ending {
    case .completed(let completion):
      if let error = completion.status.transferError(setup) { throw error }
      return completion
    case .stopped(.cancelled): throw TransferError(.cancelled, setup: setup)
    case .stopped(.timeout): throw TransferError(.timeout, setup: setup)
    case .stopped(.closed), .lost(.closedHere):
      throw TransferError(.closed, setup: setup, detail: "the device was closed meanwhile")
    case .lost(.closedByPeer):
      throw TransferError(
        .disconnected, setup: setup, detail: "its USB/IP server has closed the connection")
    // Whatever broke: nothing reaches the device through this handle any more.
    case .lost(.broken(let words)): throw TransferError(.disconnected, setup: setup, detail: words)
    }
  }

  /// The record of the device that was asked for.
  ///
  /// - Throws: ``USBIPError`` where the server refuses it.
  func importedRecord(
    _ busID: BusID, at address: USBIPAddress
  ) async throws(USBIPError) -> ExportedDevice {
    switch try await answer(within: USBIPHost.answerLimit) {
    case .imported(let record): return record
    case .refused(let status): throw .refused(busID, at: address, status)
    case .listed, .completed, .unlinked:
      throw USBIPError(.violation, "The server has answered what was not asked.")
    }
  }

  /// The number of the socket, for the kernel to take it over. Nothing is read from it any more.
  ///
  /// - Throws: ``USBIPError`` where the connection has ended.
  func socket() async throws(USBIPError) -> NIOBSDSocket.Handle {
    let channel = channel
    do {
      try await channel.setOption(.autoRead, value: false).get()
      let number = try await channel.eventLoop.submit {
        try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
          of: NIOBSDSocket.Handle.self
        ) { $0 }
      }.get()
      guard let number else { throw ChannelError.operationUnsupported }
      return number
    } catch {
      throw USBIPError(.closed, "The connection has ended: \(words(for: error)).")
    }
  }

  /// Starts a transfer. Those that are started one after the other are sent in that order.
  private func start(_ transfer: ClientTransfer, within limit: Duration) {
    onLoop { $0.start(transfer, within: limit) }
  }

  /// Stops a transfer, if it has not ended.
  func stop(_ transfer: ClientTransfer, _ reason: ClientTransfer.Reason) {
    onLoop { $0.stop(transfer, reason) }
  }

  /// Calls `body` once, when the connection has ended.
  func onEnd(_ body: @escaping @Sendable (ConnectionEnd) -> Void) {
    onLoop { $0.tell(body) }
  }

  /// Ends the connection at once.
  func drop() { onLoop { $0.end(.closedHere) } }

  /// Ends the connection. The server is given a moment to say that it has freed the device, so that
  /// whoever asks for it next gets it.
  func close(clock: AnyClock) async {
    onLoop { $0.hangUp() }
    let channel = channel
    await withTaskGroup(of: Void.self) { group in
      group.addTask { try? await channel.closeFuture.get() }
      group.addTask { try? await clock.sleep(for: .seconds(1)) }
      await group.next()
      onLoop { $0.end(.closedHere) }
      group.cancelAll()
    }
    try? await channel.closeFuture.get()
  }
}
