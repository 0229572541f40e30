import Testing
import USB

@Suite struct `Setup packets` {
  struct Wire: CustomTestStringConvertible {
    let name: String
    let setup: SetupPacket
    let bytes: [UInt8]
    var testDescription: String { name }
  }

  @Test(arguments: [
    Wire(
      name: "GET_DESCRIPTOR device", setup: .getDescriptor(.device, length: 18),
      bytes: [0x80, 6, 0, 1, 0, 0, 18, 0]),
    Wire(
      name: "GET_DESCRIPTOR configuration 1",
      setup: .getDescriptor(.configuration, index: 1, length: 0x1234),
      bytes: [0x80, 6, 1, 2, 0, 0, 0x34, 0x12]),
    Wire(
      name: "GET_DESCRIPTOR string 4 in English",
      setup: .getDescriptor(.string, index: 4, language: 0x0409, length: 255),
      bytes: [0x80, 6, 4, 3, 0x09, 0x04, 255, 0]),
    Wire(
      name: "GET_DESCRIPTOR device qualifier", setup: .getDescriptor(.deviceQualifier, length: 10),
      bytes: [0x80, 6, 0, 6, 0, 0, 10, 0]),
    Wire(
      name: "GET_DESCRIPTOR of an interface",
      setup: .getDescriptor(.dfuFunctional, interface: 2, length: 9),
      bytes: [0x81, 6, 0, 0x21, 2, 0, 9, 0]),
    Wire(
      name: "SET_DESCRIPTOR",
      setup: .setDescriptor(.string, index: 1, language: 0x0409, length: 10),
      bytes: [0x00, 7, 1, 3, 0x09, 0x04, 10, 0]),
    Wire(name: "SET_ADDRESS", setup: .setAddress(127), bytes: [0x00, 5, 127, 0, 0, 0, 0, 0]),
    Wire(
      name: "SET_CONFIGURATION", setup: .setConfiguration(1), bytes: [0x00, 9, 1, 0, 0, 0, 0, 0]),
    Wire(name: "GET_CONFIGURATION", setup: .getConfiguration, bytes: [0x80, 8, 0, 0, 0, 0, 1, 0]),
    Wire(
      name: "SET_INTERFACE", setup: .setInterface(3, alternateSetting: 2),
      bytes: [0x01, 11, 2, 0, 3, 0, 0, 0]),
    Wire(name: "GET_INTERFACE", setup: .getInterface(3), bytes: [0x81, 10, 0, 0, 3, 0, 1, 0]),
    Wire(
      name: "CLEAR_FEATURE(ENDPOINT_HALT)", setup: .clearHalt(endpoint: 0x81),
      bytes: [0x02, 1, 0, 0, 0x81, 0, 0, 0]),
    Wire(
      name: "CLEAR_FEATURE(ENDPOINT_HALT) spelt out",
      setup: .clearFeature(.endpointHalt, of: .endpoint, index: 0x81),
      bytes: [0x02, 1, 0, 0, 0x81, 0, 0, 0]),
    Wire(
      name: "SET_FEATURE(DEVICE_REMOTE_WAKEUP)",
      setup: .setFeature(.deviceRemoteWakeup, of: .device), bytes: [0x00, 3, 1, 0, 0, 0, 0, 0]),
    Wire(
      name: "GET_STATUS of the device", setup: .getStatus(), bytes: [0x80, 0, 0, 0, 0, 0, 2, 0]),
    Wire(
      name: "GET_STATUS of an endpoint", setup: .getStatus(of: .endpoint, index: 0x02),
      bytes: [0x82, 0, 0, 0, 2, 0, 2, 0]),
    Wire(
      name: "SYNCH_FRAME", setup: .synchFrame(endpoint: 0x81),
      bytes: [0x82, 12, 0, 0, 0x81, 0, 2, 0]),
  ])
  func `a standard request has the bytes of chapter 9`(wire: Wire) throws {
    #expect(wire.setup.bytes == wire.bytes)
    var reader = ByteReader(wire.bytes.span.bytes)
    let read = try SetupPacket(parsing: &reader)
    #expect(read == wire.setup)
    let left = reader.remaining
    #expect(left == 0)
  }

  @Test func `a setup packet is shown as its bytes`() {
    let setup = SetupPacket(
      RequestType(.in, .class, .interface), request: 3, value: 0, index: 0, length: 6)
    #expect(setup.description == "a1 03 00 00 00 00 06 00")
  }

  @Test func `fewer than eight bytes are refused`() throws {
    let bytes: [UInt8] = [0x80, 6, 0, 1, 0, 0, 18, 0]
    let fields = [
      "bmRequestType", "bRequest", "wValue", "wValue", "wIndex", "wIndex", "wLength", "wLength",
    ]
    for length in 0..<8 {
      let prefix = Array(bytes[..<length])
      let error = try #require(throws: ParseError.self) {
        var reader = ByteReader(prefix.span.bytes)
        _ = try SetupPacket(parsing: &reader)
      }
      #expect(error.field == fields[length])
    }
  }

  @Test func `every request type is taken apart and put together again`() {
    for value in UInt8.min...UInt8.max {
      let type = RequestType(rawValue: value)
      guard let recipient = type.recipient else {
        #expect(value & 0x1F > 3)
        continue
      }
      #expect(RequestType(type.direction, type.kind, recipient) == type)
    }
  }
}

@Suite struct `Names and numbers` {
  struct Version: CustomTestStringConvertible {
    let number: UInt16
    let text: String
    var testDescription: String { text }
  }

  @Test(arguments: [
    Version(number: 0x011A, text: "1.1a"), Version(number: 0x0200, text: "2.00"),
    Version(number: 0x2200, text: "22.00"), Version(number: 0x0101, text: "1.01"),
    Version(number: 0x0110, text: "1.10"), Version(number: 0x0000, text: "0.00"),
    Version(number: 0xFFFF, text: "ff.ff"), Version(number: 0x0320, text: "3.20"),
  ])
  func `a version is shown as usual`(version: Version) {
    #expect(BCDVersion(version.number).description == version.text)
  }

  @Test func `versions are ordered by their numbers`() {
    #expect(BCDVersion(0x0110) < BCDVersion(0x011A))
    #expect(!(BCDVersion(0x0200) < BCDVersion(0x0200)))
  }

  @Test func `ids and classes are shown as lsusb shows them`() {
    #expect("\(VendorID.stMicroelectronics):\(ProductID(0xDF11))" == "0483:df11")
    #expect(ClassTriple.dfuMode.description == "fe/01/02")
    #expect(ClassTriple.dfuRuntime.isDFU && !ClassTriple(0xFE, 2, 1).isDFU)
    #expect(hex(UInt8(0)) == "00")
    #expect(hex(UInt32(0xBEEF)) == "0000beef")
    #expect(hex(5, digits: 0) == "5")
    #expect(addressText(0x0800_0000) == "0x08000000")
    #expect(addressText(0x1_0000_0000) == "0x100000000")
  }

  struct Bytes: CustomTestStringConvertible {
    let count: UInt64
    let text: String
    var testDescription: String { text }
  }

  @Test(arguments: [
    Bytes(count: 0, text: "0 bytes"), Bytes(count: 1, text: "1 byte"),
    Bytes(count: 1023, text: "1023 bytes"), Bytes(count: 1024, text: "1 KiB"),
    Bytes(count: 1025, text: "1025 bytes"), Bytes(count: 1536 << 10, text: "1536 KiB"),
    Bytes(count: 1 << 20, text: "1 MiB"), Bytes(count: 4 << 30, text: "4 GiB"),
    Bytes(count: 1 << 50, text: "1048576 GiB"),
  ])
  func `byte counts are shown in the largest unit that divides them`(bytes: Bytes) {
    #expect(byteCountText(bytes.count) == bytes.text)
  }

  @Test(arguments: ["1-4.2", "1-1", "12-255", "3-1.2.3.4.5.6.7", "usb1", "usb12", "0-1"])
  func `a port path comes back as it was`(text: String) throws {
    #expect(try #require(PortPath(text)).description == text)
  }

  @Test(arguments: [
    "", "-", "1", "1-", "-1", "1-0", "1-4.", "1-.4", "1-4..2", "1-256", "1--4", "+1-4", "1-+4",
    "a-1", "1-a", "1-1.2.3.4.5.6.7.8", "usb", "usb-1", "usb+1", "1-4:1.0", " 1-4",
    "99999999999999999999-1",
  ])
  func `what is no port path is refused`(text: String) {
    #expect(PortPath(text) == nil)
  }

  @Test func `port paths are ordered by bus and then by port`() {
    let texts = ["usb1", "1-1", "1-1.1", "1-1.10", "1-2", "1-10", "2-1"]
    let paths = texts.compactMap { PortPath($0) }
    #expect(paths.count == texts.count)
    #expect(paths.reversed().sorted().map(\.description) == texts)
  }
}

@Suite struct `The byte reader` {
  @Test func `numbers are little-endian and offsets count from the origin`() throws {
    let bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    var reader = ByteReader(bytes.span.bytes, origin: 1000)
    let a = try reader.readByte("a")
    #expect(a == 1)
    let b = try reader.readUInt16("b")
    #expect(b == 0x0302)
    let c = try reader.readUInt24("c")
    #expect(c == 0x060504)
    let peeked = [
      reader.peek(), reader.peek(ahead: 4), reader.peek(ahead: 5), reader.peek(ahead: -1),
    ]
    #expect(peeked == [7, 11, nil, nil])
    let d = try reader.readUInt32("d")
    #expect(d == 0x0A09_0807)
    let place = (reader.offset, reader.remaining)
    #expect(place == (1010, 1))
    let error = try #require(throws: ParseError.self) { try Self.read16(bytes, skipping: 10) }
    #expect(error == ParseError(.truncated(needed: 2, available: 1), field: "e", offset: 10))
    #expect(error.sentence == "e at offset 10 needs 2 bytes, but only 1 are left.")
  }

  private static func read16(_ bytes: [UInt8], skipping count: Int) throws(ParseError) -> UInt16 {
    var reader = ByteReader(bytes.span.bytes)
    try reader.skip(count, "skipped")
    return try reader.readUInt16("e")
  }

  @Test func `counts that are negative or too large are refused`() {
    for count in [-1, 4, Int.max, Int.min] {
      #expect(throws: ParseError.self) {
        let bytes: [UInt8] = [1, 2, 3]
        var reader = ByteReader(bytes.span.bytes)
        _ = try reader.readBytes(count, "x")
      }
      #expect(throws: ParseError.self) {
        let bytes: [UInt8] = [1, 2, 3]
        var reader = ByteReader(bytes.span.bytes)
        try reader.skip(count, "x")
      }
    }
  }

  @Test func `the rest is all that is left`() throws {
    let bytes: [UInt8] = [1, 2, 3]
    var reader = ByteReader(bytes.span.bytes)
    try reader.skip(1, "x")
    let rest = reader.readRest()
    #expect(rest == [2, 3])
    let again = reader.readRest()
    let next = reader.peek()
    #expect(again.isEmpty && next == nil)
  }
}
