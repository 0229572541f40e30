import Testing
import USB

@Suite("usb.ids") struct USBIDsTests {
  static let list = """
    # a comment
    0483  STMicroelectronics
    \t5740  Virtual COM Port
    \tdf11  STM Device in DFU Mode
    \t\t01  an interface of it
    0484  Somebody else
    \tdf11  Something else
    C 03  Human Interface Device
    \tdf11  A subclass
    1209  Generic\r
    """

  @Test func `vendors and products are found by their numbers`() {
    let ids = USBIDs(
      Array(Self.list.utf8),
      of: [(VendorID(0x0483), ProductID(0xDF11)), (VendorID(0x1209), ProductID(1))])
    #expect(ids.name(of: VendorID(0x0483)) == "STMicroelectronics")
    #expect(ids.name(of: ProductID(0xDF11), by: VendorID(0x0483)) == "STM Device in DFU Mode")
    #expect(ids.name(of: ProductID(0x5740), by: VendorID(0x0483)) == nil)
    #expect(ids.name(of: VendorID(0x0484)) == nil)
    #expect(ids.name(of: VendorID(0x1209)) == "Generic")
  }

  @Test func `every prefix of the list is read without harm`() {
    let bytes = Array(Self.list.utf8)
    for count in bytes.indices {
      let ids = USBIDs(Array(bytes[..<count]), of: [(VendorID(0x0483), ProductID(0xDF11))])
      let name = ids.name(of: VendorID(0x0483))
      #expect(name.map { "STMicroelectronics".hasPrefix($0) } ?? true)
    }
  }
}
