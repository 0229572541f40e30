public import USB

/// Which drivers Linux binds to a device and to each of its interfaces.
public struct LinuxDriverMatcher: Sendable {
  /// The modules and their settings. Where it has no aliases at all, ``ModuleAliases/builtInTable`` is asked.
  public var modules: KernelModules
  /// What the kernel is called in the trace; nil where that is not known.
  public var kernel: String?
  /// The drivers that are registered already, as `/sys/bus/usb/drivers` names them, first to last as far as
  /// known.
  public var registeredDrivers: [String]
  /// What was written to `new_id` of drivers, with the driver's name.
  public var dynamicIDs: [(driver: String, id: DynamicID)]

  /// A kernel; what is not given is not known.
  public init(
    modules: KernelModules = KernelModules(), kernel: String? = nil,
    registeredDrivers: [String] = [],
    dynamicIDs: [(driver: String, id: DynamicID)] = []
  ) {
    self.modules = modules
    self.kernel = kernel
    self.registeredDrivers = registeredDrivers
    self.dynamicIDs = dynamicIDs
  }

  /// A device as it is, or is going to be, attached.
  public struct Target: Sendable {
    /// Its descriptor.
    public var device: DeviceDescriptor
    /// Its configurations.
    public var configurations: [ConfigurationDescriptor]
    /// Its speed.
    public var speed: USBSpeed
    /// What its port gives, in mA; nil for what ports usually give.
    public var powerBudget: Int?
    /// Where it is plugged in, for commands with its name.
    public var path: PortPath?
    /// The configuration that is set, where it is attached; otherwise Linux chooses.
    public var activeConfiguration: UInt8?
    /// Whether it may be used: `authorized`.
    public var isAuthorized: Bool
    /// What is bound now, by interface: nil where it is not known, a missing interface where nothing is
    /// bound.
    public var boundDrivers: [UInt8: String]?

    /// A device; see the properties.
    public init(
      device: DeviceDescriptor, configurations: [ConfigurationDescriptor], speed: USBSpeed = .high,
      powerBudget: Int? = nil, path: PortPath? = nil, activeConfiguration: UInt8? = nil,
      isAuthorized: Bool = true, boundDrivers: [UInt8: String]? = nil
    ) {
      self.device = device
      self.configurations = configurations
      self.speed = speed
      self.powerBudget = powerBudget
      self.path = path
      self.activeConfiguration = activeConfiguration
      self.isAuthorized = isAuthorized
      self.boundDrivers = boundDrivers
    }
  }

  /// The decision about the device, and then one about each interface of the configuration that is set.
  public func decisions(for target: Target) -> [DriverDecision] {
    let choice = ConfigurationChoice(
      target.device, target.configurations, speed: target.speed, budget: target.powerBudget)
    let value = target.activeConfiguration ?? choice.value
    var result = [deviceDecision(target, choice)]
    guard target.isAuthorized,
      let configuration = target.configurations.first(where: { $0.value == value })
    else { return result }
    var claimed: [UInt8: Claimed] = [:]
    var seen: Set<UInt8> = []
    // Interfaces are added, and matched, in the order in which they stand.
    for interface in configuration.interfaces where seen.insert(interface.number).inserted {
      let subject = Subject(
        name: Modalias(target.device, interface), configuration: configuration, target: target,
        claimed: claimed[interface.number])
      let decision = decision(about: subject)
      result.append(decision)
      guard claimed[interface.number] == nil else { continue }
      for driver in decision.drivers {
        guard
          let claims = FunctionClaim.interfaces(
            of: driver, bound: interface.number, in: configuration)
        else { continue }
        for number in claims.numbers where !seen.contains(number) {
          if claimed[number] == nil {
            claimed[number] = Claimed(drivers: [], by: interface.number, evidence: claims.evidence)
          }
          if claimed[number]?.by == interface.number { claimed[number]?.drivers.append(driver) }
        }
      }
    }
    for (number, claim) in claimed { tellRace(about: number, claim, &result) }
    return result
  }

  /// The decision about an interface of which only the modalias is known.
  ///
  /// What further settings, the function's other interfaces and the live system would tell is left out.
  public func decision(for name: Modalias) -> DriverDecision {
    let device = DeviceDescriptor(
      deviceClass: name.deviceClass, vendor: name.vendor, product: name.product,
      deviceVersion: name.deviceVersion)
    return decision(
      about: Subject(
        name: name, configuration: nil, target: Target(device: device, configurations: []),
        claimed: nil))
  }

  /// An interface that a driver takes along with another.
  struct Claimed {
    /// The drivers of which one does: that which is bound to the other.
    var drivers: [String]
    /// The other.
    var by: UInt8
    var evidence: Evidence
  }

  /// Two boots of one machine, in which another driver had taken a data interface first or had not.
  static let race = Evidence(
    "a 6.12 kernel that bound one device differently in three boots", .seen)

  /// Says of an interface whose driver wants another one too that somebody else may be there first.
  private func tellRace(
    about number: UInt8, _ claim: Claimed, _ decisions: inout [DriverDecision]
  ) {
    guard let other = decisions.first(where: { $0.subject == "interface \(number)" }),
      let index = decisions.firstIndex(where: { $0.subject == "interface \(claim.by)" })
    else { return }
    let rivals = other.drivers.filter { !claim.drivers.contains($0) }
    guard !rivals.isEmpty else { return }
    let drivers = listText(claim.drivers, "or")
    let step = DriverDecision.Step(
      "claim-race",
      "\(drivers) binds, unless \(listText(rivals, "or")) has taken interface \(number) before: then its"
        + " probe fails,"
        + " and this interface may stay free.", Self.race)
    if decisions[index].outcome.rule == "binds" {
      decisions[index].outcome = step
    } else {
      decisions[index].steps.append(step)
    }
  }

  /// What one decision is about.
  struct Subject {
    var name: Modalias
    var configuration: ConfigurationDescriptor?
    var target: Target
    var claimed: Claimed?

    /// All settings of the interface.
    var settings: [InterfaceDescriptor] { configuration?.settings(of: name.interfaceNumber) ?? [] }

    /// What sysfs calls it: `1-2:1.0`, or the shape of it.
    var sysfsName: String {
      let value = configuration.map { String($0.value) } ?? "CONFIGURATION"
      return "\(target.path?.description ?? "BUS-PORT"):\(value).\(name.interfaceNumber)"
    }
  }

  private func deviceDecision(_ target: Target, _ choice: ConfigurationChoice) -> DriverDecision {
    let device = target.device
    let generic = Evidence("Linux 6.12, drivers/usb/core/generic.c", .read)
    var candidates: [DriverDecision.Candidate] = []
    for special in SpecialDeviceDriver.all
    where special.vendor == device.vendor.rawValue
      && special.products.contains(device.product.rawValue)
    {
      candidates.append(
        DriverDecision.Candidate(
          driver: special.module, origin: special.evidence.source,
          match: "\(device.vendor):\(device.product)",
          verdict: .ties,
          steps: [
            .init(
              "device-driver",
              "\(special.module) \(special.purpose); where it is loaded, the generic driver leaves the"
                + " device to it.",
              special.evidence)
          ]))
    }
    candidates.append(
      DriverDecision.Candidate(
        driver: "usb", origin: "the kernel", verdict: candidates.isEmpty ? .wins : .ties,
        steps: [
          .init(
            "generic",
            "The generic driver takes every device that no other driver of devices wants.", generic)
        ]))
    var outcome = choice.outcome
    var steps = choice.steps
    if !target.isAuthorized {
      outcome = .init(
        "not-authorized",
        "The device is not authorized: it is not configured, and no driver is asked.",
        Evidence("Linux, drivers/usb/core/hub.c, usb_deauthorize_device", .read))
    } else if let active = target.activeConfiguration, active != choice.value {
      steps.append(choice.outcome)
      outcome = .init(
        "configuration-set",
        "Configuration \(active) is set, and not the one that Linux chooses by itself: something has"
          + " changed it.",
        Evidence("sysfs, bConfigurationValue", .seen))
    }
    var changes: [DriverDecision.Step] = []
    let sysfs = Evidence("Linux, Documentation/ABI/testing/sysfs-bus-usb", .documented)
    let folder = "/sys/bus/usb/devices/\(target.path?.description ?? "BUS-PORT")"
    if target.configurations.count > 1 {
      changes.append(
        .init(
          "bConfigurationValue",
          "Writing a configuration's value to \(folder)/bConfigurationValue sets it, and its interfaces"
            + " are matched"
            + " anew.", sysfs))
    }
    if !target.isAuthorized {
      changes.append(
        .init("authorize", "Writing 1 to \(folder)/authorized lets it be configured.", sysfs))
    }
    return DriverDecision(
      system: .linux, subject: "device", names: [], steps: steps, candidates: candidates,
      outcome: outcome,
      changes: changes)
  }
}
