import NIOCore
import NIOPosix
import Testing
import USB

@testable import USBIP

/// The other end of a connection, byte by byte: it says what it likes.
struct RawPeer: Sendable {
  let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>

  /// Connects to a server, and closes when `body` is done.
  static func run<Result: Sendable>(
    to port: Int, _ body: @Sendable (inout Talk) async throws -> Result
  ) async throws -> Result {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .connect(host: "127.0.0.1", port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    return try await channel.executeThenClose { inbound, outbound in
      var talk = Talk(input: inbound.makeAsyncIterator(), output: outbound)
      return try await body(&talk)
    }
  }

  /// What is said on the connection.
  struct Talk {
    var input: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    let output: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var received: [UInt8] = []

    init(
      input: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
      output: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
      self.input = input
      self.output = output
    }

    func send(_ bytes: [UInt8]) async throws { try await output.write(ByteBuffer(bytes: bytes)) }

    /// The next `count` bytes; fewer where the peer closes before.
    mutating func read(_ count: Int) async -> [UInt8] {
      while received.count < count, let more = try? await input.next(isolation: #isolation) {
        received += more.readableBytesView
      }
      defer { received.removeFirst(min(count, received.count)) }
      return Array(received.prefix(count))
    }

    /// All that comes until the peer closes.
    mutating func rest() async -> [UInt8] {
      while let more = try? await input.next(isolation: #isolation) {
        received += more.readableBytesView
      }
      return received
    }

    /// Imports a device; the reply.
    mutating func importDevice(_ busID: BusID) async throws -> [UInt8] {
      var session = ClientSession(importing: busID)
      try await send(session.takeOutput())
      let head = await read(8)
      return head.last == 0 ? head + (await read(312)) : head
    }

    /// Asks for a transfer of bus 1, device `device`.
    func submit(
      _ sequence: UInt32, _ submission: URBSubmission, device: UInt32 = 1
    ) async throws {
      var submission = submission
      submission.sequence = sequence
      try await send(submission.bytes(devid: 1 << 16 | device))
    }
  }
}
