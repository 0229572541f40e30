import DFU

extension Layout {
  static let corpusOfBootloaders: [Layout] = [
    Layout(
      "48", "@Partition0 /0x00/1*256Ke", "STM32MP1 TF-A", .partition,
      [run(0x0000_0000, 1, 262144, "e")]),
    Layout(
      "49", "@FSBL /0x01/1*1Me", "STM32MP1", .partition,
      [run(0x0000_0001, 1, 1048576, "e")]),
    Layout(
      "50.1", "@SSBL /0x03/1*16Me", "STM32MP1", .partition,
      [run(0x0000_0003, 1, 16777216, "e")]),
    Layout(
      "50.2", "@Partition2 /0x02/1*1Me", "STM32MP1", .partition,
      [run(0x0000_0002, 1, 1048576, "e")]),
    Layout(
      "50.3", "@Partition3 /0x03/1*16Me", "STM32MP1", .partition,
      [run(0x0000_0003, 1, 16777216, "e")]),
    Layout(
      "51", "@virtual /0xF1/1*512Ba", "STM32MP1", .partition,
      [run(0x0000_00F1, 1, 512, "a")]),
    Layout(
      "52.1", "@Betaflight  /0x70100000/0100*064Kg", "STM32N6 flight controller", .other,
      [run(0x7010_0000, 100, 65536, "g")]),
    Layout(
      "52.2", "@Betaflight  /0x70000000/0800*064Kg", "STM32N6 flight controller", .other,
      [run(0x7000_0000, 800, 65536, "g")]),
    Layout(
      "53", "@FSBL        /0x34180400/01*512Kg", "STM32N6", .other,
      [run(0x3418_0400, 1, 524288, "g")]),
    Layout(
      "54", "@Flashlayout /0x00/1*1Ke", "STM32N6", .partition,
      [run(0x0000_0000, 1, 1024, "e")]),
    Layout(
      "55", "@External Flash   /0x70000000/2048*064Kg", "EdgeTX on STM32N6", .externalFlash,
      [run(0x7000_0000, 2048, 65536, "g")]),
    Layout(
      "56",
      "@Internal Flash   /0x08000000/03*016Ka,01*016Kg,01*064Kg,07*128Kg,04*016Kg,01*064Kg,07*128Kg",
      "STM324x9I-EVAL example bootloader (2 MB, two banks)", .internalFlash,
      [
        run(0x0800_0000, 3, 16384, "a"), run(0x0800_C000, 1, 16384, "g"),
        run(0x0801_0000, 1, 65536, "g"), run(0x0802_0000, 7, 131072, "g"),
        run(0x0810_0000, 4, 16384, "g"), run(0x0811_0000, 1, 65536, "g"),
        run(0x0812_0000, 7, 131072, "g"),
      ]),
    Layout(
      "56a", "@Internal Flash   /0x08000000/03*016Ka,01*016Kg,01*064Kg,07*128Kg",
      "STM324xG-EVAL example bootloader", .internalFlash,
      [
        run(0x0800_0000, 3, 16384, "a"), run(0x0800_C000, 1, 16384, "g"),
        run(0x0801_0000, 1, 65536, "g"), run(0x0802_0000, 7, 131072, "g"),
      ]),
    Layout(
      "56b", "@Internal Flash   /0x08000000/02*016Ka,02*016Kg,01*064Kg,03*128Kg",
      "STM32446E-EVAL example bootloader", .internalFlash,
      [
        run(0x0800_0000, 2, 16384, "a"), run(0x0800_8000, 2, 16384, "g"),
        run(0x0801_0000, 1, 65536, "g"), run(0x0802_0000, 3, 131072, "g"),
      ]),
    Layout(
      "56c",
      "@Internal Flash   /0x08000000/02*016Ka,02*016Kg,01*064Kg,07*128Kg,04*016Kg,01*064Kg,07*128Kg",
      "STM32469I, F413, F429, and the 512 KB F446 Nucleo (copied; claims 2 MB) example bootloaders",
      .internalFlash,
      [
        run(0x0800_0000, 2, 16384, "a"), run(0x0800_8000, 2, 16384, "g"),
        run(0x0801_0000, 1, 65536, "g"), run(0x0802_0000, 7, 131072, "g"),
        run(0x0810_0000, 4, 16384, "g"), run(0x0811_0000, 1, 65536, "g"),
        run(0x0812_0000, 7, 131072, "g"),
      ]),
    Layout(
      "56d", "@Internal Flash   /0x08000000/03*016Ka,01*016Kg,01*64Kg,11*128Kg",
      "STM32F413H-Discovery example bootloader (1.5 MB)", .internalFlash,
      [
        run(0x0800_0000, 3, 16384, "a"), run(0x0800_C000, 1, 16384, "g"),
        run(0x0801_0000, 1, 65536, "g"), run(0x0802_0000, 11, 131072, "g"),
      ]),
    Layout(
      "56e", "@Internal Flash   /0x08000000/10*02Ka,118*02Kg", "STM3210C-EVAL example bootloader",
      .internalFlash,
      [run(0x0800_0000, 10, 2048, "a"), run(0x0800_5000, 118, 2048, "g")]),
    Layout(
      "56f", "@Internal Flash   /0x08000000/10*02Ka,502*02Kg", "STM3210E-EVAL example bootloader",
      .internalFlash,
      [run(0x0800_0000, 10, 2048, "a"), run(0x0800_5000, 502, 2048, "g")]),
    Layout(
      "57", "@Internal Flash   /0x08000000/8*001Ka,56*001Kg", "libopencm3 example, STM32F103",
      .internalFlash,
      [run(0x0800_0000, 8, 1024, "a"), run(0x0800_2000, 56, 1024, "g")]),
    Layout(
      "58", "@Internal Flash  /0x08000000/064*0002Kg", "STM32F070 ROM", .internalFlash,
      [run(0x0800_0000, 64, 2048, "g")]),
    Layout(
      "59", "@Internal Flash  /0x08000000/032*0001Kg", "STM32F042 ROM", .internalFlash,
      [run(0x0800_0000, 32, 1024, "g")]),
    Layout(
      "60", "@Internal Flash /0x08000000/1536*128g", "STM32L072 ROM (no multiplier)",
      .internalFlash,
      [run(0x0800_0000, 1536, 128, "g")], warnings: [.missingMultiplier]),
    Layout(
      "61", "@Internal Flash   /0x08000000/64*02Kg", "STM32G071 ROM", .internalFlash,
      [run(0x0800_0000, 64, 2048, "g")]),
    Layout(
      "62", "@Internal Flash   /0x08000000/256*02Kg", "STM32G0B1 ROM", .internalFlash,
      [run(0x0800_0000, 256, 2048, "g")]),
    Layout(
      "63", "@OTP Memory   /0x1FFF7000/01*01Ke", "STM32G431 ROM", .otp,
      [run(0x1FFF_7000, 1, 1024, "e")]),
    Layout(
      "64", "@Option Bytes   /0x1FFF7800/01*40Be", "STM32L4 new ROM", .optionBytes,
      [run(0x1FFF_7800, 1, 40, "e")]),
    Layout(
      "65", "@Flash/0x00000000/65536*256 g", "usbd-dfu based external flash", .other,
      [run(0x0000_0000, 65536, 256, "g")]),
    Layout(
      "66", "@Internal Flash /0x80020000/1016*16Kg", "HPMicro", .internalFlash,
      [run(0x8002_0000, 1016, 16384, "g")]),
    Layout(
      "67", "@Option bytes /0x00000000/01*512 g", "HPMicro", .optionBytes,
      [run(0x0000_0000, 1, 512, "e")], warnings: [.notReallyErasable]),
    Layout(
      "68", "@Internal Flash  /0x08000000/06*002Ka,250*002Kg", "STM3210E-EVAL demo", .internalFlash,
      [run(0x0800_0000, 6, 2048, "a"), run(0x0800_3000, 250, 2048, "g")]),
    Layout(
      "69", "@NOR Flash : M29W128F/0x64000000/0256*64Kg", "STM3210E-EVAL demo", .externalFlash,
      [run(0x6400_0000, 256, 65536, "g")]),
    Layout(
      "70", "@SPI Flash: Config/0x00002000/030*04Kg", "TYT radio", .externalFlash,
      [run(0x0000_2000, 30, 4096, "g")]),
    Layout(
      "71", "@Internal Flash  /0x08000000/00*002Ka,120*002Kg", "TYT radio (zero count)",
      .internalFlash,
      [run(0x0800_0000, 120, 2048, "g")], warnings: [.emptySegment]),
    Layout(
      "72",
      "@Dice /0x08005400/43*001Kg/0x08010000/64*001Kg/0x08020000/64*001Kg/0x08080000/1*256Bf/0x08080100/79*256Bg",
      "Pixels dice", .other,
      [
        run(0x0800_5400, 43, 1024, "g"), run(0x0801_0000, 64, 1024, "g"),
        run(0x0802_0000, 64, 1024, "g"), run(0x0808_0000, 1, 256, "f"),
        run(0x0808_0100, 79, 256, "g"),
      ]),
    Layout(
      "73", "@External Flash /0x90000000/2048*04Kg", "QSPI bootloader in Rust", .externalFlash,
      [run(0x9000_0000, 2048, 4096, "g")]),
    Layout(
      "74", "@DDR RAM          /0xC2000000/1*512Kg", "STM32MP1 style loader", .ram,
      [run(0xC200_0000, 1, 524288, "g")]),
    Layout(
      "75", "@Internal Flash/0x08000000/01*128Ka,04*128Kg,11*128Ka", "Arduino-class H7 bootloader",
      .internalFlash,
      [
        run(0x0800_0000, 1, 131072, "a"), run(0x0802_0000, 4, 131072, "g"),
        run(0x080A_0000, 11, 131072, "a"),
      ]),
    Layout(
      "76", "@Internal Flash  /0x08000000/256*04Kg", "mboot on STM32WB", .internalFlash,
      [run(0x0800_0000, 256, 4096, "g")]),
    Layout(
      "76a", "@Internal Flash  /0x08000000/16*128Kg", "mboot on H743", .internalFlash,
      [run(0x0800_0000, 16, 131072, "g")]),
    Layout(
      "76b", "@Internal Flash  /0x08000000/256*02Kg", "mboot on STM32G0", .internalFlash,
      [run(0x0800_0000, 256, 2048, "g")]),
    Layout(
      "76c", "@Internal Flash  /0x08000000/???*08Kg", "mboot on H5", .internalFlash,
      [], error: .noSegment),
    Layout(
      "77", "@Internal Flash  /0x08000000/01*128Kg", "mboot on H750", .internalFlash,
      [run(0x0800_0000, 1, 131072, "g")]),
    Layout(
      "78", "@Internal Flash  /0x08000000/04*032Kg,01*128Kg,07*256Kg", "mboot on F76x",
      .internalFlash,
      [
        run(0x0800_0000, 4, 32768, "g"), run(0x0802_0000, 1, 131072, "g"),
        run(0x0804_0000, 7, 262144, "g"),
      ]),
    Layout(
      "79", "@Internal Flash  /0x08000000/19*002Ka,237*002Kg",
      "Seeed WM1302 concentrator 2886:0047", .internalFlash,
      [run(0x0800_0000, 19, 2048, "a"), run(0x0800_9800, 237, 2048, "g")]),
    Layout(
      "80", "@NOR Flash /0x70080000/...", "4ms MetaModule", .externalFlash,
      [], error: .noSegment),
    Layout(
      "81.1", "@Flash/0x2000/1*248Kg", "names fwupd invents for Atmel AVR DFU parts", .other,
      [run(0x0000_2000, 1, 253952, "g")]),
    Layout(
      "81.2", "@Flash/0x0/1*120Kg", "names fwupd invents for Atmel AVR DFU parts", .other,
      [run(0x0000_0000, 1, 122880, "g")]),
    Layout(
      "82", "@Flash2 /0xF000/4*100Ba/0xE000/3*8Kg/0x80000/2*24Kg", "fwupd self-test (synthetic)",
      .other,
      [
        run(0x0000_F000, 4, 100, "a"), run(0x0001_0000, 2, 8192, "g"),
        run(0x0008_0000, 2, 24576, "g"),
      ], warnings: [.overlap]),
  ]
}
