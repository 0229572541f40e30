internal import DFU
internal import USB
public import VirtualUSB

/// What a device says of itself on the wire: its descriptors with the peculiarities that show there.
extension Profile {
  /// The descriptors as the device sends them.
  public var presented: DeviceDescription {
    var shown = self
    shown.setFunctional { $0 = presentedFunctional }
    if let code = presentedProtocol {
      for configuration in shown.description.configurations.indices {
        shown.description.configurations[configuration].setDFUProtocol(code)
      }
    }
    shown.description.rawStrings.merge(presentedStrings) { own, _ in own }
    return shown.description
  }

  /// The functional descriptor as the device sends it.
  var presentedFunctional: DFUFunctionalDescriptor {
    var shown = functional
    if quirks.contains(.swappedDetachTimeout) {
      shown.detachTimeout = shown.detachTimeout.byteSwapped
    }
    if quirks.contains(.wrongVersion), shown.version != nil {
      shown.version = BCDVersion(dialect.isDfuSe ? 0x0110 : 0x011A)
    }
    if quirks.contains(.swappedVersion) {
      shown.version = shown.version.map { BCDVersion($0.rawValue.byteSwapped) }
    }
    return shown
  }

  private var presentedProtocol: UInt8? {
    if quirks.contains(.protocolZero) { return 0 }
    return quirks.contains(.protocolOne) ? 1 : nil
  }

  /// String descriptors that are not what they should be.
  private var presentedStrings: [UInt8: [UInt8]] {
    var odd: [UInt8: [UInt8]] = [:]
    for (index, text) in description.strings {
      var bytes = StringDescriptor(text).bytes
      if index == description.device.serialNumberIndex, quirks.contains(.singleByteSerial) {
        let plain = Array(text.utf8.prefix(253))
        odd[index] = [UInt8(2 + plain.count), DescriptorType.string.rawValue] + plain
      } else if bytes.count > Profile.longString, quirks.contains(.truncatedStrings) {
        bytes.removeLast(2)
        odd[index] = bytes
      } else if bytes.count > Profile.longString, quirks.contains(.rubbishBehindStrings) {
        let rubbish = Profile.rubbish.prefix((254 - bytes.count) / 2)
        bytes[0] = UInt8(bytes.count + 2 * rubbish.count)
        odd[index] = bytes + rubbish.flatMap(\.littleEndianBytes)
      }
    }
    return odd
  }

  /// Descriptors of more bytes than one packet are those that are said to be wrong.
  private static let longString = 64
  /// What an STM32F429 sends behind its layout (bigtreetech/BIGTREETECH-OCTOPUS-Pro#42).
  private static let rubbish = Array("챐ƨ⹔뺿䭼뛮컸".utf16)
}

extension ConfigurationDescriptor {
  /// Sets bInterfaceProtocol of every DFU interface.
  fileprivate mutating func setDFUProtocol(_ code: UInt8) {
    for index in interfaces.indices where interfaces[index].interfaceClass.isDFU {
      interfaces[index].interfaceClass.protocolCode = code
    }
  }
}
