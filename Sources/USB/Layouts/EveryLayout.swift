extension DescriptorLayout {
  /// Every layout that there is, table by table.
  public static var all: [DescriptorLayout] {
    let standard = [
      StandardLayouts.device, StandardLayouts.deviceQualifier, StandardLayouts.configuration,
      StandardLayouts.otherSpeedConfiguration, StandardLayouts.interface, StandardLayouts.endpoint,
      StandardLayouts.string, StandardLayouts.languages, StandardLayouts.interfaceAssociation,
      StandardLayouts.onTheGo, StandardLayouts.debug, StandardLayouts.superSpeedCompanion,
      StandardLayouts.isochronousCompanion, StandardLayouts.hub, StandardLayouts.superSpeedHub,
      CapabilityLayouts.binaryObjectStore, CapabilityLayouts.webUSB, CapabilityLayouts.microsoft,
    ]
    let classes = [
      OtherClassLayouts.humanInterface, OtherClassLayouts.humanInterfaceShaped,
      OtherClassLayouts.dfuFunctional, OtherClassLayouts.smartCard, OtherClassLayouts.pipeUsage,
      OtherClassLayouts.printer, AudioLayouts.endpoint, AudioLayouts.endpoint2,
      AudioLayouts.midiEndpoint, AudioLayouts.groupTerminalBlock, VideoLayouts.endpoint,
    ]
    let tables = [
      CapabilityLayouts.all, CommunicationLayouts.all, AudioLayouts.control, AudioLayouts.streaming,
      AudioLayouts.control2, AudioLayouts.streaming2, AudioLayouts.midi, VideoLayouts.control,
      VideoLayouts.streaming,
    ].flatMap(\.all)
    let microsoft =
      [
        OtherClassLayouts.microsoftString, MicrosoftLayouts.compatibleHeader,
        MicrosoftLayouts.propertiesHeader, MicrosoftLayouts.unknownPart,
      ] + MicrosoftLayouts.parts.sorted { $0.key < $1.key }.map(\.value)
    return standard + classes + tables + microsoft
  }
}
