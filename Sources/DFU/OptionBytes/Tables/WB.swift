/// WB: as the L4, with the border of the radio's half behind.
extension OptionByteLayout {
  /// STM32WB55.
  ///
  /// RM0434, FLASH option bytes: OPTR, PCROP1ASR, PCROP1AER, WRP1AR, WRP1BR, PCROP1BSR, PCROP1BER from
  /// 0x1FFF8000 on, eight bytes apart; IPCCBR at +0x68, SFR at +0x70, SRRVR at +0x78. SFR and SRRVR
  /// divide the part between its processors and are set by the radio's firmware; they are not named
  /// here, so that nobody sets them by name.
  public static let stm32wb = OptionByteLayout(
    "stm32wb", "STM32WB", manual: "RM0434, FLASH option bytes", coding: .words,
    blocks: [
      Block(
        at: 0x1FFF_8000,
        OptionByteCoding.words.encoded(
          [0x3FFF_F1AA, 0xFFFF_FFFF, 0, 0xFF00_FFFF, 0xFF00_FFFF, 0xFFFF_FFFF, 0]
            + [UInt32](repeating: 0xFFFF_FFFF, count: 9)), leastCount: 40)
    ],
    fields: [
      .readProtection(at: 0),
      .flag(
        "ESE", "whether the second processor is secure", at: 0, bit: 8,
        zero: "not secure: second processor",
        one: "secure: second processor",
        caution: "Changing it may leave the radio without its firmware."),
      .brownOutL4(bit: 9),
    ] + OptionField.powerL4 + [.nBOOT1]
      + OptionField.ramOptions("SRAM2PE", "SRAM2RST", "SRAM2") + OptionField.softwareBoot + [
        OptionField(
          "AGC_TRIM", "trimming of the radio", at: 0, bit: 29, width: 3, .number,
          caution: "It is set in the factory for this very part."),
        readout("1A_STRT", "start of an area that cannot be read, in units of 2 KiB", at: 0x08),
        readout("1A_END", "end of that area; none where it is below the start", at: 0x10),
        .flag(
          "PCROP_RDP", "areas that cannot be read, when read protection goes from level 1 to 0",
          at: 0x10, bit: 31, zero: "kept when RDP goes from 1 to 0",
          one: "erased when RDP goes from 1 to 0"),
      ] + OptionField.area("WRP1A", at: 0x18, width: 8)
      + OptionField.area("WRP1B", at: 0x20, width: 8) + [
        readout("1B_STRT", "start of an area that cannot be read, in units of 2 KiB", at: 0x28),
        readout("1B_END", "end of that area; none where it is below the start", at: 0x30),
      ],
    areas: [Area("WRP1A"), Area("WRP1B")], pages: Pages(4096))

  private static func readout(_ name: String, _ sentence: String, at offset: Int) -> OptionField {
    .readoutArea("PCROP" + name, sentence, at: offset, width: 9)
  }
}
