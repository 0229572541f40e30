import USB

/// The union functional descriptor (CDC 1.2, 5.2.3.2): which interfaces make one function.
///
/// `bFunctionLength`, `CS_INTERFACE` (0x24), subtype 6, then the controlling interface and those that it controls, a
/// byte each. Other classes use subtype 6 for something else, so the class of the interface has to be looked at
/// before.
struct UnionDescriptor: Hashable, Sendable {
  /// `bControlInterface`.
  var control: UInt8
  /// `bSubordinateInterface0` and so on, as they stand there: none, one twice, or interfaces that do not exist.
  var subordinates: [UInt8]

  /// A descriptor; nil where it is another, or shorter than it says.
  init?(_ raw: RawDescriptor) {
    let bytes = raw.bytes
    guard bytes.count >= 4, bytes[1] == 0x24, bytes[2] == 0x06, bytes[0] >= 4,
      Int(bytes[0]) <= bytes.count
    else { return nil }
    control = bytes[3]
    subordinates = Array(bytes[4..<Int(bytes[0])])
  }

  /// Those of one alternate setting, in the order of the bytes.
  static func all(of interface: InterfaceDescriptor) -> [UnionDescriptor] {
    interface.extra.compactMap { UnionDescriptor($0) }
  }
}
