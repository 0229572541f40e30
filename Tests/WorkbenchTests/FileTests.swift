import Foundation
import SystemPackage
import Testing

@testable import Workbench

@Suite struct FileTests {
  final class Folder: Sendable {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("dfu-files-\(UUID().uuidString)")
    init() throws {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(at: url) }
    func path(_ name: String) -> FilePath { FilePath(url.path).appending(name) }
    func put(_ bytes: [UInt8], _ name: String) throws -> FilePath {
      try Data(bytes).write(to: url.appendingPathComponent(name))
      return path(name)
    }
    func bytes(_ name: String) throws -> [UInt8] {
      Array(try Data(contentsOf: url.appendingPathComponent(name)))
    }
    func names() throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: url.path).sorted()
    }
  }

  func code(_ body: () throws -> Void) -> FileError.Code? {
    do {
      try body()
      return nil
    } catch {
      return (error as? FileError)?.code
    }
  }

  // MARK: Reading

  @Test func `a file is read whole`() throws {
    let folder = try Folder()
    let content = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
    let path = try folder.put(content, "a.bin")
    #expect(try InputFile.read(path) == content)
    #expect(try InputFile.read(path, limit: 100_000) == content)
  }

  @Test func `what is no file is refused in words`() throws {
    let folder = try Folder()
    let empty = try folder.put([], "empty.bin")
    let small = try folder.put([1, 2, 3], "small.bin")
    #expect(code { _ = try InputFile.read(folder.path("none.bin")) } == .notFound)
    #expect(code { _ = try InputFile.read(small.appending("x")) } == .notFound)
    #expect(code { _ = try InputFile.read(FilePath(folder.url.path)) } == .isDirectory)
    #expect(code { _ = try InputFile.read(empty) } == .empty)
    #expect(code { _ = try InputFile.read(small, limit: 2) } == .tooLarge)
  }

  @Test func `a sparse file of 5 GB is refused by its size`() throws {
    let folder = try Folder()
    let path = try folder.put([], "huge.bin")
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path.string))
    try handle.truncate(atOffset: 5_000_000_000)
    try handle.close()
    let error = try #require(throws: FileError.self) { try InputFile.read(path) }
    #expect(error.code == .tooLarge)
    #expect(error.sentence.contains("has 4.6 GiB; files of at most 256 MiB are read"))
  }

  @Test func `an endless file is given up at the limit`() throws {
    #expect(code { _ = try InputFile.read("/dev/zero", limit: 5 << 20) } == .tooLarge)
    #expect(code { _ = try InputFile.read("/dev/null") } == .empty)
  }

  @Test func `waiting for a pipe ends with the task`() async throws {
    let pipe = try FileDescriptor.pipe()
    let path = FilePath("/dev/fd/\(pipe.readEnd.rawValue)")
    let task = Task { try InputFile.read(path) }
    task.cancel()
    let error = await #expect(throws: FileError.self) { try await task.value }
    #expect(error?.code == .interrupted)
    try pipe.writeEnd.close()
    try pipe.readEnd.close()
  }

  @Test func `a named pipe that nobody writes to is given up with the task`() async throws {
    let folder = try Folder()
    let path = folder.path("pipe")
    #expect(mkfifo(path.string, 0o600) == 0)
    let reading = Task.detached { try InputFile.read(path) }
    reading.cancel()
    let result = await reading.result
    #expect(code { _ = try result.get() } == .interrupted)
  }

  @Test func `a named pipe is read to its end`() async throws {
    let folder = try Folder()
    let path = folder.path("pipe")
    #expect(mkfifo(path.string, 0o600) == 0)
    let bytes = [UInt8](repeating: 7, count: 300_000)
    // Opening it waits for the reader.
    let writing = Thread {
      guard let file = fopen(path.string, "w") else { return }
      fwrite(bytes, 1, bytes.count, file)
      fclose(file)
    }
    writing.start()
    #expect(try InputFile.read(path) == bytes)
  }

  // MARK: Writing

  @Test func `a new file appears with its bytes and nothing else`() throws {
    let folder = try Folder()
    try OutputFile(folder.path("new.bin"), overwrites: false).write([1, 2, 3])
    #expect(try folder.bytes("new.bin") == [1, 2, 3])
    #expect(try folder.names() == ["new.bin"])
  }

  @Test func `a file that exists is kept unless it may be replaced`() throws {
    let folder = try Folder()
    let path = try folder.put([9], "old.bin")
    #expect(code { _ = try OutputFile(path, overwrites: false) } == .exists)
    try OutputFile(path, overwrites: true).write([1])
    #expect(try folder.bytes("old.bin") == [1])
    #expect(try folder.names() == ["old.bin"])
  }

  @Test func `a file that came into being meanwhile is kept`() throws {
    let folder = try Folder()
    let output = try OutputFile(folder.path("a.bin"), overwrites: false)
    _ = try folder.put([9], "a.bin")
    #expect(code { try output.write([1]) } == .exists)
    #expect(try folder.bytes("a.bin") == [9])
    #expect(try folder.names() == ["a.bin"])
  }

  @Test func `a replaced file keeps its permissions, and a link stays a link`() throws {
    let folder = try Folder()
    let path = try folder.put([9], "old.bin")
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o640], ofItemAtPath: path.string)
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("link.bin").string, withDestinationPath: "old.bin")
    try OutputFile(folder.path("link.bin"), overwrites: true).write([1, 2])
    #expect(try folder.bytes("old.bin") == [1, 2])
    #expect(try Stat(path).permissions.rawValue == 0o640)
    #expect(try Stat(folder.path("link.bin"), followTargetSymlink: false).type == .symbolicLink)
  }

  @Test func `an output that cannot be is refused before any work`() throws {
    let folder = try Folder()
    let path = FilePath(folder.url.path)
    #expect(code { _ = try OutputFile(path, overwrites: true) } == .cannotCreate)
    let nowhere = folder.path("none").appending("a.bin")
    #expect(code { _ = try OutputFile(nowhere, overwrites: true) } == .cannotCreate)
  }

  @Test func `a disk that is full loses nothing`() throws {
    // Where the device is missing, writing would create a file of that name.
    guard (try? Stat("/dev/full"))?.type == .characterSpecial else {
      try Test.cancel("/dev/full is not here.")
    }
    #expect(code { try OutputFile("/dev/full", overwrites: true).write([1]) } == .writeFailed)
  }

  // MARK: Places

  struct Place: CustomTestStringConvertible, Sendable {
    var text: String
    var address: UInt64?
    var setting: UInt8?
    var path: String
    var testDescription: String { text }
  }

  @Test(arguments: [
    Place(text: "a.bin", path: "a.bin"),
    Place(text: "0x08000000:a.bin", address: 0x0800_0000, path: "a.bin"),
    Place(text: "0x9000_0000@1:a:b.bin", address: 0x9000_0000, setting: 1, path: "a:b.bin"),
    Place(text: "@2:a.bin", setting: 2, path: "a.bin"),
    Place(text: "4096:-", address: 4096, path: "-"),
    Place(text: "C:a.bin", path: "C:a.bin"),
    Place(text: "./0x10:a", path: "./0x10:a"),
  ])
  func `an input is placed by an address and an alternate setting`(_ place: Place) throws {
    let input = try PlacedInput(place.text)
    #expect(input.address == place.address)
    #expect(input.alternateSetting == place.setting)
    #expect(input.path == FilePath(place.path))
  }

  @Test(arguments: ["0x1_0000_0000:a", "0x:a", "08g:a", "@256:a", "@:a", "0x10@+1:a", "0x10:"])
  func `a place that is none is refused`(_ text: String) {
    #expect(throws: PlaceError.self) { try PlacedInput(text) }
  }
}
