internal import NIOCore
internal import NIOPosix

/// How the connections of both sides are set up.
enum Sockets {
  /// The threads that serve all connections; started when they are first needed.
  static var group: MultiThreadedEventLoopGroup { .singleton }

  /// How long a connection may take to be made.
  static let connectLimit = TimeAmount.seconds(5)

  /// Without TCP_NODELAY each control transfer waits some 40 ms for an acknowledgement. The peer of a
  /// connection that is idle is asked whether it is still there: after 10 s, five times, a second apart, as
  /// usbipd-win does.
  static let options: [(option: ChannelOptions.Types.SocketOption, value: Int)] = {
    var options: [(ChannelOptions.Types.SocketOption, Int)] = [
      (.init(level: .tcp, name: .tcp_nodelay), 1), (.init(level: .socket, name: .so_keepalive), 1),
    ]
    #if os(Linux)
      for (name, value) in [(idle, 10), (interval, 1), (count, 5)] as [(CInt, Int)] {
        options.append((.init(level: .tcp, name: .init(rawValue: name)), value))
      }
    #endif
    return options
  }()

  #if os(Linux)
    /// TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT of <netinet/tcp.h>; NIO has no names for them.
    private static let (idle, interval, count): (CInt, CInt, CInt) = (4, 5, 6)
  #endif
}
