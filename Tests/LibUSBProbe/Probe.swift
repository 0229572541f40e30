import LibUSB
import USB

/// Uses a `LibUSBHost` as its arguments say, and prints a line for each step: for tests that run it
/// where devices are made up (umockdev) or emulated (a guest).
///
///     libusb-probe list
///     libusb-probe compare             whether libusb alone knows what it knows with /sys
///     libusb-probe watch COUNT         the first COUNT events, behind a line "listening"
///     libusb-probe watch-events COUNT  the same, where only libusb's own events count
///     libusb-probe announce WHAT FOLDER NODE   tells libusb, under umockdev, of a device: WHAT is
///                                      add or remove, FOLDER below /sys, NODE below /dev
///     libusb-probe drop PATH           opens, claims and drops the device, then does it again
///     libusb-probe drive PATH STEP...  opens the device at PATH, then the steps in their order
///
/// A step is a word and its values, with colons between; numbers are decimal, endpoints and bytes
/// hexadecimal, times milliseconds:
///
///     claim:0 release:0 alt:0:1 config:1 halt:81 reset close
///     in:8006000100001200:1000         a control transfer to the host, by its setup packet
///     out:2101000000000400:01020304:1000
///     bulk-in:81:64:1000 bulk-out:01:0102:1000 interrupt-in:82:8:1000 interrupt-out:02:01:1000
///     cancel:STEP                      starts the step, then cancels its task
///     close-during:STEP                starts the step, then closes the device
///     together:STEP+STEP               starts them in this order before any has ended
@main
struct Probe {
  static func main() async {
    let arguments = CommandLine.arguments.dropFirst()
    if arguments.first == "announce", arguments.count == 4 {
      // Without a host: it would take the place of the one that is to hear it.
      let words = Array(arguments)
      return say(announce(words[1], folder: words[2], node: words[3]) ? "told" : "nobody listens")
    }
    do {
      let clock = AnyClock(ContinuousClock())
      let host =
        arguments.first == "watch-events"
        ? try LibUSBHost(clock: clock, watching: .events) : try LibUSBHost(clock: clock)
      switch arguments.first {
      case "list": for info in try await host.devices() { print(describe(info)) }
      case "compare":
        let bare = try await LibUSBHost(clock: clock, watching: .polling, files: "/none").devices()
        for (info, other) in zip(try await host.devices(), bare) {
          let isSame =
            info.path == other.path && info.activeConfiguration == other.activeConfiguration
            && info.configurations == other.configurations
          say("\(info.path) \(isSame ? "the same" : "\(info) not \(other)")")
        }
      case "drop": try await drop(host, arguments.last ?? "")
      case "watch", "watch-events":
        await watch(host, count: arguments.last.flatMap { Int($0) } ?? 1)
      case "drive": try await drive(host, Array(arguments.dropFirst()))
      default: print("libusb-probe list | watch COUNT | drive PATH STEP...")
      }
    } catch {
      print(describe(error))
    }
  }

  static func describe(_ error: any Error) -> String {
    guard let error = error as? any ExplainedError else { return "\(error)" }
    return "\(error.slug): \(error)"
  }

  static func describe(_ info: DeviceInfo) -> String {
    let configurations = info.configurations.map { configuration in
      let interfaces = configuration.interfaces.map {
        "\($0.number).\($0.alternateSetting) \($0.interfaceClass)"
      }
      return "\(configuration.value) [\(interfaces.joined(separator: ", "))]"
        + configuration.faults.map { " fault: \($0)" }.joined()
    }
    let active = info.activeConfiguration.map { "\($0)" } ?? "none"
    return "\(info.path) \(info.ids) address \(info.address) \(info.speed.rawValue) "
      + "serial \(info.serialNumber ?? "none") active \(active) "
      + "configurations \(configurations.joined(separator: ", "))"
  }

  static func watch(_ host: LibUSBHost, count: Int) async {
    var left = count
    let events = host.events()
    say("listening")
    for await event in events {
      switch event {
      case .attached(let info): say("attached \(info.id.rawValue) \(describe(info))")
      case .detached(let id, let path): say("detached \(id.rawValue) \(path)")
      }
      left -= 1
      if left <= 0 { return }
    }
    say("the stream has ended")
  }

  static func drop(_ host: LibUSBHost, _ path: String) async throws {
    guard let info = try await host.devices().first(where: { $0.path.description == path }) else {
      return print("no device there")
    }
    for _ in 0..<2 {
      let device = try await host.open(info.id)
      try await device.claimInterface(0)
      say("claimed")
    }
  }

  static func drive(_ host: LibUSBHost, _ arguments: [String]) async throws {
    guard let path = arguments.first.flatMap({ PortPath($0) }),
      let info = try await host.devices().first(where: { $0.path == path })
    else { return print("no device there") }
    let driver = Driver(device: try await host.open(info.id))
    say("open \(info.ids)")
    for step in arguments.dropFirst() { say("\(step) -> \(await driver.run(step))") }
    await driver.device.close()
  }
}

/// Runs the steps of `drive`.
struct Driver: Sendable {
  var device: any USBDevice

  func run(_ step: String) async -> String {
    let parts = step.split(separator: ":", maxSplits: 1).map(String.init)
    let rest = parts.count > 1 ? parts[1] : ""
    switch parts.first {
    case "cancel":
      let task = Task.immediate { await plain(rest) }
      task.cancel()
      return await task.value
    case "close-during":
      let task = Task.immediate { await plain(rest) }
      await device.close()
      return await task.value
    case "together":
      return await withTaskGroup(of: (Int, String).self) { group in
        for (index, step) in rest.split(separator: "+").enumerated() {
          group.addImmediateTask { (index, await plain(String(step))) }
        }
        var answers: [(Int, String)] = []
        for await answer in group { answers.append(answer) }
        return answers.sorted { $0.0 < $1.0 }.map(\.1).joined(separator: " + ")
      }
    default: return await plain(step)
    }
  }

  private func plain(_ step: String) async -> String {
    do {
      return try await act(step.split(separator: ":").map(String.init)) ?? "what?"
    } catch {
      return Probe.describe(error)
    }
  }

  private func act(_ words: [String]) async throws -> String? {
    guard let verb = words.first else { return nil }
    let numbers = words.dropFirst().map { UInt8($0) ?? 0 } + [0, 0]
    switch verb {
    case "claim": try await device.claimInterface(numbers[0])
    case "release": try await device.releaseInterface(numbers[0])
    case "alt": try await device.setAlternateSetting(numbers[1], interface: numbers[0])
    case "config": try await device.setConfiguration(numbers[0])
    case "halt": try await device.clearHalt(endpoint: bytes(words, 1).first ?? 0)
    case "reset": try await device.reset()
    case "close": await device.close()
    default: return try await transfer(verb, words)
    }
    return "done"
  }

  private func transfer(_ verb: String, _ words: [String]) async throws -> String? {
    let timeout = Duration.milliseconds(words.last.flatMap { Int($0) } ?? 1000)
    let first = bytes(words, 1)
    let endpoint = first.first ?? 0
    let length = words.count > 2 ? Int(words[2]) ?? 0 : 0
    switch verb {
    case "in": return text(try await device.controlIn(setup(first), timeout: timeout))
    case "out":
      let data = words.count > 3 ? bytes(words, 2) : []
      try await device.controlOut(setup(first), data: data, timeout: timeout)
      return "done"
    case "bulk-in":
      return text(
        try await device.bulkIn(endpoint: endpoint, length: length, timeout: timeout))
    case "interrupt-in":
      return text(
        try await device.interruptIn(endpoint: endpoint, length: length, timeout: timeout))
    case "bulk-out":
      return
        "\(try await device.bulkOut(endpoint: endpoint, data: bytes(words, 2), timeout: timeout))"
    case "interrupt-out":
      let data = bytes(words, 2)
      return "\(try await device.interruptOut(endpoint: endpoint, data: data, timeout: timeout))"
    default: return nil
    }
  }

  private func text(_ bytes: [UInt8]) -> String { bytes.map { hex($0) }.joined() }

  private func bytes(_ words: [String], _ index: Int) -> [UInt8] {
    guard index < words.count else { return [] }
    let digits = Array(words[index])
    return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
      UInt8(String(digits[$0...$0 + 1]), radix: 16)
    }
  }

  private func setup(_ bytes: [UInt8]) throws -> SetupPacket {
    var reader = ByteReader(bytes.span.bytes)
    return try SetupPacket(parsing: &reader)
  }
}
