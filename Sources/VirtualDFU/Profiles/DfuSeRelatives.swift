internal import DFU
internal import USB
internal import VirtualUSB

/// Bootloaders that speak DfuSe and are not ST's.
extension Profile {
  /// GigaDevice GD32VF103CB, the 128 KiB of a Longan Nano, with the bootloader of revision 10.00.
  ///
  /// The layout and the strings are those that users report (riscv-mcu/gd32-dfu-utils#5,
  /// aw/fiveforths#20), and so are the poll time-outs, 100 and 104 ms, and the dfuERROR with
  /// errFIRMWARE that it begins with (riscv-mcu/gd32-dfu-utils#3). That of Set Address is not known:
  /// it is taken to be that of a block.
  public static let gd32vf103: Profile = {
    let functional = dfuSe(transferSize: 2048)
    let identity = Identity(
      vendor: 0x28E9, product: 0x0189, deviceVersion: 0x1000, manufacturer: "GigaDevice",
      productName: "GD32 USB DFU in FS Mode", serial: "3CBJ",
      settings: [
        "@Internal Flash  /0x08000000/512*002Kg", "@Option Bytes  /0x1FFFF800/01*016 g",
      ])
    var profile = Profile(
      name: "gd32vf103",
      sentence:
        "The factory bootloader of a GD32VF103: a wrong layout, a serial number in single bytes, and "
        + "gone as soon as it is told to leave.",
      description: identity.described(with: functional), functional: functional,
      dialect: .gd32ROM,
      memories: [
        // Not what the string says: 128 pages of 1 KiB (GD32VF103 User Manual, 2.3.1).
        MemoryDescription(
          "Internal Flash", flash: .gd32vf103, runs: [.run(0x0800_0000, 128, kib: 1)], unit: 4,
          reprogramming: .skippedUnlessBlank),
        MemoryDescription(
          "Option Bytes", .optionBytes, runs: [.bytes(0x1FFF_F800, 1, of: 16, .readWrite)],
          unit: 2, unitTime: .microseconds(38)),
      ])
    profile.quirks = [.clearStatusTrap, .silentFunctionalDescriptor, .singleByteSerial]
    profile.pollPolicy = .byKind(command: 104, erase: 100, write: 104)
    profile.leave = .afterDownload
    // RISC-V: the first word is an instruction, and nothing tells whether it is a good one.
    profile.startsAnything = true
    profile.applicationAddress = 0x0800_0000
    profile.reportsMissingFirmware = true
    profile.ramRanges = [0x2000_0000...0x2000_8000]
    profile.codeRanges = [0x0800_0000..<0x0802_0000]
    profile.factoryContents = [
      FactoryContents(
        address: 0x1FFF_F800,
        bytes: [
          0xA5, 0x5A, 0xFF, 0x00, 0xFF, 0x00, 0xFF, 0x00, 0xFF, 0x00, 0xFF, 0x00, 0xFF, 0x00, 0xFF,
          0x00,
        ])
    ]
    return profile
  }()

  /// MicroPython's mboot on a Pyboard D with an STM32F767 (ports/stm32/mboot).
  ///
  /// Its first sector is mboot itself: the layout calls it writable, and writing it is refused.
  public static let mboot: Profile = {
    let functional = dfuSe(transferSize: 2048)
    let identity = Identity(
      usbVersion: 0x0100, deviceVersion: 0x2200, manufacturer: "MicroPython",
      productName: "Pyboard DFU", serial: "207D325A4D4B",
      settings: ["@Internal Flash  /0x08000000/04*032Kg,01*128Kg,07*256Kg"])
    var description = identity.described(with: functional)
    description.strings[VirtualBootloader.mbootOverwriteText] = "Can't overwrite mboot"
    description.strings[VirtualBootloader.mbootAddressText] = "Address out of range"
    var profile = Profile(
      name: "mboot",
      sentence:
        "MicroPython's mboot on an STM32F767: no pauses announced, errors told once, and no answer "
        + "to what it does not know.",
      description: description, functional: functional, dialect: .mboot,
      memories: [
        MemoryDescription(
          "Internal Flash", flash: .stm32f7,
          runs: [
            .run(0x0800_0000, 1, kib: 32, .readable), .run(0x0800_8000, 3, kib: 32),
            .run(0x0802_0000, 1, kib: 128), .run(0x0804_0000, 7, kib: 256),
          ], unit: 4),
        // Read through the same UPLOAD, and not written.
        MemoryDescription("RAM", .ram, runs: [.run(0x2000_0000, 512, kib: 1, .readable)]),
      ])
    profile.quirks = [.tellsErrorsOnce, .noReadUnprotect]
    profile.pollPolicy = .constant(0)
    profile.busy = .holds
    // It waits for its last answer to go out.
    profile.manifestTime = .milliseconds(50)
    profile.applicationAddress = 0x0800_8000
    profile.ramRanges = [0x2000_0000...0x2008_0000]
    profile.codeRanges = [0x0800_8000..<0x0820_0000]
    // The beginning of mboot itself: a stack at the end of 16 KiB, and where it starts. A mass erase
    // leaves it there.
    profile.factoryContents = [
      FactoryContents(
        address: 0x0800_0000, bytes: [0x00, 0x40, 0x00, 0x20, 0x89, 0x41, 0x00, 0x08])
    ]
    return profile
  }()
}
