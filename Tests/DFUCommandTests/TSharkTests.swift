import Captures
import DFU
import Foundation
import Testing
import USB

/// Wireshark without its windows.
private enum TShark {
  static let program = URL(fileURLWithPath: "/usr/bin/tshark")

  static var isPossible: Bool { FileManager.default.isExecutableFile(atPath: program.path) }
}

/// Captures of ours, read by Wireshark's `tshark`: what it sees is what we see.
@Suite(
  .enabled(if: TShark.isPossible, "tshark is not installed; Scripts/set-up test installs it"))
struct TSharkTests {
  static func run(_ arguments: [String], in folder: Workplace) throws -> String {
    let run = try CommandRun(
      arguments, in: folder, environment: ["HOME": folder.url.path], binary: TShark.program)
    #expect(run.status == 0, "\(run.error)")
    return run.output
  }

  /// What a packet says of DFU, field by field, as tshark prints it.
  static func fields(_ file: String, in folder: Workplace) throws -> [[String]] {
    let fields = [
      "frame.number", "usb.bus_id", "usb.device_address", "usb.urb_status", "usbdfu.command",
      "usbdfu.response", "usbdfu.block_number", "usbdfu.length", "usbdfu.status", "usbdfu.state",
    ]
    return try run(
      // Its DFU is told the ids; it knows those of a few boards.
      ["-r", file, "-d", "usb.product==75751185,usbdfu", "-Y", "usbdfu", "-T", "fields"]
        + fields.flatMap { ["-e", $0] }, in: folder
    ).split(separator: "\n").map {
      $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    }
  }

  /// The same of our own reading.
  static func ours(_ capture: CaptureFile) throws -> [[String]] {
    var lines: [(Int, [String])] = []
    for transfer in capture.transfers {
      guard let setup = transfer.setup, let request = DFURequest(setup) else { continue }
      let place = ["\(transfer.bus)", "\(transfer.address)"]
      let block = request == .download || request == .upload ? "\(setup.value)" : ""
      let (first, last) = (transfer.packets.lowerBound, transfer.packets.upperBound)
      lines.append(
        (
          first,
          ["\(first)"] + place + [
            "-115", "\(request.rawValue)", "", block, "\(setup.length)", "", "",
          ]
        ))
      var answer = ["", ""]
      if request == .getStatus {
        let received = transfer.received
        try #require(received.count == 6)
        answer = ["0x" + hex(received[0]), "\(received[4])"]
      }
      guard case .errno(let status)? = transfer.status else { continue }
      lines.append(
        (
          last,
          ["\(last)"] + place + [
            "\(status)", "", "\(request.rawValue)", request == .upload ? block : "", "",
          ] + answer
        ))
    }
    return lines.sorted { $0.0 < $1.0 }.map(\.1)
  }

  @Test(arguments: [
    ["flash", "app.hex", "-d", "virtual:stm32f407?speed=instant"],
    ["list", "-d", "virtual:stm32f429?speed=instant"],
    ["flash", "app.hex", "-d", "virtual:stm32f407?speed=instant&faults=status:6@status:7"],
  ])
  func `what tshark reads of DFU is what happened`(_ arguments: [String]) throws {
    let folder = try CaptureGoldenTests.workplace()
    _ = try CommandRun(arguments + ["--capture", "ours.pcapng"], in: folder)
    try check("ours.pcapng", in: folder)
  }

  /// That both agree about a capture that neither has written makes the comparison worth something.
  @Test func `a capture of the kernel's is read alike`() throws {
    try check("real.pcap", in: try CaptureGoldenTests.workplace())
  }

  private func check(_ name: String, in folder: Workplace) throws {
    let capture = try CaptureFile(parsing: Array(try folder.bytes(of: name)))
    let count = try Self.run(["-r", name, "-T", "fields", "-e", "frame.number"], in: folder)
      .split(separator: "\n").count
    #expect(count == capture.packetCount)
    let malformed = try Self.run(["-r", name, "-Y", "_ws.malformed"], in: folder)
    #expect(malformed.isEmpty, "\(malformed)")
    let (theirs, ours) = (try Self.fields(name, in: folder), try Self.ours(capture))
    #expect(theirs.count > 10)
    #expect(theirs == ours)
  }
}
