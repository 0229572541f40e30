import Foundation
import Testing

@testable import Firmware

/// ELF files linked here and now by the Swift toolchain's own clang and lld, against what the same
/// toolchain's `llvm-objcopy` makes of them.
@Suite struct `ELF files of the toolchain's own clang` {
  @Test
  func `headers inside the first segment are not firmware, and data lies at its load address`()
    throws
  {
    // The program begins 0x200 above the start of a page, which leaves lld room for the file header
    // and the program headers in the first PT_LOAD, from 0x08000000.
    let link = try Link(
      script: """
        ENTRY(reset)
        MEMORY {
          flash (rx) : ORIGIN = 0x08000200, LENGTH = 63K
          settings (r) : ORIGIN = 0x08010000, LENGTH = 64K
          ram (rwx) : ORIGIN = 0x20000000, LENGTH = 128K
        }
        stackTop = ORIGIN(ram) + LENGTH(ram);
        SECTIONS {
          .vectors : { KEEP(*(.vectors)) } > flash
          .text : { *(.text .text.*) } > flash
          .rodata : { KEEP(*(.version)) *(.rodata .rodata.*) . = ALIGN(4); } > flash
          .data : { dataStart = .; *(.data .data.*) . = ALIGN(4); dataEnd = .; } > ram AT > flash
          dataInFlash = LOADADDR(.data);
          .bss (NOLOAD) : { bssStart = .; *(.bss .bss.*) bssEnd = .; } > ram
          .settings : { KEEP(*(.settings)) } > settings
        }
        """)
    // The premise: some PT_LOAD begins below the program, with the headers.
    #expect(link.loadAddresses.contains(0x0800_0000))

    let image = try link.parsed()
    let range = try #require(image.range)
    #expect(range.lowerBound == 0x0800_0200)
    #expect(image.bytes(in: range, fill: 0xFF) == link.flat)
    #expect(image.extents.count == 2, "the program with its data, and the settings")
    // .data, {0, 1, 2, 3}, is the end of the first stretch.
    let program = try #require(image.extents.first)
    #expect(image.bytes(in: program.upperBound - 4..<program.upperBound, fill: 0) == [0, 1, 2, 3])
    #expect(image.segments.allSatisfy { $0.address < 0x2000_0000 }, "nothing goes to RAM")
  }

  @Test func `a link without a script gives what objcopy gives`() throws {
    let link = try Link(script: nil)
    #expect(link.loadAddresses.contains(0x0800_0000), "the headers are in the first PT_LOAD")

    let image = try link.parsed()
    let range = try #require(image.range)
    #expect(range.lowerBound > 0x0800_0000, "the headers are no firmware")
    #expect(image.bytes(in: range, fill: 0xFF) == link.flat)
  }

  @Test func `the example's ELF and HEX files hold the same image`() throws {
    let folder = packageFolder.appending(path: "Examples/firmware")
    let elf = try [UInt8](Data(contentsOf: folder.appending(path: "blink.elf")))
    let hex = try [UInt8](Data(contentsOf: folder.appending(path: "blink.hex")))
    let fromELF = try FirmwareFile(parsing: elf)
    let fromHEX = try FirmwareFile(parsing: hex)
    #expect(fromELF.format == .elf)
    #expect(fromHEX.format == .intelHex)
    let image = try #require(try fromELF.targets.first?.image(placingRawAt: nil))
    #expect(try fromHEX.targets.first?.image(placingRawAt: nil)?.differences(from: image) == [])
    #expect(image.extents.map(\.lowerBound) == [0x0800_0000, 0x0801_0000])
    #expect(image.bytes(in: 0x0801_0000..<0x0801_0004, fill: 0) == Array("TTES".utf8))
  }
}

private let packageFolder = URL(filePath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// `Examples/firmware/blink.c`, compiled and linked in a folder of its own.
private struct Link {
  let elf: [UInt8]
  /// `llvm-objcopy -O binary --gap-fill=0xFF`.
  let flat: [UInt8]
  /// `p_paddr` of each PT_LOAD with bytes, read here by hand.
  let loadAddresses: [UInt32]

  init(script: String?) throws {
    let found = try run("/bin/sh", [packageFolder.appending(path: "Scripts/swift-tools").path])
    let tools = String(decoding: found, as: UTF8.self).trimmingCharacters(in: .newlines)
    let targets = try run("\(tools)/clang", ["--print-targets"])
    if !String(decoding: targets, as: UTF8.self).contains(" thumb ") {
      try Test.cancel("\(tools)/clang cannot build for Arm")
    }

    let folder = FileManager.default.temporaryDirectory
      .appending(path: "ToolchainELFTests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let output = folder.appending(path: "program.elf").path
    var arguments = [
      "--target=armv7em-none-eabi", "-mcpu=cortex-m4", "-mfloat-abi=soft", "-mthumb", "-std=c17",
      "-Os", "-ffreestanding", "-nostdlib", "-fuse-ld=lld", "-o", output,
      packageFolder.appending(path: "Examples/firmware/blink.c").path,
    ]
    if let script {
      let file = folder.appending(path: "program.ld")
      try Data(script.utf8).write(to: file)
      arguments.append("-Wl,-T,\(file.path)")
    } else {
      arguments += [
        "-Wl,--image-base=0x08000000", "-Wl,--entry=reset", "-Wl,--defsym=stackTop=0x20020000",
      ]
      arguments += ["dataInFlash", "dataStart", "dataEnd", "bssStart", "bssEnd"]
        .map { "-Wl,--defsym=\($0)=0x20000000" }
    }
    _ = try run("\(tools)/clang", arguments)
    let flatFile = folder.appending(path: "program.bin").path
    _ = try run(
      "\(tools)/llvm-objcopy", ["-O", "binary", "--gap-fill=0xFF", output, flatFile])
    elf = try [UInt8](Data(contentsOf: URL(filePath: output)))
    flat = try [UInt8](Data(contentsOf: URL(filePath: flatFile)))
    loadAddresses = Link.loadAddresses(of: elf)
  }

  func parsed() throws -> FirmwareImage {
    let file = try FirmwareFile(parsing: elf)
    #expect(file.format == .elf)
    return try #require(try file.targets.first?.image(placingRawAt: nil))
  }

  /// The program headers of an ELF32 file: `e_phoff` at 28, `e_phentsize` at 42, `e_phnum` at 44;
  /// in each, `p_type` at 0, `p_paddr` at 12, `p_filesz` at 16.
  private static func loadAddresses(of elf: [UInt8]) -> [UInt32] {
    func word(_ offset: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | UInt32(elf[offset + $1]) << (8 * $1) }
    }
    let (size, count) = (Int(elf[42]), Int(elf[44]))
    return (0..<count).map { Int(word(28)) + $0 * size }
      .filter { word($0) == 1 && word($0 + 16) > 0 }
      .map { word($0 + 12) }
  }
}

/// Runs a program and gives its standard output; a failure carries its standard error.
private func run(_ program: String, _ arguments: [String]) throws -> Data {
  let process = Process()
  process.executableURL = URL(filePath: program)
  process.arguments = arguments
  let output = Pipe()
  process.standardOutput = output
  try process.run()
  let data = try output.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  try #require(process.terminationStatus == 0, "\(program) \(arguments.joined(separator: " "))")
  return data
}
