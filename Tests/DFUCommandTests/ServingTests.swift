import Foundation
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// `dfu emulate` and its clients, each in a process of its own, over loopback.
@Suite struct ServingTests {
  static let image = KeptBoard.noise(0x3000, seed: 8)

  @Test func `a flash over the network is proved, and the server keeps the memory`() throws {
    let folder = try Workplace()
    try folder.write(Self.image, to: "image.bin")
    let server = try LiveServer(
      ["emulate", "stm32f407", "--state", "board.bin", "--port", "0"], in: folder)
    let place = "usbip://127.0.0.1:\(server.port)"
    #expect(server.said.contains("1-1  0483:df11  stm32f407?state=board.bin  \(place)/1-1"))

    let list = try CommandRun(["list", "-d", place], in: folder)
    #expect(list.status == 0, "\(list.error)")
    #expect(list.output.contains("0483:df11"))
    let flash = try CommandRun(
      ["flash", "image.bin", "--address", "0x08000000", "--no-leave", "-d", "\(place)/1-1"],
      in: folder)
    #expect(flash.status == 0, "\(flash.error)")
    let read = try CommandRun(
      ["read", "-o", "back.bin", "--address", "0x08000000", "--length", "12K", "-d", place],
      in: folder)
    #expect(read.status == 0, "\(read.error)")
    #expect(try folder.bytes(of: "back.bin") == Self.image)

    #expect(server.stop() == 0)
    #expect(server.words.contains("1-1 0483:df11: imported by 127.0.0.1"))
    #expect(server.words.contains("1-1: given back by 127.0.0.1"))
    // What it kept is there for the next one.
    let again = try CommandRun(
      [
        "verify", "image.bin", "--address", "0x08000000", "-d",
        "virtual:stm32f407?state=board.bin&speed=instant",
      ], in: folder)
    #expect(again.status == 0, "\(again.error)")
  }

  @Test func `two devices of one server are flashed at the same time by two processes`()
    async throws
  {
    let folder = try Workplace()
    try folder.write(Self.image, to: "image.bin")
    let server = try LiveServer(["emulate", "stm32f407", "stm32l476", "--port", "0"], in: folder)
    let runs = try await withThrowingTaskGroup(of: CommandRun.self) { group in
      for busID in ["1-1", "1-2"] {
        let arguments = [
          "flash", "image.bin", "--address", "0x08000000", "--no-leave", "-d",
          "usbip://127.0.0.1:\(server.port)/\(busID)",
        ]
        group.addTask { try CommandRun(arguments, in: folder) }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(runs.map(\.status) == [0, 0], "\(runs.map(\.error))")
    #expect(server.stop() == 0)
  }

  @Test(arguments: [SIGTERM, SIGINT])
  func `a signal ends a server cleanly, with a client or without`(_ signal: Int32) throws {
    let folder = try Workplace()
    let server = try LiveServer(["emulate", "dfu11", "--port", "0"], in: folder)
    #expect(server.stop(signal) == 0)
  }

  /// Killed: nothing says goodbye. Ended: the server does.
  @Test(arguments: [SIGKILL, SIGTERM])
  func `a server that ends in the middle of a flash leaves 74 and the true state`(
    _ signal: Int32
  ) throws {
    let folder = try Workplace()
    try folder.write(KeptBoard.noise(0x18000, seed: 6), to: "image.bin")
    let server = try LiveServer(["emulate", "stm32f407", "--port", "0"], in: folder)
    let port = server.port
    // Ended as soon as the client has begun to write; its progress is on standard error.
    let client = try CommandRun(
      [
        "-c",
        """
        "$0" flash image.bin --address 0x08000000 --no-leave -d usbip://127.0.0.1:\(port)/1-1 \
        --events 2>errors >events & client=$!
        while kill -0 $client && ! grep -q '"phase":"write"' events; do sleep 0.05; done
        kill -\(signal) \(server.number)
        wait $client; echo $?
        """, try CommandRun.binary().path,
      ], in: folder, binary: URL(fileURLWithPath: "/bin/sh"))
    #expect(client.output == "74\n", "\(client.error)")
    let events = String(decoding: try folder.bytes(of: "events"), as: UTF8.self)
    let last = try #require(events.split(separator: "\n").last)
    #expect(last.contains(#""slug":"device-lost""#), "\(last)")
    #expect(last.contains("The device reports: written 0x08000000–"), "\(last)")
    #expect(server.stop() == (signal == SIGTERM ? 0 : -SIGKILL))
  }

  @Test func `a port that is taken is told, with the way to another one`() throws {
    let folder = try Workplace()
    let server = try LiveServer(["emulate", "dfu11", "--port", "0"], in: folder)
    let second = try CommandRun(["emulate", "dfu11", "--port", "\(server.port)"], in: folder)
    #expect(second.status == 75)
    #expect(second.error.contains("\(server.port)"), "\(second.error)")
    #expect(server.stop() == 0)
  }

  @Test func `a server that is open to a network warns, and shows the safer way`() throws {
    let server = try LiveServer(
      ["emulate", "dfu11", "--listen", "0.0.0.0", "--port", "0"], in: try Workplace())
    #expect(server.stop() == 0)
    let words = server.words.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(words.contains("neither password nor encryption"))
    #expect(words.contains("ssh -N -L \(server.port):127.0.0.1:\(server.port)"))
  }
}
