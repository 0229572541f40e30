internal import DFU
internal import USB

/// Factory bootloaders of ST's microcontrollers (AN2606, AN3156).
extension Profile {
  /// ST's usual functional descriptor: download, upload, will-detach, 255 ms, version 1.1a.
  static func dfuSe(transferSize: UInt16) -> DFUFunctionalDescriptor {
    DFUFunctionalDescriptor(
      attributes: [.canDownload, .canUpload, .willDetach], detachTimeout: 255,
      transferSize: transferSize, version: BCDVersion(0x011A))
  }

  /// STM32F407, 1 MiB.
  public static let stm32f407: Profile = {
    let functional = dfuSe(transferSize: 2048)
    let identity = Identity(
      usbVersion: 0x0100, deviceVersion: 0x2100, manufacturer: "STMicroelectronics",
      productName: "STM32  BOOTLOADER", serial: "339C35543236",
      settings: [
        "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg",
        "@Option Bytes  /0x1FFFC000/01*016 e", "@OTP Memory /0x1FFF7800/01*512 e,01*016 e",
        "@Device Feature/0xFFFF0000/01*004 e",
      ])
    var profile = Profile(
      name: "stm32f407",
      sentence: "The factory bootloader of an STM32F407 with 1 MiB of flash.",
      description: identity.described(with: functional), functional: functional, dialect: .stROM,
      memories: [
        MemoryDescription(
          "Internal Flash", flash: .stm32f4,
          runs: [
            .run(0x0800_0000, 4, kib: 16), .run(0x0801_0000, 1, kib: 64),
            .run(0x0802_0000, 7, kib: 128),
          ]),
        MemoryDescription(
          "Option Bytes", .optionBytes, runs: [.bytes(0x1FFF_C000, 1, of: 16, .readWrite)],
          unitTime: .milliseconds(6)),
        MemoryDescription(
          "OTP Memory", .writeOnce,
          runs: [
            .bytes(0x1FFF_7800, 1, of: 512, .readWrite), .bytes(0x1FFF_7A00, 1, of: 16, .readWrite),
          ], unitTime: .microseconds(16)),
        MemoryDescription(
          "Device Feature", .register, runs: [.bytes(0xFFFF_0000, 1, of: 4, .readWrite)]),
      ])
    profile.quirks = [.massEraseAnnounces100]
    profile.ramRanges = [0x2000_0000...0x2002_0000, 0x1000_0000...0x1001_0000]
    profile.codeRanges = [0x0800_0000..<0x0810_0000]
    // 16 blocks of 32 bytes, and a byte for each that locks it.
    profile.memories[2].locks = .init(0x1FFF_7A00..<0x1FFF_7A10, blockSize: 32)
    profile.optionBytes = .stm32f4
    profile.factoryContents = [
      FactoryContents(address: 0xFFFF_0000, bytes: [0x03, 0x00, 0x00, 0x00])
    ]
    return profile
  }()

  /// The same, read-protected.
  public static let stm32f407ReadProtected: Profile = {
    var profile = Profile.stm32f407
    profile.name = "stm32f407-rdp1"
    profile.sentence = "An STM32F407 with read-out protection of level 1."
    profile.isReadProtected = true
    return profile
  }()

  /// The same, with sectors 2 and 3 write-protected.
  public static let stm32f407WriteProtected: Profile = {
    var profile = Profile.stm32f407
    profile.name = "stm32f407-wrp"
    profile.sentence =
      "An STM32F407 whose sectors 2 and 3 (0x08008000 to 0x0800FFFF) are write-protected."
    profile.writeProtectedSectors = [2, 3]
    return profile
  }()

  /// STM32F429, 2 MiB in two banks, each with a block of option bytes.
  public static let stm32f429: Profile = {
    let identity = Identity(
      usbVersion: 0x0100, deviceVersion: 0x2200, manufacturer: "STMicroelectronics",
      productName: "STM32  BOOTLOADER", serial: "326433593336",
      settings: [
        "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg,04*016Kg,01*064Kg,07*128Kg",
        "@Option Bytes  /0x1FFFC000/01*016 e/0x1FFEC000/01*016 e",
        "@OTP Memory /0x1FFF7800/01*512 e,01*016 e", "@Device Feature/0xFFFF0000/01*004 e",
      ])
    var profile = Profile.stm32f407
    profile.name = "stm32f429"
    profile.sentence =
      "The factory bootloader of an STM32F429 with 2 MiB of flash and two blocks of option bytes."
    profile.description = identity.described(with: profile.functional)
    profile.memories[0] = MemoryDescription(
      "Internal Flash", flash: .stm32f4,
      runs: [
        .run(0x0800_0000, 4, kib: 16), .run(0x0801_0000, 1, kib: 64),
        .run(0x0802_0000, 7, kib: 128), .run(0x0810_0000, 4, kib: 16),
        .run(0x0811_0000, 1, kib: 64), .run(0x0812_0000, 7, kib: 128),
      ])
    // Twice the flash, twice the time.
    profile.memories[0].massEraseTime = .seconds(16)
    // Apart: the OTP area lies between the two.
    profile.memories.append(
      MemoryDescription(
        "Option Bytes of bank 2", .optionBytes,
        runs: [.bytes(0x1FFE_C000, 1, of: 16, .readWrite)], unitTime: .milliseconds(6)))
    profile.ramRanges = [0x2000_0000...0x2003_0000, 0x1000_0000...0x1001_0000]
    profile.codeRanges = [0x0800_0000..<0x0820_0000]
    profile.optionBytes = .stm32f429
    return profile
  }()

  /// STM32H743, 2 MiB in two banks.
  public static let stm32h743: Profile = {
    let functional = dfuSe(transferSize: 1024)
    let identity = Identity(
      deviceVersion: 0x0200, manufacturer: "STMicroelectronics", productName: "DFU in FS Mode",
      serial: "200364500000",
      settings: [
        "@Internal Flash   /0x08000000/16*128Kg", "@Option Bytes   /0x5200201C/01*128 e",
      ])
    var profile = Profile(
      name: "stm32h743",
      sentence:
        "The factory bootloader of an STM32H743: erases in its second bank never seem to end.",
      description: identity.described(with: functional), functional: functional, dialect: .stROM,
      memories: [
        MemoryDescription(
          "Internal Flash", flash: .stm32h7, runs: [.run(0x0800_0000, 16, kib: 128)], unit: 32,
          reprogramming: .refused),
        // The registers of the flash controller from FLASH_OPTSR_CUR on (RM0433, 4.9).
        MemoryDescription(
          "Option Bytes", .optionBytes, runs: [.bytes(0x5200_201C, 1, of: 128, .readWrite)],
          unitTime: .milliseconds(1)),
      ])
    profile.quirks = [.clearStatusTrap, .secondBankErasesForEver]
    profile.optionBytes = .stm32h7
    profile.ramRanges = [
      0x2000_0000...0x2002_0000, 0x2400_0000...0x2408_0000, 0x3000_0000...0x3004_8000,
      0x3800_0000...0x3801_0000,
    ]
    profile.codeRanges = [0x0800_0000..<0x0820_0000]
    return profile
  }()

  /// STM32L476, 1 MiB.
  public static let stm32l476: Profile = {
    let functional = dfuSe(transferSize: 2048)
    let identity = Identity(
      deviceVersion: 0x2200, manufacturer: "STMicroelectronics", productName: "STM32  BOOTLOADER",
      serial: "325A38673032",
      settings: [
        "@Internal Flash  /0x08000000/0512*0002Kg", "@Option Bytes  /0x1FFF7800/01*040 e",
        "@OTP Memory /0x1FFF7000/01*0001Ke",
      ])
    var profile = Profile(
      name: "stm32l476",
      sentence:
        "The factory bootloader of an STM32L476: announces too little time and stalls when asked "
        + "early.",
      description: identity.described(with: functional), functional: functional, dialect: .stROM,
      memories: [
        MemoryDescription(
          "Internal Flash", flash: .stm32l4, runs: [.run(0x0800_0000, 512, kib: 2)], unit: 8,
          reprogramming: .refusedUnlessBlank),
        MemoryDescription(
          "Option Bytes", .optionBytes, runs: [.bytes(0x1FFF_7800, 1, of: 40, .readWrite)],
          unitTime: .milliseconds(1)),
        MemoryDescription(
          "OTP Memory", .writeOnce, runs: [.run(0x1FFF_7000, 1, kib: 1, .readWrite)], unit: 8,
          reprogramming: .refusedUnlessBlank, unitTime: .microseconds(82)),
      ])
    profile.pollPolicy = .atMost(10)
    profile.busy = .stalls
    profile.ramRanges = [0x2000_0000...0x2001_8000, 0x1000_0000...0x1000_8000]
    profile.codeRanges = [0x0800_0000..<0x0810_0000]
    profile.optionBytes = .stm32l4
    return profile
  }()

  /// A board with an STM32F730 and 8 MiB of flash behind its QSPI controller.
  ///
  /// It has the ids, the strings and the layout of the NumWorks N0110, whose firmware files have one
  /// target with both memories. Its functional descriptor says version 1.0, although it speaks DfuSe.
  public static let stm32f730External: Profile = {
    let functional = DFUFunctionalDescriptor(
      attributes: [.canDownload, .canUpload], detachTimeout: 0, transferSize: 2048,
      version: BCDVersion(0x0100))
    let identity = Identity(
      product: 0xA291, deviceVersion: 0x0100, manufacturer: "NumWorks",
      productName: "NumWorks Calculator", serial: "N0110VIRTUAL",
      settings: [
        "@Flash/0x08000000/04*016Kg/0x90000000/08*004Kg,01*032Kg,63*064Kg,64*064Kg",
        "@SRAM/0x20000000/01*252Ke",
      ], configurationAttributes: 0x80)
    var profile = Profile(
      name: "stm32f730-qspi",
      sentence:
        "An STM32F730 with 64 KiB of flash of its own and 8 MiB outside, at 0x90000000.",
      description: identity.described(with: functional), functional: functional, dialect: .stROM,
      memories: [
        MemoryDescription(
          "Flash", flash: .stm32f7, runs: [.run(0x0800_0000, 4, kib: 16)]),
        MemoryDescription(
          "External Flash", flash: .serialNOR,
          runs: [
            .run(0x9000_0000, 8, kib: 4), .run(0x9000_8000, 1, kib: 32),
            .run(0x9001_0000, 127, kib: 64),
          ]),
        MemoryDescription("SRAM", .ram, runs: [.run(0x2000_0000, 1, kib: 252, .readWrite)]),
      ])
    profile.pollPolicy = .constant(1)
    profile.busy = .holds
    profile.ramRanges = [0x2000_0000...0x2004_0000]
    // The same flash is seen at 0x00200000 through the ITCM bus; this board's firmware runs there.
    profile.codeRanges = [
      0x0800_0000..<0x0801_0000, 0x0020_0000..<0x0021_0000, 0x9000_0000..<0x9080_0000,
    ]
    return profile
  }()
}
