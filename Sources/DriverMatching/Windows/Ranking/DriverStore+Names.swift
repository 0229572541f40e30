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
    guard device.binding?.service?.lowercased() == "usbccgp" else { return [device] }
    let settings = device.binding?.node.composite
    let (functions, steps) = names.divided(by: settings)
    device.decision.steps += (settings?.steps ?? []) + steps
    return [device] + functions.map { decision(for: $0, of: names, settings, product: product) }
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
