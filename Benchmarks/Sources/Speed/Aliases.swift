import DriverMatching
import USB

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Linux' module aliases: one device in the whole file, and many, beside `modprobe --resolve-alias`.
enum Aliases {
  /// Where a kernel's lists are: those that `Scripts/set-up bench` has fetched.
  private static var tree: (root: String, version: String)? {
    let root = ".build/set-up/kernel-modules"
    guard let folder = opendir("\(root)/lib/modules") else { return nil }
    defer { closedir(folder) }
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix(".") { return (root, name) }
    }
    return nil
  }

  private static func read(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    fseek(file, 0, SEEK_END)
    let size = ftell(file)
    rewind(file)
    guard size > 0 else { return [] }
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      count = fread(buffer.baseAddress, 1, size, file)
    }
  }

  static func report(dfu: String) {
    guard let tree else {
      print("\nAliases: the kernel's lists are not here; `Scripts/set-up bench` fetches them.")
      return
    }
    let folder = "\(tree.root)/lib/modules/\(tree.version)"
    let name = "usb:v0403p6001d0600dc00dsc00dp00icFFiscFFipFFin00"
    let product = (VendorID(0x0403), ProductID(0x6001))
    var found = 0
    let one = Measure.best {
      let table = ModuleAliases(
        read("\(folder)/modules.alias"), order: read("\(folder)/modules.order"), only: product)
      found = table.matches(name).count
    }
    let text = read("\(folder)/modules.alias")
    let order = read("\(folder)/modules.order")
    var table = ModuleAliases()
    let whole = Measure.best { table = ModuleAliases(text, order: order) }
    let names = (0..<10_000).map { index in
      // Every line in turn, a digit for each of its wildcards.
      String(
        table.aliases[(index * 7_919) % table.aliases.count].pattern.map {
          $0 == "*" || $0 == "?" ? "0" : $0
        })
    }
    let many = Measure.best { for name in names { found += table.matches(name).count } }

    let options = ["-d", tree.root, "-S", tree.version, "-R"]
    let modprobe = Process.find("modprobe") ?? "/usr/sbin/modprobe"
    let theirs = Process.best(of: 30, modprobe, options + [name])
    let ours = Process.best(
      of: 30, dfu, ["usb", "drivers", "--modules", folder, "--modalias", name])
    let start = Process.best(of: 30, dfu, ["--version"])
    func ratio(_ time: Duration?) -> String {
      guard let time, let theirs else { return "-" }
      return rounded(time.inSeconds / theirs.wall.inSeconds, places: 2)
    }
    printTable(
      "Linux: \(table.aliases.count) aliases of USB among \(text.count / 1000) kB",
      ["step", "time", "times modprobe's", "goal"],
      [
        [
          "modprobe -R, one name, as a process", theirs?.wall.text ?? "absent", ratio(theirs?.wall),
          "",
        ],
        ["the files are read and one name is found", one.text, ratio(one), "below 1"],
        [
          "dfu usb drivers --modalias, as a process", ours?.wall.text ?? "failed",
          ratio(ours?.wall), "below 1",
        ],
        ["  of which dfu --version takes", start?.wall.text ?? "failed", ratio(start?.wall), ""],
        ["the whole table is made", whole.text, ratio(whole), ""],
        ["10 000 names are found in it", many.text, "", ""],
        ["both", (whole + many).text, "", "1 s"],
      ])
  }
}
