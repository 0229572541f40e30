internal import DFU
internal import USB

/// Bootloaders that are not ST's factory ones.
extension Profile {
  /// ST's example bootloader for the STM324xG-EVAL board, from the USB device library.
  public static let stLibrary: Profile = {
    let functional = dfuSe(transferSize: 1024)
    let identity = Identity(
      deviceVersion: 0x0200, manufacturer: "STMicroelectronics", productName: "DFU in FS Mode",
      serial: "00000000001A",
      settings: ["@Internal Flash   /0x08000000/03*016Ka,01*016Kg,01*064Kg,07*128Kg"])
    var profile = Profile(
      name: "st-library",
      sentence:
        "ST's example bootloader for the STM32F4, with 50 ms of pause announced after everything.",
      description: identity.described(with: functional), functional: functional,
      dialect: .stLibrary,
      memories: [
        MemoryDescription(
          "Internal Flash", flash: .stm32f4,
          runs: [
            .run(0x0800_0000, 3, kib: 16, .readable), .run(0x0800_C000, 1, kib: 16),
            .run(0x0801_0000, 1, kib: 64), .run(0x0802_0000, 7, kib: 128),
          ])
      ])
    profile.quirks = [.clearStatusTrap, .noReadUnprotect]
    profile.pollPolicy = .constant(50)
    profile.busy = .holds
    profile.defaultPointer = 0x0800_C000
    profile.applicationAddress = 0x0800_C000
    profile.ramRanges = [0x2000_0000...0x2002_0000]
    profile.codeRanges = [0x0800_0000..<0x0810_0000]
    return profile
  }()

  /// The same for the STM32446E-EVAL board, whose erase runs on to the end.
  public static let stLibrary446: Profile = {
    let functional = dfuSe(transferSize: 1024)
    let identity = Identity(
      deviceVersion: 0x0200, manufacturer: "STMicroelectronics", productName: "DFU in FS Mode",
      serial: "00000000001A",
      settings: ["@Internal Flash   /0x08000000/02*016Ka,02*016Kg,01*064Kg,03*128Kg"])
    var profile = Profile.stLibrary
    profile.name = "st-library-446"
    profile.sentence =
      "ST's example bootloader for the STM32F446: erasing a sector erases all behind it as well."
    profile.description = identity.described(with: functional)
    profile.memories = [
      MemoryDescription(
        "Internal Flash", flash: .stm32f4,
        runs: [
          .run(0x0800_0000, 2, kib: 16, .readable), .run(0x0800_8000, 2, kib: 16),
          .run(0x0801_0000, 1, kib: 64), .run(0x0802_0000, 3, kib: 128),
        ])
    ]
    profile.quirks.insert(.erasesToTheEnd)
    profile.defaultPointer = 0x0800_8000
    profile.applicationAddress = 0x0800_8000
    profile.codeRanges = [0x0800_0000..<0x0808_0000]
    return profile
  }()

  /// Plain DFU 1.1 with two partitions. Their bytes are found at 0 and at 0x01000000.
  public static let dfu11: Profile = {
    let functional = DFUFunctionalDescriptor(
      attributes: [.canDownload, .canUpload, .manifestationTolerant], detachTimeout: 1000,
      transferSize: 64, version: BCDVersion(0x0101))
    let identity = Identity(
      vendor: 0xCAFE, product: 0x4000, deviceVersion: 0x0100, manufacturer: "TinyUSB",
      productName: "TinyUSB Device", serial: "123456", settings: ["FLASH", "EEPROM"],
      configurationAttributes: 0x80)
    var profile = Profile(
      name: "dfu11", sentence: "Plain DFU 1.1 as TinyUSB does it, with two named partitions.",
      description: identity.described(with: functional), functional: functional, dialect: .tinyUSB,
      memories: [
        MemoryDescription("FLASH", flash: .smallPages, runs: [.run(0, 128, kib: 4)]),
        MemoryDescription(
          "EEPROM", .register, runs: [.run(0x0100_0000, 1, kib: 64, .readWrite)],
          unitTime: .microseconds(50)),
      ])
    profile.partitions = [0, 1]
    profile.manifestTime = .milliseconds(20)
    return profile
  }()

  /// DFU 1.0 with partitions at 0, 0x01000000 and 0x02000000.
  public static let dfu10: Profile = {
    let functional = DFUFunctionalDescriptor(
      attributes: [.canDownload, .canUpload, .manifestationTolerant], detachTimeout: 0xFF00,
      transferSize: 4096, version: nil)
    let identity = Identity(
      usbVersion: 0x0110, vendor: 0x1457, product: 0x5119, deviceVersion: 0x0350,
      manufacturer: "OpenMoko, Inc", productName: "Neo1973 Bootloader U-Boot", serial: "0000000",
      deviceClass: ClassTriple(0xFE, 0x01, 0x00), interfaceProtocol: 0,
      settings: ["u-boot", "kernel", "rootfs"], configurationAttributes: 0x80)
    var profile = Profile(
      name: "dfu10",
      sentence: "DFU 1.0 as on Openmoko phones, with times that mean nothing.",
      description: identity.described(with: functional), functional: functional, dialect: .openmoko,
      memories: [
        MemoryDescription("u-boot", flash: .nand, runs: [.run(0, 16, kib: 16)]),
        MemoryDescription("kernel", flash: .nand, runs: [.run(0x0100_0000, 128, kib: 16)]),
        MemoryDescription("rootfs", flash: .nand, runs: [.run(0x0200_0000, 1024, kib: 16)]),
      ])
    profile.partitions = [0, 1, 2]
    profile.quirks = [.worksInsideDownload, .breaksOnStatusInUpload]
    profile.pollPolicy = .bogus(0xFF00)
    return profile
  }()

  /// NXP LPC43xx: 128 KiB of RAM at 0x10000000 are filled and started.
  public static let lpc43xx: Profile = {
    let functional = DFUFunctionalDescriptor(
      attributes: [.canDownload, .willDetach], detachTimeout: 65535, transferSize: 2048,
      version: BCDVersion(0x0100))
    let identity = Identity(
      vendor: 0x1FC9, product: 0x000C, deviceVersion: 0x0100, manufacturer: "NXP",
      productName: "LPC", serial: "ABCD", interfaceProtocol: 1, settings: ["UNDEFINED"],
      configurationAttributes: 0xC0)
    var profile = Profile(
      name: "lpc43xx",
      sentence:
        "The factory bootloader of an NXP LPC43xx: starts an image in RAM if it has NXP's prefix.",
      description: identity.described(with: functional), functional: functional, dialect: .lpcROM,
      memories: [
        MemoryDescription("RAM", .ram, runs: [.run(0x1000_0000, 1, kib: 128, .readWrite)])
      ])
    profile.partitions = [0]
    profile.manifestTime = .milliseconds(5)
    return profile
  }()
}
