/// What installing a driver would do, as far as it matters to who can use the device (Microsoft Learn, "INF
/// DDInstall Section" and its relatives).
public struct INFInstallation: Hashable, Sendable {
  /// A word of the file with the place where it stands.
  public struct Value: Codable, Hashable, Sendable {
    /// The word.
    public var text: String
    /// `oem12.inf:34`.
    public var place: String
    /// How well it is known: read, or built-in knowledge of a file that was not at hand.
    public var certainty: Certainty
  }

  /// The section that was chosen for its name and the architecture.
  public var section: String
  /// Whether the file has it.
  public var exists: Bool
  /// Whether its name ends in `.NT` or `.NT` and the architecture.
  public var isDecorated: Bool
  /// The function driver: the service of AddService with flag 2. An empty name means that none is needed; nil
  /// that the file names none.
  public var service: Value?
  /// The device interfaces that the hardware key gets: `DeviceInterfaceGUIDs`.
  public var interfaceGUIDs: [Value]
  /// How usbccgp is to divide the device; nil where nothing is said of it.
  public var composite: CompositeSettings?
  /// GUIDs that the registry keys of the service get, as old drivers keep them.
  public var serviceGUIDs: [Value]
  /// The file of the function driver as its section says it: `%12%\WinUSB.sys`; nil where nothing is said.
  public var serviceBinary: Value?
  /// `StartType` of the function driver; nil where nothing is said.
  public var serviceStart: Value?
  /// `FeatureScore`, lower is better; nil for none.
  public var featureScore: UInt8?
  /// `ExcludeID`: hardware ids that the section does not install for.
  public var excludedIDs: [Value]
  /// A DriverVer of its own, which counts instead of that of `[Version]`.
  public var driverVersion: DriverVersion?
  /// What the file needs and neither it nor another at hand has.
  public var missing: [Value]
  /// Whether Needs leads further than is followed here.
  public var isCut: Bool
}

extension INFReading {
  /// The install section for a name on an architecture: `X.NTamd64`, else `X.NT`, else `X`.
  ///
  /// - Returns: the name, and whether it is decorated; `X` itself where there is none at all.
  public func installSection(
    _ name: String, on architecture: WindowsProfile.Architecture
  ) -> (name: String, isDecorated: Bool) {
    for suffix in [".NT" + architecture.rawValue, ".NT"] where section(name + suffix) != nil {
      return (name + suffix, true)
    }
    return (name, false)
  }

  /// What installing by an install section would do.
  ///
  /// - Parameters:
  ///   - name: the name of the models line, not decorated.
  ///   - architecture: that of the machine.
  ///   - library: the files that Include may name.
  /// - Returns: the service, the interfaces and what else the section and its relatives say.
  public func installation(
    _ name: String, on architecture: WindowsProfile.Architecture, _ library: INFLibrary
  ) -> INFInstallation {
    var cache = INFSectionCache()
    return installation(name, on: architecture, library, &cache)
  }

  func installation(
    _ name: String, on architecture: WindowsProfile.Architecture, _ library: INFLibrary,
    _ cache: inout INFSectionCache
  ) -> INFInstallation {
    let (chosen, isDecorated) = installSection(name, on: architecture)
    let main = INFGathered(chosen, of: self, library, &cache)
    let services = INFGathered(chosen + ".Services", of: self, library, &cache)
    let hardware = INFGathered(chosen + ".HW", of: self, library, &cache)
    let own = section(chosen)?.lines.prefix(INFGathered.lineLimit) ?? []
    func first(_ key: String) -> INF.Line? { own.first { $0.key?.lowercased() == key } }
    let service = functionDriver(services)
    let hardwareValues = registryValues(hardware, library)
    var result = INFInstallation(
      section: chosen, exists: section(chosen) != nil, isDecorated: isDecorated,
      service: service?.value,
      interfaceGUIDs: hardwareValues.filter(\.isInterface).flatMap(\.values),
      composite: CompositeSettings(
        software: registryValues(main, library), hardware: hardwareValues),
      serviceGUIDs: [], featureScore: nil, excludedIDs: [], driverVersion: nil, missing: [],
      isCut: main.isCut || services.isCut || hardware.isCut)
    if let line = service?.line {
      let keys = INFGathered(line.line.field(2), of: self, library, &cache)
      result.serviceGUIDs = registryValues(keys, library).flatMap(\.guids)
      func value(_ key: String) -> INFInstallation.Value? {
        keys.lines(key).first.map {
          INFInstallation.Value(text: $0.line.field(0), place: $0.place, certainty: .read)
        }
      }
      result.serviceBinary = value("ServiceBinary")
      result.serviceStart = value("StartType")
    }
    result.featureScore = first("featurescore").flatMap { line in
      let digits = field(0, of: line).lowercased()
      return UInt8(digits.hasPrefix("0x") ? String(digits.dropFirst(2)) : digits, radix: 16)
    }
    result.driverVersion = first("driverver").map { driverVersion($0) }
    for line in own
    where line.key?.lowercased() == "excludeid"
      && result.excludedIDs.count < INFGathered.lineLimit
    {
      result.excludedIDs += line.fields.prefix(INFGathered.lineLimit).map {
        INFInstallation.Value(
          text: expand($0, limit: HardwareID.limit), place: "\(inf.name):\(line.number)",
          certainty: .read)
      }
    }
    let known = service?.value.certainty != .read ? service?.value.place : nil
    result.missing = (main.missing + services.missing + hardware.missing).filter {
      $0.place != known && !InboxSection.isKnown($0.section)
    }.map {
      INFInstallation.Value(text: $0.section, place: $0.place, certainty: .read)
    }
    return result
  }

  /// The service of AddService with flag 2; where the file only needs a section of Windows' own, what is known of
  /// that.
  private func functionDriver(
    _ gathered: INFGathered
  ) -> (value: INFInstallation.Value, line: INFPlacedLine?)? {
    for placed in gathered.lines("AddService") {
      guard let flags = INFNumber(placed.line.field(1)), flags.value & 2 != 0 else { continue }
      let value = INFInstallation.Value(
        text: placed.line.field(0), place: placed.place, certainty: .read)
      return (value, placed)
    }
    for missing in gathered.missing {
      guard let known = InboxSection.service(missing.section) else { continue }
      let value = INFInstallation.Value(
        text: known.service, place: missing.place, certainty: known.certainty)
      return (value, nil)
    }
    return nil
  }

  private func registryValues(
    _ gathered: INFGathered, _ library: INFLibrary
  ) -> [INFRegistryValue] {
    var seen: Set<String> = []
    var values: [INFRegistryValue] = []
    var count = 0
    for placed in gathered.lines("AddReg") where count < INFGathered.lineLimit {
      count += placed.line.fields.count
      // A borrowed section names sections of its own file.
      let reading =
        placed.file == inf.name ? self : library.file(placed.file) ?? self
      for name in placed.line.fields
      where seen.count < INFGathered.countLimit
        && seen.insert("\(placed.file)|\(name)".lowercased()).inserted
      {
        for line in reading.section(name)?.lines ?? []
        where line.key == nil && values.count < INFGathered.lineLimit {
          let expanded = INF.Line(
            number: line.number,
            fields: line.fields.prefix(INFGathered.fieldLimit).map {
              reading.expand($0, limit: INFGathered.textLimit)
            })
          values.append(
            INFRegistryValue(placed: INFPlacedLine(file: reading.inf.name, line: expanded)))
        }
      }
    }
    return values
  }
}

/// A GUID in its braces.
enum INFGUID {
  /// Whether a text is `{8-4-4-4-12}` of hexadecimal digits.
  static func isGUID(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard bytes.count == 38, bytes.first == 0x7B, bytes.last == 0x7D else { return false }
    return bytes.dropFirst().dropLast().enumerated().allSatisfy { place, byte in
      [8, 13, 18, 23].contains(place)
        ? byte == 0x2D : Character(Unicode.Scalar(byte)).isHexDigit
    }
  }

  /// Those that stand in a text.
  static func all(in text: String) -> [String] {
    let bytes = Array(text.utf8)
    return bytes.indices.compactMap { start in
      guard bytes[start] == 0x7B, start + 38 <= bytes.count else { return nil }
      let part = String(decoding: bytes[start..<start + 38], as: UTF8.self)
      return isGUID(part) ? part : nil
    }
  }

  /// Whether it would be one with braces.
  static func isBare(_ text: String) -> Bool { text.utf8.count == 36 && isGUID("{" + text + "}") }
}
