public import USB

/// Everything that Windows names about a device: itself and, where usbccgp divides it, its functions.
public struct WindowsNames: Hashable, Sendable {
  /// One function of a composite device.
  public struct Function: Hashable, Sendable {
    /// The number in `MI_zz`: its first interface.
    public var number: UInt8
    /// Its interfaces.
    public var interfaces: [UInt8]
    /// The class that it is known by: of the association, or of the interface.
    public var functionClass: ClassTriple
    /// Its names.
    public var ids: DeviceIDs
    /// Why these interfaces belong together.
    public var step: DriverDecision.Step
  }

  /// The names of the device.
  public var device: DeviceIDs
  /// Its functions in the order of their interfaces, as long as no INF has them grouped in another way; none
  /// where it is not composite.
  public var functions: [Function]
  /// Why it is composite or not, and what its Microsoft OS descriptors come to.
  public var steps: [DriverDecision.Step]
  /// What the registry says of the device.
  public private(set) var flags: UsbFlags
  private(set) var source: Source

  /// Names a device.
  ///
  /// - Parameters:
  ///   - device: its device descriptor.
  ///   - configurations: all of its configurations.
  ///   - microsoft: what it answers to requests for Microsoft OS descriptors, of each version that it has.
  ///   - flags: what the registry says of it.
  ///   - windows: which Windows names it.
  public init(
    _ device: DeviceDescriptor, _ configurations: [ConfigurationDescriptor],
    microsoft: [MicrosoftIDs] = [], flags: UsbFlags = UsbFlags(), on windows: WindowsProfile
  ) {
    let first = configurations.first
    source = Source(
      device: device, configurations: configurations, hasVendorClasses: windows.hasVendorClasses)
    steps = CompositeRule.all.map { $0.step(device, first) }
    self.flags = flags.counting(for: device)
    steps += flags.steps(of: device, microsoft)
    let taken = Self.taken(flags.applied(to: microsoft).left, device, windows, &steps)
    source.microsoft = taken
    let isForced = taken?.isForcedComposite ?? false
    let mayBeComposite = isForced || CompositeRule.all.allSatisfy { $0.holds(device, first) }
    // Whether the parent of functions gets ids of its own from 1.0 is not known; it is taken that it does not.
    let entry =
      mayBeComposite ? taken?.entries.first { $0.firstInterface == nil } : taken?.device
    self.device = DeviceIDs(
      device, configurations, microsoft: entry, isForcedComposite: isForced,
      hasVendorClasses: windows.hasVendorClasses)
    functions = []
    if windows.isAtLeast(10, 0, 22000) {
      step(
        "vendor-classes",
        windows.hasVendorClasses
          ? "This Windows gives devices COMPAT_VID ids too, which move those of the class three places down."
          : "This Windows is taken to give devices no COMPAT_VID ids.",
        "dumps of Windows 11: from 22H2 on, and not of 21H2; the first build is not known",
        windows.build >= 22621 || windows.build == 22000 ? .seen : .open)
    }
    if isForced {
      step(
        "composite-forced", "Its Microsoft OS descriptors ask for usbccgp whatever it is.",
        "Microsoft OS 2.0 Descriptors, CCGP device descriptor", .documented)
    }
    if let taken, !mayBeComposite, taken.version == 2, taken.device == nil, !taken.entries.isEmpty {
      step(
        "microsoft-function-subset",
        "Its Microsoft OS 2.0 descriptors name a function, and it is not composite: no compatible id "
          + "comes of them.", "A trial with one device on Windows 11", .seen)
    }
    guard self.device.isComposite else { return }
    functions = divided(by: nil).functions
  }

  /// The functions that usbccgp makes of the device, whether or not it is composite by itself.
  ///
  /// - Parameter settings: what the INF that has loaded usbccgp sets; nil for nothing.
  /// - Returns: the functions in the order of their interfaces, and what is to be said of interfaces that are in
  ///   none.
  public func divided(
    by settings: CompositeSettings?
  ) -> (functions: [Function], steps: [DriverDecision.Step]) {
    let (configuration, choice) = source.configuration(settings?.configurationIndex)
    guard let configuration else { return ([], []) }
    let grouping = InterfaceGrouping(configuration, source.device, settings)
    let functions = grouping.groups.map { group in
      Function(
        number: group.number, interfaces: group.interfaces, functionClass: group.triple,
        ids: DeviceIDs(
          group, of: source.device, microsoft: source.microsoft?.function(group.number),
          hasVendorClasses: source.hasVendorClasses),
        step: group.step)
    }
    return (functions, choice + grouping.steps)
  }

  /// What the names are made of: which driver the device gets decides how it is divided.
  struct Source: Hashable, Sendable {
    var device: DeviceDescriptor
    var configurations: [ConfigurationDescriptor]
    var microsoft: MicrosoftIDs?
    var hasVendorClasses: Bool

    /// The configuration that usbccgp takes, and why where an INF chooses it.
    func configuration(
      _ index: UInt32?
    ) -> (ConfigurationDescriptor?, steps: [DriverDecision.Step]) {
      guard let index else { return (configurations.first, []) }
      let isThere = index < configurations.count
      let step = DriverDecision.Step(
        "composite-configuration",
        "OriginalConfigurationValue is \(index), counted from 0: "
          + (isThere
            ? "usbccgp takes this configuration, and its functions are those of it."
            : "no such configuration is known, and usbccgp takes the first."),
        Evidence(
          "Microsoft Learn, Configuring Usbccgp.sys to Select a Non-Default USB Configuration",
          .documented))
      return (isThere ? configurations[Int(index)] : configurations.first, [step])
    }

    /// Whether a modem's function has its control interface and not what its data goes through: a data interface
    /// that is another function, or none at all.
    func lacksData(_ function: Function, _ settings: CompositeSettings?) -> Bool {
      guard let configuration = configuration(settings?.configurationIndex).0 else { return true }
      let own = function.interfaces.flatMap { configuration.settings(of: $0) }
      if own.contains(where: { $0.interfaceClass.classCode == 0x0A }) { return false }
      // What the function says itself of where its data is.
      let elsewhere = own.flatMap { UnionDescriptor.all(of: $0) }.flatMap(\.subordinates).filter {
        !function.interfaces.contains($0)
      }
      if elsewhere.contains(where: { !configuration.settings(of: $0).isEmpty }) { return true }
      // Some firmware has all of a modem in one interface; a single pipe is for notifications.
      let bulk = own.flatMap(\.endpoints).filter { $0.attributes & 3 == 2 }
      return Set(bulk.map { $0.address & 0x80 }).count < 2
    }
  }

  private mutating func step(
    _ rule: String, _ sentence: String, _ source: String, _ certainty: Certainty
  ) {
    steps.append(DriverDecision.Step(rule, sentence, Evidence(source, certainty)))
  }

  /// The version of the descriptors that counts: 2.0 where the Windows knows it, else 1.0.
  private static func taken(
    _ all: [MicrosoftIDs], _ device: DeviceDescriptor, _ windows: WindowsProfile,
    _ steps: inout [DriverDecision.Step]
  ) -> MicrosoftIDs? {
    func note(_ rule: String, _ sentence: String, _ certainty: Certainty) {
      steps.append(
        DriverDecision.Step(
          rule, sentence, Evidence("Microsoft OS Descriptors, 1.0 and 2.0", certainty)))
    }
    var usable: [MicrosoftIDs] = []
    for ids in all {
      if ids.version == 2, !windows.isAtLeast(6, 3) {
        note(
          "microsoft-version-2",
          "Windows before 8.1 does not ask for Microsoft OS 2.0 descriptors.",
          .documented)
      } else if ids.version == 2, device.usbVersion < BCDVersion(0x0201) {
        note(
          "microsoft-version-2",
          "The device says USB \(device.usbVersion); only from 2.01 on Windows asks for the BOS that "
            + "announces Microsoft OS 2.0 descriptors.", .documented)
      } else if ids.version == 1, device.usbVersion < BCDVersion(0x0200) {
        note(
          "microsoft-version-1",
          "The device says USB \(device.usbVersion); only from 2.00 on Windows asks for string 0xEE.",
          .seen)
      } else {
        usable.append(ids)
      }
    }
    guard let taken = usable.max(by: { $0.version < $1.version }) else { return nil }
    if usable.contains(where: { $0.version < taken.version }) {
      note(
        "microsoft-both", "It has Microsoft OS descriptors of both versions; those of 2.0 count.",
        .documented)
    }
    if taken.version == 1 {
      note(
        "microsoft-cache",
        "Answers of version 1.0 are remembered for vendor, product and bcdDevice; after a change of the "
          + "firmware Windows asks again only where bcdDevice is another.", .documented)
    }
    return taken
  }
}
