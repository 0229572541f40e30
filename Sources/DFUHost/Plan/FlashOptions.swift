public import USB

/// How to flash: what the options of `dfu flash` say.
public struct FlashOptions: Hashable, Sendable {
  /// What is erased.
  public enum Erase: String, Hashable, Sendable, CaseIterable {
    /// The sectors that have to be.
    case needed
    /// The whole memory, by one command, before anything is written.
    case all
  }

  /// What happens to the device after the proof.
  public enum Leave: String, Hashable, Sendable, CaseIterable {
    /// It leaves the bootloader if the image holds a plausible vector table.
    case automatic
    /// It leaves the bootloader.
    case always
    /// It stays in the bootloader.
    case never
  }

  /// A check that may be overridden: the WHAT of `--force WHAT`.
  public enum Force: String, Hashable, Sendable, CaseIterable {
    /// The file says that it is for another device.
    case ids
    /// The chip is known to have less memory than its map says.
    case size
    /// Option bytes that may close the part for ever.
    case optionBytes = "option-bytes"
    /// The device wants a prefix that the file has not.
    case prefix
    /// An image with addresses, to a device that knows none: its bytes are sent from the first on.
    case addresses
  }

  /// Which alternate setting: the value of `--target`.
  public enum TargetName: Hashable, Sendable, CustomStringConvertible {
    /// By its number.
    case number(UInt8)
    /// By its name, in any case.
    case name(String)

    /// A number from 0 to 255 is a number; everything else is a name.
    public init(_ text: String) {
      if let number = UInt8(text) { self = .number(number) } else { self = .name(text) }
    }

    /// What a person types after `--target`.
    public var description: String {
      switch self {
      case .number(let number): "\(number)"
      case .name(let name): name
      }
    }
  }

  /// The ids of a device at run time.
  public struct RuntimeIDs: Hashable, Sendable {
    /// `idVendor`.
    public var vendor: VendorID
    /// `idProduct`.
    public var product: ProductID

    /// The ids of a device.
    public init(_ info: DeviceInfo) {
      vendor = info.descriptor.vendor
      product = info.descriptor.product
    }
  }

  /// What is erased.
  public var erase = Erase.needed
  /// Whether the device is read first, and sectors that would not change are left alone.
  public var differential = true
  /// Whether what was written is read back.
  public var verify = true
  /// Whether the device leaves the bootloader.
  public var leave = Leave.automatic
  /// Where it jumps to; nil for the vector table of the image.
  public var leaveAddress: UInt64?
  /// Whether bytes that share a sector with new data may be lost.
  public var discardNeighbours = false
  /// The checks that are overridden.
  public var force: Set<Force> = []
  /// The alternate setting; nil to find it.
  public var target: TargetName?
  /// Where raw bytes go; nil to infer it from their vector table.
  public var address: UInt64?

  /// The ids that the device had before it was detached; nil where it was not. A file may be for either:
  /// by custom its suffix names the device at run time or the one in DFU mode (DFU 1.1, appendix B).
  public var runtimeIDs: RuntimeIDs?

  /// The defaults: differential, verified, leaving if there is something to run.
  public init() {}
}
