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

  /// Whether `pnputil` knows the commands that begin with `/`; those with `-` came before them, with Vista.
  private static func hasSlashes(_ windows: WindowsProfile) -> Bool {
    windows.isAtLeast(10, 0, 14393)
  }

  /// WinUSB by a package that names the device.
  public static func winUSB(_ file: String, on windows: WindowsProfile) -> WindowsInstruction {
    WindowsInstruction(
      name: "to-winusb", goal: "WinUSB, for STM32CubeProgrammer, dfu-util, dfu and browsers",
      steps: [
        "Add the package and have devices evaluated again; this does not force a driver that ranks worse.",
        "Unplug the device and plug it in.",
      ],
      commands: [
        hasSlashes(windows) ? "pnputil /add-driver \(file) /install" : "pnputil -i -a \(file)"
      ], evidence: pnputil)
  }

  /// A package that the maker of the device offers: nobody else's may name it.
  public static let makersPackage = WindowsInstruction(
    name: "makers-package", goal: "the driver that the maker of the device has made for it",
    steps: ["Get the maker's package, whose INF names one of the hardware ids, and add it."],
    commands: [], evidence: Evidence("Microsoft Learn, How Windows Selects Drivers", .documented))

  /// Removing a package from the store, so that what is left is ranked.
  public static func removing(_ file: String, on windows: WindowsProfile) -> WindowsInstruction {
    WindowsInstruction(
      name: "remove", goal: "the driver that ranks next, or none",
      steps: [
        "Find the name that the store has given to the package.",
        hasSlashes(windows)
          ? "Remove it from all devices and from the store."
          : "Uninstall the devices that have it, in Device Manager, and remove it from the store.",
        "Unplug the device and plug it in: what is left is ranked.",
      ],
      commands: hasSlashes(windows)
        ? ["pnputil /enum-drivers", "pnputil /delete-driver \(file) /uninstall"]
        : ["pnputil -e", "pnputil -f -d \(file)"], evidence: pnputil)
  }

  /// WinUSB by Zadig, which makes a package and forces it on.
  public static let zadig = zadig("Choose the device, and WinUSB beside it.")

  private static func zadig(_ choice: String) -> WindowsInstruction {
    WindowsInstruction(
      name: "zadig", goal: "WinUSB without a package of the vendor",
      steps: [
        "Start Zadig; choose Options, List All Devices.", choice,
        "Choose Replace Driver. Its choice holds for this device on this port; another may be ranked anew.",
      ], commands: [], evidence: Evidence("Zadig's own documentation", .known))
  }

  /// WinUSB by Zadig for one function of a composite device.
  ///
  /// - Parameter interface: its first interface, as the ids write it: `02`.
  /// - Returns: what to do in Zadig.
  public static func zadig(function interface: String) -> WindowsInstruction {
    let number = UInt8(interface, radix: 16).map { String($0) } ?? interface
    return zadig(
      "Choose the entry of the device that ends in \"(Interface \(number))\", and WinUSB beside it; the composite "
        + "parent stays as it is, or all of its functions would go.")
  }

  /// What there is for the whole of a composite device: nothing, since its functions have the drivers.
  public static let compositeParent = WindowsInstruction(
    name: "leave-usbccgp", goal: "another driver for a function of the device",
    steps: [
      "Leave the device itself to usbccgp: a driver for the whole of it takes all its functions away.",
      "Choose a driver for the function that needs another; it is a device of its own in Device Manager.",
    ], commands: [],
    evidence: Evidence("Microsoft Learn, USB Generic Parent Driver", .documented))

  /// ST's old driver, for DfuSe Demo: there is one for x86 and one for amd64.
  ///
  /// - Returns: nil for a Windows on another processor.
  public static func stTub30(on windows: WindowsProfile) -> WindowsInstruction? {
    guard hasSTPackages(windows) else { return nil }
    return WindowsInstruction(
      name: "to-sttub30", goal: "STTub30, for DfuSe Demo",
      steps: [
        "Add ST's package with the installer of DfuSe.",
        "As it is older than others by its date: in Device Manager choose Update driver, Browse my computer, Let "
          + "me pick, Have Disk. Or remove the others first.",
      ], commands: ["dpinst_\(windows.architecture.rawValue).exe"],
      evidence: Evidence("STtube.inf of DfuSe 3.0.6: ExcludeFromSelect hides it from lists", .read))
  }

  /// Whether ST's packages have models sections for its processor.
  private static func hasSTPackages(_ windows: WindowsProfile) -> Bool {
    windows.architecture == .x86 || windows.architecture == .amd64
  }

  /// What takes the place of ST's packages where they have no section for the processor.
  public static func withoutST(on windows: WindowsProfile) -> WindowsInstruction {
    WindowsInstruction(
      name: "no-st-package",
      goal: "knowing that ST has no driver for \(windows.architecture.rawValue)",
      steps: [
        "Leave STM32Bootloader.inf and STtube.inf alone: both have sections for x86 and amd64 only, and Windows on "
          + "\(windows.architecture.rawValue) reads none of them."
      ], commands: [],
      evidence: Evidence("STM32Bootloader.inf of CubeProgrammer; STtube.inf of DfuSe 3.0.6", .read))
  }

  /// How to see which drivers match.
  ///
  /// - Parameters:
  ///   - windows: `pnputil` shows devices with the drivers that match from Windows 10 2004 on.
  ///   - isBootloader: whether it is ST's bootloader, which its old programs find by an interface of its own.
  /// - Returns: the commands that this Windows has.
  public static func looking(
    on windows: WindowsProfile, isBootloader: Bool = false
  ) -> WindowsInstruction {
    guard windows.isAtLeast(10, 0, 19041) else {
      return WindowsInstruction(
        name: "look", goal: "which driver a device has, and which others match",
        steps: [
          "List the packages in the store.",
          "Open Device Manager: the device's properties name the driver's file, and on the page Details its ids.",
          "DevCon of the Windows Driver Kit lists the drivers that match, each with its rank.",
        ],
        commands: [
          hasSlashes(windows) ? "pnputil /enum-drivers" : "pnputil -e", "devmgmt.msc",
          "devcon drivernodes \"@USB\\*\"",
        ], evidence: Evidence("Microsoft Learn, PnPUtil; DevCon DriverNodes", .known))
    }
    var looking = WindowsInstruction(
      name: "look", goal: "which driver a device has, and which were outranked",
      steps: ["List the connected devices with their ids and the drivers that match."],
      commands: ["pnputil /enum-devices /connected /deviceids /drivers"], evidence: pnputil)
    if isBootloader {
      looking.steps.append("List the devices that ST's old programs would find.")
      looking.commands.append(
        "pnputil /enum-interfaces /class {3fe809ab-fb91-4cb5-a643-69670d52366e}")
    }
    return looking
  }

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
  ///
  /// - Parameters:
  ///   - decision: the decision.
  ///   - windows: the Windows that has decided: not every one has the same commands.
  /// - Returns: how to see the driver first.
  public static func of(
    _ decision: WindowsDecision, on windows: WindowsProfile
  ) -> [WindowsInstruction] {
    let isBootloader = decision.isBootloader
    var all = [looking(on: windows, isBootloader: isBootloader)]
    guard decision.problemCode != 43 else { return all }
    // A package that Windows refuses is as none.
    let binding = decision.problemCode == 52 ? nil : decision.binding
    if let node = binding?.node, node.line != nil {
      all.append(removing(node.file, on: windows))
    }
    let service = binding?.service?.lowercased()
    if isBootloader {
      if service == "winusb" {
        all.append(stTub30(on: windows) ?? withoutST(on: windows))
      } else {
        all.append(
          hasSTPackages(windows)
            ? winUSB("STM32Bootloader.inf", on: windows) : withoutST(on: windows))
        all.append(zadig)
      }
    } else if decision.isComposite {
      all.append(compositeParent)
    } else if service != "winusb" {
      let name = decision.decision.names.lazy.compactMap { HardwareID($0) }.first
      if let name {
        all.append(name.interface.map { zadig(function: $0) } ?? zadig)
      }
      if binding == nil { all.append(makersPackage) }
    }
    return all
  }
}

extension WindowsDecision {
  /// Whether it is about ST's bootloader, the whole of it: what ST's packages name.
  var isBootloader: Bool {
    guard !isComposite, let id = decision.names.lazy.compactMap({ HardwareID($0) }).first else {
      return false
    }
    return id.bare == "USB\\VID_0483&PID_DF11" && id.interface == nil && id.function == nil
  }

  /// Whether it is about the parent of functions.
  var isComposite: Bool {
    binding?.service?.lowercased() == "usbccgp"
      || decision.names.contains { $0.uppercased() == "USB\\COMPOSITE" }
  }
}
