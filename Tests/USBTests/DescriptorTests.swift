import Testing
import USB

@Suite struct `The founding dump` {
  @Test func `the device descriptor of an STM32F407 in DFU mode`() throws {
    let device = try readDevice(Samples.f407Device)
    #expect(device.usbVersion.description == "1.00")
    #expect(device.deviceClass == .perInterface)
    #expect(device.maxPacketSize0 == 64)
    #expect(device.vendor == .stMicroelectronics)
    #expect(device.product == ProductID(0xDF11))
    #expect(device.deviceVersion.description == "21.00")
    #expect(device.manufacturerIndex == 1)
    #expect(device.productIndex == 2)
    #expect(device.serialNumberIndex == 3)
    #expect(device.configurationCount == 1)
    #expect(device.bytes == Samples.f407Device)
  }

  @Test func `its configuration has no faults and the functional descriptor at the end`() throws {
    let configuration = try readConfiguration(Samples.f407Configuration)
    #expect(configuration.faults.isEmpty)
    #expect(configuration.totalLength == 54)
    #expect(configuration.value == 1)
    #expect(configuration.attributes == 0xC0)
    #expect(configuration.maxPower == 50)
    #expect(configuration.settings(of: 0).map(\.alternateSetting) == [0, 1, 2, 3])
    #expect(configuration.interfaces.map(\.nameIndex) == [4, 5, 6, 7])
    #expect(configuration.interfaces.allSatisfy { $0.interfaceClass == .dfuMode })
    let functional = try #require(configuration.interfaces[3].extra.first)
    #expect(functional.bytes == [0x09, 0x21, 0x0B, 0xFF, 0x00, 0x00, 0x08, 0x1A, 0x01])
    #expect(functional.offset == 45)
    var reader = ByteReader(functional.bytes.span.bytes)
    let read = try DFUFunctionalDescriptor(parsing: &reader)
    #expect(read.attributes == [.canDownload, .canUpload, .willDetach])
    #expect(read.detachTimeout == 255)
    #expect(read.transferSize == 2048)
    #expect(read.version == BCDVersion(0x011A))
    #expect(read.bytes == functional.bytes)
    #expect(configuration.bytes == Samples.f407Configuration)
  }
}

@Suite struct `Configurations, read and written` {
  @Test func `a composite comes back as it was`() throws {
    let bytes = Samples.composite.bytes
    let read = try readConfiguration(bytes)
    #expect(read.faults.isEmpty)
    #expect(read == Samples.composite)
    #expect(read.bytes == bytes)
    #expect(read.interfaceCount == 2)
    #expect(Int(read.totalLength) == bytes.count)
    #expect(read.interfaces[1].endpoints[1].extraBytes == [0, 0])
    #expect(read.interfaces[1].endpoints[1].extra.count == 1)
    #expect(read.interfaces[1].endpoints[1].isIn)
    #expect(read.interfaces[1].endpoints[1].transferType == .isochronous)
  }

  @Test func `an association tells which interfaces belong together`() throws {
    let read = try readConfiguration(Samples.composite.bytes)
    let association = try #require(read.associations.first)
    #expect(
      association
        == InterfaceAssociationDescriptor(
          firstInterface: 0, interfaceCount: 2, functionClass: ClassTriple(2, 2, 1), nameIndex: 7))
    #expect((0...3).map { association.contains(interface: $0) } == [true, true, false, false])
    #expect(association.bytes == read.extra[1].bytes)
    let last = InterfaceAssociationDescriptor(
      firstInterface: 255, interfaceCount: 255, functionClass: .perInterface)
    #expect(last.contains(interface: 255))
    #expect(
      InterfaceAssociationDescriptor(RawDescriptor(bytes: [7, 11, 0, 2, 2, 2, 1], offset: 0)) == nil
    )
  }

  @Test func `every prefix is read as far as it goes, with a fault, or refused`() throws {
    for bytes in [Samples.f407Configuration, Samples.composite.bytes] {
      for length in 0..<bytes.count {
        let prefix = Array(bytes[..<length])
        if length < 9 {
          #expect(throws: ParseError.self) { try readConfiguration(prefix) }
          continue
        }
        let read = try readConfiguration(prefix)
        #expect(read.faults.contains { $0.field == "wTotalLength" && $0.offset == 2 })
        #expect(read.faults == read.faults.sorted { $0.offset < $1.offset })
        #expect(read.bytes == prefix)
      }
    }
  }

  @Test func `every changed byte is survived, and nothing is lost without a fault`() throws {
    for bytes in [Samples.f407Configuration, Samples.composite.bytes] {
      for index in bytes.indices {
        for value in UInt8.min...UInt8.max {
          var changed = bytes
          changed[index] = value
          guard let read = try? readConfiguration(changed) else {
            if index >= 2 { Issue.record("refused at byte \(index) = \(value)") }
            continue
          }
          // Plain comparisons: this is done 40 000 times.
          if read.faults.isEmpty, read.bytes != changed {
            Issue.record("lost something at byte \(index) = \(value)")
          }
        }
      }
    }
  }

  @Test func `wrong numbers are faults at their offsets`() throws {
    var bytes = Samples.f407Configuration
    bytes[2] = 0x40
    bytes[4] = 3
    bytes[13] = 2
    bytes[21] = 0
    let faults = try readConfiguration(bytes).faults
    #expect(
      faults.map(\.field) == [
        "wTotalLength", "bNumInterfaces", "bNumEndpoints", "bAlternateSetting",
      ])
    #expect(faults.map(\.offset) == [2, 4, 13, 21])
    #expect(faults[0].sentence == "wTotalLength at offset 2 is 64; 54 bytes are there.")
  }

  @Test func `a descriptor longer than the rest is kept and told`() throws {
    var bytes = Samples.f407Configuration
    bytes[45] = 10
    let read = try readConfiguration(bytes)
    #expect(read.faults.map(\.kind) == [.truncated(needed: 10, available: 9)])
    #expect(read.faults[0].offset == 45)
    #expect(read.interfaces[3].extra[0].bytes.count == 9)
  }

  @Test func `a descriptor of no length ends the reading`() throws {
    var bytes = Samples.f407Configuration
    bytes[27] = 0
    let read = try readConfiguration(bytes)
    #expect(read.interfaces.count == 2)
    #expect(read.interfaces[1].extra[0].bytes.count == 27)
    #expect(read.faults.contains { $0.field == "bLength" && $0.offset == 27 })
    #expect(read.bytes == bytes)
  }

  @Test func `interfaces and endpoints that are too short are kept as they are`() throws {
    let bytes: [UInt8] = [
      9, 2, 24, 0, 0, 1, 0, 0x80, 50, 8, 4, 0, 0, 0, 0xFE, 1, 2, 7, 5, 0x81, 2, 64, 0, 0,
    ]
    let read = try readConfiguration(bytes)
    #expect(read.interfaces.isEmpty)
    #expect(read.extra.map(\.bytes.count) == [8, 7])
    #expect(read.faults.map(\.offset) == [9, 17])
    #expect(read.bytes == bytes)
  }

  @Test func `longer headers keep their bytes`() throws {
    let bytes: [UInt8] =
      [11, 2, 21, 0, 1, 1, 0, 0x80, 50, 0xAA, 0xBB] + [10, 4, 0, 0, 0, 0xFE, 1, 2, 4, 0xCC]
    let read = try readConfiguration(bytes)
    #expect(read.faults.isEmpty)
    #expect(read.extraBytes == [0xAA, 0xBB])
    #expect(read.interfaces[0].extraBytes == [0xCC])
    #expect(read.bytes == bytes)
  }

  @Test func `a wrong type or length of the configuration itself is refused`() throws {
    let error = try #require(throws: ParseError.self) {
      try readConfiguration([8, 2, 0, 0, 0, 0, 0, 0, 0])
    }
    #expect(error.field == "bLength")
    let other = try #require(throws: ParseError.self) {
      try readConfiguration([9, 1, 0, 0, 0, 0, 0, 0, 0])
    }
    #expect(other.field == "bDescriptorType")
    #expect(other.offset == 1)
  }

  @Test func `configurations behind each other are told apart by their lengths`() throws {
    let bytes = Samples.f407Configuration + Samples.composite.bytes
    var reader = ByteReader(bytes.span.bytes, origin: 18)
    let all = ConfigurationDescriptor.all(parsing: &reader)
    #expect(all.map(\.value) == [1, 2])
    #expect(all.flatMap(\.bytes) == bytes)
    #expect(all.allSatisfy { $0.faults.isEmpty })
    #expect(all[1].extra[0].offset == 18 + 54 + 9)
    let left = reader.remaining
    #expect(left == 0)
  }

  @Test func `a length that leads nowhere keeps the rest together`() throws {
    var bytes = Samples.f407Configuration
    bytes[2] = 20
    var reader = ByteReader(bytes.span.bytes)
    let all = ConfigurationDescriptor.all(parsing: &reader)
    #expect(all.count == 1)
    #expect(all[0].interfaces.count == 4)
    let nothing: [UInt8] = [1, 2, 3]
    var empty = ByteReader(nothing.span.bytes)
    #expect(ConfigurationDescriptor.all(parsing: &empty).isEmpty)
  }
}

@Suite struct `Device descriptors and qualifiers` {
  @Test func `every prefix of a device descriptor is refused by its field`() throws {
    let fields = [
      "bLength", "bDescriptorType", "bcdUSB", "bcdUSB", "bDeviceClass", "bDeviceSubClass",
      "bDeviceProtocol", "bMaxPacketSize0", "idVendor", "idVendor", "idProduct", "idProduct",
      "bcdDevice", "bcdDevice", "iManufacturer", "iProduct", "iSerialNumber", "bNumConfigurations",
    ]
    for length in 0..<18 {
      let error = try #require(throws: ParseError.self) {
        try readDevice(Array(Samples.f407Device[..<length]))
      }
      #expect(error.field == fields[length])
      #expect(error.offset <= length)
    }
  }

  @Test func `every changed byte of a device descriptor comes back`() {
    for index in Samples.f407Device.indices {
      for value in UInt8.min...UInt8.max {
        var changed = Samples.f407Device
        changed[index] = value
        let read = try? readDevice(changed)
        switch index {
        case 0: #expect((read != nil) == (value >= 18))
        case 1: #expect((read != nil) == (value == 1))
        default: #expect(read?.bytes == changed)
        }
      }
    }
  }

  @Test func `a device qualifier has ten bytes`() throws {
    let bytes: [UInt8] = [10, 6, 0x00, 0x02, 0xEF, 2, 1, 64, 1, 0]
    var reader = ByteReader(bytes.span.bytes)
    let qualifier = try DeviceQualifierDescriptor(parsing: &reader)
    #expect(qualifier.deviceClass == ClassTriple(0xEF, 2, 1))
    #expect(qualifier.configurationCount == 1)
    #expect(qualifier.bytes == bytes)
    for length in 0..<10 {
      let prefix = Array(bytes[..<length])
      #expect(throws: ParseError.self) {
        var reader = ByteReader(prefix.span.bytes)
        _ = try DeviceQualifierDescriptor(parsing: &reader)
      }
    }
    for wrong: [UInt8] in [[9] + bytes.dropFirst(), [10, 1] + bytes.dropFirst(2)] {
      #expect(throws: ParseError.self) {
        var reader = ByteReader(wrong.span.bytes)
        _ = try DeviceQualifierDescriptor(parsing: &reader)
      }
    }
  }

  @Test func `raw descriptors are read by their length alone`() throws {
    let bytes: [UInt8] = [3, 0xEE, 7, 2, 0xFF, 0]
    var reader = ByteReader(bytes.span.bytes, origin: 100)
    let first = try RawDescriptor(parsing: &reader)
    #expect(first == RawDescriptor(bytes: [3, 0xEE, 7], offset: 100))
    let second = try RawDescriptor(parsing: &reader)
    #expect(second.type == DescriptorType(rawValue: 0xFF))
    for rest: [UInt8] in [[], [0], [1], [0, 0], [1, 2], [2], [3, 4]] {
      #expect(throws: ParseError.self) {
        var reader = ByteReader(rest.span.bytes)
        _ = try RawDescriptor(parsing: &reader)
      }
    }
    #expect(RawDescriptor(bytes: [1], offset: 0).type == nil)
  }
}

@Suite struct `The functional descriptor of DFU` {
  private func read(_ bytes: [UInt8]) throws(ParseError) -> DFUFunctionalDescriptor {
    var reader = ByteReader(bytes.span.bytes)
    return try DFUFunctionalDescriptor(parsing: &reader)
  }

  @Test func `seven bytes are DFU 1_0, whatever follows them`() throws {
    let bytes: [UInt8] = [7, 0x21, 0x07, 0x00, 0xFF, 0x00, 0x10, 0x09, 0x04]
    let descriptor = try read(bytes)
    #expect(descriptor.version == nil)
    #expect(descriptor.detachTimeout == 0xFF00)
    #expect(descriptor.transferSize == 4096)
    #expect(descriptor.bytes == Array(bytes[..<7]))
  }

  @Test func `a wrong type, a wrong length and every prefix are refused`() {
    let bytes: [UInt8] = [9, 0x21, 0x0B, 0xFF, 0x00, 0x00, 0x08, 0x1A, 0x01]
    for length in 0..<9 {
      #expect(throws: ParseError.self) { try read(Array(bytes[..<length])) }
    }
    #expect(throws: ParseError.self) { try read([6] + bytes.dropFirst()) }
    #expect(throws: ParseError.self) { try read([9, 0x22] + bytes.dropFirst(2)) }
  }
}
