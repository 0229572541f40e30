public import DriverMatching
internal import FoundationEssentials
internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// What the running kernel shows of devices, as udev reads it while it works through its rules: files of `/sys`, and
/// for what a device is plugged into also udev's database (sysfs(5); systemd 252, sd-device).
public struct UdevSysfs: Sendable {
  /// Where sysfs is.
  public var root: String
  /// Where udev keeps its database.
  public var database: String

  /// A system; other folders than the usual ones are for tests.
  public init(root: String = "/sys", database: String = "/run/udev/data") {
    self.root = root
    self.database = database
  }

  /// No file of sysfs that is a text is longer.
  static let page = 4096
  /// A folder of a device has some 40 files.
  static let mostFiles = 400

  /// Puts in what the system shows of a USB device in place of what its descriptors alone would tell: its path, its
  /// driver, its files, and everything that it is plugged into. Without a folder of its name nothing changes.
  public func complete(_ device: inout UdevDevice) {
    guard let folder = Self.real("\(root)/bus/usb/devices/\(device.name)"),
      let top = Self.real("\(root)/devices"), folder.hasPrefix(top + "/")
    else { return }
    device.devpath = "/devices" + folder.dropFirst(top.count)
    device.driver = Self.link("driver", in: folder)
    device.attributes.merge(attributes(in: folder)) { _, shown in shown }
    device.properties.merge(event(in: folder)) { _, shown in shown }
    device.parents = []
    var path = folder
    while let slash = path.lastIndex(of: "/"), device.parents.count < UdevDevice.parentLimit {
      path = String(path[..<slash])
      guard path.hasPrefix(top + "/") else { break }
      if SettingsFolder.isFile(path + "/uevent") { device.parents.append(parent(path, top)) }
    }
  }

  private func parent(_ folder: String, _ top: String) -> UdevDevice {
    let subsystem = Self.link("subsystem", in: folder)
    let text = lines(of: folder + "/uevent")
    let number = text["MAJOR"].flatMap { major in text["MINOR"].map { "c\(major):\($0)" } }
    var properties = event(in: folder)
    var tags: Set<String> = []
    if let number {
      for line in Self.text("\(database)/\(number)").split(separator: "\n") {
        let value = line.dropFirst(2)
        if line.hasPrefix("G:") {
          tags.insert(String(value))
        } else if line.hasPrefix("E:"), let equals = value.firstIndex(of: "=") {
          properties[String(value[..<equals])] = String(value[value.index(after: equals)...])
        }
      }
    }
    let isUSB = subsystem == "usb"
    return UdevDevice(
      name: String(folder[folder.index(after: folder.lastIndex(of: "/") ?? folder.startIndex)...]),
      devpath: "/devices" + folder.dropFirst(top.count), subsystem: subsystem,
      devtype: text["DEVTYPE"], driver: Self.link("driver", in: folder),
      attributes: isUSB ? attributes(in: folder) : Self.usual(in: folder), hasAllAttributes: isUSB,
      properties: properties, databaseTags: tags)
  }

  /// Files of controllers that rules ask for. Others may cost time or do something when they are read.
  private static func usual(in folder: String) -> [String: String] {
    var all: [String: String] = [:]
    for name in [
      "vendor", "device", "class", "subsystem_vendor", "subsystem_device", "revision", "modalias",
      "power/control",
    ] where SettingsFolder.isFile("\(folder)/\(name)") {
      all[name] = value(of: "\(folder)/\(name)")
    }
    return all
  }

  private func attributes(in folder: String) -> [String: String] {
    var all: [String: String] = [:]
    let names =
      SettingsFolder.names(in: folder)
      + SettingsFolder.names(in: folder + "/power").map { "power/" + $0 }
    for name in names.prefix(Self.mostFiles) where name != "uevent" {
      let path = "\(folder)/\(name)"
      // Descriptors are no text. What only root may read is no concern of rules, and is left out.
      guard name != "descriptors", name != "bos_descriptors",
        let status = try? Stat(FilePath(path), followTargetSymlink: false)
      else { continue }
      if status.type == .regular, status.size <= Self.page {
        all[name] = Self.value(of: path)
      } else if status.type == .symbolicLink, ["driver", "subsystem", "module"].contains(name) {
        all[name] = Self.link(name, in: folder)
      }
    }
    return all
  }

  /// What the kernel's event says, without what names the device.
  private func event(in folder: String) -> [String: String] {
    lines(of: folder + "/uevent").filter {
      !["MAJOR", "MINOR", "DEVNAME", "DEVTYPE", "DRIVER"].contains($0.key)
    }
  }

  private func lines(of path: String) -> [String: String] {
    var all: [String: String] = [:]
    for line in Self.text(path).split(separator: "\n") {
      guard let equals = line.firstIndex(of: "=") else { continue }
      all[String(line[..<equals])] = String(line[line.index(after: equals)...])
    }
    return all
  }

  private static func text(_ path: String) -> String {
    guard SettingsFolder.isFile(path), let bytes = try? InputFile.read(FilePath(path), limit: page)
    else { return "" }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Without the line end that the kernel puts there; nil for what cannot be read.
  private static func value(of path: String) -> String? {
    guard let file = try? FileDescriptor.open(FilePath(path), .readOnly, options: .nonBlocking)
    else { return nil }
    defer { try? file.close() }
    let bytes = [UInt8](unsafeUninitializedCapacity: page) { buffer, count in
      count = (try? file.read(into: UnsafeMutableRawBufferPointer(buffer))) ?? 0
    }
    var text = bytes[...]
    while text.last == 0x0A { text.removeLast() }
    return String(decoding: text, as: UTF8.self)
  }

  /// The last part of where a link leads.
  private static func link(_ name: String, in folder: String) -> String? {
    guard
      let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)")
    else { return nil }
    return target.split(separator: "/").last.map(String.init)
  }

  private static func real(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }
}
