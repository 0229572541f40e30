import Testing
import USB
import USBIP

@testable import Workbench

/// What is offered over USB/IP.
@Suite struct NetworkTests {
  @Test func `boards get bus ids in the order of their names`() throws {
    let exported = try ExportedBoards(["stm32f407", "virtual:dfu11?serial=A1", "stm32f407"])
    #expect(exported.boards.map { "\($0.busID)" } == ["1-1", "1-2", "1-3"])
    #expect(exported.boards.map(\.name) == ["stm32f407", "dfu11?serial=A1", "stm32f407"])
    #expect(exported.ports.count == 3)
  }

  @Test(arguments: [
    (["stm32f407?speed=instant"], "instant-export"),
    (["stm32f407?state=a.bin", "dfu11?state=a.bin"], "shared-state"),
    (["stm32f4O7"], "unknown-profile"),
    ([String](repeating: "dfu11", count: 256), "too-many-boards"),
  ])
  func `boards that cannot be exported are refused in words`(_ names: [String], _ slug: String) {
    let error = #expect(throws: BoardError.self) { try ExportedBoards(names) }
    #expect(error?.slug == slug)
    #expect(error?.help?.isEmpty == false)
  }

  private func desk() throws -> Desk {
    let desk = Desk()
    try desk.attach("stm32f407?serial=A1", port: 1)
    try desk.attach("stm32f407?serial=A2", port: 2)
    try desk.attach("runtime", port: 3)
    return desk
  }

  @Test(arguments: [
    ([], ["1-1", "1-2", "1-3"], false), (["0483:df11"], ["1-1", "1-2"], true),
    (["serial:A2"], ["1-2"], true), (["path:1-3", "serial:A1"], ["1-1", "1-3"], true),
    (["1209:0001"], [], true),
  ])
  func `what is named may be imported; without a name all is listed and nothing given`(
    _ selectors: [String], _ places: [String], _ isImportable: Bool
  ) async throws {
    let desk = try desk()
    let shared = try SharedDevices(selectors) { desk }
    #expect(shared.isReadOnly == !isImportable)
    let ports = await shared.ports()
    #expect(ports.map { "\($0.busID)" } == places)
    #expect(ports.allSatisfy { $0.isImportable == isImportable })
    #expect(try await shared.devices().map { "\($0.path)" } == places)
  }

  @Test(arguments: ["virtual:stm32f407", "usbip://lab/1-1", "replay:rec.txt"])
  func `only devices of this machine are shared`(_ selector: String) throws {
    let desk = try desk()
    let error = #expect(throws: BoardError.self) { try SharedDevices([selector]) { desk } }
    #expect(error?.slug == "not-shareable")
  }
}
