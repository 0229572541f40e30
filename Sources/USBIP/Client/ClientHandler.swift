internal import NIOCore
internal import USB

/// A ``ClientSession`` on its connection. All of it happens on the connection's event loop.
final class ClientHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias Answer = Result<ClientSession.Event, USBIPError>

  /// A transfer that was sent.
  private struct Sent {
    var transfer: ClientTransfer
    var deadline: AnyClock.Instant
    /// Why it was unlinked; then the deadline is that of the server's answer to that.
    var stopped: ClientTransfer.Reason?
  }

  /// So many transfers are under way at most, and so many of their bytes; the others wait here. Servers
  /// have limits, ours of twice as many.
  private static let window = (transfers: 128, bytes: 32 << 20)
  /// How long the server may take to answer that a transfer is stopped.
  private static let unlinkLimit = Duration.seconds(5)

  private var session: ClientSession
  private let clock: AnyClock
  private var context: ChannelHandlerContext?
  private var answer: Answer?
  private var asker: CheckedContinuation<Answer, Never>?
  private var answerDeadline: AnyClock.Instant?
  private var sent: [UInt32: Sent] = [:]
  private var numbers: [ObjectIdentifier: UInt32] = [:]
  private var sentBytes = 0
  private var waiting: [(transfer: ClientTransfer, deadline: AnyClock.Instant)] = []
  private var alarm: (at: AnyClock.Instant, task: Task<Void, Never>)?
  private var isHangingUp = false
  private var ending: ConnectionEnd?
  private var listeners: [@Sendable (ConnectionEnd) -> Void] = []

  init(_ session: ClientSession, clock: AnyClock) {
    self.session = session
    self.clock = clock
  }

  // MARK: The channel

  func channelActive(context: ChannelHandlerContext) {
    self.context = context
    flush()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    session.receive(unwrapInboundIn(data).readableBytesView)
    do throws(USBIPError) {
      while let event = try session.next() { hear(event) }
    } catch {
      answer(with: .failure(error))
      end(.broken(error.sentence.asPart))
    }
    sendWaiting()
    flush()
  }

  func channelInactive(context: ChannelHandlerContext) {
    end(isHangingUp ? .closedHere : .closedByPeer)
    self.context = nil
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    end(.broken("the connection broke: \(words(for: error))"))
  }

  private func flush() {
    let bytes = session.takeOutput()
    guard !bytes.isEmpty, let context else { return }
    context.writeAndFlush(NIOAny(context.channel.allocator.buffer(bytes: bytes)), promise: nil)
  }

  // MARK: What the server says

  private func hear(_ event: ClientSession.Event) {
    switch event {
    case .listed, .imported, .refused: answer(with: .success(event))
    case .completed(let completion):
      forget(completion.sequence)?.transfer.end(.completed(completion))
    case .unlinked(let sequence, _):
      guard let was = forget(sequence) else { return }
      was.transfer.end(.stopped(was.stopped ?? .cancelled))
    }
  }

  private func answer(with answer: Answer) {
    answerDeadline = nil
    if let asker {
      self.asker = nil
      asker.resume(returning: answer)
    } else if self.answer == nil {
      self.answer = answer
    }
  }

  func await(_ continuation: CheckedContinuation<Answer, Never>, within limit: Duration) {
    if let answer {
      continuation.resume(returning: answer)
    } else if let ending {
      continuation.resume(returning: .failure(.ended(ending)))
    } else {
      asker = continuation
      answerDeadline = clock.now.advanced(by: limit)
      arm()
    }
  }

  // MARK: Transfers

  func start(_ transfer: ClientTransfer, within limit: Duration) {
    if let ending { return transfer.end(.lost(ending)) }
    waiting.append((transfer, clock.now.advanced(by: limit)))
    sendWaiting()
    flush()
    arm()
  }

  private func sendWaiting() {
    while let next = waiting.first, sent.count < Self.window.transfers,
      sent.isEmpty || sentBytes + next.transfer.submission.length <= Self.window.bytes
    {
      guard let sequence = session.submit(next.transfer.submission) else { return }
      waiting.removeFirst()
      sent[sequence] = Sent(transfer: next.transfer, deadline: next.deadline)
      numbers[ObjectIdentifier(next.transfer)] = sequence
      sentBytes += next.transfer.submission.length
    }
  }

  private func forget(_ sequence: UInt32) -> Sent? {
    guard let was = sent.removeValue(forKey: sequence) else { return nil }
    numbers[ObjectIdentifier(was.transfer)] = nil
    sentBytes -= was.transfer.submission.length
    return was
  }

  func stop(_ transfer: ClientTransfer, _ reason: ClientTransfer.Reason) {
    if let index = waiting.firstIndex(where: { $0.transfer === transfer }) {
      waiting.remove(at: index)
      transfer.end(.stopped(reason))
    } else if let sequence = numbers[ObjectIdentifier(transfer)] {
      unlink(sequence, reason)
      flush()
      arm()
    }
  }

  private func unlink(_ sequence: UInt32, _ reason: ClientTransfer.Reason) {
    guard sent[sequence]?.stopped == nil else { return }
    sent[sequence]?.stopped = reason
    sent[sequence]?.deadline = clock.now.advanced(by: Self.unlinkLimit)
    session.unlink(sequence)
  }

  // MARK: Deadlines

  /// Sets the alarm to the next deadline. One that rings too early is set anew then, so that a transfer that
  /// ends in time costs none.
  private func arm() {
    var next = answerDeadline
    for deadline in waiting.lazy.map(\.deadline) { next = min(next ?? deadline, deadline) }
    for deadline in sent.values.lazy.map(\.deadline) { next = min(next ?? deadline, deadline) }
    guard let next, next < alarm?.at ?? AnyClock.Instant(elapsed: .seconds(Int64.max)),
      let loop = context?.eventLoop
    else { return }
    alarm?.task.cancel()
    let (clock, me) = (clock, NIOLoopBound(self, eventLoop: loop))
    let task = Task {
      guard (try? await clock.sleep(until: next, tolerance: nil)) != nil else { return }
      loop.execute { me.value.ring() }
    }
    alarm = (next, task)
  }

  private func ring() {
    alarm = nil
    guard ending == nil else { return }
    let now = clock.now
    if let answerDeadline, answerDeadline <= now {
      answer(with: .failure(USBIPError(.timeout, "The server does not answer.")))
      return end(.broken("the server does not answer"))
    }
    for late in waiting.filter({ $0.deadline <= now }) { stop(late.transfer, .timeout) }
    for (sequence, late) in sent where late.deadline <= now {
      guard late.stopped == nil else {
        return end(.broken("the server does not answer"))
      }
      unlink(sequence, .timeout)
    }
    flush()
    arm()
  }

  // MARK: The end

  /// Stops all transfers and says no more; the server closes the connection then.
  func hangUp() {
    isHangingUp = true
    for (transfer, _) in waiting { transfer.end(.stopped(.closed)) }
    for was in sent.values { was.transfer.end(.stopped(was.stopped ?? .closed)) }
    (waiting, sent, numbers) = ([], [:], [:])
    context?.close(mode: .output, promise: nil)
  }

  func end(_ end: ConnectionEnd) {
    guard ending == nil else { return }
    ending = end
    alarm?.task.cancel()
    alarm = nil
    answer(with: .failure(.ended(end)))
    for (transfer, _) in waiting { transfer.end(.lost(end)) }
    for was in sent.values { was.transfer.end(.lost(end)) }
    (waiting, sent, numbers) = ([], [:], [:])
    for listener in listeners { listener(end) }
    listeners = []
    context?.close(promise: nil)
  }

  func tell(_ body: @escaping @Sendable (ConnectionEnd) -> Void) {
    if let ending { body(ending) } else { listeners.append(body) }
  }
}

extension String {
  /// A sentence as a part of another: without its full stop, and with a small letter at its beginning.
  var asPart: String {
    let body = hasSuffix(".") ? String(dropLast()) : self
    return body.prefix(1).lowercased() + body.dropFirst()
  }
}
