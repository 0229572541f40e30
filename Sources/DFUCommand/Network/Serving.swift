import ArgumentParser
import Reports
import USB
import USBIP
import Workbench

/// Where a server listens.
struct ListenOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Listen on this address; USB/IP has no password, so the default is this machine alone.",
      valueName: "address"))
  var listen = "127.0.0.1"

  @Option(help: ArgumentHelp("The TCP port; 0 for any free one.", valueName: "port"))
  var port = USBIPAddress.standardPort

  func validate() throws {
    guard (0...65535).contains(port) else {
      throw ValidationError("--port is a number from 0 to 65535, not \(port).")
    }
  }

  /// What a person on this machine types to name a device of the server.
  func selector(port: Int, busID: BusID) -> String {
    let host = ["0.0.0.0", "::"].contains(listen) ? "127.0.0.1" : listen
    return "usbip://\(USBIPAddress(host: host, port: port, busID: busID))"
  }

  /// Whether only programs of this machine reach it.
  var isLoopback: Bool {
    listen.hasPrefix("127.") || listen == "::1" || listen == "localhost"
  }
}

/// Runs a server until the process is asked to end.
///
/// - Parameters:
///   - options: where it listens.
///   - console: where it tells what happens.
///   - policy: what is taken of clients.
///   - ports: what is exported.
///   - report: what to print when it listens, by its port.
/// - Returns: done, when the process was asked to end.
/// - Throws: `USBIPError` where it cannot listen, or what `report` throws.
func serve(
  _ options: ListenOptions, on console: Console, policy: USBIPServer.Policy = USBIPServer.Policy(),
  ports: @escaping @Sendable () async -> [ExportedPort],
  report: (_ port: Int) async throws -> ServerReport
) async throws -> ExitStatus {
  let clock = AnyClock(ContinuousClock())
  let server = try await USBIPServer.start(
    host: options.listen, port: options.port, clock: clock, policy: policy, ports: ports,
    log: { console.tell($0.words) })
  do {
    let report = try await report(server.port)
    try console.print(report) { report.text($0) }
    if !options.isLoopback {
      console.warn(
        """
        USB/IP has neither password nor encryption: whoever reaches \(options.listen):\(server.port) \
        has these devices. Safer: leave --listen away, and run on the other machine: \
        ssh -N -L \(server.port):127.0.0.1:\(server.port) USER@THIS-MACHINE
        """)
    }
    // Until somebody wants an end. A signal cancels the task, and that is no failure of a server.
    while !Task.isCancelled { try? await clock.sleep(for: .seconds(3600)) }
  } catch {
    await server.stop()
    throw error
  }
  await server.stop()
  return .done
}

extension ServerEvent {
  /// What happened, on a line.
  var words: String {
    switch self {
    case .imported(let busID, let info, let client): "\(busID) \(info.ids): imported by \(client)"
    case .refused(let busID, _, let client, let reason):
      "\(busID): refused to \(client), \(terminalSafe(reason))"
    case .freed(let busID, let client, let reason):
      switch reason {
      case .clientLeft: "\(busID): given back by \(client)"
      case .deviceLeft: "\(busID): has left its bus, taken from \(client)"
      case .broken(let words): "\(busID): taken from \(client), \(terminalSafe(words))"
      case .serverEnds: "\(busID): taken from \(client), for the server ends"
      }
    case .followed(let busID, let info):
      "\(busID): has come back from a reset as \(info.ids), for the same client"
    case .dropped(let client, let reason): "\(client): dropped, \(terminalSafe(reason))"
    }
  }
}
