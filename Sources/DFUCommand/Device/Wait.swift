import ArgumentParser
import DFUHost
import USB
import Workbench

/// `dfu wait`: until a device is in DFU mode.
struct Wait: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Wait until a device is in DFU mode, and list it.",
    discussion: """
      Listens to the bus, and lists what has come as `dfu list` does. With several -d it waits for each \
      of them. Exit status 75 where the time is over; without --timeout it waits until the device \
      comes.

      Examples:
        dfu wait --timeout 60 -d 'virtual:stm32f407?plugged-after=2'
        dfu wait --new --timeout 60 -d 'virtual:stm32f407?plugged-after=2'
      """
  )

  @OptionGroup var which: SelectorOptions

  @Flag(help: "Only a device counts that was not in DFU mode when the wait began.")
  var new = false

  @Option(help: ArgumentHelp("How long to wait.", valueName: "seconds"))
  var timeout: SecondsArgument?

  @Flag(help: "Print what happens as lines of JSON while it happens.")
  var events = false

  @OptionGroup var output: OutputOptions

  var sendsEvents: Bool { events }

  func perform(on console: Console) async throws -> ExitStatus {
    let wait = DeviceWait(
      timeout?.value ?? DeviceWait.longest, needsDFUMode: true, isForNew: new)
    let found = try await DeviceSearch.devices(
      which.selectors, waiting: wait, record: try which.recordingRequest
    ) {
      tellWait(on: console)
    }
    console.clearProgress()
    return try await keeping(found, console) { try await printList(of: found, on: console) }
  }
}
