import ArgumentParser
import Captures
import Reports
import SystemPackage
import USB
import Workbench

/// `dfu usb describe`: all that a device says of itself.
struct USBDescribe: Verb {
  static let configuration = CommandConfiguration(
    commandName: "describe",
    abstract: "Show every descriptor of a device, and what is wrong with it.",
    discussion: """
      Of a device that -d names, or of a file: the one named descriptors in /sys/bus/usb/devices, bytes in \
      hexadecimal digits, the text of lsusb -v, USBView or USBTreeView, a capture (pcap, pcapng), or the document of \
      --json. Every field is told by its name in the specification; what breaks a rule is marked, with what Linux \
      and Windows make of it. What a text does not tell is shown as unknown. A device is asked for its descriptors \
      and strings, and nothing else; for Microsoft's of version 1.0 only with --microsoft.

      Examples:
        dfu usb describe -d virtual:stm32f407
        dfu usb describe -d virtual:stm32f407 --as hex > board.hex
        dfu usb describe board.hex --speed full --json
        dfu usb describe usbview.txt --as lsusb
      """
  )

  /// How they are shown.
  enum Shape: String, ExpressibleByArgument, CaseIterable {
    case text
    case lsusb
    case usbview
    case json
    case hex
  }

  @Argument(help: "A file with descriptors; - is standard input.")
  var file: String?

  @OptionGroup var which: DeviceOptions

  @Option(help: ArgumentHelp("How to show them.", valueName: "text|lsusb|usbview|json|hex"))
  var `as`: Shape?

  @Flag(
    help: """
      Ask for Microsoft's string 0xEE and what it announces as well. Some devices hang when they are asked.
      """)
  var microsoft = false

  @Option(
    help: ArgumentHelp(
      "The speed of the device, where a file does not tell it.",
      valueName: "low|full|high|super|super-plus"))
  var speed: String?

  @Option(
    help: ArgumentHelp(
      "The device of a capture, where there are several.", valueName: "bus.address"))
  var address: String?

  @OptionGroup var output: OutputOptions

  func perform(on console: Console) async throws -> ExitStatus {
    if let file {
      let selection = which.selection
      guard selection.device.isEmpty, selection.record == nil, selection.capture == nil,
        which.wait == nil
      else {
        throw UsageError("A file and a device are two different things.", help: "Name one of them.")
      }
      guard !microsoft else {
        throw UsageError("--microsoft asks a device; a file is not asked.", help: "Leave it away.")
      }
      return try print(try read(file, on: console), file, on: console)
    }
    guard address == nil else {
      throw UsageError(
        "--address is of a capture; a device has -d.", help: "Leave it away, or name a capture.")
    }
    guard speed == nil else {
      throw UsageError(
        "--speed is of a file; the speed of a device is known.", help: "Leave it away.")
    }
    let wait = which.wait.map { DeviceWait($0.value) }
    let found = try await DeviceSearch.devices(
      which.selectors, kind: which.selectors.isEmpty ? .dfu : .any, waiting: wait,
      record: try which.selection.recordingRequest
    ) {
      tellWait(on: console)
    }
    return try await keeping(found, console) {
      let one = try DeviceSearch.only(of: found)
      let device = try await one.host.open(one.info.id)
      let set: DescriptorSet
      do {
        set = try await DescriptorSet(asking: device, microsoft: microsoft)
      } catch {
        await device.close()
        throw error
      }
      await device.close()
      return try print(set, one.selector, on: console)
    }
  }

  /// The descriptors in a file of whatever kind.
  private func read(_ file: String, on console: Console) throws -> DescriptorSet {
    let input = try DescriptorInput(FilePath(file), speed: try typedSpeed, address: address)
    if let device = input.captured {
      console.note(
        "these are the descriptors of device \(device) of the capture, as far as it has them")
    } else if address != nil {
      throw UsageError(
        "\(file) is no capture, and has no addresses.", help: "Leave --address away.")
    }
    return input.set
  }

  private var typedSpeed: USBSpeed? {
    get throws {
      guard let speed else { return nil }
      guard let known = USBSpeed(rawValue: speed) else {
        let all = USBSpeed.allCases.map(\.rawValue).joined(separator: ", ")
        throw UsageError("“\(speed)” is no speed of USB.", help: "There are \(all).")
      }
      return known
    }
  }

  private func print(
    _ set: DescriptorSet, _ source: String, on console: Console
  ) throws -> ExitStatus {
    let report = DescriptorsReport(set, source: source)
    switch `as` {
    case .hex?: console.write(report.hexadecimalText())
    case .lsusb?: console.write(LsusbText.text(of: set))
    case .usbview?: console.write(USBViewText.text(of: set))
    case .json?: console.print(try jsonText(report))
    case .text?, nil: try console.print(report) { report.text($0) }
    }
    return .done
  }
}
