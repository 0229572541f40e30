@testable import VirtualDFU

/// A conversation of some length in each of the four dialects of DfuSe: erase, address, blocks, reading
/// back, what goes wrong, leaving.
extension Transcript {
  static let conversations = [stROM, stLibrary, mboot, gd32]

  private static let abort = "21 06 00 00 00 00 00 00"
  private static let clear = "21 04 00 00 00 00 00 00"
  private static let getState = "a1 05 00 00 00 00 01 00"
  private static let command = "21 01 00 00 00 00 05 00"

  /// A vector table that the profiles here can start from.
  private static func program(at address: UInt64) -> @Sendable (inout VirtualBootloader) -> Void {
    { board in
      let high = UInt8(truncatingIfNeeded: address >> 8)
      board.load([0x00, 0x00, 0x02, 0x20, 0x11, high | 1, 0x00, 0x08], at: address)
    }
  }

  /// AN3156: it starts on the first GETSTATUS, which announces the exact time; the second says how it
  /// went. It leaves behind the GETSTATUS that follows the empty DNLOAD.
  private static let stROM = Transcript(
    profile: "stm32f407", title: "ST's factory bootloader", prepare: program(at: 0x0800_0000),
    lines: [
      .into(getStatus, "00 00 00 00 02 00"),
      .into("a1 02 00 00 00 00 40 00", "00 21 41 92"),
      .into(getStatus, "00 00 00 00 02 00"),
      // Erase a sector of 16 KiB: nothing happens before GETSTATUS.
      .out(command, "41 04 40 00 08"), .wait(.seconds(1)),
      .into(getState, "03"),
      .into(getStatus, "00 fa 00 00 04 00"), .wait(.milliseconds(249)),
      .into(getStatus, "00 fa 00 00 04 00"), .wait(.milliseconds(1)),
      .into(getStatus, "00 00 00 00 05 00"),
      .out(command, "21 00 40 00 08"),
      .into(getStatus, "00 00 00 00 04 00"),
      .into(getStatus, "00 00 00 00 05 00"),
      // Blocks 2 and 4: numbers may be left out, and blocks be short.
      .out("21 01 02 00 00 00 04 00", "01 02 03 04"),
      .into(getStatus, "00 01 00 00 04 00"), .wait(.milliseconds(1)),
      .into(getStatus, "00 00 00 00 05 00"),
      .out("21 01 04 00 00 00 02 00", "05 06"),
      .into(getStatus, "00 01 00 00 04 00"), .wait(.milliseconds(1)),
      .into(getStatus, "00 00 00 00 05 00"),
      .out(abort),
      .into("a1 02 02 00 00 00 06 00", "01 02 03 04 ff ff"),
      .into("a1 02 04 00 00 00 04 00", "05 06 ff ff"),
      .into(getState, "09"),
      .out(abort),
      // An address without memory is noticed when the command is carried out.
      .out(command, "21 00 00 00 09"),
      .into(getStatus, "00 00 00 00 04 00"),
      .into(getStatus, "01 00 00 00 0a 00"),
      .into(getStatus, "01 00 00 00 0a 00"),
      .out(clear),
      // CLRSTATUS a second time is one too many.
      .stalled(clear),
      .into(getStatus, "0f 00 00 00 0a 00"),
      .out(clear),
      .stalled("21 01 01 00 00 00 04 00", "01 02 03 04"),
      .out(clear),
      .out(command, "21 00 00 00 08"),
      .into(getStatus, "00 00 00 00 04 00"),
      .into(getStatus, "00 00 00 00 05 00"),
      .out("21 01 00 00 00 00 00 00"),
      .into(getStatus, "00 01 00 00 07 00"), .wait(.milliseconds(2)),
      .gone(getStatus),
    ])

  /// STM32CubeF4, DFU_Standalone: the work starts when the answer has gone out, 50 ms are announced for
  /// everything, and what is asked while it works is held until it is done.
  private static let stLibrary = Transcript(
    profile: "st-library", title: "ST's USB device library", prepare: program(at: 0x0800_C000),
    lines: [
      .into("a1 02 00 00 00 00 40 00", "00 21 41"),
      .out(command, "41 00 00 02 08"),
      .into(getStatus, "00 32 00 00 04 00"), .wait(.milliseconds(50)),
      // Held for 950 ms.
      .into(getStatus, "00 00 00 00 05 00"),
      .out(command, "21 00 00 02 08"),
      .into(getStatus, "00 32 00 00 04 00"),
      .into(getStatus, "00 00 00 00 05 00"),
      .out("21 01 02 00 00 00 04 00", "01 02 03 04"),
      // ABORT before GETSTATUS: the block is forgotten.
      .out(abort),
      .into(getStatus, "00 00 00 00 02 00"),
      .out("21 01 03 00 00 00 04 00", "01 02 03 04"),
      .into(getStatus, "00 32 00 00 04 00"),
      .into(getStatus, "00 00 00 00 05 00"),
      .out(abort),
      // Block 3 is 1024 bytes above the pointer.
      .into("a1 02 02 00 00 00 02 00", "ff ff"),
      .into("a1 02 03 00 00 00 04 00", "01 02 03 04"),
      .out(abort),
      // Any address is taken, and refused when something is done there: errVENDOR.
      .out(command, "21 00 00 00 20"),
      .into(getStatus, "00 32 00 00 04 00"),
      .into(getStatus, "00 00 00 00 05 00"),
      .out("21 01 02 00 00 00 02 00", "00 00"),
      .into(getStatus, "00 32 00 00 04 00"),
      .into(getStatus, "0b 00 00 00 0a 00"),
      .out(clear),
      .out(clear),
      .into(getStatus, "0e 00 00 00 0a 00"),
      .out(clear),
      .out("21 01 00 00 00 00 00 00"),
      .into(getStatus, "00 01 00 00 07 00"), .wait(.milliseconds(2)),
      .gone(getStatus),
    ])

  /// micropython/micropython, ports/stm32/mboot: no time is ever announced; the work is done behind the
  /// answer, and everything waits for its end. An error is told once, with a text.
  private static let mboot = Transcript(
    profile: "mboot", title: "MicroPython's mboot", prepare: program(at: 0x0800_8000),
    lines: [
      .into(getStatus, "00 00 00 00 02 00"),
      // Get Commands, block 1, a GETSTATUS of another length, the functional descriptor: silence.
      .silent("a1 02 00 00 00 00 40 00"),
      .silent("a1 02 01 00 00 00 40 00"),
      .silent("a1 03 00 00 00 00 05 00"),
      .silent("81 06 00 21 00 00 09 00"),
      .silent("a1 0a 00 00 00 00 02 00"),
      // What it does not know and brings no data is acknowledged, and that is all.
      .out("21 00 e8 03 00 00 00 00"),
      .out("21 0a 00 00 00 00 00 00"),
      .into(getStatus, "00 00 00 00 02 00"),
      .out(command, "41 10 00 01 08"),
      .into(getState, "02"),
      .into(getStatus, "00 00 00 00 04 00"),
      // Held for 250 ms.
      .into(getStatus, "00 00 00 00 05 00"),
      .out(command, "21 00 00 01 08"),
      .into(getStatus, "00 00 00 00 04 00"),
      .into(getStatus, "00 00 00 00 05 00"),
      .out("21 01 02 00 00 00 04 00", "01 02 03 04"),
      .into(getStatus, "00 00 00 00 04 00"),
      .into(getStatus, "00 00 00 00 05 00"),
      // No ABORT is needed, and the state is a matter of the next GETSTATUS.
      .into("a1 02 02 00 00 00 06 00", "01 02 03 04 ff ff"),
      .into(getState, "05"),
      .into(getStatus, "00 00 00 00 09 00"),
      .out(abort),
      .into(getStatus, "00 00 00 00 02 00"),
      // Two bytes become a word with what the block before has left behind them.
      .out("21 01 03 00 00 00 02 00", "aa bb"),
      .into(getStatus, "00 00 00 00 04 00"),
      .into(getStatus, "00 00 00 00 05 00"),
      .into("a1 02 03 00 00 00 06 00", "aa bb 03 04 ff ff"),
      .out(abort),
      // Its own sector: errADDRESS and text 0x10, once; then OK, and still dfuERROR.
      .out(command, "41 00 00 00 08"),
      .into(getStatus, "00 00 00 00 04 00"),
      .into(getStatus, "08 00 00 00 0a 10"),
      .into(getStatus, "00 00 00 00 0a 00"),
      .into(
        "80 06 10 03 09 04 ff 00",
        "2c 03 43 00 61 00 6e 00 27 00 74 00 20 00 6f 00 76 00 65 00 72 00 77 00 72 00 69 00 74 00 "
          + "65 00 20 00 6d 00 62 00 6f 00 6f 00 74 00"),
      // Another command works without CLRSTATUS. No memory: text 0x11.
      .out(command, "21 00 00 20 08"),
      .into(getStatus, "00 00 00 00 04 00"),
      .into(getStatus, "00 00 00 00 05 00"),
      .out("21 01 02 00 00 00 04 00", "00 00 00 00"),
      .into(getStatus, "00 00 00 00 04 00"),
      .into(getStatus, "08 00 00 00 0a 11"),
      .out(clear), .out(clear),
      .into(getStatus, "00 00 00 00 02 00"),
      // For an unknown command it has no words.
      .out("21 01 00 00 00 00 01 00", "92"),
      .into(getStatus, "00 00 00 00 04 00"),
      .into(getStatus, "00 00 00 00 0a 00"),
      .out(abort),
      .out("21 01 00 00 00 00 00 00"),
      .into(getStatus, "00 00 00 00 07 00"), .wait(.milliseconds(49)),
      .into(getStatus, "00 00 00 00 07 00"), .wait(.milliseconds(50)),
      .gone(getStatus),
    ])

  /// riscv-mcu/gd32-dfu-utils: 100 ms for an erase and 104 for a block, whatever they take, and away
  /// as soon as the empty DNLOAD is acknowledged.
  private static let gd32 = Transcript(
    profile: "gd32vf103", title: "GigaDevice's factory bootloader",
    lines: [
      // Blank, it begins in an error that is none.
      .into(getStatus, "0a 00 00 00 0a 00"),
      .out(clear),
      .into(getStatus, "00 00 00 00 02 00"),
      // The serial number in single bytes.
      .into("80 06 03 03 09 04 ff 00", "06 03 33 43 42 4a"),
      .silent("81 06 00 21 00 00 09 00"),
      .silent("a1 02 00 00 00 00 40 00"),
      .out(command, "41 00 04 00 08"),
      .into(getStatus, "00 64 00 00 04 00"), .wait(.milliseconds(100)),
      .into(getStatus, "00 00 00 00 05 00"),
      .out(command, "21 00 04 00 08"),
      .into(getStatus, "00 68 00 00 04 00"), .wait(.milliseconds(104)),
      .into(getStatus, "00 00 00 00 05 00"),
      .out("21 01 02 00 00 00 04 00", "01 02 03 04"),
      .into(getStatus, "00 68 00 00 04 00"), .wait(.milliseconds(104)),
      .into(getStatus, "00 00 00 00 05 00"),
      // Over what is not blank: success, and nothing happens.
      .out("21 01 02 00 00 00 08 00", "11 22 33 44 55 66 77 88"),
      .into(getStatus, "00 68 00 00 04 00"), .wait(.milliseconds(104)),
      .into(getStatus, "00 00 00 00 05 00"),
      .out(abort),
      .into("a1 02 02 00 00 00 0a 00", "01 02 03 04 55 66 77 88 ff ff"),
      .out(abort),
      // Above its 128 KiB, which its string puts at 1 MiB.
      .out(command, "41 00 00 02 08"),
      .into(getStatus, "00 68 00 00 04 00"),
      .into(getStatus, "0b 00 00 00 0a 00"),
      .out(clear),
      .out(clear),
      .into(getStatus, "0e 00 00 00 0a 00"),
      .out(clear),
      .out("21 01 00 00 00 00 00 00"),
      .gone(getStatus),
    ])
}
