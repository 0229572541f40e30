import DFU
import Testing

/// An interface string that a device in the field shows, and what it means.
struct Layout: CustomTestStringConvertible {
  let number: String
  let string: String
  let device: String
  let kind: MemoryKind
  let runs: [SectorRun]
  let warnings: [MemoryMapWarning.Rule]
  let error: MemoryMapError.Code?

  init(
    _ number: String, _ string: String, _ device: String, _ kind: MemoryKind, _ runs: [SectorRun],
    warnings: [MemoryMapWarning.Rule] = [], error: MemoryMapError.Code? = nil
  ) {
    self.number = number
    self.string = string
    self.device = device
    self.kind = kind
    self.runs = runs
    self.warnings = warnings
    self.error = error
  }

  var testDescription: String { "\(number) \(string) (\(device))" }

  static let corpus = corpusOfROMs + corpusOfBootloaders
}

/// A run as the grammar writes it: where, how many, bytes of one, type letter.
func run(_ start: UInt64, _ count: UInt64, _ size: UInt64, _ letter: Character) -> SectorRun {
  let bits = UInt8(letter.asciiValue.map { $0 & 7 } ?? 0)
  return SectorRun(
    start: start, count: count, sectorSize: size, rights: SectorRights(rawValue: bits))
}

extension Layout {
  static let corpusOfROMs: [Layout] = [
    Layout(
      "1", "@Internal Flash  /0x08000000/128*002Kg", "STM32F107 ROM (2048 B, bcdDevice 20.00)",
      .internalFlash,
      [run(0x0800_0000, 128, 2048, "g")]),
    Layout(
      "2", "@Option Bytes  /0x1FFFF800/01*016 g", "STM32F107 ROM", .optionBytes,
      [run(0x1FFF_F800, 1, 16, "e")], warnings: [.notReallyErasable]),
    Layout(
      "3", "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg", "STM32F407 ROM",
      .internalFlash,
      [
        run(0x0800_0000, 4, 16384, "g"), run(0x0801_0000, 1, 65536, "g"),
        run(0x0802_0000, 7, 131072, "g"),
      ]),
    Layout(
      "4", "@Option Bytes  /0x1FFFC000/01*016 g", "STM32F407 ROM, early", .optionBytes,
      [run(0x1FFF_C000, 1, 16, "e")], warnings: [.notReallyErasable]),
    Layout(
      "5", "@OTP Memory /0x1FFF7800/01*512 g,01*016 g", "STM32F407 ROM, early", .otp,
      [run(0x1FFF_7800, 1, 512, "e"), run(0x1FFF_7A00, 1, 16, "e")],
      warnings: [.notReallyErasable, .notReallyErasable]),
    Layout(
      "6", "@Device Feature/0xFFFF0000/01*004 g", "STM32F407 ROM, early", .deviceFeature,
      [run(0xFFFF_0000, 1, 4, "e")], warnings: [.notReallyErasable]),
    Layout(
      "7", "@Internal Flash  /0x08000000/12*001Ka,116*001Kg",
      "DSO Nano (protocol 0, 1024 B); OPC-20", .internalFlash,
      [run(0x0800_0000, 12, 1024, "a"), run(0x0800_3000, 116, 1024, "g")]),
    Layout(
      "8", "@SPI Flash : M25P64/0x00000000/64*064Kg,64*064Kg", "DSO Nano", .externalFlash,
      [run(0x0000_0000, 64, 65536, "g"), run(0x0040_0000, 64, 65536, "g")]),
    Layout(
      "9", "@SPI Flash : M25P64/0x00000000/128*64Kg", "OPC-20; ST demo board", .externalFlash,
      [run(0x0000_0000, 128, 65536, "g")]),
    Layout(
      "10", "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg", "STM32F411 ROM",
      .internalFlash,
      [
        run(0x0800_0000, 4, 16384, "g"), run(0x0801_0000, 1, 65536, "g"),
        run(0x0802_0000, 3, 131072, "g"),
      ]),
    Layout(
      "11", "@Option Bytes  /0x1FFFC000/01*016 e", "STM32F4 ROM, later", .optionBytes,
      [run(0x1FFF_C000, 1, 16, "e")]),
    Layout(
      "12", "@OTP Memory /0x1FFF7800/01*512 e,01*016 e", "STM32F4 ROM, later", .otp,
      [run(0x1FFF_7800, 1, 512, "e"), run(0x1FFF_7A00, 1, 16, "e")]),
    Layout(
      "13", "@Device Feature/0xFFFF0000/01*004 e", "STM32F4 ROM, later", .deviceFeature,
      [run(0xFFFF_0000, 1, 4, "e")]),
    Layout(
      "14", "@Internal Flash  /0x08000000/0128*0002Kg", "STM32L4 ROM", .internalFlash,
      [run(0x0800_0000, 128, 2048, "g")]),
    Layout(
      "15", "@Option Bytes  /0x1FFF7800/01*040 e", "STM32L4 ROM", .optionBytes,
      [run(0x1FFF_7800, 1, 40, "e")]),
    Layout(
      "16", "@OTP Memory /0x1FFF7000/01*0001Ke", "STM32L4 ROM", .otp,
      [run(0x1FFF_7000, 1, 1024, "e")]),
    Layout(
      "17", "@Internal Flash  /0x08000000/512*002Kg", "GD32VF103 ROM bcdDevice 10.00 (wrong)",
      .internalFlash,
      [run(0x0800_0000, 512, 2048, "g")]),
    Layout(
      "18", "@Internal Flash  /0x08000000/128*001Kg", "GD32VF103 ROM bcdDevice 01.00 (right)",
      .internalFlash,
      [run(0x0800_0000, 128, 1024, "g")]),
    Layout(
      "19", "@Option Bytes  /0x1FFFF800/01*016Be", "GD32VF103 ROM", .optionBytes,
      [run(0x1FFF_F800, 1, 16, "e")]),
    Layout(
      "20", "@Internal Flash   /0x08000000/16*128Kg", "STM32H743/H750 ROM", .internalFlash,
      [run(0x0800_0000, 16, 131072, "g")]),
    Layout(
      "21", "@Option Bytes   /0x5200201C/01*128 e", "STM32H743/H750 ROM", .optionBytes,
      [run(0x5200_201C, 1, 128, "e")]),
    Layout(
      "22", "@Internal Flash   /0x08000000/8*128Kg", "STM32H72x ROM", .internalFlash,
      [run(0x0800_0000, 8, 131072, "g")]),
    Layout(
      "23", "@Option Bytes   /0x5200201C/01*88 e", "STM32H72x ROM", .optionBytes,
      [run(0x5200_201C, 1, 88, "e")]),
    Layout(
      "24", "@Internal Flash   /0x08000000/256*08Kg", "STM32H7A3/H7B3 ROM", .internalFlash,
      [run(0x0800_0000, 256, 8192, "g")]),
    Layout(
      "25", "@Option Bytes   /0x5200201C/01*297 e", "STM32H7A3/H7B3 ROM", .optionBytes,
      [run(0x5200_201C, 1, 297, "e")]),
    Layout(
      "26", "@OTP Memory   /0x08FFF000/01*1024 e", "STM32H7A3/H7B3 ROM", .otp,
      [run(0x08FF_F000, 1, 1024, "e")]),
    Layout(
      "27", "@OTP Memory  /0x1FF7000/01*1024 e", "STM32H7B3I-EVAL example firmware (typo)", .otp,
      [run(0x01FF_7000, 1, 1024, "e")], warnings: [.sevenDigitAddress]),
    Layout(
      "28", "@Option Bytes  /0x1FF8000/01*128 e", "STM32H7B3I-EVAL example firmware (typo)",
      .optionBytes,
      [run(0x01FF_8000, 1, 128, "e")], warnings: [.sevenDigitAddress]),
    Layout(
      "29", "@Serial Flash   /0x00000000/256*004Kg", "Particle P1", .externalFlash,
      [run(0x0000_0000, 256, 4096, "g")]),
    Layout(
      "30", "@DCT Flash   /0x00000000/01*016Kg", "RedBear Duo", .other,
      [run(0x0000_0000, 1, 16384, "g")]),
    Layout(
      "31", "@Internal Flash   /0x08000000/01*016Ka,02*016Kg,01*016Kg,01*064Kg,07*128Kg",
      "RedBear Duo", .internalFlash,
      [
        run(0x0800_0000, 1, 16384, "a"), run(0x0800_4000, 2, 16384, "g"),
        run(0x0800_C000, 1, 16384, "g"), run(0x0801_0000, 1, 65536, "g"),
        run(0x0802_0000, 7, 131072, "g"),
      ]),
    Layout(
      "32", "@Serial Flash   /0x00000000/192*004Kg,128*004Kg,64*004Kg,128*004Kg", "RedBear Duo",
      .externalFlash,
      [
        run(0x0000_0000, 192, 4096, "g"), run(0x000C_0000, 128, 4096, "g"),
        run(0x0014_0000, 64, 4096, "g"), run(0x0018_0000, 128, 4096, "g"),
      ]),
    Layout(
      "33", "@Internal Flash  /0x08000000/20*001Ka,108*001Kg", "Spark Core", .internalFlash,
      [run(0x0800_0000, 20, 1024, "a"), run(0x0800_5000, 108, 1024, "g")]),
    Layout(
      "34", "@SPI Flash : SST25x/0x00000000/512*04Kg", "Spark Core", .externalFlash,
      [run(0x0000_0000, 512, 4096, "g")]),
    Layout(
      "35", "@Internal Flash  /0x08000000/128*0002Kg", "STM32F303 ROM", .internalFlash,
      [run(0x0800_0000, 128, 2048, "g")]),
    Layout(
      "36", "@Internal Flash  /0x08000000/04*016Kg,01*64Kg,03*128Kg", "STM32F72x ROM",
      .internalFlash,
      [
        run(0x0800_0000, 4, 16384, "g"), run(0x0801_0000, 1, 65536, "g"),
        run(0x0802_0000, 3, 131072, "g"),
      ]),
    Layout(
      "37", "@Internal Flash  /0x08000000/04*032Kg,01*128Kg,03*256Kg", "STM32F74x ROM",
      .internalFlash,
      [
        run(0x0800_0000, 4, 32768, "g"), run(0x0802_0000, 1, 131072, "g"),
        run(0x0804_0000, 3, 262144, "g"),
      ]),
    Layout(
      "38", "@External Flash /0x90000000/998*128Kg,1*128Kg,4*128Kg,21*128Ka",
      "SPRacing H7 EXST bootloader", .externalFlash,
      [
        run(0x9000_0000, 998, 131072, "g"), run(0x97CC_0000, 1, 131072, "g"),
        run(0x97CE_0000, 4, 131072, "g"), run(0x97D6_0000, 21, 131072, "a"),
      ]),
    Layout(
      "39", "@External Flash /0x90000000/1001*128Kg,3*128Kg,20*128Ka",
      "SPRacing H7 EXST, early (wrong)", .externalFlash,
      [
        run(0x9000_0000, 1001, 131072, "g"), run(0x97D2_0000, 3, 131072, "g"),
        run(0x97D8_0000, 20, 131072, "a"),
      ]),
    Layout(
      "40", "@Internal Flash   /0x08000000/08*04Ka,1000*04Kg", "AT32F437", .internalFlash,
      [run(0x0800_0000, 8, 4096, "a"), run(0x0800_8000, 1000, 4096, "g")]),
    Layout(
      "41", "@Option byte   /0x1FFFC000/01*4096 g", "AT32F435/437 with 4 MB (note 'byte')",
      .optionBytes,
      [run(0x1FFF_C000, 1, 4096, "e")], warnings: [.notReallyErasable]),
    Layout(
      "42", "@Option byte   /0x1FFFC000/01*512 g", "AT32F43x (smaller part)", .optionBytes,
      [run(0x1FFF_C000, 1, 512, "e")], warnings: [.notReallyErasable]),
    Layout(
      "43", "@Option Bytes   /0x1FFF7800/01*048 e/0x1FFFF800/01*048 e", "STM32G474 ROM",
      .optionBytes,
      [run(0x1FFF_7800, 1, 48, "e"), run(0x1FFF_F800, 1, 48, "e")]),
    Layout(
      "44", "@Internal Flash /0x08000000/64*08Kg", "STM32C5 ROM", .internalFlash,
      [run(0x0800_0000, 64, 8192, "g")]),
    Layout(
      "45", "@Internal Flash  /0x08000000/512*0004Kg", "STM32L4R9 ROM", .internalFlash,
      [run(0x0800_0000, 512, 4096, "g")]),
    Layout(
      "46", "@Option Bytes  /0x1FF00000/01*040 e/0x1FF01000/01*040 e", "STM32L4R9 ROM",
      .optionBytes,
      [run(0x1FF0_0000, 1, 40, "e"), run(0x1FF0_1000, 1, 40, "e")]),
    Layout(
      "47", "@Flash /0x90000000/64*4Kg/0x90040000/60*64Kg/0x90400000/60*64Kg",
      "Daisy bootloader (QSPI)", .other,
      [
        run(0x9000_0000, 64, 4096, "g"), run(0x9004_0000, 60, 65536, "g"),
        run(0x9040_0000, 60, 65536, "g"),
      ]),
  ]
}
