public import DFU
public import USB
public import VirtualUSB

/// A kind of virtual bootloader: everything about it that does not change.
public struct Profile: Hashable, Sendable {
  /// Its name on the command line.
  public var name: String
  /// What it is, in one sentence.
  public var sentence: String
  /// The descriptors in DFU mode, as they should be; ``presented`` is what the device sends.
  public var description: DeviceDescription
  /// The speed at which it runs.
  public var speed = USBSpeed.full
  /// The functional descriptor, as it should be.
  public var functional: DFUFunctionalDescriptor
  /// Whose bootloader it is.
  public var dialect: BootloaderDialect
  /// All memories, also those that no alternate setting shows.
  public var memories: [MemoryDescription]
  /// For plain DFU: which memory each alternate setting writes.
  public var partitions: [Int] = []
  /// What bwPollTimeout says.
  public var pollPolicy = PollPolicy.exact
  /// What requests meet while the device works.
  public var busy = BusyBehaviour.answers
  /// Peculiarities.
  public var quirks: BootloaderQuirks = []
  /// When it disappears after a download.
  public var leave = LeaveVariant.afterGetStatus
  /// How long Set Address Pointer takes.
  public var setAddressTime = Duration.zero
  /// How long manifestation takes (plain DFU).
  public var manifestTime = Duration.zero
  /// The address pointer after power-up.
  public var defaultPointer: UInt32 = 0x0800_0000
  /// Where the run-time firmware starts when the bootloader resets instead of jumping to the pointer.
  public var applicationAddress: UInt32?
  /// Where a stack pointer may point: the highest address after the last byte included.
  public var ramRanges: [ClosedRange<UInt64>] = []
  /// Where a reset vector may point.
  public var codeRanges: [Range<UInt64>] = []
  /// It starts whatever is there and not blank: no vector table tells (RISC-V).
  public var startsAnything = false
  /// What its option bytes mean; nil for a part that has none, or goes by other things.
  public var optionBytes: OptionByteLayout?
  /// What the memories hold when the part leaves the factory, where not 0xFF.
  public var factoryContents: [FactoryContents] = []
  /// Read-out protection of level 1 from the start.
  public var isReadProtected = false
  /// Sectors of the first memory that are write-protected from the start, by number.
  public var writeProtectedSectors: Set<Int> = []
  /// Without an application worth starting it begins in dfuERROR, errFIRMWARE.
  public var reportsMissingFirmware = false
  /// The application, where the bus sees it; nil for one without USB. With one, the part begins in it
  /// whenever its firmware is intact, and in the bootloader otherwise.
  public var application: Application?
  /// How long it is gone when it resets back into the bootloader.
  public var restartTime = Duration.milliseconds(500)

  /// Bytes that are there from the start.
  public struct FactoryContents: Hashable, Sendable {
    /// Where.
    public var address: UInt64
    /// What.
    public var bytes: [UInt8]
  }

  /// A profile from its essential parts; the others have usual values and can be set.
  public init(
    name: String, sentence: String, description: DeviceDescription,
    functional: DFUFunctionalDescriptor, dialect: BootloaderDialect,
    memories: [MemoryDescription]
  ) {
    self.name = name
    self.sentence = sentence
    self.description = description
    self.functional = functional
    self.dialect = dialect
    self.memories = memories
  }

  /// The profile with this name; nil if there is none.
  public static func named(_ name: String) -> Profile? { all.first { $0.name == name } }

  /// Every profile, in the order in which they are listed.
  public static let all: [Profile] = [
    .stm32f105, .stm32f407, .stm32f407ReadProtected, .stm32f407WriteProtected, .stm32f429,
    .stm32h743, .stm32l476, .stm32l072, .stm32g0b1, .stm32c5, .gd32vf103, .stLibrary, .stLibrary446,
    .mboot, .dfu11, .dfu10, .runtime, .lpc43xx, .stm32f730External,
  ]

  /// The most bytes of one DNLOAD or UPLOAD.
  var transferSize: Int { Int(functional.transferSize) }
}

/// What a profile's device descriptor is made of.
struct Identity {
  var usbVersion: UInt16 = 0x0200
  var vendor: UInt16 = 0x0483
  var product: UInt16 = 0xDF11
  var deviceVersion: UInt16
  var manufacturer: String
  var productName: String
  var serial: String
  var deviceClass = ClassTriple.perInterface
  var interfaceProtocol: UInt8 = 2
  /// The names of the alternate settings.
  var settings: [String]
  var configurationAttributes: UInt8 = 0xC0

  /// The descriptors: strings 1 to 3 for the device, from 4 on one for each alternate setting, and
  /// the functional descriptor behind the last of them, where ST's factory bootloaders have it.
  func described(with functional: DFUFunctionalDescriptor) -> DeviceDescription {
    var strings: [UInt8: String] = [1: manufacturer, 2: productName, 3: serial]
    var interfaces: [InterfaceDescriptor] = []
    for (number, name) in settings.enumerated() {
      let index = UInt8(4 + number)
      strings[index] = name
      let isLast = number == settings.count - 1
      interfaces.append(
        InterfaceDescriptor(
          number: 0, alternateSetting: UInt8(number),
          interfaceClass: ClassTriple(0xFE, 0x01, interfaceProtocol), nameIndex: index,
          extra: isLast ? [RawDescriptor(bytes: functional.bytes, offset: 0)] : []))
    }
    return DeviceDescription(
      device: DeviceDescriptor(
        usbVersion: BCDVersion(usbVersion), deviceClass: deviceClass, vendor: VendorID(vendor),
        product: ProductID(product), deviceVersion: BCDVersion(deviceVersion),
        manufacturerIndex: 1, productIndex: 2, serialNumberIndex: 3),
      configurations: [
        ConfigurationDescriptor(
          attributes: configurationAttributes, maxPower: 50, interfaces: interfaces)
      ],
      strings: strings)
  }
}

extension SectorRun {
  /// Sectors in kibibytes, as a DfuSe string counts them.
  static func run(
    _ start: UInt64, _ count: UInt64, kib size: UInt64, _ rights: SectorRights = .all
  ) -> SectorRun {
    SectorRun(start: start, count: count, sectorSize: size * 1024, rights: rights)
  }

  static func bytes(
    _ start: UInt64, _ count: UInt64, of size: UInt64, _ rights: SectorRights
  )
    -> SectorRun
  {
    SectorRun(start: start, count: count, sectorSize: size, rights: rights)
  }
}

extension SectorRights {
  /// Type `g`.
  static let all: SectorRights = [.readable, .erasable, .writable]
  /// Type `e`.
  static let readWrite: SectorRights = [.readable, .writable]
}
