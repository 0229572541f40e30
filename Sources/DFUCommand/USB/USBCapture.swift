import ArgumentParser
import Captures
import Reports
import SystemPackage
import USB
import Workbench

/// `dfu usb capture`: what a capture tells.
struct USBCapture: Verb {
  static let configuration = CommandConfiguration(
    commandName: "capture",
    abstract: "Tell what happened in a capture of USB: enumeration, DFU, and what went wrong.",
    discussion: """
      Reads pcap and pcapng, as Wireshark, tcpdump, USBPcap and --capture write them: usbmon of Linux and USBPcap \
      of Windows. What repeats itself is told in one line, what went wrong is marked with !, and -v tells each \
      transfer. --recording makes a recording of what one device did, which -d replay:FILE plays back.

      Examples:
        dfu list -d virtual:stm32f407 --capture board.pcapng
        dfu usb capture board.pcapng
        dfu usb capture board.pcapng --json
        dfu usb capture board.pcapng --recording board.rec
        dfu list -d replay:board.rec
      """
  )

  @Argument(help: "The capture; - is standard input.")
  var file: String

  @Option(
    help: ArgumentHelp("Write what one device did as a recording, instead.", valueName: "file"))
  var recording: String?

  @Option(
    help: ArgumentHelp(
      "The device of the recording, where there are several.", valueName: "bus.address"))
  var device: String?

  @OptionGroup var overwriting: OverwriteOptions
  @OptionGroup var output: OutputOptions

  func perform(on console: Console) async throws -> ExitStatus {
    guard recording != nil || device == nil else {
      throw UsageError(
        "--device is of a recording; the story is of all devices.", help: "Add --recording FILE.")
    }
    guard let recording else {
      let capture = try CaptureInput.read(FilePath(file))
      let report = CaptureReport(
        capture, file: file == "-" ? "standard input" : file, isVerbose: output.verbose)
      try console.print(report) { report.text($0) }
      return .done
    }
    // Refused before something large is read.
    let target = try OutputFile(FilePath(recording), overwrites: overwriting.overwrite)
    let made = try CapturedRecording(try CaptureInput.read(FilePath(file)), device: device)
    try target.write(made.recording.text)
    if let packet = made.endsBefore {
      console.warn(
        "the recording ends before packet \(packet), of which bytes are missing in the capture")
    }
    console.note(
      "\(countText(made.transfers, "transfer")) of \(made.device) in \(terminalSafe(recording)); "
        + "-d replay:\(terminalSafe(recording)) plays them back")
    return .done
  }
}
