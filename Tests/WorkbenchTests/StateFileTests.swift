import DFU
import Foundation
import SystemPackage
import Testing
import USB
import VirtualDFU
import VirtualUSB

@testable import Workbench

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What keeps a virtual board between runs, whatever ends them.
@Suite struct StateFileTests {
  typealias Folder = FileTests.Folder

  @Test func `a state is replaced whole, and only where it is the one that is known`() throws {
    let folder = try Folder()
    let file = try StateFile(folder.path("board.bin"))
    #expect(try file.read() == nil)
    #expect(try file.replace(nil, with: [1, 2, 3]))
    #expect(try folder.bytes("board.bin") == [1, 2, 3])
    #expect(try !file.replace(nil, with: [4]))
    #expect(try !file.replace([1, 2], with: [4]))
    #expect(try file.read() == [1, 2, 3])
    #expect(try file.replace([1, 2, 3], with: [4]))
    #expect(try file.read() == [4])
    try FileManager.default.removeItem(atPath: folder.path("board.bin").string)
    #expect(try !file.replace([4], with: [5]))
    #expect(try folder.names().isEmpty)
  }

  @Test func `what a killed process left is neither read nor kept`() throws {
    let folder = try Folder()
    let path = folder.path("board.bin")
    let file = try StateFile(path)
    let name = try #require(StateFile.temporary(beside: path).lastComponent?.string)
    for content in [[], [9], [UInt8](repeating: 7, count: 100_000)] {
      let known = try file.read()
      _ = try folder.put(content, name)
      #expect(try file.read() == known)
      #expect(try file.replace(known, with: [1] + (known ?? [])))
      #expect(try folder.names() == ["board.bin"])
    }
    #expect(try file.read() == [1, 1, 1])
    // Not even a link that leads elsewhere.
    let other = try folder.put([8], "other.bin")
    try FileManager.default.createSymbolicLink(
      atPath: folder.path(name).string, withDestinationPath: other.string)
    #expect(throws: FileError.self) { try file.replace([1, 1, 1], with: [2]) }
    #expect(try folder.bytes("other.bin") == [8])
  }

  @Test func `a state keeps its permissions, and a link to it stays one`() throws {
    let folder = try Folder()
    let path = try folder.put([1], "board.bin")
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path.string)
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("link.bin").string, withDestinationPath: "board.bin")
    #expect(try StateFile(folder.path("link.bin")).replace([1], with: [2]))
    #expect(try folder.bytes("board.bin") == [2])
    #expect(try Stat(path).permissions.rawValue == 0o600)
    #expect(try folder.names() == ["board.bin", "link.bin"])
  }

  @Test func `who comes while another writes waits until it has written`() async throws {
    let folder = try Folder()
    let path = folder.path("board.bin")
    let file = try StateFile(path)
    let temporary = StateFile.temporary(beside: path)
    let other = try FileDescriptor.open(
      temporary, .readWrite, options: [.create], permissions: .ownerReadWrite)
    try #require(flock(other.rawValue, LOCK_EX) == 0)
    let task = Task.detached { try file.replace(nil, with: [1]) }
    try other.writeAll([2])
    try #require(rename(temporary.string, path.string) == 0)
    try other.close()
    // What the other has written is not what this one knew.
    #expect(try await task.value == false)
    #expect(try file.read() == [2])
  }

  @Test func `of many who know the same state one replaces it, again and again`() async throws {
    let folder = try Folder()
    let file = try StateFile(folder.path("board.bin"))
    for round in 0..<20 {
      let known = try file.read()
      let wins = try await withThrowingTaskGroup(of: Bool.self) { group in
        for number in 0..<4 {
          group.addTask { try file.replace(known, with: [UInt8(round), UInt8(number)]) }
        }
        return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
      }
      #expect(wins == 1)
      #expect(try file.read()?.first == UInt8(round))
    }
    #expect(try folder.names() == ["board.bin"])
  }

  // MARK: A board

  func selector(_ folder: Folder) throws -> VirtualSelector {
    let text = "virtual:stm32f407?state=\(folder.path("board.bin").string)&speed=instant"
    guard case .virtual(let selector) = try DeviceSelector(text) else { throw CancellationError() }
    return selector
  }

  /// What the state file holds, as the next process finds it.
  func kept(_ folder: Folder) throws -> VirtualBootloader {
    var board = VirtualBootloader(.stm32f407)
    try board.restore(folder.bytes("board.bin"))
    return board
  }

  /// An open board, with its memory filled, and its state file.
  func board(in folder: Folder) async throws -> (VirtualBoard, any USBDevice) {
    var full = VirtualBootloader(.stm32f407)
    full.load([UInt8](repeating: 0x11, count: 0x8000), at: 0x0800_0000)
    _ = try folder.put(full.snapshot(), "board.bin")
    let board = try VirtualBoard(try selector(folder))
    let info = try #require(try await board.bus.devices().first)
    let device = try await board.bus.open(info.id)
    try await device.claimInterface(0)
    return (board, device)
  }

  func beginErase(_ address: UInt32, _ device: any USBDevice) async throws {
    let command = DfuSeCommand.erase(address).bytes
    try await device.controlOut(
      DFURequest.download.setup(value: 0, interface: 0, length: UInt16(command.count)),
      data: command, timeout: .seconds(5))
    _ = try await device.controlIn(DFURequest.getStatus(interface: 0), timeout: .seconds(5))
  }

  @Test func `an erase under way is kept half done, and whole when it is over`() async throws {
    let folder = try Folder()
    try await Simulation().run { clock in
      let (board, device) = try await self.board(in: folder)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await board.keepSaving(on: AnyClock(clock)) }
        let before = try folder.bytes("board.bin")
        try await clock.sleep(for: .seconds(1))
        #expect(try folder.bytes("board.bin") == before)

        try await beginErase(0x0800_4000, device)
        #expect(try folder.bytes("board.bin") == before)
        try await clock.sleep(for: .milliseconds(101))
        let half = try kept(folder)
        #expect(half.contents(0x0800_0000..<0x0800_4000).allSatisfy { $0 == 0x11 })
        #expect(half.contents(0x0800_4000..<0x0800_5000).allSatisfy { $0 == 0xFF })
        #expect(half.contents(0x0800_5000..<0x0800_8000).allSatisfy { $0 == Self.torn })

        // The board has a time of its own, which passes when somebody waits for it.
        try await board.clock.sleep(for: .seconds(1))
        _ = try await device.controlIn(DFURequest.getStatus(interface: 0), timeout: .seconds(5))
        try await clock.sleep(for: .milliseconds(101))
        #expect(try kept(folder).contents(0x0800_4000..<0x0800_8000).allSatisfy { $0 == 0xFF })
        group.cancelAll()
      }
      #expect(try folder.names() == ["board.bin"])
    }
  }

  /// What 0x11 is in a sector whose erase was broken off: some of its bits are blank.
  static let torn: UInt8 = 0x5B

  @Test func `at the end a board is pulled out, whatever it is doing`() async throws {
    let folder = try Folder()
    let (board, device) = try await board(in: folder)
    try await beginErase(0x0800_0000, device)
    try board.save()
    let half = try kept(folder)
    #expect(half.contents(0x0800_0000..<0x0800_1000).allSatisfy { $0 == 0xFF })
    #expect(half.contents(0x0800_1000..<0x0800_4000).allSatisfy { $0 == Self.torn })
  }

  @Test func `who finds the state changed by another keeps nothing more, and says so at the end`()
    async throws
  {
    let folder = try Folder()
    try await Simulation().run { clock in
      let (board, device) = try await self.board(in: folder)
      let other = try VirtualBoard(try selector(folder))
      _ = other.bus.withDevice(at: other.path, as: VirtualBootloader.self) {
        $0.load([1], at: 0x0804_0000)
      }
      try other.save()
      let changed = try folder.bytes("board.bin")
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await board.keepSaving(on: AnyClock(clock)) }
        try await beginErase(0x0800_0000, device)
        try await clock.sleep(for: .milliseconds(101))
        group.cancelAll()
      }
      #expect(try folder.bytes("board.bin") == changed)
      // Not even when what it knew is back.
      var full = VirtualBootloader(.stm32f407)
      full.load([UInt8](repeating: 0x11, count: 0x8000), at: 0x0800_0000)
      _ = try folder.put(full.snapshot(), "board.bin")
      let error = #expect(throws: BoardError.self) { try board.save() }
      #expect(error?.slug == "state-changed")
      #expect(try folder.bytes("board.bin") == full.snapshot())
    }
  }
}
