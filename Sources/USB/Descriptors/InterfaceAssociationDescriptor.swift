/// Interfaces that make one function, 8 bytes (USB 3.2, table 9-17; an ECN to USB 2.0).
public struct InterfaceAssociationDescriptor: Hashable, Sendable {
  /// `bFirstInterface`: the number of the first interface.
  public var firstInterface: UInt8
  /// `bInterfaceCount`: how many interfaces with consecutive numbers belong to it.
  public var interfaceCount: UInt8
  /// `bFunctionClass`, `bFunctionSubClass`, `bFunctionProtocol`.
  public var functionClass: ClassTriple
  /// `iFunction`: a string index, 0 for none.
  public var nameIndex: UInt8

  /// An association from its fields.
  public init(
    firstInterface: UInt8, interfaceCount: UInt8, functionClass: ClassTriple, nameIndex: UInt8 = 0
  ) {
    self.firstInterface = firstInterface
    self.interfaceCount = interfaceCount
    self.functionClass = functionClass
    self.nameIndex = nameIndex
  }

  /// The association in a raw descriptor; nil for another type and for fewer than 8 bytes.
  public init?(_ raw: RawDescriptor) {
    guard raw.type == .interfaceAssociation, raw.bytes.count >= 8 else { return nil }
    self.init(
      firstInterface: raw.bytes[2], interfaceCount: raw.bytes[3],
      functionClass: ClassTriple(raw.bytes[4], raw.bytes[5], raw.bytes[6]), nameIndex: raw.bytes[7])
  }

  /// Whether an interface with this number belongs to it.
  public func contains(interface number: UInt8) -> Bool {
    number >= firstInterface && Int(number) < Int(firstInterface) + Int(interfaceCount)
  }

  /// The 8 bytes as a device sends them.
  public var bytes: [UInt8] {
    [
      8, DescriptorType.interfaceAssociation.rawValue, firstInterface, interfaceCount,
      functionClass.classCode, functionClass.subclass, functionClass.protocolCode, nameIndex,
    ]
  }
}
