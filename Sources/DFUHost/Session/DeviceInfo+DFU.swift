public import DFU
public import USB

extension DeviceInfo {
  /// The DFU interface that counts: that of the active configuration, or else of the first that has one;
  /// nil where none has.
  public var dfuFunction: DFUFunction? { DFUFunction.choose(in: self, interface: nil) }

  /// What is known to be wrong with devices of these ids.
  public var dfuQuirks: DFUQuirks {
    DFUQuirks.quirks(
      vendor: descriptor.vendor, product: descriptor.product, version: descriptor.deviceVersion)
  }

  /// Whether its application or its bootloader runs, as far as its descriptors tell; nil where it has no
  /// DFU interface.
  public var dfuMode: DFUMode? { dfuFunction?.mode(quirks: dfuQuirks) }
}
