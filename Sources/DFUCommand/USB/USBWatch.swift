import ArgumentParser
import Reports
import USB
import Workbench

/// `dfu usb watch`: devices as they come and go.
struct USBWatch: Verb {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Tell which devices come and go, as it happens.",
    discussion: """
      Of this machine, of a USB/IP server, or of a virtual bus. A line begins with the time since the watch began, and \
      + for a device that has come, - for one that has gone, = for what was there. Where something comes to a port \
      that had a device before, it tells what has changed. --kernel adds what Linux's kernel writes about USB, with \
      what it means. It ends with Ctrl-C, after --for, or after --count events.

      Examples:
        dfu usb watch --for 1
        dfu usb watch --for 5 -d 'virtual:stm32f407?speed=instant&plugged-after=2'
        dfu usb watch --count 1 --json -d 'virtual:stm32f407?speed=instant&plugged-after=2'
        sudo dfu usb watch --kernel
      """
  )

  @Option(
    name: [.customShort("d"), .long],
    help: ArgumentHelp(
      "Only these devices: VVVV:PPPP, path:BUS-PORT, usbip://HOST, virtual:PROFILE, …",
      valueName: "selector"))
  var device: String?

  @Option(help: ArgumentHelp("End after so long.", valueName: "seconds"))
  var `for`: SecondsArgument?

  @Option(help: ArgumentHelp("End after so many devices have come or gone.", valueName: "events"))
  var count: Int?

  @Option(
    defaultAsFlag: KernelLog.usual, parsing: .next,
    help: ArgumentHelp(
      "Tell what the kernel writes about USB, of /dev/kmsg or of a file that something writes to.",
      valueName: "file"))
  var kernel: String?

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard count ?? 1 > 0 else { throw ValidationError("--count is 1 or more.") }
  }

  func perform(on console: Console) async throws -> ExitStatus {
    let watch = try DeviceWatch(device)
    let start = watch.clock.now
    @Sendable func print(_ line: WatchLine) {
      if output.json {
        if let text = try? jsonText(line, isPretty: false) { console.print(text) }
      } else {
        console.print(line.text(console.style))
      }
    }
    let clock = watch.clock
    let log = try kernel.map { try KernelLog($0, clock: AnyClock(ContinuousClock())) }
    let limit = `for`?.value ?? DeviceWait.longest
    try await withThrowingTaskGroup(of: Void.self) { group in
      if let log {
        group.addTask {
          await log.run { message in
            print(WatchHistory.kernel(message, at: start.duration(to: clock.now)))
          }
        }
      }
      var history = WatchHistory()
      var left = count ?? .max
      try await watch.run(for: limit) { happening, time in
        switch happening {
        case .present(let info):
          print(history.present(info))
          return true
        case .attached(let info): print(history.attached(info, at: time))
        case .detached(let path): print(history.detached(path, at: time))
        }
        left -= 1
        return left > 0
      }
      group.cancelAll()
    }
    return .done
  }
}
