/// A configuration with all that follows it (USB 2.0, table 9-10).
///
/// Decoding is lenient and annotated: what can be read is kept, and ``faults`` says what is wrong
/// with the rest. Acting on it is the caller's business.
public struct ConfigurationDescriptor: Hashable, Sendable {
  /// `wTotalLength` as the device says it.
  public var totalLength: UInt16
  /// `bNumInterfaces` as the device says it.
  public var interfaceCount: UInt8
  /// `bConfigurationValue`: what SET_CONFIGURATION takes.
  public var value: UInt8
  /// `iConfiguration`: a string index, 0 for none.
  public var nameIndex: UInt8
  /// `bmAttributes`: bit 6 self-powered, bit 5 remote wake-up.
  public var attributes: UInt8
  /// `bMaxPower`, in units of 2 mA (8 mA on SuperSpeed).
  public var maxPower: UInt8
  /// Bytes of the configuration descriptor itself beyond the first nine; none in any specification.
  public var extraBytes: [UInt8]
  /// Descriptors between the configuration and its first interface.
  public var extra: [RawDescriptor]
  /// Every alternate setting of every interface, in the order of the bytes.
  public var interfaces: [InterfaceDescriptor]
  /// What is wrong with the bytes, in their order; empty for a sound descriptor.
  public var faults: [ParseError]

  /// A configuration from its fields; `wTotalLength` and `bNumInterfaces` are computed.
  public init(
    value: UInt8 = 1, nameIndex: UInt8 = 0, attributes: UInt8 = 0x80, maxPower: UInt8 = 50,
    extra: [RawDescriptor] = [], interfaces: [InterfaceDescriptor]
  ) {
    self.value = value
    self.nameIndex = nameIndex
    self.attributes = attributes
    self.maxPower = maxPower
    self.extraBytes = []
    self.extra = extra
    self.interfaces = interfaces
    self.faults = []
    self.interfaceCount = UInt8(truncatingIfNeeded: Set(interfaces.map(\.number)).count)
    self.totalLength = 0
    self.totalLength = UInt16(truncatingIfNeeded: bytes.count)
  }

  /// Reads a configuration and everything behind it.
  ///
  /// - Throws: ``ParseError`` only where the nine bytes of the configuration itself cannot be read.
  public init(parsing reader: inout ByteReader) throws(ParseError) {
    let start = reader.offset
    let length = try reader.readByte("bLength")
    guard length >= 9 else {
      throw ParseError(
        .invalid(value: "\(length)", rule: "a configuration descriptor has 9 bytes (9.6.3)"),
        field: "bLength", offset: start)
    }
    let type = try reader.readByte("bDescriptorType")
    guard type == DescriptorType.configuration.rawValue else {
      throw ParseError(
        .invalid(value: "0x\(hex(type))", rule: "a configuration descriptor has type 0x02"),
        field: "bDescriptorType", offset: start + 1)
    }
    totalLength = try reader.readUInt16("wTotalLength")
    interfaceCount = try reader.readByte("bNumInterfaces")
    value = try reader.readByte("bConfigurationValue")
    nameIndex = try reader.readByte("iConfiguration")
    attributes = try reader.readByte("bmAttributes")
    maxPower = try reader.readByte("bMaxPower")
    extra = []
    interfaces = []
    faults = []
    extraBytes = try reader.readBytes(min(Int(length) - 9, reader.remaining), "bLength")
    if extraBytes.count < Int(length) - 9 {
      faults.append(
        ParseError(
          .truncated(needed: Int(length), available: 9 + extraBytes.count), field: "bLength",
          offset: start))
    }
    let offsets = readFollowing(&reader)
    compareInterfaces(offsets)
    let size = reader.offset - start
    if size != Int(totalLength) {
      faults.append(
        ParseError(
          .invalid(value: "\(totalLength)", rule: "\(size) bytes are there"),
          field: "wTotalLength", offset: start + 2))
    }
    let numbers = Set(interfaces.map(\.number)).count
    if numbers != Int(interfaceCount) {
      faults.append(
        ParseError(
          .invalid(value: "\(interfaceCount)", rule: "\(numbers) interfaces are described"),
          field: "bNumInterfaces", offset: start + 4))
    }
    faults.sort { $0.offset < $1.offset }
  }

  /// Notes what the interfaces say of themselves that is not so.
  private mutating func compareInterfaces(_ offsets: [Int]) {
    var seen: Set<[UInt8]> = []
    for (interface, offset) in zip(interfaces, offsets) {
      if Int(interface.endpointCount) != interface.endpoints.count {
        faults.append(
          ParseError(
            .invalid(
              value: "\(interface.endpointCount)",
              rule: "\(interface.endpoints.count) endpoints are described"),
            field: "bNumEndpoints", offset: offset + 4))
      }
      if !seen.insert([interface.number, interface.alternateSetting]).inserted {
        faults.append(
          ParseError(
            .invalid(
              value: "\(interface.alternateSetting)",
              rule: "interface \(interface.number) has had a setting of this number before"),
            field: "bAlternateSetting", offset: offset + 3))
      }
    }
  }

  /// Reads the descriptors behind the configuration; returns where the interfaces were.
  private mutating func readFollowing(_ reader: inout ByteReader) -> [Int] {
    var offsets: [Int] = []
    while let length = reader.peek() {
      let offset = reader.offset
      guard length >= 2, Int(length) <= reader.remaining else {
        let kind: ParseError.Kind =
          length < 2
          ? .invalid(value: "\(length)", rule: "a descriptor has at least 2 bytes")
          : .truncated(needed: Int(length), available: reader.remaining)
        faults.append(ParseError(kind, field: "bLength", offset: offset))
        appendExtra(RawDescriptor(bytes: reader.readRest(), offset: offset))
        break
      }
      guard let bytes = try? reader.readBytes(Int(length), "descriptor") else { break }
      let count = interfaces.count
      append(RawDescriptor(bytes: bytes, offset: offset))
      if interfaces.count > count { offsets.append(offset) }
    }
    return offsets
  }

  private mutating func append(_ raw: RawDescriptor) {
    let bytes = raw.bytes
    switch raw.type {
    case .interface? where bytes.count >= 9:
      interfaces.append(
        InterfaceDescriptor(
          number: bytes[2], alternateSetting: bytes[3],
          interfaceClass: ClassTriple(bytes[5], bytes[6], bytes[7]), nameIndex: bytes[8],
          endpointCount: bytes[4], extraBytes: Array(bytes[9...])))
    case .endpoint? where bytes.count >= 7 && !interfaces.isEmpty:
      interfaces[interfaces.count - 1].endpoints.append(
        EndpointDescriptor(
          address: bytes[2], attributes: bytes[3],
          maxPacketSize: UInt16(bytes[4]) | UInt16(bytes[5]) << 8, interval: bytes[6],
          extraBytes: Array(bytes[7...])))
    default:
      if raw.type == .interface || raw.type == .endpoint {
        faults.append(
          ParseError(
            .invalid(
              value: "\(bytes.count)",
              rule: "an interface descriptor has 9 bytes and an endpoint descriptor 7, inside one"),
            field: "bLength", offset: raw.offset))
      }
      appendExtra(raw)
    }
  }

  private mutating func appendExtra(_ raw: RawDescriptor) {
    guard let last = interfaces.indices.last else {
      extra.append(raw)
      return
    }
    if let endpoint = interfaces[last].endpoints.indices.last {
      interfaces[last].endpoints[endpoint].extra.append(raw)
    } else {
      interfaces[last].extra.append(raw)
    }
  }

  /// The bytes of the configuration and everything behind it, as GET_DESCRIPTOR returns them.
  public var bytes: [UInt8] {
    [UInt8(truncatingIfNeeded: 9 + extraBytes.count), DescriptorType.configuration.rawValue]
      + totalLength.littleEndianBytes
      + [interfaceCount, value, nameIndex, attributes, maxPower] + extraBytes
      + extra.flatMap(\.bytes)
      + interfaces.flatMap(\.bytes)
  }
}

extension ConfigurationDescriptor {
  /// Reads configurations that stand behind each other, as in the `descriptors` file of sysfs.
  ///
  /// `wTotalLength` separates them; where it does not lead to another configuration, the rest belongs
  /// to the one before.
  ///
  /// - Parameter reader: a cursor at the first configuration; it is left at the end, or where no
  ///   configuration follows.
  /// - Returns: those that could be read.
  public static func all(parsing reader: inout ByteReader) -> [ConfigurationDescriptor] {
    var all: [ConfigurationDescriptor] = []
    while reader.remaining >= 9, reader.peek(ahead: 1) == DescriptorType.configuration.rawValue,
      let low = reader.peek(ahead: 2), let high = reader.peek(ahead: 3)
    {
      var size = min(max(Int(low) | Int(high) << 8, 9), reader.remaining)
      if reader.peek(ahead: size + 1) != DescriptorType.configuration.rawValue {
        size = reader.remaining
      }
      let origin = reader.offset
      guard let bytes = try? reader.readBytes(size, "wTotalLength") else { break }
      var inner = ByteReader(bytes.span.bytes, origin: origin)
      guard let configuration = try? ConfigurationDescriptor(parsing: &inner) else { break }
      all.append(configuration)
    }
    return all
  }

  /// The interface associations among the descriptors, in the order of the bytes.
  ///
  /// An association stands before the first of its interfaces, so it is found in the extra
  /// descriptors of the configuration or of whatever comes before.
  public var associations: [InterfaceAssociationDescriptor] {
    let raw =
      extra
      + interfaces.flatMap { interface in
        interface.extra + interface.endpoints.flatMap(\.extra)
      }
    return raw.compactMap { InterfaceAssociationDescriptor($0) }
  }

  /// The alternate settings of one interface, in the order of the bytes.
  public func settings(of number: UInt8) -> [InterfaceDescriptor] {
    interfaces.filter { $0.number == number }
  }
}
