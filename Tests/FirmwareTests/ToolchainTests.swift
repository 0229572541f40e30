import Foundation
import Testing
import USB

@testable import Firmware

/// ELF files of other programs, and ours in their hands. Where a tool is missing, the test is skipped.
struct ToolchainTests {
  @Test(.enabled(if: Tool.canLink, "no clang with lld for Arm"))
  func `a linked program: initial values in flash, headers in the first segment`() throws {
    let folder = try Folder()
    try folder.write("program.s", Self.source)
    try folder.write("program.ld", Self.script)
    let program = try folder.link("program.elf", "-Wl,--no-rosegment")
    #expect(try FirmwareFile.recognise(program) == .elf)
    let header = try ELFHeader(program)
    let first = try #require(try header.loadableSegments(program).first)
    #expect(first.offset == 0, "The linker put no headers into the first segment.")
    let file = try FirmwareFile(parsing: program)
    let image = try #require(file.onlyImage)
    // Two words of vectors, a branch to itself, and the initial value behind them.
    #expect(image.extents == [0x0800_0100..<0x0800_0110])
    #expect(
      image.bytes(in: 0x0800_0100..<0x0800_0110)
        == Samples.hexBytes("00000220 09010008 fff7febf 78563412"))
    #expect(image.entryPoint == 0x0800_0109)
    #expect(VectorTable(in: image, at: 0x0800_0100)?.isPlausible(in: image) == true)
    #expect(file.noteSlugs == ["bytes-outside-sections"])
  }

  @Test(
    .enabled(if: Tool.canLink && Tool.llvmObjcopy != nil, "no clang with lld, or no llvm-objcopy"))
  func `objcopy and this program take the same bytes out of a program`() throws {
    let folder = try Folder()
    try folder.write("program.s", Self.source)
    try folder.write("program.ld", Self.script)
    let program = try folder.link("program.elf", "-Wl,--no-rosegment")
    try folder.run(Tool.llvmObjcopy, "-O", "ihex", "program.elf", "program.hex")
    let hex = try FirmwareFile(parsing: folder.read("program.hex"))
    let elf = try FirmwareFile(parsing: program)
    #expect(elf.onlyImage?.differences(from: try #require(hex.onlyImage)) == [])
  }

  @Test(.enabled(if: Tool.llvmObjcopy != nil, "no llvm-objcopy"))
  func `objcopy reads the programs that are written here`() throws {
    let folder = try Folder()
    let image = try Samples.image(
      (0x0800_0000, Array(0..<21)), (0x0800_0100, [1, 2, 3]), entryPoint: 0x0800_0001)
    try folder.write("ours.elf", FirmwareFile(image: image).encoded(as: .elf))
    try folder.run(Tool.llvmObjcopy, "-O", "ihex", "ours.elf", "theirs.hex")
    let back = try FirmwareFile(parsing: folder.read("theirs.hex"))
    #expect(back.onlyImage?.hasSameBytes(as: image) == true)
  }

  @Test(.enabled(if: Tool.readelf != nil, "no readelf"))
  func `readelf has no complaint about the programs that are written here`() throws {
    let folder = try Folder()
    let image = try Samples.image((0x0800_0000, [1, 2, 3]), (0x0801_0000, [4]))
    try folder.write("ours.elf", FirmwareFile(image: image).encoded(as: .elf))
    let text = try folder.run(Tool.readelf, "-W", "-h", "-l", "-S", "ours.elf")
    #expect(text.contains("EXEC (Executable file)"))
    #expect(text.contains("ARM"))
    #expect(text.contains(".text.08010000"))
    #expect(!text.lowercased().contains("warning"))
    #expect(!text.lowercased().contains("error"))
  }

  private static let source = """
      .syntax unified
      .thumb
      .section .vectors,"a"
      .word 0x20020000
      .word start
      .text
      .thumb_func
      .globl start
    start: b start
      .data
      .word 0x12345678
      .bss
      .space 16

    """
  // Without a MEMORY command lld puts its headers in front of the first section.
  private static let script = """
    ENTRY(start)
    SECTIONS {
      . = 0x08000100;
      .text : { *(.vectors) *(.text*) . = ALIGN(4); }
      .data 0x20000000 : AT(ADDR(.text) + SIZEOF(.text)) { *(.data) }
      .bss : { *(.bss) }
    }

    """
}

/// Programs of a development machine.
enum Tool {
  static let clang = find("clang")
  static let llvmObjcopy = find("llvm-objcopy")
  static let readelf = find("readelf") ?? find("llvm-readelf")
  static let canLink = clang != nil && find("ld.lld") != nil

  private static func find(_ name: String) -> String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.map { "\($0)/\(name)" }.first {
      FileManager.default.isExecutableFile(atPath: $0)
    }
  }
}

/// A folder of its own, gone at the end.
final class Folder {
  struct Failure: Error {
    var text: String
  }

  private let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "firmware-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: url.appending(path: name))
  }

  func read(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: url.appending(path: name)))
  }

  func link(_ name: String, _ options: String...) throws -> [UInt8] {
    let arguments =
      ["--target=armv7em-none-eabi", "-nostdlib", "-fuse-ld=lld", "-Wl,-T,program.ld"] + options
      + ["program.s", "-o", name]
    try run(Tool.clang, arguments)
    return try read(name)
  }

  @discardableResult
  func run(_ tool: String?, _ arguments: String...) throws -> String { try run(tool, arguments) }

  @discardableResult
  private func run(_ tool: String?, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(tool))
    process.arguments = arguments
    process.currentDirectoryURL = url
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let text = String(
      decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure(text: text) }
    return text
  }
}
