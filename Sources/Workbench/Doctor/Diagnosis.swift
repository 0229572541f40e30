public import DFU
internal import DFUHost
public import DriverMatching
public import Reports
public import USB

/// Why a device cannot be used on this machine, in four ticks, and the one thing to do.
public struct Diagnosis: Hashable, Sendable {
  /// What is known of a device.
  public struct Patient: Hashable, Sendable {
    /// What its host tells without opening it.
    public var info: DeviceInfo
    /// What a person types to name it; nil for its port.
    public var selector: String?
    /// Whether its application or its bootloader runs; nil where it has no DFU interface.
    public var mode: DFUMode?
    /// Which driver holds its DFU interface; nil where none does.
    public var driver: String?
    /// The DFU interface as sysfs calls it: `1-2:1.0`.
    public var interface: String
    /// Why it could not be opened; nil where it could.
    public var refusal: HostError.Code?
    /// Who may open its node by the rules; nil where there are none.
    public var access: String?
    /// Whether it is a device of this machine, so that something can be done here.
    public var isLocal = true

    /// A device; see the properties.
    public init(
      _ info: DeviceInfo, selector: String? = nil, mode: DFUMode?, driver: String? = nil,
      interface: String, refusal: HostError.Code? = nil, access: String? = nil
    ) {
      self.info = info
      self.selector = selector
      self.mode = mode
      self.driver = driver
      self.interface = interface
      self.refusal = refusal
      self.access = access
    }
  }

  /// Something that can be done here, and undone.
  public enum Remedy: Hashable, Sendable {
    /// A rule for udev is written, and the device is shown to udev again.
    case rule(UdevRuleFile, device: String)
    /// A driver lets an interface go.
    case unbind(interface: String, driver: String)
  }

  /// The four ticks.
  public private(set) var ticks: [DiagnosisReport.Tick] = []
  /// The one thing to do; nil where nothing is wrong.
  public private(set) var instruction: DiagnosisReport.Instruction?
  /// How that is done here; nil where a person has to do it.
  public private(set) var remedy: Remedy?

  /// A diagnosis.
  ///
  /// - Parameters:
  ///   - patient: the device; nil where none was found.
  ///   - wanted: the selector that names nothing; nil where none was given.
  ///   - others: devices that could be it in another mode.
  ///   - machine: where it is plugged in.
  public init(
    of patient: Patient?, wanted: String? = nil, others: [DeviceInfo] = [], on machine: Machine
  ) {
    guard let patient else {
      tick(
        "seen", false,
        wanted.map { "Nothing that “\($0)” names is on the bus." }
          ?? "No device in DFU mode is on the bus.")
      instruction = Self.absence(others, machine)
      return
    }
    let info = patient.info
    let name = "\(info.descriptor.vendor):\(info.descriptor.product)"
    tick("seen", true, "\(name) is on the bus, at \(info.path).")
    guard let mode = patient.mode else {
      tick("dfu-mode", false, "It has no DFU interface.")
      instruction = .init(
        "no-dfu", "Choose another device: this one has no DFU interface in any configuration.",
        ["dfu list --any"])
      return
    }
    guard mode == .dfu else {
      tick("dfu-mode", false, "Its application runs.")
      instruction = .init(
        "detach", "Bring it into DFU mode.",
        ["dfu detach -d '\(patient.selector ?? "path:\(info.path)")'"])
      return
    }
    tick("dfu-mode", true, "It is in DFU mode.")
    if let driver = patient.driver, driver != "usbfs" {
      tick("driver", false, "The driver \(driver) holds its DFU interface.")
      remedy = .unbind(interface: patient.interface, driver: driver)
      instruction = .init(
        "unbind", "Let \(driver) give the interface up.", Self.commands(of: remedy))
      return
    }
    guard patient.driver == nil else {
      tick("driver", true, "No driver of the kernel holds its DFU interface, as it should be.")
      tick("permission", false, "Another program has its DFU interface.")
      instruction = .init(
        "busy", "End the program that has it open.", ["fuser -v \(Self.node(of: info))"])
      return
    }
    tick("driver", true, "No driver holds its DFU interface, as it should be.")
    examine(patient, name, machine)
  }

  private mutating func examine(_ patient: Patient, _ name: String, _ machine: Machine) {
    let user = machine.user.name
    switch patient.refusal {
    case nil: tick("permission", true, "\(user) may open it.")
    case .permission? where !patient.isLocal, .busy? where !patient.isLocal:
      tick("permission", false, "The machine that it is plugged into does not give it.")
      instruction = .init("remote", "Ask there: run dfu doctor on that machine.", [])
    case .permission?:
      tick("permission", false, patient.access ?? "\(user) may not open it.")
      guard machine.hasUdev else {
        // Without udev nobody reads rules, and the node is as the kernel has made it.
        instruction =
          machine.place == .wsl
          ? .init(
            "wsl-systemd",
            "There is no udev here: switch systemd on in /etc/wsl.conf ([boot] systemd=true), shut WSL down, and "
              + "ask again.", ["wsl.exe --shutdown"])
          : .init(
            "no-udev", "There is no udev here: run dfu as root, or open the node to the user.",
            ["sudo chmod o+rw \(Self.node(of: patient.info))"])
        return
      }
      guard machine.user.isAtSeat || Self.group(machine) != nil else {
        instruction = .init(
          "group",
          "Make a group of those who may open such devices, put \(user) into it, log in again, and ask again.",
          ["sudo groupadd --force plugdev", "sudo usermod -aG plugdev \(user)"])
        return
      }
      remedy = .rule(Self.rule(for: patient.info, machine), device: patient.info.path.description)
      instruction = .init(
        "rule", "Write a rule for udev that lets \(user) open it.", Self.commands(of: remedy))
    case .busy?:
      tick("permission", false, "Another program has it.")
      instruction = .init(
        "busy", "End the program that has it open.", ["fuser -v \(Self.node(of: patient.info))"])
    case .notFound?:
      tick("permission", false, "It has gone while it was looked at.")
      instruction = .init("gone", "Plug it in again, and ask again.", [])
    case .other?, .unreachable?:
      tick("permission", false, "The system cannot open it.")
      instruction = .init("replug", "Plug it in again, and ask again.", [])
    }
  }

  private mutating func tick(_ name: String, _ isGood: Bool, _ sentence: String) {
    ticks.append(.init(name: name, isGood: isGood, sentence: sentence))
  }

  /// Where its node is: `/dev/bus/usb/001/004`.
  public static func node(of info: DeviceInfo) -> String {
    func three(_ number: Int) -> String {
      let digits = "\(number)"
      return String(repeating: "0", count: max(0, 3 - digits.count)) + digits
    }
    return "/dev/bus/usb/\(three(Int(info.path.bus)))/\(three(Int(info.address)))"
  }

  /// A group for who does not sit at the machine: `plugdev` where that is theirs, else one that is theirs alone. Any
  /// other would let others in with them.
  private static func group(_ machine: Machine) -> String? {
    if machine.user.groups.contains("plugdev") { return "plugdev" }
    guard !machine.user.isAtSeat, machine.firstGroup == machine.user.name else { return nil }
    return machine.firstGroup
  }

  private static func rule(for info: DeviceInfo, _ machine: Machine) -> UdevRuleFile {
    let (vendor, product) = (info.descriptor.vendor, info.descriptor.product)
    return UdevRule.granting(
      vendor, product, name: "dfu-\(vendor)-\(product)", group: group(machine))
  }

  /// What a person would type as root to the same effect.
  static func commands(of remedy: Remedy?) -> [String] {
    switch remedy {
    case .rule(let file, let device)?:
      [
        "sudo tee /etc/udev/rules.d/\(file.name)", "sudo udevadm control --reload",
        "sudo udevadm trigger --action=change --subsystem-match=usb --sysname-match=\(device)",
      ]
    case .unbind(let interface, let driver)?:
      ["echo \(interface) | sudo tee /sys/bus/usb/drivers/\(driver)/unbind"]
    case nil: []
    }
  }

  private static func absence(
    _ others: [DeviceInfo], _ machine: Machine
  ) -> DiagnosisReport.Instruction {
    if let runtime = others.first(where: { $0.dfuMode == .runtime }) {
      return .init(
        "detach",
        "\(runtime.ids) at \(runtime.path) runs its application, and has a DFU interface: bring it into DFU mode.",
        ["dfu detach -d path:\(runtime.path)"])
    }
    switch machine.place {
    case .wsl:
      return .init(
        "wsl-attach",
        "This is WSL: devices of Windows come here by usbipd-win. In Windows, share the device and attach it.",
        ["usbipd list", "usbipd bind --busid BUSID", "usbipd attach --wsl --busid BUSID"])
    case .container:
      return .init(
        "container-device",
        "This is a container: start it with the bus of its machine, or reach the device over the network with -d "
          + "usbip://HOST.",
        ["docker run -v /dev/bus/usb:/dev/bus/usb --device-cgroup-rule='c 189:* rwm' …"])
    case .linux, .other:
      if let board = others.first(where: { $0.descriptor.vendor == VendorID(0x0483) }) {
        return .init(
          "boot0",
          "\(board.ids) at \(board.path) is of STMicroelectronics and not in its bootloader: hold BOOT0 while it is "
            + "reset.", [])
      }
      return .init(
        "plug-in",
        "Plug it in with a cable that carries data, hold BOOT0 while it is reset, and see what the kernel says.",
        ["dfu usb watch --kernel"])
    }
  }
}
