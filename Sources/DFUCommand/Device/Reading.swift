import ArgumentParser
import DFUHost
import Firmware
import Reports
import SystemPackage
import USB
import Workbench

/// `dfu read`: the memory of a device into a file.
struct Read: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Read a device's memory into a file.",
    discussion: """
      Without a range, everything that the target allows to read. The ending of the output's name \
      says the format: .bin, .hex, .s19, .elf, .uf2, .dfu.

      Examples:
        dfu read -o all.bin -d virtual:stm32f407
        dfu read -o head.hex --address 0x08000000 --length 16K -d virtual:stm32f407
      """
  )

  @OptionGroup var which: DeviceOptions
  @OptionGroup var mode: DetachOptions
  @OptionGroup var place: RangeOptions

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp("The file to write; - is standard output.", valueName: "file"))
  var path: String

  @Option(help: ArgumentHelp("The format to write.", valueName: formatNames))
  var to: FirmwareFormat?

  @OptionGroup var job: JobOptions
  @OptionGroup var output: OutputOptions

  var sendsEvents: Bool { job.events }

  func perform(on console: Console) async throws -> ExitStatus {
    let file = try OutputFile(FilePath(path), overwrites: which.overwriting.overwrite)
    try checkFormat(of: file, asked: to)
    if path == "-", job.events {
      throw UsageError(
        "Standard output cannot carry both the memory and the events.",
        help: "Name a file with -o, or leave --events away.")
    }
    let progress = ProgressDisplay(console, sendsEvents: job.events)
    return try await withSession(which, in: mode.wanted, on: console) { session, _ in
      let target = try place.target(of: session)
      let content: FirmwareTarget.Content
      if target.map == nil {
        if place.address != nil {
          throw UsageError("\(target.described) has no addresses.", help: "Leave --address away.")
        }
        content = .raw(
          try await session.readPlain(
            target, count: place.length.map { Int($0.value) }, progress: progress.handler))
      } else {
        let plan =
          if let range = try place.range(in: target) {
            try ReadPlan([range], of: target)
          } else {
            try ReadPlan(everythingOf: target)
          }
        try checkHoles(between: plan.ranges, in: file, asked: to)
        content = .image(try await session.read(plan, progress: progress.handler))
      }
      console.clearProgress()
      let part = FirmwareTarget(
        alternateSetting: target.alternateSetting, name: target.name, content: content)
      let size = try write([part], of: target, to: file, as: to)
      let report = WrittenReport([
        .init(
          name: path, format: try format(of: [part], for: file, asked: to).rawValue, size: size,
          address: part.lowestAddress.map(addressText),
          alternateSetting: target.alternateSetting)
      ])
      try console.print(written: report)
      return .done
    }
  }
}

/// `dfu verify`: whether a device holds a file.
struct Verify: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Compare a device's memory with a file.",
    discussion: """
      Exit status 80 where they differ. Nothing is changed.

      Examples:
        dfu verify app.hex -d virtual:stm32f407
      """
  )

  @OptionGroup var which: DeviceOptions
  @OptionGroup var mode: DetachOptions

  @Argument(
    help: ArgumentHelp(
      "The firmware; raw files may say where they go.", valueName: "[address[@alt]:]file"))
  var files: [String]

  @Option(help: ArgumentHelp("The alternate setting.", valueName: "name|number"))
  var target: String?

  @Option(help: ArgumentHelp("Where raw bytes are.", valueName: "address"))
  var address: AddressArgument?

  @Option(help: ArgumentHelp("Override a check; may be repeated."))
  var force: [FlashOptions.Force] = []

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var job: JobOptions
  @OptionGroup var output: OutputOptions

  var sendsEvents: Bool { job.events }

  func perform(on console: Console) async throws -> ExitStatus {
    let inputs = try files.map {
      try FirmwareInput(try PlacedInput($0), options: reading.options)
    }
    for input in inputs { console.tellWarnings(of: input) }
    var options = FlashOptions()
    options.target = target.map { FlashOptions.TargetName($0) }
    options.address = address?.value
    options.force = Set(force)
    let progress = ProgressDisplay(console, sendsEvents: job.events)
    return try await withSession(which, in: mode.wanted, on: console) { session, found in
      var options = options
      options.runtimeIDs = found.cameFrom.map { FlashOptions.RuntimeIDs($0) }
      let choice = try TargetChoice(inputs, for: session, options)
      let report = try await session.verify(choice, progress: progress.handler)
      console.clearProgress()
      let document = VerifyDocument(
        report, transfers: FlashDocument.Transfers(session.transfers))
      try console.print(document) { document.text($0) }
      return report.isSame ? .done : .different
    }
  }
}

/// `dfu blank-check`: whether memory is erased.
struct BlankCheck: Verb {
  static let configuration = CommandConfiguration(
    commandName: "blank-check",
    abstract: "Say whether a device's memory is erased.",
    discussion: """
      Exit status 80 where it is not. Nothing is changed.

      Examples:
        dfu blank-check -d virtual:stm32f407
        dfu blank-check --address 0x08010000 --length 64K -d virtual:stm32f407
      """
  )

  @OptionGroup var which: DeviceOptions
  @OptionGroup var mode: DetachOptions
  @OptionGroup var place: RangeOptions
  @OptionGroup var job: JobOptions
  @OptionGroup var output: OutputOptions

  var sendsEvents: Bool { job.events }

  func perform(on console: Console) async throws -> ExitStatus {
    let progress = ProgressDisplay(console, sendsEvents: job.events)
    return try await withSession(which, in: mode.wanted, on: console) { session, _ in
      let target = try place.target(of: session)
      let plan =
        if let range = try place.range(in: target) {
          try ReadPlan([range], of: target)
        } else {
          try ReadPlan(everythingOf: target)
        }
      let report = try await session.blankCheck(plan, progress: progress.handler)
      console.clearProgress()
      let document = BlankDocument(report, target: target.alternateSetting)
      try console.print(document) { document.text($0) }
      return report.isBlank ? .done : .different
    }
  }
}
