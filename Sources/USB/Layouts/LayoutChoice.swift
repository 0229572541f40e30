extension DescriptorLayout {
  /// The layout of a descriptor by its type, and by the interface that it stands in: a type of a class alone says
  /// nothing (0x21 is HID, DFU or a smart card reader).
  ///
  /// - Parameters:
  ///   - bytes: the descriptor.
  ///   - interface: the interface that it stands in.
  ///   - isInStore: whether it stands in a BOS.
  /// - Returns: nil for one that is not known.
  package static func layout(
    of bytes: ArraySlice<UInt8>, interface: ClassTriple?, isInStore: Bool = false
  ) -> DescriptorLayout? {
    guard bytes.count >= 2 else { return nil }
    let start = bytes.startIndex
    switch bytes[start + 1] {
    case 0x01: return StandardLayouts.device
    case 0x02: return StandardLayouts.configuration
    case 0x03: return StandardLayouts.string
    case 0x04: return StandardLayouts.interface
    case 0x05: return StandardLayouts.endpoint
    case 0x06: return StandardLayouts.deviceQualifier
    case 0x07: return StandardLayouts.otherSpeedConfiguration
    case 0x09: return StandardLayouts.onTheGo
    case 0x0A: return StandardLayouts.debug
    case 0x0B: return StandardLayouts.interfaceAssociation
    case 0x0F: return CapabilityLayouts.binaryObjectStore
    case 0x10: return capability(bytes)
    case 0x29: return StandardLayouts.hub
    case 0x2A: return StandardLayouts.superSpeedHub
    case 0x30: return StandardLayouts.superSpeedCompanion
    case 0x31: return StandardLayouts.isochronousCompanion
    case 0x21...0x26:
      guard let interface else { return nil }
      return classLayout(bytes, interface)
    default: return nil
    }
  }

  private static func capability(_ bytes: ArraySlice<UInt8>) -> DescriptorLayout? {
    let start = bytes.startIndex
    guard bytes.count >= 3 else { return nil }
    if bytes[start + 2] == 0x05, bytes.count >= 20 {
      let identifier = bytes[start + 4..<start + 20]
      if identifier.elementsEqual(CapabilityLayouts.webUSBIdentifier), bytes.count >= 24 {
        return CapabilityLayouts.webUSB
      }
      if identifier.elementsEqual(CapabilityLayouts.microsoftIdentifier), bytes.count >= 28 {
        return CapabilityLayouts.microsoft
      }
    }
    return CapabilityLayouts.all[bytes[start + 2]]
  }

  private static func classLayout(
    _ bytes: ArraySlice<UInt8>, _ interface: ClassTriple
  ) -> DescriptorLayout? {
    let start = bytes.startIndex
    let subtype = bytes.count > 2 ? bytes[start + 2] : 0
    switch (bytes[start + 1], interface.classCode, interface.subclass) {
    case (0x21, 0x03, _): return OtherClassLayouts.humanInterface
    case (0x21, 0xFE, 0x01): return OtherClassLayouts.dfuFunctional
    case (0x21, 0x0B, _): return OtherClassLayouts.smartCard
    case (0x21, 0x07, _): return OtherClassLayouts.printer
    // Vendors put HID's and a reader's descriptor into interfaces of their own: only their shape tells.
    case (0x21, 0xFF, _) where bytes.count == 54: return OtherClassLayouts.smartCard
    case (0x21, 0xFF, _) where bytes.count == 9 && bytes[start + 6] == 0x22:
      return OtherClassLayouts.humanInterfaceShaped
    case (0x24, 0x02, _), (0x24, 0x0A, _), (0x24, 0xE0, 0x01), (0x24, 0xEF, 0x04):
      return CommunicationLayouts.all[subtype]
    case (0x24, 0x08, _): return OtherClassLayouts.pipeUsage
    case (0x24, 0x01, 0x01):
      return interface.protocolCode == 0x20
        ? AudioLayouts.control2[subtype] : AudioLayouts.control[subtype]
    case (0x24, 0x01, 0x02):
      return interface.protocolCode == 0x20
        ? AudioLayouts.streaming2[subtype] : AudioLayouts.streaming[subtype]
    case (0x24, 0x01, 0x03): return AudioLayouts.midi[subtype]
    case (0x25, 0x01, 0x03): return AudioLayouts.midiEndpoint
    case (0x25, 0x01, _):
      return interface.protocolCode == 0x20 ? AudioLayouts.endpoint2 : AudioLayouts.endpoint
    case (0x26, 0x01, 0x03): return AudioLayouts.groupTerminalBlock
    case (0x24, 0x0E, 0x01): return VideoLayouts.control[subtype]
    case (0x24, 0x0E, 0x02): return VideoLayouts.streaming[subtype]
    case (0x25, 0x0E, _): return subtype == 3 ? VideoLayouts.endpoint : nil
    default: return nil
    }
  }
}
