internal import DFU
internal import USB

/// Factory bootloaders of ST's microcontrollers whose flash has pages of one size (AN2606, AN3156).
extension Profile {
  /// STM32F105 with 256 KiB: the first of ST's bootloaders that speaks DfuSe.
  public static let stm32f105: Profile = {
    let functional = dfuSe(transferSize: 2048)
    let identity = Identity(
      usbVersion: 0x0100, deviceVersion: 0x2000, manufacturer: "STMicroelectronics",
      productName: "STM32  BOOTLOADER", serial: "STM32",
      // Type g is not true of option bytes: they cannot be erased.
      settings: [
        "@Internal Flash  /0x08000000/128*002Kg", "@Option Bytes  /0x1FFFF800/01*016 g",
      ])
    var profile = Profile(
      name: "stm32f105",
      sentence: "The factory bootloader of an STM32F105; all such parts have the serial STM32.",
      description: identity.described(with: functional), functional: functional, dialect: .stROM,
      memories: [
        MemoryDescription(
          "Internal Flash", flash: .stm32f1, runs: [.run(0x0800_0000, 128, kib: 2)], unit: 2,
          reprogramming: .skippedUnlessBlank),
        MemoryDescription(
          "Option Bytes", .optionBytes, runs: [.bytes(0x1FFF_F800, 1, of: 16, .readWrite)],
          unit: 2, unitTime: .microseconds(52)),
        // What is below belongs to the bootloader (AN2662).
        MemoryDescription("RAM", .ram, runs: [.run(0x2000_1000, 15, kib: 4, .readWrite)]),
      ])
    profile.ramRanges = [0x2000_0000...0x2001_0000]
    profile.codeRanges = [0x0800_0000..<0x0804_0000]
    profile.optionBytes = .stm32f1
    return profile
  }()

  /// STM32L072 with 128 KiB of flash and the bootloader of one with 192.
  public static let stm32l072: Profile = {
    let functional = dfuSe(transferSize: 2048)
    let identity = Identity(
      deviceVersion: 0x2200, manufacturer: "STMicroelectronics", productName: "STM32  BOOTLOADER",
      serial: "0C4738420000",
      // No letter between size and type, and 64 KiB too many.
      settings: ["@Internal Flash /0x08000000/1536*128g"])
    var profile = Profile(
      name: "stm32l072",
      sentence:
        "The factory bootloader of an STM32L072 with 128 KiB: claims 192, and dies when it is "
        + "touched above its end.",
      description: identity.described(with: functional), functional: functional, dialect: .stROM,
      memories: [
        // Erased to zeros: the cells are those of an EEPROM.
        MemoryDescription(
          "Internal Flash", flash: .stm32l0, runs: [.bytes(0x0800_0000, 1024, of: 128, .all)],
          unit: 4, reprogramming: .refusedUnlessBlank, erasedByte: 0x00),
        // Takes any value without an erase; no alternate setting shows it.
        MemoryDescription(
          "EEPROM", .register, runs: [.run(0x0808_0000, 6, kib: 1, .readWrite)],
          unitTime: .microseconds(3200), erasedByte: 0x00),
      ])
    profile.quirks = [.diesBeyondItsEnd]
    profile.ramRanges = [0x2000_0000...0x2000_5000]
    profile.codeRanges = [0x0800_0000..<0x0802_0000]
    return profile
  }()

  /// STM32G0B1, 512 KiB.
  public static let stm32g0b1: Profile = {
    let functional = dfuSe(transferSize: 1024)
    let identity = Identity(
      deviceVersion: 0x0200, manufacturer: "STMicroelectronics", productName: "DFU in FS Mode",
      serial: "204E315A4630",
      settings: Array(repeating: "@Internal Flash   /0x08000000/256*02Kg", count: 3))
    var profile = Profile(
      name: "stm32g0b1",
      sentence:
        "The factory bootloader of an STM32G0B1: three alternate settings with the same name, and "
        + "option bytes that cannot be written.",
      description: identity.described(with: functional), functional: functional, dialect: .stROM,
      memories: [
        MemoryDescription(
          "Internal Flash", flash: .stm32g0, runs: [.run(0x0800_0000, 256, kib: 2)], unit: 8,
          reprogramming: .refusedUnlessBlank),
        // Neither is shown by an alternate setting.
        MemoryDescription(
          "Option Bytes", .optionBytes, runs: [.bytes(0x1FFF_7800, 1, of: 128, .readWrite)],
          unitTime: .milliseconds(1)),
        MemoryDescription(
          "OTP Memory", .writeOnce, runs: [.run(0x1FFF_7000, 1, kib: 1, .readWrite)], unit: 8,
          unitTime: .microseconds(85)),
      ])
    // The trap was met on a part with this layout (dfu-rs/dfu-libusb#4).
    profile.quirks = [.clearStatusTrap, .ignoresOptionWrites]
    profile.ramRanges = [0x2000_0000...0x2002_4000]
    profile.codeRanges = [0x0800_0000..<0x0808_0000]
    profile.optionBytes = .stm32g0
    return profile
  }()

  /// STM32C562, 512 KiB: the letter of DFU 1.1, and silence where a habit of others asks for more.
  public static let stm32c5: Profile = {
    let functional = dfuSe(transferSize: 1024)
    let identity = Identity(
      deviceVersion: 0x0200, manufacturer: "STMicroelectronics", productName: "DFU in FS Mode",
      serial: "208A36573330", settings: ["@Internal Flash /0x08000000/64*08Kg"])
    var profile = Profile(
      name: "stm32c5",
      sentence:
        "The factory bootloader of an STM32C5: stalls CLRSTATUS outside dfuERROR, and never answers "
        + "a request for its functional descriptor.",
      description: identity.described(with: functional), functional: functional, dialect: .stROM,
      memories: [
        MemoryDescription(
          "Internal Flash", flash: .stm32u5, runs: [.run(0x0800_0000, 64, kib: 8)], unit: 16,
          reprogramming: .refused)
      ])
    profile.quirks = [.silentFunctionalDescriptor]
    profile.ramRanges = [0x2000_0000...0x2002_0000]
    profile.codeRanges = [0x0800_0000..<0x0808_0000]
    return profile
  }()
}
