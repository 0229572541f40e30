import Testing

@testable import USBIP

@Suite struct AddressTests {
  @Test(arguments: [
    ("lab", "lab", 3240, nil), ("lab/", "lab", 3240, nil), ("lab/1-1", "lab", 3240, "1-1"),
    ("lab:3241", "lab", 3241, nil), ("10.0.0.1:1/3-1.4", "10.0.0.1", 1, "3-1.4"),
    ("[::1]", "::1", 3240, nil), ("[fd00::2]:65535/1-1", "fd00::2", 65535, "1-1"),
  ])
  func `an address is a host, a port and a bus id`(
    _ text: String, _ host: String, _ port: Int, _ busID: String?
  ) throws {
    let address = try USBIPAddress(text)
    #expect(address.host == host)
    #expect(address.port == port)
    #expect(address.busID.map { "\($0)" } == busID)
    // What it says of itself names the same.
    #expect(try USBIPAddress("\(address)") == address)
  }

  @Test(arguments: [
    "", "/1-1", ":3240", "lab:", "lab:0", "lab:65536", "lab:+1", "lab:99999999999999999999",
    "::1", "[::1", "[::1]x", "[]", "[[]", "a]", "a b", "lab/1 1", "lab/é", "lab/1\u{0}",
    "lab/" + String(repeating: "1", count: 32), String(repeating: "h", count: 256),
  ])
  func `what is no address is told with a reason`(_ text: String) {
    let error = #expect(throws: USBIPAddressError.self) { try USBIPAddress(text) }
    #expect(error?.reason.isEmpty == false)
  }

  @Test(arguments: [
    ("192.168.7.2", "192.168.7.2", true), ("192.168.7.2", "192.168.7.3", false),
    ("192.168.7.0/24", "192.168.7.255", true), ("192.168.7.0/24", "192.168.8.0", false),
    ("192.168.7.128/25", "192.168.7.127", false), ("0.0.0.0/0", "8.8.8.8", true),
    // A server that listens for both families sees its clients of IPv4 like this.
    ("192.168.7.0/24", "::ffff:192.168.7.9", true), ("0.0.0.0/0", "::1", false),
    ("fd00::/8", "fdff::1", true), ("fd00::/8", "fe80::1", false), ("::1", "::1", true),
    ("::/0", "127.0.0.1", false), ("10.0.0.0/8", "ten", false), ("10.0.0.0/8", "", false),
  ])
  func `a range says who is in it`(_ text: String, _ address: String, _ isIn: Bool) throws {
    let range = try #require(AddressRange(text))
    #expect(range.contains(address) == isIn)
    #expect("\(range)" == text)
  }

  @Test(arguments: [
    "", "/", "/24", "lab", "192.168.7", "192.168.7.0/", "192.168.7.0/33", "192.168.7.0/-1",
    "192.168.7.0/2/4", "fd00::/129", "192.168.7.256", "1.2.3.4/99999999999999999999", " 1.2.3.4",
  ])
  func `what is no range is none`(_ text: String) { #expect(AddressRange(text) == nil) }
}
