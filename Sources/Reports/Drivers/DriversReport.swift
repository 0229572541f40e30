public import DriverMatching
public import USB

/// Which driver a device gets, on Linux and on Windows, and why: `dfu usb drivers`.
public struct DriversReport: Encodable, Hashable, Sendable {
  /// What Linux does.
  public struct Linux: Encodable, Hashable, Sendable {
    /// What was asked: `modules.alias of 6.12.43+deb13-amd64`, `the built-in table`.
    public var knowledge: String
    /// About the device, and about each of its interfaces.
    public var decisions: [DriverDecision]
    /// Who may open its node; nil where no rules were asked.
    public var access: NodeAccess?
  }

  /// What Windows does.
  public struct Windows: Encodable, Hashable, Sendable {
    /// One device of Device Manager: the whole, or a function of a composite one.
    public struct Part: Encodable, Hashable, Sendable {
      /// The decision, and what comes of it.
      public var outcome: WindowsDecision
      /// How Windows comes by the driver.
      public var chain: DriverChain
      /// What people see, and what proves it.
      public var symptoms: [WindowsSymptom]
      /// Values in the registry that show it.
      public var registry: [RegistryProof]
      /// What to do.
      public var instructions: [WindowsInstruction]
    }

    /// The Windows that decides.
    public var profile: WindowsProfile
    /// The device, and then its functions where it is composite and usbccgp is loaded.
    public var parts: [Part]
    /// What is wrong with INF files that were given, as `file:line: sentence`.
    public var findings: [String]
    /// Settings of the registry that change how Windows asks this device.
    public var flags: [UsbFlag]
  }

  /// The name and version of this document's shape.
  public var schema = "dfu.drivers/1"
  /// A selector, the name of a file, or the names that were given.
  public var source: String
  /// Vendor and product: `0483:df11`; nil where only names were given.
  public var device: String?
  /// Its product string.
  public var product: String?
  /// What Linux does; nil where nobody asked.
  public var linux: Linux?
  /// What Windows does; nil where nobody asked.
  public var windows: Windows?

  /// A report.
  ///
  /// - Parameters:
  ///   - source: a selector, the name of a file, or the names that were given.
  ///   - device: vendor and product.
  ///   - product: the product string.
  ///   - linux: what Linux does.
  ///   - windows: what Windows does.
  public init(
    source: String, device: String? = nil, product: String? = nil, linux: Linux? = nil,
    windows: Windows? = nil
  ) {
    self.source = source
    self.device = device
    self.product = product
    self.linux = linux
    self.windows = windows
  }
}

/// A device as the two systems look at it.
public struct DriverSubject: Hashable, Sendable {
  /// Its device descriptor.
  public var device: DeviceDescriptor
  /// Its configurations.
  public var configurations: [ConfigurationDescriptor]
  /// At which speed; nil where nobody knows.
  public var speed: USBSpeed?
  /// Its product string.
  public var product: String?
  /// Its serial number.
  public var serialNumber: String?
  /// Its maker.
  public var manufacturer: String?
  /// What it answers to requests for Microsoft OS descriptors.
  public var microsoft: [MicrosoftIDs]
  /// Why Windows could not enumerate it; nil where it could.
  public var failure: EnumerationFailure?
  /// Where it is plugged in; nil where it is not.
  public var path: PortPath?
  /// Its address on the bus.
  public var address: UInt8?
  /// Which drivers hold its interfaces now; nil where nobody knows.
  public var boundDrivers: [UInt8: String]?
  /// The configuration that is set; nil where nobody knows.
  public var activeConfiguration: UInt8?

  /// What a device says of itself; nil where its device descriptor is not whole.
  ///
  /// - Parameter set: its descriptors.
  public init?(_ set: DescriptorSet) {
    let unknown = set.unknown[.descriptors] ?? []
    guard !unknown.contains(where: { $0 < 18 }) else { return nil }
    var reader = ByteReader(set.device.span.bytes)
    guard let device = try? DeviceDescriptor(parsing: &reader) else { return nil }
    self.device = device
    configurations = set.configurations.flatMap { bytes in
      var reader = ByteReader(bytes.span.bytes)
      return ConfigurationDescriptor.all(parsing: &reader)
    }
    speed = set.speed
    func string(_ index: UInt8) -> String? { index == 0 ? nil : set.strings[index] }
    product = string(set.device[15])
    serialNumber = string(set.device[16])
    manufacturer = string(set.device[14])
    microsoft = []
    if let bytes = set.others[.compatibleIDs] {
      microsoft.append(MicrosoftIDs(compatibleIDs: bytes))
    }
    if let bytes = set.others[.microsoftSet] { microsoft.append(MicrosoftIDs(set: bytes)) }
    // The rules of the descriptors know what Windows refuses; its name for that stands in their words.
    let refusals = set.tree.faults.compactMap(\.windows)
    failure = EnumerationFailure.allCases.first { failure in
      refusals.contains { $0.contains(failure.deviceID) }
    }
  }
}

extension DriversReport.Windows {
  /// What Windows makes of a device.
  ///
  /// - Parameters:
  ///   - subject: the device.
  ///   - store: the drivers that it has.
  ///   - usbFlags: what the registry says of it.
  ///   - findings: what is wrong with the files of the store.
  public init(
    _ subject: DriverSubject, _ store: DriverStore, flags usbFlags: UsbFlags = UsbFlags(),
    findings: [String] = []
  ) {
    let windows = store.windows
    profile = windows
    self.findings = findings
    flags = UsbFlag.all
    if let failure = subject.failure {
      var outcome = store.decision(for: DeviceIDs(failure), product: nil, failure: failure)
      outcome.decision.steps.insert(
        DriverDecision.Step(
          "enumeration",
          "Windows does not get as far as names: \(failure.name). It shows a device of its own with code 43.",
          failure.evidence), at: 0)
      parts = [Part(outcome, on: windows, deviceID: failure.deviceID)]
      return
    }
    let names = WindowsNames(
      subject.device, subject.configurations, microsoft: subject.microsoft, flags: usbFlags,
      on: windows)
    var decisions = store.decisions(
      for: names, product: subject.product, serialNumber: subject.serialNumber)
    if let change = Self.withoutFlags(names, subject, store, decisions.first) {
      decisions[0].decision.changes.insert(change, at: 0)
    }
    parts = decisions.map { Part($0, on: windows, deviceID: $0.deviceID) }
  }

  /// What were if the registry said nothing of the device; nil where it is the same.
  private static func withoutFlags(
    _ names: WindowsNames, _ subject: DriverSubject, _ store: DriverStore, _ now: WindowsDecision?
  ) -> DriverDecision.Step? {
    guard names.flags != UsbFlags(), let now else { return nil }
    let free = WindowsNames(
      subject.device, subject.configurations, microsoft: subject.microsoft, on: store.windows)
    guard
      let node = store.decisions(for: free, product: subject.product).first?.binding?.node,
      node != now.binding?.node
    else { return nil }
    return DriverDecision.Step(
      "usbflags-deleted",
      "Without these values in usbflags, and plugged in anew, \(node.place) would win at \(node.rank.text).",
      Evidence("decided again", .derived))
  }

  /// What Windows makes of a device of which only its names are known.
  public init(_ ids: DeviceIDs, _ store: DriverStore, findings: [String] = []) {
    profile = store.windows
    self.findings = findings
    flags = []
    let failed = EnumerationFailure(naming: ids)?.deviceID
    parts = [
      Part(
        store.decision(for: ids), on: store.windows, deviceID: failed ?? ids.hardware.last ?? "")
    ]
  }
}

extension DriversReport.Windows.Part {
  init(_ outcome: WindowsDecision, on windows: WindowsProfile, deviceID: String) {
    self.outcome = outcome
    chain = DriverChain(outcome, on: windows)
    symptoms = WindowsSymptom.of(outcome)
    registry = RegistryProof.of(outcome, deviceID: deviceID)
    instructions = WindowsInstruction.of(outcome, on: windows)
  }
}

extension DriverSubject {
  /// What is known of a device that is not opened: there is no driver for it, or no permission.
  ///
  /// - Parameter info: what its host tells.
  public init(_ info: DeviceInfo) {
    device = info.descriptor
    configurations = info.configurations
    speed = info.speed
    product = info.productName
    serialNumber = info.serialNumber
    manufacturer = info.manufacturerName
    microsoft = []
  }

  /// Puts in where it is plugged in, and what the system tells of it.
  ///
  /// - Parameters:
  ///   - info: what its host tells.
  ///   - surroundings: what the system tells; nil for one that is of no system.
  public mutating func place(_ info: DeviceInfo, _ surroundings: DeviceSurroundings?) {
    guard let surroundings else { return }
    path = info.path
    address = info.address
    activeConfiguration = info.activeConfiguration
    boundDrivers = surroundings.interfaceDrivers
  }
}

extension DriversReport.Linux {
  /// What Linux makes of a device.
  ///
  /// - Parameters:
  ///   - subject: the device.
  ///   - matcher: the kernel, and its modules.
  public init(_ subject: DriverSubject, _ matcher: LinuxDriverMatcher) {
    let target = LinuxDriverMatcher.Target(
      device: subject.device, configurations: subject.configurations,
      speed: subject.speed ?? .full, path: subject.path,
      activeConfiguration: subject.activeConfiguration, boundDrivers: subject.boundDrivers)
    self.init(matcher, matcher.decisions(for: target))
  }

  /// What Linux makes of interfaces of which only the modalias is known.
  ///
  /// - Parameters:
  ///   - names: the names.
  ///   - matcher: the kernel, and its modules.
  public init(_ names: [Modalias], _ matcher: LinuxDriverMatcher) {
    self.init(
      matcher,
      names.map { name in
        var decision = matcher.decision(for: name)
        decision.subject = "interface \(name.interfaceNumber)"
        return decision
      })
  }

  private init(_ matcher: LinuxDriverMatcher, _ decisions: [DriverDecision]) {
    knowledge =
      !matcher.modules.isKnown
      ? "no modules.alias is at hand: the built-in table of class drivers"
      : "modules of \(matcher.kernel ?? "a kernel")"
    self.decisions = decisions
  }
}
