import USB

extension LinuxDriverMatcher {
  /// Compares what is bound with what was to be expected.
  func compareWithBound(_ decision: inout DriverDecision, _ subject: Subject) {
    guard let all = subject.target.boundDrivers else { return }
    let bound = all[subject.name.interfaceNumber]
    let evidence = Evidence("/sys/bus/usb/devices/\(subject.sysfsName)/driver", .seen)
    func say(_ rule: String, _ text: String) {
      decision.steps.append(DriverDecision.Step(rule, text, evidence))
    }
    let expected = decision.drivers
    switch bound {
    case nil where expected.isEmpty:
      say("bound-agrees", "Nothing is bound now, as expected.")
    case nil:
      say(
        "bound-differs",
        "Nothing is bound now, although \(listText(expected, "or")) could be: it is not loaded, its probe"
          + " has refused, or"
          + " somebody has unbound it. The kernel's log (dmesg) tells which.")
    case "usbfs":
      say(
        "bound-usbfs",
        "A program has claimed it through usbfs, and no driver can have it meanwhile.")
    case let driver? where expected.contains(where: { Self.isSame(driver: driver, module: $0) }):
      say("bound-agrees", "\(driver) is bound now, as expected.")
    case let driver?:
      say(
        "bound-differs",
        expected.isEmpty
          ? "\(driver) is bound now, although nothing names it: by new_id, by its own claim, or by a"
            + " kernel with more"
            + " aliases."
          : "\(driver) is bound now, and not \(listText(expected, "or")): it was registered earlier, or"
            + " the other's probe"
            + " has refused.")
    }
  }

  /// Without these there is no USB.
  private static let partsOfTheCore: Set<String> = ["usbcore", "hub"]

  /// What somebody can do, and what were then.
  func changes(_ decision: DriverDecision, _ subject: Subject) -> [DriverDecision.Step] {
    var changes: [DriverDecision.Step] = []
    let sysfs = Evidence("Linux, Documentation/ABI/testing/sysfs-bus-usb", .documented)
    func add(_ rule: String, _ text: String, _ evidence: Evidence) {
      changes.append(DriverDecision.Step(rule, text, evidence))
    }
    let drivers = decision.drivers
    let interface = subject.sysfsName
    let ids = "\(subject.name.vendor) \(subject.name.product)"
    if subject.claimed == nil, Set(drivers) != Self.storagePair {
      for driver in drivers where modules.configuration.blacklisting(driver) == nil {
        if let own = decision.candidates.first(where: { $0.driver == driver })?.origin,
          own.hasSuffix("/new_id")
        {
          add(
            "remove-id",
            "\"echo \(ids) > \(own.dropLast("new_id".count))remove_id\" (as root) takes the id back, and the"
              + " device has to be attached again.", sysfs)
          continue
        }
        // What is part of the kernel cannot be kept from being loaded.
        if decision.candidates.contains(where: {
          $0.driver == driver && $0.origin.hasPrefix("modules.builtin")
        }) || Self.partsOfTheCore.contains(driver) {
          continue
        }
        let others = decision.candidates.filter { candidate in
          candidate.driver != driver && candidate.verdict != .dropped
            && !candidate.steps.contains { $0.rule == "probe" }
        }.map(\.driver)
        let then =
          others.isEmpty ? "nothing would bind" : "\(listText(others, "or")) would bind"
        add(
          "blacklist",
          "With \"blacklist \(driver)\" in a file of /etc/modprobe.d, and \(driver) not loaded, \(then).",
          Evidence("modprobe.d(5)", .documented))
      }
      if drivers.count > 1 {
        for driver in drivers {
          add(
            "load-first",
            "If \(driver) is loaded before the device is attached (modprobe \(driver)), \(driver) binds.",
            Evidence("Linux 6.12, drivers/usb/core/driver.c", .derived))
        }
      }
    }
    for candidate in decision.candidates where candidate.verdict == .dropped {
      for step in candidate.steps where step.rule == "blacklist" || step.rule == "install" {
        add(
          "remove-\(step.rule)", "Without \(step.evidence.source), \(candidate.driver) could bind.",
          step.evidence)
      }
    }
    if drivers == ["uas"] {
      let pair = "\(subject.name.vendor):\(subject.name.product)"
      add(
        "uas-quirk",
        "With \"options usb-storage quirks=\(pair):u\" in modprobe.d usb_storage binds; a blacklist of uas"
          + " would leave"
          + " the disk without a driver.",
        Evidence("Linux, Documentation/admin-guide/kernel-parameters.txt", .documented))
    }
    if let driver = drivers.first {
      let name =
        subject.target.boundDrivers?[subject.name.interfaceNumber] ?? Self.sysfsName(of: driver)
      add(
        "unbind",
        "\"echo \(interface) > /sys/bus/usb/drivers/\(name)/unbind\" (as root) frees it until it is"
          + " attached again;"
          + " libusb's programs can ask for the same.", sysfs)
    } else {
      add(
        "new-id",
        "\"echo \(ids) > /sys/bus/usb/drivers/NAME/new_id\" (as root) makes the driver NAME take all its"
          + " interfaces;"
          + " remove_id takes it back.", sysfs)
    }
    return changes
  }
}
