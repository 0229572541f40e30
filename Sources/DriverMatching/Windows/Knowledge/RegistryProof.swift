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
    guard let binding = decision.binding, decision.problemCode != 52 else { return [] }
    let node = binding.node
    let name = HardwareID(deviceID)?.withoutRevision ?? deviceID
    let guid = node.classGUID.lowercased()
    let root = "HKLM\\SYSTEM\\CurrentControlSet"
    var all: [RegistryProof] = []
    func add(_ key: String, _ values: [(String, String?)]) {
      // What is not known has no line; nor has what would name no key.
      for (name, value) in values {
        guard let value, !value.isEmpty else { continue }
        all.append(RegistryProof(key: key, name: name, value: value))
      }
    }
    if !name.isEmpty {
      let device = root + "\\Enum\\\(name)\\…"
      add(
        device,
        [
          ("Service", binding.service), ("ClassGUID", guid),
          ("Driver", guid.isEmpty ? nil : guid + "\\…"),
        ])
      add(
        device + "\\Device Parameters",
        [("DeviceInterfaceGUIDs", binding.interfaceGUIDs.joined(separator: " "))])
    }
    if !guid.isEmpty {
      add(
        root + "\\Control\\Class\\\(guid)\\…",
        [
          ("InfPath", node.file), ("MatchingDeviceId", node.match.id.lowercased()),
          ("DriverVersion", node.version.version),
          ("InfSection", node.installSection.isEmpty ? nil : node.installName),
        ])
    }
    if let service = binding.service, !service.isEmpty {
      // Windows' own are known by name; their file is not always called so.
      let binary = node.serviceBinary.map { shown($0.text) } ?? "the path of its .sys"
      add(
        root + "\\Services\\\(service)",
        [("ImagePath", binary), ("Start", start(node.serviceStart?.text))])
    }
    return all
  }

  /// A path as an INF writes it, with the folder that its number stands for (Microsoft Learn, "Using Dirids").
  private static func shown(_ path: String) -> String {
    let folders = [
      "%10%": "the folder of Windows", "%11%": "system32", "%12%": "system32\\drivers",
      "%13%": "the package's folder in the driver store",
    ]
    return folders[String(path.prefix(4))].map { "\(path) (\(path.prefix(4)) is \($0))" } ?? path
  }

  /// What the number of StartType means (Microsoft Learn, "INF AddService Directive").
  private static func start(_ text: String?) -> String? {
    guard let text, let number = INFNumber(text)?.value else { return nil }
    let meanings = [
      "by the boot loader", "when the system starts", "by the service control manager",
      "when a device needs it", "never: it is disabled",
    ]
    return meanings.indices.contains(number) ? "\(number) (\(meanings[number]))" : nil
  }
}
