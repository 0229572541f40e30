public import USB

/// Which configuration Linux's generic driver sets, and why (`drivers/usb/core/generic.c`,
/// `usb_choose_configuration`).
public struct ConfigurationChoice: Codable, Hashable, Sendable {
  /// Its place in the list, from 0; nil where none is set.
  public var index: Int?
  /// Its `bConfigurationValue`; nil where none is set.
  public var value: UInt8?
  /// What was found of each configuration, in their order, as far as they were looked at.
  public var steps: [DriverDecision.Step]
  /// The result.
  public var outcome: DriverDecision.Step

  /// The power of a port in mA where nothing else is known (USB 2.0, 7.2.1; USB 3.2, 11.4.1). A port of a
  /// hub without a supply of its own gives 100, or 150 on SuperSpeed.
  public static func usualBudget(_ speed: USBSpeed) -> Int { speed >= .superSpeed ? 900 : 500 }

  private static let evidence = Evidence(
    "Linux 6.12, drivers/usb/core/generic.c, usb_choose_configuration", .read)

  /// What is chosen for a device.
  ///
  /// - Parameters:
  ///   - device: its descriptor.
  ///   - configurations: all of them, in the order in which the device gives them.
  ///   - speed: its speed, which gives `bMaxPower` its unit.
  ///   - budget: what its port can give, in mA; nil for ``usualBudget(_:)``.
  ///   - hasRNDIS: whether the kernel has `rndis_host`; every distribution's has.
  public init(
    _ device: DeviceDescriptor, _ configurations: [ConfigurationDescriptor],
    speed: USBSpeed = .high, budget: Int? = nil, hasRNDIS: Bool = true
  ) {
    let budget = budget ?? Self.usualBudget(speed)
    var best: Int?
    var steps: [DriverDecision.Step] = []
    var refused = 0
    func note(_ rule: String, _ index: Int, _ text: String) {
      steps.append(
        DriverDecision.Step(
          rule, "Configuration \(configurations[index].value) \(text)", Self.evidence))
    }
    // `bNumConfigurations` is a byte.
    for (index, configuration) in configurations.prefix(255).enumerated() {
      let power = Int(configuration.maxPower) * (speed >= .superSpeed ? 8 : 2)
      if power > budget {
        refused += 1
        note("power", index, "wants \(power) mA, and the port gives \(budget): it is passed over.")
        continue
      }
      // The kernel looks at the interface that stands first, in the setting that stands first.
      let triple = configuration.interfaces.first?.interfaceClass
      if let triple, triple.classCode == 0x01 {
        if triple.protocolCode == 0x30 {
          best = index
          note(
            "audio-3", index, "begins with an audio interface of version 3: it is taken at once.")
          break
        }
        if index == 0 { best = index }
        note(
          "audio", index,
          index == 0
            ? "begins with an audio interface: it is taken unless one of audio version 3 or of another"
              + " kind follows."
            : "begins with an audio interface and is not the first one: it is passed over.")
        continue
      }
      let isRNDIS =
        triple == ClassTriple(0x02, 0x02, 0xFF) || triple == ClassTriple(0xEF, 0x01, 0x01)
      if index == 0, configurations.count > 1, isRNDIS {
        if hasRNDIS { best = index }
        note(
          "rndis", index,
          hasRNDIS
            ? "begins with Microsoft's network interface: it is taken unless a better one follows."
            : "begins with Microsoft's network interface, which this kernel has no driver for: it is"
              + " passed over."
        )
        continue
      }
      if device.deviceClass.classCode != 0xFF, let triple, triple.classCode != 0xFF {
        best = index
        note(
          "first-usual", index,
          "begins with an interface of class \(hex(triple.classCode)): it is taken, and the rest not"
            + " looked at."
        )
        break
      }
      let reason =
        device.deviceClass.classCode == 0xFF
        ? "belongs to a device of the vendor's own class"
        : triple == nil ? "has no interface" : "begins with an interface of the vendor's own class"
      if best == nil {
        best = index
        note("vendor-specific", index, "\(reason): it is taken unless a better one follows.")
      } else {
        note(
          "vendor-specific", index, "\(reason), and one is remembered already: it is passed over.")
      }
    }
    self.steps = steps
    index = best
    value = best.map { configurations[$0].value }
    if let value {
      outcome = DriverDecision.Step(
        "configuration", "Linux sets configuration \(value).", Self.evidence)
    } else {
      let because =
        refused > 0
        ? ": \(refused) of them want\(refused == 1 ? "s" : "") more power than the port gives" : ""
      let count = configurations.count
      outcome = DriverDecision.Step(
        "no-configuration",
        "Linux sets no configuration out of \(count)\(because); the device has no interfaces and no drivers.",
        Self.evidence)
    }
  }
}

extension USBSpeed {
  /// Slower than.
  fileprivate static func >= (left: Self, right: Self) -> Bool {
    (allCases.firstIndex(of: left) ?? 0) >= (allCases.firstIndex(of: right) ?? 0)
  }
}
