public import DriverMatching
public import SystemPackage
public import USB

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// The modules of a kernel as `depmod` lists them.
public struct ModuleFiles: Sendable {
  /// What modprobe asks.
  public var modules: KernelModules
  /// Which kernel they are of: `6.12.43+deb13-amd64`; a path where nothing tells.
  public var kernel: String

  /// `modules.alias` of every distribution together has some megabytes.
  static let sizeLimit = 64 << 20

  /// Where settings of modprobe are, the highest first (modprobe.d(5)).
  static let settings = [
    "/etc/modprobe.d", "/run/modprobe.d", "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d",
    "/lib/modprobe.d",
  ]

  /// Those of the running kernel; nil where they are not there, as in most containers.
  ///
  /// - Parameter device: the one product that is going to be asked for; nil for any. Lines of others are not
  ///   read then, which takes a tenth of the time.
  /// - Returns: the modules.
  public static func running(
    for device: (vendor: VendorID, product: ProductID)? = nil
  ) -> ModuleFiles? {
    #if os(Linux)
      var name = utsname()
      guard uname(&name) == 0 else { return nil }
      let release = withUnsafeBytes(of: name.release) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      for root in ["/lib/modules", "/usr/lib/modules"] {
        let folder = "\(root)/\(release)"
        guard SettingsFolder.isFolder(folder),
          let files = try? tree(folder, kernel: release, settings: nil, for: device)
        else { continue }
        return files
      }
    #endif
    return nil
  }

  /// Those of a file or a folder that somebody names: a `modules.alias`, the folder that it lies in, or the root of
  /// a system with one kernel.
  ///
  /// - Parameters:
  ///   - path: which of them.
  ///   - device: the one product that is going to be asked for, as ``running(for:)`` has it.
  /// - Returns: the modules.
  /// - Throws: ``FileError`` where nothing of that is there.
  public static func named(
    _ path: FilePath, for device: (vendor: VendorID, product: ProductID)? = nil
  ) throws(FileError) -> ModuleFiles {
    let text = path.string
    guard SettingsFolder.isFolder(text) else {
      let bytes = try InputFile.read(path, limit: sizeLimit)
      return ModuleFiles(
        modules: KernelModules(aliases: ModuleAliases(bytes, file: text, only: device)),
        kernel: text)
    }
    if SettingsFolder.names(in: text).contains("modules.alias") {
      let kernel = path.lastComponent?.string ?? text
      return try tree(text, kernel: kernel, settings: nil, hasSettings: false, for: device)
    }
    for root in ["lib/modules", "usr/lib/modules"] {
      let kernels = SettingsFolder.names(in: "\(text)/\(root)").filter {
        SettingsFolder.names(in: "\(text)/\(root)/\($0)").contains("modules.alias")
      }
      guard let kernel = kernels.last else { continue }
      guard kernels.count == 1 else {
        throw FileError(
          .notFound,
          "There are \(kernels.count) kernels in \(text)/\(root): \(kernels.joined(separator: ", ")).",
          help: "Name the folder of one of them.")
      }
      return try tree("\(text)/\(root)/\(kernel)", kernel: kernel, settings: path, for: device)
    }
    throw FileError(
      .notFound, "There is no modules.alias in \(text), and no kernel below it.",
      help: "Name a modules.alias, a folder like /lib/modules/6.12.43, or the root of a system.")
  }

  private static func tree(
    _ folder: String, kernel: String, settings root: FilePath?, hasSettings: Bool = true,
    for device: (vendor: VendorID, product: ProductID)?
  ) throws(FileError) -> ModuleFiles {
    func optional(_ name: String) -> [UInt8] {
      (try? InputFile.read(FilePath("\(folder)/\(name)"), limit: sizeLimit)) ?? []
    }
    let aliases = try InputFile.read(FilePath("\(folder)/modules.alias"), limit: sizeLimit)
    let files = hasSettings ? SettingsFolder.files(in: settings, suffix: ".conf", under: root) : []
    var commandLine = ""
    if hasSettings, root == nil, let bytes = try? InputFile.read("/proc/cmdline", limit: 1 << 16) {
      commandLine = String(decoding: bytes, as: UTF8.self)
    }
    return ModuleFiles(
      modules: KernelModules(
        aliases: ModuleAliases(
          aliases, file: "modules.alias", order: optional("modules.order"), only: device),
        builtin: ModuleAliases(builtinInfo: optional("modules.builtin.modinfo"), only: device),
        configuration: ModprobeConfiguration(files, commandLine: commandLine)),
      kernel: kernel)
  }

  /// The drivers of USB that are registered with the running kernel; none where `/sys` tells nothing.
  public static func registered() -> [String] {
    SettingsFolder.names(in: "/sys/bus/usb/drivers")
  }
}
