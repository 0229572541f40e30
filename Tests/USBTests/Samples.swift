import USB

/// Descriptors that several suites use.
enum Samples {
  /// The STM32F407's ROM, early revision: device.
  static let f407Device: [UInt8] = [
    0x12, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00, 0x40, 0x83, 0x04, 0x11, 0xDF, 0x00, 0x21, 0x01, 0x02,
    0x03, 0x01,
  ]

  /// The STM32F407's ROM: its configuration of 54 bytes, four alternate settings.
  static let f407Configuration: [UInt8] = [
    0x09, 0x02, 0x36, 0x00, 0x01, 0x01, 0x00, 0xC0, 0x32,
    0x09, 0x04, 0x00, 0x00, 0x00, 0xFE, 0x01, 0x02, 0x04,
    0x09, 0x04, 0x00, 0x01, 0x00, 0xFE, 0x01, 0x02, 0x05,
    0x09, 0x04, 0x00, 0x02, 0x00, 0xFE, 0x01, 0x02, 0x06,
    0x09, 0x04, 0x00, 0x03, 0x00, 0xFE, 0x01, 0x02, 0x07,
    0x09, 0x21, 0x0B, 0xFF, 0x00, 0x00, 0x08, 0x1A, 0x01,
  ]

  /// A composite of our own making: an association, endpoints, class descriptors behind both, an
  /// audio endpoint of 9 bytes, and an unknown descriptor in front.
  static let composite = ConfigurationDescriptor(
    value: 2, nameIndex: 5, attributes: 0xE0, maxPower: 250,
    extra: [
      RawDescriptor(bytes: [0x05, 0xEE, 1, 2, 3], offset: 9),
      RawDescriptor(bytes: [0x08, 0x0B, 0x00, 0x02, 0x02, 0x02, 0x01, 0x07], offset: 14),
    ],
    interfaces: [
      InterfaceDescriptor(
        number: 0, interfaceClass: ClassTriple(2, 2, 1), nameIndex: 7,
        extra: [
          RawDescriptor(bytes: [0x05, 0x24, 0x00, 0x20, 0x01], offset: 31),
          RawDescriptor(bytes: [0x04, 0x24, 0x02, 0x02], offset: 36),
        ],
        endpoints: [
          EndpointDescriptor(address: 0x82, attributes: 3, maxPacketSize: 8, interval: 16)
        ]),
      InterfaceDescriptor(
        number: 1, interfaceClass: ClassTriple(10, 0, 0),
        endpoints: [
          EndpointDescriptor(address: 0x01, attributes: 2, maxPacketSize: 64, interval: 0),
          EndpointDescriptor(
            address: 0x81, attributes: 1, maxPacketSize: 64, interval: 1, extraBytes: [0, 0],
            extra: [RawDescriptor(bytes: [0x07, 0x25, 1, 0, 0, 0, 0], offset: 72)]),
        ]),
      InterfaceDescriptor(number: 1, alternateSetting: 1, interfaceClass: ClassTriple(10, 0, 0)),
    ])
}

/// Reads a configuration from bytes.
func readConfiguration(_ bytes: [UInt8]) throws(ParseError) -> ConfigurationDescriptor {
  var reader = ByteReader(bytes.span.bytes)
  return try ConfigurationDescriptor(parsing: &reader)
}

/// Reads a device descriptor from bytes.
func readDevice(_ bytes: [UInt8]) throws(ParseError) -> DeviceDescriptor {
  var reader = ByteReader(bytes.span.bytes)
  return try DeviceDescriptor(parsing: &reader)
}
