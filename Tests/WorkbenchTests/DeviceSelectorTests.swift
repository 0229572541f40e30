import Testing

@testable import Workbench

@Suite struct `Selectors of virtual devices` {
  @Test(
    arguments: [
      ("virtual:stm32f407", "stm32f407", false), ("virtual:./board", "./board", true),
      ("virtual:board.json", "board.json", true),
      ("virtual:BOARD.JSON?leave=b", "BOARD.JSON", true),
      ("virtual:/a b/c.d?state=x.json", "/a b/c.d", true), ("virtual:jsonish", "jsonish", false),
    ] as [(String, String, Bool)])
  func `a profile with a slash or with the ending json is a file`(
    _ text: String, _ profile: String, _ namesFile: Bool
  ) throws {
    guard case .virtual(let selector) = try DeviceSelector(text) else {
      Issue.record("no virtual device")
      return
    }
    #expect(selector.profile == profile)
    #expect(selector.namesFile == namesFile)
  }
}
