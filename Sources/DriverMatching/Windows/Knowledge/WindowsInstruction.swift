/// How to get another driver, or to see which there is: for a person at a Windows machine. Never tried here.
public struct WindowsInstruction: Codable, Hashable, Sendable {
  /// Its stable name: `to-winusb`.
  public var name: String
  /// What it leads to.
  public var goal: String
  /// What to do, in order.
  public var steps: [String]
  /// The commands among them; for a prompt with the rights of an administrator.
  public var commands: [String]
  /// Where that is known from.
  public var evidence: Evidence

  private static let pnputil = Evidence("Microsoft Learn, PnPUtil Command Syntax", .documented)

  /// WinUSB by a package that names the device.
  public static func winUSB(_ file: String) -> WindowsInstruction {
    WindowsInstruction(
      name: "to-winusb", goal: "WinUSB, for STM32CubeProgrammer, dfu-util, dfu and browsers",
      steps: [
        "Add the package and have devices evaluated again; this does not force a driver that ranks worse.",
        "Unplug the device and plug it in.",
      ], commands: ["pnputil /add-driver \(file) /install"], evidence: pnputil)
  }

  /// Removing a package from the store, so that what is left is ranked.
  public static func removing(_ file: String) -> WindowsInstruction {
    WindowsInstruction(
      name: "remove", goal: "the driver that ranks next, or none",
      steps: [
        "Find the name that the store has given to the package.",
        "Remove it from all devices and from the store.",
        "Unplug the device and plug it in: what is left is ranked.",
      ],
      commands: ["pnputil /enum-drivers", "pnputil /delete-driver \(file) /uninstall"],
      evidence: pnputil)
  }

  /// WinUSB by Zadig, which makes a package and forces it on.
  public static let zadig = WindowsInstruction(
    name: "zadig", goal: "WinUSB without a package of the vendor",
    steps: [
      "Start Zadig; choose Options, List All Devices.", "Choose the device, and WinUSB beside it.",
      "Choose Replace Driver. Its choice holds for this device on this port; another may be ranked anew.",
    ], commands: [], evidence: Evidence("Zadig's own documentation", .known))

  /// ST's old driver, for DfuSe Demo.
  public static let stTub30 = WindowsInstruction(
    name: "to-sttub30", goal: "STTub30, for DfuSe Demo",
    steps: [
      "Add ST's package with the installer of DfuSe.",
      "As it is older than others by its date: in Device Manager choose Update driver, Browse my computer, Let "
        + "me pick, Have Disk. Or remove the others first.",
    ], commands: ["dpinst_amd64.exe"],
    evidence: Evidence("STtube.inf of DfuSe 3.0.6: ExcludeFromSelect hides it from lists", .read))

  /// How to see which drivers match, from Windows 10 2004 on.
  public static let looking = WindowsInstruction(
    name: "look", goal: "which driver a device has, and which were outranked",
    steps: [
      "List the connected devices with their ids and the drivers that match.",
      "List the devices that ST's old programs would find.",
    ],
    commands: [
      "pnputil /enum-devices /connected /deviceids /drivers",
      "pnputil /enum-interfaces /class {3fe809ab-fb91-4cb5-a643-69670d52366e}",
    ], evidence: pnputil)

  /// How to see of one device which drivers match, and by which id it has the one that it has.
  ///
  /// - Parameter instance: its instance path: `USB\VID_0483&PID_DF11\206437A1304E`.
  /// - Returns: the commands; the first is for a prompt, the second for PowerShell.
  public static func looking(at instance: String) -> WindowsInstruction {
    WindowsInstruction(
      name: "look-at", goal: "why this device has its driver",
      steps: [
        "List the drivers that match, each with its rank.",
        "Ask for its service, the id by which it was matched, and the file.",
      ],
      commands: [
        "pnputil /enum-devices /instanceid \"\(instance)\" /drivers",
        "Get-PnpDeviceProperty -InstanceId '\(instance)' -KeyName DEVPKEY_Device_Service, "
          + "DEVPKEY_Device_MatchingDeviceId, DEVPKEY_Device_DriverInfPath, DEVPKEY_Device_DriverRank",
      ], evidence: pnputil)
  }

  /// Those that fit a decision: how to see it, and how to get away from it.
  public static func of(_ decision: WindowsDecision) -> [WindowsInstruction] {
    guard let binding = decision.binding, decision.problemCode != 43 else {
      return decision.problemCode == 28
        ? [looking, winUSB("STM32Bootloader.inf"), zadig] : [looking]
    }
    var all = [looking]
    if binding.node.line != nil { all.append(removing(binding.node.file)) }
    switch binding.service?.lowercased() {
    case "winusb"?: all.append(stTub30)
    case "sttub30"?: all += [winUSB("STM32Bootloader.inf"), zadig]
    default: all.append(zadig)
    }
    return all
  }
}

/// A value in the registry that shows which driver a device has.
public struct RegistryProof: Codable, Hashable, Sendable {
  /// The key; `…` stands for what only the machine knows.
  public var key: String
  /// The value's name.
  public var name: String
  /// What it is expected to hold.
  public var value: String

  /// What to look at, for a decision (Microsoft Learn, "Device and Driver Registry Keys"); the matching id is the
  /// proof of why a driver was taken.
  ///
  /// - Parameters:
  ///   - decision: the decision.
  ///   - deviceID: `USB\VID_0483&PID_DF11`, or the id of a function.
  /// - Returns: the values, those of the device first.
  public static func of(_ decision: WindowsDecision, deviceID: String) -> [RegistryProof] {
    guard let binding = decision.binding else { return [] }
    let node = binding.node
    let device = "HKLM\\SYSTEM\\CurrentControlSet\\Enum\\\(deviceID)\\…"
    let driver = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Class\\\(node.classGUID)\\…"
    var all = [
      RegistryProof(key: device, name: "Service", value: binding.service ?? ""),
      RegistryProof(key: device, name: "ClassGUID", value: node.classGUID.lowercased()),
    ]
    if !binding.interfaceGUIDs.isEmpty {
      all.append(
        RegistryProof(
          key: device + "\\Device Parameters", name: "DeviceInterfaceGUIDs",
          value: binding.interfaceGUIDs.joined(separator: " ")))
    }
    all += [
      RegistryProof(key: driver, name: "InfPath", value: node.file),
      RegistryProof(key: driver, name: "MatchingDeviceId", value: node.match.id.lowercased()),
      RegistryProof(key: driver, name: "DriverVersion", value: node.version.version),
    ]
    if !node.installSection.isEmpty {
      all.append(RegistryProof(key: driver, name: "InfSection", value: node.installName))
    }
    return all
  }
}
