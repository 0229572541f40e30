import USB

extension LinuxDriverMatcher {
  private typealias Step = DriverDecision.Step
  private typealias Candidate = DriverDecision.Candidate

  private static let matching = Evidence("Linux 6.12, drivers/usb/core/driver.c", .read)
  private static let loading = Evidence("kmod 30; udev, 80-drivers.rules", .read)

  /// The decision about one interface.
  func decision(about subject: Subject) -> DriverDecision {
    var steps: [Step] = []
    let name = subject.name.description
    let lines = lines(subject, &steps)
    var candidates = candidates(of: lines, subject)
    drop(&candidates, Dictionary(grouping: lines.all, by: \.module), subject)
    askProbes(&candidates, subject)
    if let claimed = subject.claimed {
      settle(&candidates, claimed)
    } else {
      preferRegistered(&candidates)
    }
    let order: [Candidate.Verdict] = [.wins, .ties, .outranked, .dropped]
    candidates = order.flatMap { verdict in candidates.filter { $0.verdict == verdict } }
    var decision = DriverDecision(
      system: .linux, subject: "interface \(subject.name.interfaceNumber)", names: [name],
      steps: steps,
      candidates: candidates, outcome: outcome(candidates, subject))
    if decision.drivers.contains("usbhid") {
      decision.steps.append(
        Step(
          "hid-next",
          "usbhid makes a HID device of it, for which a driver is looked for by a modalias of its own that"
            + " begins"
            + " with hid:; hid-generic takes what no other does.",
          Evidence("Linux, drivers/hid/hid-core.c", .read)))
    }
    compareWithBound(&decision, subject)
    decision.changes = changes(decision, subject)
    return decision
  }

  /// Decides about an interface that the driver of another one claims.
  private func settle(_ candidates: inout [Candidate], _ claimed: Claimed) {
    let names = listText(claimed.drivers, "or")
    let rivals = candidates.indices.filter {
      candidates[$0].verdict == .ties && !claimed.drivers.contains(candidates[$0].driver)
    }
    // One that is registered has its other interface, and with it this one, before anything is loaded.
    let isRace = !rivals.isEmpty && !claimed.drivers.allSatisfy(isRegistered)
    for index in rivals {
      if isRace {
        candidates[index].steps.append(
          Step("claim-race", "It may take the interface before \(names) claims it.", Self.race))
      } else {
        candidates[index].verdict = .outranked
        candidates[index].steps.append(
          Step(
            "claimed", "\(names) claims this interface together with interface \(claimed.by).",
            claimed.evidence))
      }
    }
    let verdict: Candidate.Verdict = claimed.drivers.count == 1 && !isRace ? .wins : .ties
    for (place, driver) in claimed.drivers.enumerated() {
      let step = Step(
        "claimed",
        "It claims this interface together with interface \(claimed.by); no alias has to match.",
        claimed.evidence)
      if let index = candidates.firstIndex(where: { $0.driver == driver }) {
        candidates[index].verdict = verdict
        candidates[index].steps.append(step)
      } else {
        candidates.insert(
          Candidate(
            driver: driver, origin: "interface \(claimed.by)", verdict: verdict, steps: [step]),
          at: place)
      }
    }
  }

  // MARK: Who is named

  /// The lines that name a module; those in `builtin` are of drivers that are part of the kernel.
  private func lines(
    _ subject: Subject, _ steps: inout [Step]
  ) -> (all: [ModuleAliases.Alias], builtin: Set<String>) {
    let name = subject.name.description
    let isBuiltInTable = !modules.isKnown
    let label = kernel.map { " (kernel \($0))" } ?? ""
    var lines: [ModuleAliases.Alias]
    let configured = modules.configuration.aliases.matches(name)
    if !configured.isEmpty {
      lines = configured
      steps.append(
        Step(
          "modprobe-alias", "An alias of modprobe.d matches; modules.alias is not asked.",
          Self.loading))
    } else if isBuiltInTable {
      lines = ModuleAliases.builtInTable.matches(name)
      steps.append(
        Step(
          "built-in-table",
          "There is no modules.alias at hand: \(ModuleAliases.builtInTableName) is asked, which knows no"
            + " vendor's own"
            + " lines.",
          Evidence("modules.alias of Debian's 6.1.0-56-amd64, lines of any vendor", .read)))
    } else {
      lines = modules.aliases.matches(name)
      steps.append(
        Step(
          "modules-alias",
          lines.isEmpty
            ? "No line of modules.alias\(label) matches."
            : "\(lines.count == 1 ? "1 line" : "\(lines.count) lines") of modules.alias\(label)"
              + " match\(lines.count == 1 ? "es" : "").",
          Evidence(lines.first?.file ?? "modules.alias", .read)))
    }
    // What is part of the kernel is registered without being loaded, whether an alias leads to a module or
    // not.
    let builtin = modules.builtin.matches(name)
    return (lines + builtin, Set(builtin.map(\.module)))
  }

  /// Every module that an alias names, and every driver that a dynamic id names; all tie.
  private func candidates(
    of lines: (all: [ModuleAliases.Alias], builtin: Set<String>), _ subject: Subject
  ) -> [Candidate] {
    var candidates: [Candidate] = []
    for line in lines.all {
      let what = AliasFields(line.pattern)?.words ?? "a pattern of its own"
      let origin = line.line > 0 ? line.place : line.file
      let step = Step(
        "alias", "\(line.pattern) matches: it goes by \(what).", Evidence(origin, .read))
      if let index = candidates.firstIndex(where: { $0.driver == line.module }) {
        candidates[index].steps.append(step)
        continue
      }
      candidates.append(
        Candidate(
          driver: line.module, origin: origin, match: line.pattern, verdict: .ties, steps: [step]))
    }
    for index in candidates.indices where lines.builtin.contains(candidates[index].driver) {
      candidates[index].steps.append(
        Step("part-of-kernel", "It is part of the kernel.", Self.loading))
    }
    for dynamic in dynamicIDs where dynamic.id.entry.mismatch(subject.name) == nil {
      let origin = "/sys/bus/usb/drivers/\(dynamic.driver)/new_id"
      let step = Step(
        "dynamic-id", "\"\(dynamic.id)\" was written to it, and matches.", Evidence(origin, .seen))
      let driver = moduleName(dynamic.driver)
      if let index = candidates.firstIndex(where: { $0.driver == driver }) {
        candidates[index].steps.append(step)
      } else {
        candidates.append(
          Candidate(
            driver: driver, origin: origin, match: "\(dynamic.id)", verdict: .ties, steps: [step]))
      }
    }
    return candidates
  }

  // MARK: Who is out

  /// Takes out what cannot bind: drivers of devices, the vendor-class rule, blacklists.
  private func drop(
    _ candidates: inout [Candidate], _ lines: [String: [ModuleAliases.Alias]], _ subject: Subject
  ) {
    for index in candidates.indices {
      let driver = candidates[index].driver
      let patterns = lines[driver] ?? []
      let hasDynamic = candidates[index].steps.contains { $0.rule == "dynamic-id" }
      func out(_ rule: String, _ text: String, _ evidence: Evidence) {
        candidates[index].verdict = .dropped
        candidates[index].steps.append(Step(rule, text, evidence))
      }
      if SpecialDeviceDriver.withoutInterfaces.contains(driver) {
        out(
          "device-driver", "It is loaded, and drives whole devices: it binds no interface.",
          Self.matching)
        continue
      }
      let fields = patterns.compactMap { AliasFields($0.pattern) }
      if subject.name.deviceClass.classCode == 0xFF, !hasDynamic, !fields.isEmpty,
        fields.count == patterns.count, fields.allSatisfy(\.fallsToVendorClassRule)
      {
        out(
          "vendor-class",
          "The device's class is FF: modprobe loads the driver, and its match refuses, because its entry"
            + " goes by the"
            + " interface and names no vendor.",
          Evidence("Linux 6.12, drivers/usb/core/driver.c, usb_match_one_id_intf", .read))
        continue
      }
      // Who is registered needs no loading.
      guard !isRegistered(driver), !hasDynamic,
        !candidates[index].steps.contains(where: { $0.rule == "part-of-kernel" })
      else { continue }
      if let line = modules.configuration.blacklisting(driver) {
        out(
          "blacklist", "It is blacklisted: aliases do not load it, and nothing else has.",
          Evidence(line.place, .read))
      } else if let line = modules.configuration.install(driver), line.isRefusal {
        out(
          "install", "\"install \(driver) \(line.text)\" keeps it from being loaded.",
          Evidence(line.place, .read))
      } else if let companions = modules.configuration.companions(of: driver) {
        let names = companions.before + companions.after
        candidates[index].steps.append(
          Step(
            "softdep", "\(listText(names)) \(names.count == 1 ? "is" : "are") loaded with it.",
            Evidence(companions.place, .read)))
      }
    }
  }

  func isRegistered(_ driver: String) -> Bool {
    registeredDrivers.contains { Self.isSame(driver: $0, module: driver) }
  }

  /// Whether sysfs's name of a driver is that of a module's driver: mostly equal but for `-` and `_`.
  static func isSame(driver: String, module: String) -> Bool {
    let driver = moduleName(driver)
    return driver == moduleName(module) || driver == moduleName(sysfsName(of: moduleName(module)))
  }

  /// What sysfs calls the driver of a module, where the name is not the module's (`struct usb_driver` in
  /// each).
  private static let driverNames = [
    "usb_storage": "usb-storage", "snd_usb_audio": "snd-usb-audio", "usbcore": "hub",
    "apple_mfi_fastcharge": "apple-mfi-fastcharge", "usbip_host": "usbip-host",
    "ch341": "usb-ch341",
  ]

  /// The name of a module's driver below `/sys/bus/usb/drivers`.
  static func sysfsName(of module: String) -> String { driverNames[module] ?? module }

  /// What the drivers' own probe functions are known to refuse.
  private func askProbes(_ candidates: inout [Candidate], _ subject: Subject) {
    askStorage(&candidates, subject)
    let triples = subject.settings.map(\.interfaceClass)
    let hasMBIM = triples.contains { $0.classCode == 0x02 && $0.subclass == 0x0E }
    let isNCM = triples.contains { $0.classCode == 0x02 && $0.subclass == 0x0D }
    let network = Evidence("Linux, drivers/net/usb/cdc_mbim.c and cdc_ncm.c, probe", .known)
    if isNCM, both(candidates, "cdc_ncm", "cdc_mbim") {
      if hasMBIM {
        refuse(
          &candidates, "cdc_ncm", "One of the settings is MBIM, which cdc_mbim prefers.", network)
      } else {
        refuse(
          &candidates, "cdc_mbim",
          "None of the settings is MBIM: its probe leaves the interface to cdc_ncm.", network)
      }
    }
    if both(candidates, "rndis_host", "rndis_wlan") {
      for index in candidates.indices
      where candidates[index].verdict == .ties && candidates[index].driver.hasPrefix("rndis_") {
        candidates[index].steps.append(
          Step(
            "probe",
            "It asks the device whether it is wireless: rndis_wlan keeps those that are, rndis_host the"
              + " others.",
            Evidence("Linux, drivers/net/usb/rndis_host.c, generic_rndis_bind", .known)))
      }
    }
  }

  /// Two that decide by the device which of them has it, whatever is loaded first.
  static let storagePair: Set<String> = ["uas", "usb_storage"]

  /// uas and usb-storage both match bulk-only disks; each leaves to the other what is the other's.
  private func askStorage(_ candidates: inout [Candidate], _ subject: Subject) {
    let evidence = Evidence("Linux, drivers/usb/storage/uas-detect.h, uas_use_uas_driver", .read)
    guard candidates.contains(where: { $0.driver == "uas" || $0.driver == "usb_storage" }),
      subject.configuration != nil
    else { return }
    let isCapable = subject.settings.contains {
      $0.interfaceClass == ClassTriple(0x08, 0x06, 0x62) && $0.endpoints.count >= 4
    }
    let quirk = storageQuirk(subject)
    if isCapable, quirk == nil {
      // usb-storage refuses also where uas is kept away: then nothing binds.
      refuse(
        &candidates, "usb_storage",
        "The device has a UAS setting with four pipes: its probe leaves it to uas, also where uas is not"
          + " loaded.",
        evidence)
    } else {
      let reason =
        quirk.map { "\($0) says not to use UAS" } ?? "there is no UAS setting with its four pipes"
      refuse(&candidates, "uas", "Its probe refuses: \(reason).", evidence)
    }
  }

  /// Where `usb-storage.quirks=` has the letter `u` for the device.
  private func storageQuirk(_ subject: Subject) -> String? {
    for line in modules.configuration.options where line.module == "usb_storage" {
      for word in line.text.split(separator: " ") where word.hasPrefix("quirks=") {
        for entry in word.dropFirst("quirks=".count).split(separator: ",") {
          let parts = entry.split(separator: ":")
          guard parts.count == 3, UInt16(parts[0], radix: 16) == subject.name.vendor.rawValue,
            UInt16(parts[1], radix: 16) == subject.name.product.rawValue, parts[2].contains("u")
          else { continue }
          return line.place
        }
      }
    }
    return nil
  }

  private func both(_ candidates: [Candidate], _ first: String, _ second: String) -> Bool {
    candidates.contains { $0.driver == first && $0.verdict == .ties }
      && candidates.contains { $0.driver == second && $0.verdict == .ties }
  }

  private func refuse(
    _ candidates: inout [Candidate], _ driver: String, _ text: String, _ evidence: Evidence
  ) {
    for index in candidates.indices where candidates[index].driver == driver {
      guard candidates[index].verdict == .ties else { continue }
      candidates[index].verdict = .outranked
      candidates[index].steps.append(Step("probe", text, evidence))
    }
  }

  // MARK: Who is first

  /// A driver that is registered is offered the interface before one that has yet to be loaded.
  private func preferRegistered(_ candidates: inout [Candidate]) {
    let standing = candidates.indices.filter { candidates[$0].verdict == .ties }
    let early = standing.filter { index in
      isRegistered(candidates[index].driver)
        || candidates[index].steps.contains {
          $0.rule == "part-of-kernel" || $0.rule == "dynamic-id"
        }
    }
    let first = early.isEmpty ? standing : early
    if !early.isEmpty, early.count < standing.count {
      let names = listText(early.map { candidates[$0].driver }, "or")
      for index in standing where !early.contains(index) {
        candidates[index].verdict = .outranked
        candidates[index].steps.append(
          Step(
            "registered-first", "It has yet to be loaded, and \(names) is there already.",
            Self.matching))
      }
    }
    if first.count == 1, let only = first.first {
      candidates[only].verdict = .wins
      return
    }
    for (place, index) in first.enumerated() {
      candidates[index].steps.append(
        Step(
          "race",
          early.isEmpty
            ? "It is number \(place + 1) of \(first.count) in the order of modules.order, in which"
              + " modprobe loads them;"
              + " of several that match the one binds that is loaded first."
            : "It is registered like others that match; the one that was registered first binds.",
          Evidence("two boots of a 6.12 kernel that bound differently", .seen)))
    }
  }

  private func outcome(_ candidates: [Candidate], _ subject: Subject) -> Step {
    let wins = candidates.filter { $0.verdict == .wins }.map(\.driver)
    let drivers = wins.isEmpty ? candidates.filter { $0.verdict == .ties }.map(\.driver) : wins
    if let claimed = subject.claimed, drivers.allSatisfy(claimed.drivers.contains) {
      let who =
        drivers.count == 1
        ? drivers[0] : "One of \(listText(drivers, "or")), whichever is bound there,"
      return Step(
        "claimed", "\(who) has this interface along with interface \(claimed.by).",
        claimed.evidence)
    }
    if drivers.count == 1 { return Step("binds", "\(drivers[0]) binds.", Self.matching) }
    if Set(drivers) == Self.storagePair {
      return Step(
        "one-of",
        "uas binds if the device has a setting for it (08/06/62, with four pipes) and no quirk forbids it, and"
          + " usb_storage if not: its name alone does not tell.",
        Evidence("Linux, drivers/usb/storage/uas-detect.h, uas_use_uas_driver", .read))
    }
    if !drivers.isEmpty {
      return Step(
        "one-of", "One of \(listText(drivers, "or")) binds: whichever is loaded first.",
        Self.matching)
    }
    let use = UserSpaceUse.of(subject.name.interfaceClass)
    return Step(
      "nothing", "No driver binds, and the interface is free: \(use).",
      Evidence("Linux, drivers/usb/core/devio.c", .read))
  }
}
