internal import NIOCore
internal import NIOPosix
internal import Synchronization
public import USB

/// A USB/IP server: exports devices of any `USBHost` to clients, Linux's kernel among them.
///
/// USB/IP has neither password nor encryption: who reaches the port has the devices. So a server should
/// listen on loopback, and be reached from elsewhere through ssh.
///
/// Each device has one client at a time. All interfaces are claimed for it; its requests that choose a
/// configuration or a setting, clear a halt or reset the device are carried out as such, for the bus has
/// to know of them. A bus reset is no message of the protocol: the second read of 64 bytes of the device
/// descriptor, with which Linux begins each enumeration, is taken for one, so that a device that detaches
/// on reset does. A device that comes back from its reset as something else stays with its client; one that
/// leaves its bus otherwise ends the connection, which is how the protocol says “unplugged”.
public final class USBIPServer: Sendable {
  /// What a server takes of its clients, beside ``USBIPLimits``.
  public struct Policy: Sendable {
    /// What is taken of one connection.
    public var limits = USBIPLimits()
    /// Connections at a time.
    public var connections = 64
    /// How long a client may take to say what it wants.
    public var handshakeLimit = Duration.seconds(5)
    /// How long a client may leave answers unread.
    public var writeLimit = Duration.seconds(30)
    /// Whether a client, by its address, may import devices; the others may only list.
    public var mayImport: @Sendable (_ address: String) -> Bool = { _ in true }

    /// What suits everybody.
    public init() {}
  }

  /// The port that it listens on.
  public let port: Int
  private let core: ServerCore
  private let channel: any Channel

  private init(_ core: ServerCore, _ channel: any Channel) {
    self.core = core
    self.channel = channel
    port = channel.localAddress?.port ?? 0
  }

  /// Begins to listen.
  ///
  /// - Parameters:
  ///   - host: the address to listen on.
  ///   - port: the TCP port; 0 for any free one.
  ///   - clock: measures deadlines: of real time, since clients live in that.
  ///   - policy: what is taken of clients.
  ///   - ports: what is exported, asked for at each list and import.
  ///   - log: is told what happens, from any thread.
  /// - Returns: the server, which listens until ``stop()``.
  /// - Throws: ``USBIPError`` with `.cannotListen` where the port cannot be had.
  public static func start(
    host: String = "127.0.0.1", port: Int = USBIPAddress.standardPort, clock: AnyClock,
    policy: Policy = Policy(), ports: @escaping @Sendable () async -> [ExportedPort],
    log: @escaping @Sendable (ServerEvent) -> Void = { _ in }
  ) async throws(USBIPError) -> USBIPServer {
    let core = ServerCore(clock: clock, policy: policy, ports: ports, log: log)
    let bootstrap = ServerBootstrap(group: Sockets.group)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(ServerHandler(core))
        }
      }
    do {
      let channel = try await bootstrap.bind(host: host, port: port).get()
      return USBIPServer(core, channel)
    } catch {
      throw USBIPError(
        .cannotListen,
        "Port \(port) of \(host) cannot be listened on: \(words(for: error)).",
        help: "Name a free port with --port, and an address of this machine with --listen.")
    }
  }

  /// Stops listening, ends all connections, and gives all devices back.
  public func stop() async {
    try? await channel.close().get()
    await core.stop()
  }

  /// Returns when the server no longer listens.
  public func ended() async { try? await channel.closeFuture.get() }
}

/// What all connections of a server share.
final class ServerCore: Sendable {
  let clock: AnyClock
  let policy: USBIPServer.Policy
  let ports: @Sendable () async -> [ExportedPort]
  let log: @Sendable (ServerEvent) -> Void
  private let state = Mutex(State())

  private struct State {
    var taken: Set<BusID> = []
    var connections: [ObjectIdentifier: @Sendable () -> Void] = [:]
    var isStopping = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  init(
    clock: AnyClock, policy: USBIPServer.Policy,
    ports: @escaping @Sendable () async -> [ExportedPort],
    log: @escaping @Sendable (ServerEvent) -> Void
  ) {
    self.clock = clock
    self.policy = policy
    self.ports = ports
    self.log = log
  }

  /// A connection has begun; `end` ends it.
  ///
  /// - Returns: false where it is one too many.
  func enter(_ connection: ServerHandler, end: @escaping @Sendable () -> Void) -> Bool {
    state.withLock { state in
      guard !state.isStopping, state.connections.count < policy.connections else { return false }
      state.connections[ObjectIdentifier(connection)] = end
      return true
    }
  }

  /// A connection is over, and has given its device back.
  func leave(_ connection: ServerHandler) {
    let waiting = state.withLock { state in
      state.connections[ObjectIdentifier(connection)] = nil
      guard state.connections.isEmpty else { return [CheckedContinuation<Void, Never>]() }
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }

  /// Takes a device for a client; false where another has it.
  func take(_ busID: BusID) -> Bool { state.withLock { $0.taken.insert(busID).inserted } }

  func free(_ busID: BusID) { state.withLock { _ = $0.taken.remove(busID) } }

  /// The devices that nobody has, as Linux's usbipd lists them.
  func list() async -> [ExportedDevice] {
    var devices: [ExportedDevice] = []
    for port in await ports() where !state.withLock({ $0.taken.contains(port.busID) }) {
      // A host that fails has no devices to give.
      guard let info = try? await port.device() else { continue }
      devices.append(ExportedDevice(info, as: port.busID))
    }
    return devices
  }

  func stop() async {
    let ends = state.withLock { state in
      state.isStopping = true
      return Array(state.connections.values)
    }
    for end in ends { end() }
    await withCheckedContinuation { continuation in
      let isOver = state.withLock { state in
        if !state.connections.isEmpty { state.waiting.append(continuation) }
        return state.connections.isEmpty
      }
      if isOver { continuation.resume() }
    }
  }
}
