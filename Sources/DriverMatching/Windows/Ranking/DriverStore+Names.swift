import USB

extension DriverStore {
  /// Decides for a device and, where usbccgp divides it, for each of its functions.
  ///
  /// - Parameters:
  ///   - names: what Windows calls them.
  ///   - product: its product string; nil for none.
  ///   - serialNumber: its serial number; nil for none.
  ///   - flags: what the registry says of the device; nil for what the names were given with.
  /// - Returns: the decision for the device first; those for functions only where usbccgp is loaded, since nothing
  ///   else makes them.
  public func decisions(
    for names: WindowsNames, product: String? = nil, serialNumber: String? = nil,
    flags: UsbFlags? = nil
  ) -> [WindowsDecision] {
    var device = decision(for: names.device, product: product)
    let instance = WindowsInstance(serialNumber: serialNumber, flags: flags ?? names.flags)
    device.decision.steps = names.steps + [instance.step] + device.decision.steps
    names.tellConditions(in: &device.decision, flags ?? names.flags, windows)
    guard device.problemCode == 0, device.binding?.service?.lowercased() == "usbccgp" else {
      return [device]
    }
    let settings = device.binding?.node.composite
    let (functions, steps) = names.divided(by: settings)
    device.decision.steps += (settings?.steps ?? []) + steps
    return [device]
      + functions.map {
        var function = decision(for: $0, of: names, settings, product: product)
        names.tellConditions(in: &function.decision, flags ?? names.flags, windows)
        return function
      }
  }

  private func decision(
    for function: WindowsNames.Function, of names: WindowsNames,
    _ settings: CompositeSettings?, product: String?
  ) -> WindowsDecision {
    let subject = "function MI_" + hex(function.number).uppercased()
    var decision = decision(for: function.ids, subject: subject, product: product)
    decision.decision.steps.insert(function.step, at: 0)
    // A modem's control interface without its data interface: nothing that usbser could start.
    if function.functionClass.classCode == 2, function.functionClass.subclass == 2,
      names.source.lacksData(function, settings),
      decision.binding?.service?.lowercased() == "usbser"
    {
      decision.problemCode = 10
      for index in decision.reach.indices where decision.reach[index].isReached {
        decision.reach[index].isReached = false
        decision.reach[index].sentence = "The driver is usbser, and it cannot start (Code 10)."
      }
      decision.decision.steps.append(
        DriverDecision.Step(
          "cdc-split",
          "usbser gets the control interface alone and cannot start (Code 10): an association and the device "
            + "class ef/02/01, or the device class 02/02, would keep both interfaces together.",
          Evidence("reports of makers of firmware", .seen)))
    }
    return decision
  }
}

extension WindowsNames {
  /// Adds to what the firmware could ask for what keeps Windows from asking it.
  fileprivate func tellConditions(
    in decision: inout DriverDecision, _ flags: UsbFlags, _ windows: WindowsProfile
  ) {
    let index = decision.changes.firstIndex { $0.rule == "firmware-asks-for-winusb" }
    guard let index else { return }
    let version = source.device.usbVersion
    var conditions: [String] = []
    if version < BCDVersion(0x0200) {
      conditions.append(
        "For descriptors 1.0 bcdUSB, which is \(version), would have to be 2.00 or more.")
    }
    if flags.isWithoutMicrosoftString {
      conditions.append(
        "For descriptors 1.0 osvc, which is 00 00 in usbflags, has to be deleted, or bcdDevice be another."
      )
    }
    // Where those of 1.0 would do, what those of 2.0 need does not matter.
    if !conditions.isEmpty, windows.isAtLeast(6, 3) {
      if version < BCDVersion(0x0201) {
        conditions.append(
          "For descriptors 2.0 bcdUSB, which is \(version), would have to be 2.01 or more.")
      }
      if flags.skipsBinaryObjectStore {
        conditions.append(
          "For descriptors 2.0 SkipBOSDescriptorQuery in usbflags has to be deleted.")
      }
    }
    guard !conditions.isEmpty else { return }
    decision.changes[index].sentence += " " + conditions.joined(separator: " ")
  }
}
