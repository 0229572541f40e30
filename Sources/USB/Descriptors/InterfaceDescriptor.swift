/// One alternate setting of an interface (USB 2.0, table 9-12), with what follows it.
public struct InterfaceDescriptor: Hashable, Sendable {
  /// `bInterfaceNumber`.
  public var number: UInt8
  /// `bAlternateSetting`.
  public var alternateSetting: UInt8
  /// `bNumEndpoints` as the device says it; compare with `endpoints.count`.
  public var endpointCount: UInt8
  /// `bInterfaceClass`, `bInterfaceSubClass`, `bInterfaceProtocol`.
  public var interfaceClass: ClassTriple
  /// `iInterface`: a string index, 0 for none.
  public var nameIndex: UInt8
  /// Bytes of this descriptor beyond the first nine; none in any specification.
  public var extraBytes: [UInt8]
  /// Class-specific and unknown descriptors before the first endpoint.
  public var extra: [RawDescriptor]
  /// The endpoints of this alternate setting.
  public var endpoints: [EndpointDescriptor]

  /// An alternate setting from its fields.
  public init(
    number: UInt8, alternateSetting: UInt8 = 0, interfaceClass: ClassTriple, nameIndex: UInt8 = 0,
    extra: [RawDescriptor] = [], endpoints: [EndpointDescriptor] = [], endpointCount: UInt8? = nil,
    extraBytes: [UInt8] = []
  ) {
    self.number = number
    self.alternateSetting = alternateSetting
    self.endpointCount = endpointCount ?? UInt8(truncatingIfNeeded: endpoints.count)
    self.interfaceClass = interfaceClass
    self.nameIndex = nameIndex
    self.extraBytes = extraBytes
    self.extra = extra
    self.endpoints = endpoints
  }

  /// The bytes, those of extra descriptors and endpoints included.
  public var bytes: [UInt8] {
    [
      UInt8(truncatingIfNeeded: 9 + extraBytes.count), DescriptorType.interface.rawValue, number,
      alternateSetting, endpointCount,
      interfaceClass.classCode, interfaceClass.subclass, interfaceClass.protocolCode, nameIndex,
    ] + extraBytes + extra.flatMap(\.bytes) + endpoints.flatMap(\.bytes)
  }
}
