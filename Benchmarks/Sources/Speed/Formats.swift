import Firmware
import USB

/// Reading and writing each format, in this process and as whole programs beside others.
enum Formats {
  static let size = 8 << 20
  static let address: UInt64 = 0x0800_0000

  /// Bytes that no format can make smaller.
  static func noise(_ count: Int) -> [UInt8] {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    return (0..<count).map { _ in
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return UInt8(truncatingIfNeeded: state >> 32)
    }
  }

  /// A file of each format with the same content.
  static func files() throws(FirmwareError) -> [(FirmwareFormat, [UInt8])] {
    var image = FirmwareImage()
    try image.insert(noise(size), at: address, origin: .offset(0))
    let file = FirmwareFile(image: image)
    var files: [(FirmwareFormat, [UInt8])] = []
    for format in FirmwareFormat.allCases {
      files.append((format, try file.encoded(as: format)))
    }
    return files
  }

  static func report(_ files: [(FirmwareFormat, [UInt8])]) throws(FirmwareError) {
    var rows: [[String]] = []
    for (format, bytes) in files {
      let options = FirmwareReadOptions(format: format)
      let file = try FirmwareFile(parsing: bytes, options: options)
      let parse = Measure.best { _ = try? FirmwareFile(parsing: bytes, options: options) }
      let write = Measure.best { _ = try? file.encoded(as: format) }
      func rate(_ time: Duration) -> String {
        // What only hands its bytes on has no rate.
        time < .microseconds(10) ? "no copy" : rounded(Double(bytes.count) / 1e6 / time.inSeconds)
      }
      rows.append([
        format.name, rounded(Double(bytes.count) / 1e6, places: 1), rate(parse), rate(write),
      ])
    }
    printTable(
      "Formats, in this process: an image of 8 MiB, MB of file per second",
      ["format", "MB", "read", "write"], rows)
  }

  /// The same files converted by whole programs: start, reading, writing and all.
  static func compare(_ files: [(FirmwareFormat, [UInt8])], dfu: String, in scratch: Scratch) {
    var names: [FirmwareFormat: String] = [:]
    for (format, bytes) in files {
      names[format] = scratch.write(bytes, to: "in.\(format.fileExtension)")
    }
    let objcopy = Process.find("objcopy", "gobjcopy")
    let srecCat = Process.find("srec_cat")
    var rows: [[String]] = []
    for (source, target) in [
      (FirmwareFormat.intelHex, FirmwareFormat.intelHex), (.sRecord, .sRecord),
      (.intelHex, .raw), (.sRecord, .raw), (.raw, .intelHex), (.raw, .sRecord),
    ] {
      guard let input = names[source] else { continue }
      let output = scratch.file("out.\(target.fileExtension)")
      var arguments = ["file", "convert", input, output, "--to", target.rawValue, "-f"]
      if source == .raw { arguments += ["--address", "0x08000000"] }
      let ours = Process.best(dfu, arguments)
      let copied = Process.best(objcopy, objcopyArguments(source, target, input, output))
      let converted = Process.best(srecCat, srecCatArguments(source, target, input, output))
      func ratio(_ other: Process.Times?) -> String {
        guard let other, let ours else { return "-" }
        return rounded(other.processor.inSeconds / ours.processor.inSeconds, places: 1) + " x"
      }
      rows.append([
        "\(source.rawValue) to \(target.rawValue)", ours?.processor.text ?? "failed",
        objcopy == nil ? "absent" : copied?.processor.text ?? "failed", ratio(copied),
        srecCat == nil ? "absent" : converted?.processor.text ?? "failed", ratio(converted),
        "3 x",
      ])
    }
    printTable(
      "Whole programs, the same files: processor time, and how many times ours it is",
      ["conversion", "dfu", "objcopy", "ratio", "srec_cat", "ratio", "goal"], rows)
  }

  private static func objcopyArguments(
    _ source: FirmwareFormat, _ target: FirmwareFormat, _ input: String, _ output: String
  ) -> [String] {
    let names: [FirmwareFormat: String] = [.intelHex: "ihex", .sRecord: "srec", .raw: "binary"]
    let move = source == .raw ? ["--change-addresses", "0x08000000"] : []
    return ["-I", names[source] ?? "", "-O", names[target] ?? ""] + move + [input, output]
  }

  private static func srecCatArguments(
    _ source: FirmwareFormat, _ target: FirmwareFormat, _ input: String, _ output: String
  ) -> [String] {
    let names: [FirmwareFormat: String] = [
      .intelHex: "-Intel", .sRecord: "-Motorola", .raw: "-Binary",
    ]
    let move =
      source == .raw
      ? ["-offset", "0x08000000"] : target == .raw ? ["-offset", "-0x08000000"] : []
    return [input, names[source] ?? ""] + move + ["-o", output, names[target] ?? ""]
  }
}
