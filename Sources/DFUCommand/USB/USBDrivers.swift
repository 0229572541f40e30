import ArgumentParser
import Captures
import DriverMatching
import Reports
import SystemPackage
import USB
import Workbench

/// `dfu usb drivers`: which driver a device gets, on Linux and on Windows, and why.
struct USBDrivers: Verb {
  static let configuration = CommandConfiguration(
    commandName: "drivers",
    abstract:
      "Tell which driver Linux and Windows bind to a device, why, and what would change it.",
    discussion: """
      From its descriptors alone: of a device that -d names, of a file with descriptors (--from, as dfu usb describe \
      reads it), or of bare names. Linux is asked through the modules.alias of the running kernel, or of --modules; \
      where there is none, through a small table of the usual class drivers, and it is said so. Windows is asked \
      through its own drivers, as far as they are known, and the INF files of --inf: the driver store. Each answer has \
      the rule it rests on; -v tells all of them, and how well each is known.

      Examples:
        dfu usb drivers -d virtual:stm32f407
        dfu usb drivers --from board.hex --os windows -v
        dfu usb drivers --modalias usb:v0483p5740d0200dc02dsc00dp00ic02isc02ip01in00
        dfu usb drivers --hardware-id 'USB\\VID_0483&PID_DF11' --windows-build 19045 --json
      """
  )

  /// Which system is asked.
  enum System: String, ExpressibleByArgument, CaseIterable {
    case linux
    case windows
  }

  @OptionGroup var which: DeviceOptions

  @Option(
    help: ArgumentHelp("A file with descriptors; - is standard input.", valueName: "file"))
  var from: String?

  @Option(help: ArgumentHelp("Only this system.", valueName: "linux|windows"))
  var os: System?

  @Option(
    help: ArgumentHelp(
      "Drivers that were added to Windows: an INF file, or a folder with some. Repeatable.",
      valueName: "path"))
  var inf: [String] = []

  @Option(
    help: ArgumentHelp(
      "Take this file out of Windows' store, one of its own as well. Repeatable.", valueName: "inf")
  )
  var remove: [String] = []

  @Option(
    help: ArgumentHelp(
      "The build of Windows: 19045 is 10 22H2, 26100 is 11 24H2, 7601 is 7.", valueName: "number"))
  var windowsBuild: Int?

  @Option(
    help: ArgumentHelp("The processor of that machine.", valueName: "amd64|arm64|x86"))
  var architecture: String?

  @Option(
    help: ArgumentHelp(
      """
      What Windows' registry has about the device in usbflags: osvc=0000, or a file with what reg.exe or regedit made \
      of that key. Repeatable.
      """, valueName: "name=value"))
  var usbFlags: [String] = []

  @Option(
    help: ArgumentHelp(
      "The modules of a kernel: a modules.alias, its folder, or the root of a system.",
      valueName: "path"))
  var modules: String?

  @Option(
    help: ArgumentHelp(
      "As if this had been written to a driver's new_id: 'ftdi_sio 0403 1234'. Repeatable.",
      valueName: "driver ids"))
  var newId: [String] = []

  @Option(
    help: ArgumentHelp(
      "Rules of udev instead of those of this machine: a file, or a folder with some. Repeatable.",
      valueName: "path"))
  var rules: [String] = []

  @Option(
    help: ArgumentHelp(
      "Instead of a device: what Linux calls an interface. Repeatable; - reads lines.",
      valueName: "text"))
  var modalias: [String] = []

  @Option(
    help: ArgumentHelp(
      "Instead of a device: a hardware id of Windows, best first. Repeatable.", valueName: "id"))
  var hardwareId: [String] = []

  @Option(
    help: ArgumentHelp(
      "Instead of a device: a compatible id of Windows, best first. Repeatable.", valueName: "id"))
  var compatibleId: [String] = []

  @Flag(
    help: """
      Ask for Microsoft's string 0xEE and what it announces as well. Some devices hang when they are asked.
      """)
  var microsoft = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    try checkOptionalSeconds(of: "--wait")
    let names = !modalias.isEmpty || !hardwareId.isEmpty || !compatibleId.isEmpty
    guard [names, from != nil, !which.selection.device.isEmpty].count(where: { $0 }) <= 1 else {
      throw ValidationError("A device, a file and bare names are three different things: give one.")
    }
    guard !(hardwareId + compatibleId + modalias).contains(where: \.isEmpty) else {
      throw ValidationError("A name that is empty names nothing.")
    }
    let ofWindows =
      !inf.isEmpty || !remove.isEmpty || windowsBuild != nil || !usbFlags.isEmpty
      || architecture != nil
    let ofLinux = modules != nil || !rules.isEmpty || !newId.isEmpty
    let isLinuxAlone = os == .linux || (hardwareId + compatibleId).isEmpty && names
    let isWindowsAlone = os == .windows || modalias.isEmpty && names
    guard !(isLinuxAlone && ofWindows), !(isWindowsAlone && ofLinux) else {
      throw ValidationError(
        """
        --inf, --remove, --windows-build, --architecture and --usb-flags are of Windows, --modules, --new-id and --rules \
        of Linux, and what is asked here is the other one.
        """)
    }
    guard !names || os == nil else {
      throw ValidationError(
        "Bare names say of themselves which system they are of: leave --os away.")
    }
    guard !names || usbFlags.isEmpty else {
      throw ValidationError(
        "--usb-flags changes a device's names, and bare names are what they are.")
    }
  }

  func perform(on console: Console) async throws -> ExitStatus {
    let names = !modalias.isEmpty || !hardwareId.isEmpty || !compatibleId.isEmpty
    let report = names ? try named(on: console) : try await described(on: console)
    let isVerbose = output.verbose
    try console.print(report) { report.text($0, isVerbose: isVerbose) }
    return .done
  }

  // MARK: What is asked

  private func described(on console: Console) async throws -> DriversReport {
    guard let from else { return try await asked(on: console) }
    let input = try DescriptorInput(FilePath(from))
    guard let subject = DriverSubject(input.set) else {
      throw Self.partial(from)
    }
    return try report(on: subject, source: from)
  }

  private static func partial(_ file: String) -> UsageError {
    var error = UsageError(
      "\(file) has no whole device descriptor, and drivers are found by what that says.",
      help: "`dfu usb describe \(file)` shows what it has.")
    error.status = .damagedInput
    return error
  }

  private func asked(on console: Console) async throws -> DriversReport {
    let wait = which.wait.map { DeviceWait($0.value) }
    let found = try await DeviceSearch.devices(
      which.selectors, kind: which.selectors.isEmpty ? .dfu : .any, waiting: wait,
      record: try which.selection.recordingRequest
    ) {
      tellWait(on: console)
    }
    return try await keeping(found, console) {
      let one = try DeviceSearch.only(of: found)
      var subject = DriverSubject(one.info)
      do {
        let device = try await one.host.open(one.info.id)
        let set = try? await DescriptorSet(asking: device, microsoft: microsoft)
        await device.close()
        if let set, let known = DriverSubject(set) { subject = known }
      } catch {
        // What the system knows without opening it is enough for all but Microsoft's descriptors.
        console.note("it cannot be opened, so that it was not asked for Microsoft's descriptors")
      }
      subject.place(one.info, one.host.surroundings(of: one.info))
      return try report(on: subject, source: one.selector)
    }
  }

  private func report(on subject: DriverSubject, source: String) throws -> DriversReport {
    var report = DriversReport(
      source: source, device: "\(subject.device.vendor):\(subject.device.product)",
      product: subject.product)
    if os != .windows {
      var linux = DriversReport.Linux(
        subject, try matcher(for: (subject.device.vendor, subject.device.product), subject))
      let machine = Machine.current(environment: Terminal.environment)
      let isHere = subject.boundDrivers != nil
      let udev =
        rules.isEmpty
        ? UdevFiles.installed(
          on: machine, for: (subject.device.vendor, subject.device.product))
        : try UdevFiles.named(rules.map { FilePath($0) })
      linux.access = udev.access(
        of: subject, users: isHere && rules.isEmpty ? [machine.user] : UdevFiles.usualUsers,
        sysfs: isHere ? UdevSysfs() : nil)
      report.linux = linux
    }
    if os != .linux {
      let (store, findings) = try store
      let (flags, more) = try registry(of: subject.device)
      report.windows = DriversReport.Windows(
        subject, store, flags: flags, findings: findings + more)
    }
    return report
  }

  private func named(on console: Console) throws -> DriversReport {
    var report = DriversReport(
      source: (modalias + hardwareId + compatibleId).prefix(1).joined())
    if !modalias.isEmpty {
      var lines: [String] = []
      for name in modalias {
        guard name == "-" else {
          lines.append(name)
          continue
        }
        let text = String(decoding: try InputFile.read("-", limit: 16 << 20), as: UTF8.self)
        lines += text.split(whereSeparator: \.isNewline).map(String.init)
      }
      var names: [Modalias] = []
      var small: Modalias?
      for (index, line) in lines.enumerated() {
        do throws(ModaliasError) {
          let name = try Modalias(parsing: line)
          if small == nil, name.description != line.filter({ !$0.isWhitespace }) { small = name }
          names.append(name)
        } catch {
          guard lines.count > 1 else { throw error }
          throw UsageError(
            "Number \(index + 1) of the modaliases: \(error.sentence)", help: error.help)
        }
      }
      if let small {
        console.note("it is \(small): modprobe finds nothing by small digits")
      }
      guard !names.isEmpty else {
        var error = UsageError(
          "There is no modalias in what was given.",
          help:
            "Each line is one, as the file modalias of an interface under /sys/bus/usb/devices has it."
        )
        error.status = .damagedInput
        throw error
      }
      // Of one product: a line of another cannot match.
      let first = names[0]
      let isOne = names.allSatisfy { $0.vendor == first.vendor && $0.product == first.product }
      report.linux = DriversReport.Linux(
        names, try matcher(for: isOne ? (first.vendor, first.product) : nil, nil))
    }
    if !hardwareId.isEmpty || !compatibleId.isEmpty {
      let (store, findings) = try store
      report.windows = DriversReport.Windows(
        DeviceIDs(hardware: hardwareId, compatible: compatibleId), store, findings: findings)
    }
    return report
  }

  // MARK: Who is asked

  /// The kernel; where a device is of this machine, with the drivers that are registered.
  private func matcher(
    for product: (vendor: VendorID, product: ProductID)?, _ subject: DriverSubject?
  ) throws -> LinuxDriverMatcher {
    let files =
      try modules.map { try ModuleFiles.named(FilePath($0), for: product) }
      ?? ModuleFiles.running(for: product)
    let isHere = subject?.boundDrivers != nil && modules == nil
    return LinuxDriverMatcher(
      modules: files?.modules ?? KernelModules(), kernel: files?.kernel,
      registeredDrivers: isHere ? ModuleFiles.registered() : [],
      dynamicIDs: try newId.map { try dynamicID($0) })
  }

  /// A driver's name, and behind it what one writes to its `new_id`.
  private func dynamicID(_ text: String) throws -> (driver: String, id: DynamicID) {
    let words = text.split(separator: " ", maxSplits: 1)
    guard words.count == 2, let id = DynamicID(String(words[1])) else {
      throw UsageError(
        "“\(text)” is no driver with ids for its new_id.",
        help:
          "Write the driver, and then what the kernel takes: 'ftdi_sio 0403 1234', or 'usbserial 0403 1234 ff'."
      )
    }
    guard words[0] != "usb", words[0] != "hub" else {
      throw UsageError(
        "\(words[0]) takes no ids: it is a driver of devices, or goes by their class.",
        help: "Name a driver of interfaces: 'ftdi_sio 0403 1234'.")
    }
    return (String(words[0]), id)
  }

  /// Settings that were typed, over those of files; typed ones have a `=`.
  private func registry(
    of device: DeviceDescriptor
  ) throws -> (flags: UsbFlags, findings: [String]) {
    var flags = UsbFlags()
    var findings: [String] = []
    for file in usbFlags where !file.contains("=") {
      let bytes = try InputFile.read(FilePath(file), limit: UsbFlagsReading.sizeLimit)
      let reading = try UsbFlagsReading(bytes, name: file, of: device)
      flags.add(reading.flags)
      findings += reading.findings.map { "\(file):\($0.line): \($0.sentence)" }
    }
    flags.add(try UsbFlags(parsing: usbFlags.filter { $0.contains("=") }))
    return (flags, findings)
  }

  private var store: (DriverStore, findings: [String]) {
    get throws {
      guard let processor = WindowsProfile.Architecture(rawValue: architecture ?? "amd64") else {
        let all = WindowsProfile.Architecture.allCases.map(\.rawValue).joined(separator: ", ")
        throw UsageError(
          "“\(architecture ?? "")” is no processor of Windows.", help: "There are \(all).")
      }
      let packages = try DriverPackages(inf.map { FilePath($0) })
      var windows =
        try windowsBuild.map { build in
          guard let known = WindowsProfile.build(build) else {
            throw UsageError(
              "There is no build \(build) of a Windows that is known here.",
              help: "7 is 7601, 8.1 is 9600, 10 has 10240 to 19045, and 11 begins with 22000.")
          }
          return known
        } ?? .windows11
      windows.architecture = processor
      let store = DriverStore(packages.files, on: windows)
      let known = Set(
        (packages.files.map(\.name) + store.inbox.map(\.file)).map { $0.lowercased() })
      if let strange = remove.first(where: { !known.contains($0.lowercased()) }) {
        throw UsageError(
          "There is no “\(strange)” in the store that could be removed.",
          help:
            "There are \(packages.files.map(\.name).joined(separator: ", ")), and the files of Windows itself."
        )
      }
      return (remove.isEmpty ? store : store.without(remove), packages.findings)
    }
  }
}
