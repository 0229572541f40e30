import Testing
import USB

@testable import Firmware

struct UF2Tests {
  private let f4 = UF2Family(0x5775_5A57)
  private let l4 = UF2Family(0x00FF_6919)

  /// One block, each of whose fields can be wrong.
  private struct Block {
    var flags: UInt32 = 0
    var address: UInt32
    var payload: [UInt8]
    var payloadSize: UInt32?
    var number: UInt32 = 0
    var total: UInt32 = 1
    var family: UF2Family?
    /// What stands behind the payload.
    var tail: [UInt8] = []

    var bytes: [UInt8] {
      var block: [UInt8] = []
      let flags = flags | (family == nil ? 0 : 0x2000)
      let words: [UInt32] = [
        0x0A32_4655, 0x9E5D_5157, flags, address, payloadSize ?? UInt32(payload.count), number,
        total, family?.rawValue ?? 0,
      ]
      for word in words { block.appendLittleEndian(word) }
      block += payload + tail
      block += Samples.zeros(508 - block.count)
      block.appendLittleEndian(0x0AB1_6F30 as UInt32)
      return block
    }
  }

  @Test func `each block goes to its own address, in any order and repeated`() throws {
    let first = Block(address: 0x0800_0000, payload: [1, 2], total: 3)
    let second = Block(address: 0x0800_0002, payload: [3], number: 1, total: 3)
    let third = Block(address: 0x0801_0000, payload: [4], number: 2, total: 3)
    let file = try FirmwareFile(
      parsing: third.bytes + first.bytes + second.bytes + first.bytes)
    #expect(file.format == .uf2)
    #expect(
      file.onlyImage
        == (try Samples.image((0x0800_0000, [1, 2, 3]), (0x0801_0000, [4]))))
    #expect(file.onlyImage?.segments.first?.origin == .blocks(1...2))
    #expect(file.notes == [])
  }

  @Test func `blocks that disagree are refused`() {
    let first = Block(address: 0x0800_0000, payload: [1, 2], total: 2)
    let second = Block(address: 0x0800_0001, payload: [3], number: 1, total: 2)
    #expect(errorCode(reading: first.bytes + second.bytes) == .overlap)
  }

  @Test func `blocks for other memories are skipped`() throws {
    let main = Block(address: 0x0800_0000, payload: [1], total: 3)
    let notMain = Block(flags: 1, address: 0, payload: [2], number: 1, total: 3)
    let container = Block(flags: 0x1000, address: 0, payload: [3], number: 2, total: 3)
    let file = try FirmwareFile(parsing: main.bytes + notMain.bytes + container.bytes)
    #expect(file.onlyImage?.byteCount == 1)
    #expect(file.noteSlugs == ["blocks-skipped"])
    #expect(
      errorCode(reading: Block(flags: 1, address: 0, payload: [2]).bytes) == .noData)
  }

  @Test func `several families: one has to be chosen`() throws {
    let bytes =
      Block(address: 0x0800_0000, payload: [1], family: f4).bytes
      + Block(address: 0x0800_0000, payload: [2], family: l4).bytes
    let error = #expect(throws: FirmwareError.self) { try FirmwareFile(parsing: bytes) }
    #expect(error?.code == .ambiguousFamily)
    #expect(
      error?.sentence
        == "The file is for 2 families: STM32F4 (0x57755a57), STM32L4 (0x00ff6919).")
    let file = try FirmwareFile(parsing: bytes, options: .init(family: l4))
    #expect(file.onlyImage?[0x0800_0000] == 2)
    #expect(file.noteSlugs == ["other-families", "family"])
    let other = UF2Family(0x6478_24B6)
    #expect(errorCode(reading: bytes, options: .init(family: other)) == .unknownFamily)
  }

  @Test func `RP2350's absolute block in front does not count as a family`() throws {
    let chip = UF2Family(0xE48B_FF59)
    let bytes =
      Block(address: 0x10FF_FF00, payload: [9], total: 2, family: .absolute).bytes
      + Block(address: 0x1000_0000, payload: [1], family: chip).bytes
    let file = try FirmwareFile(parsing: bytes)
    #expect(file.onlyImage?.extents == [0x1000_0000..<0x1000_0001])
    #expect(file.noteSlugs == ["other-families", "family"])
  }

  @Test func `blocks without a family belong to every family`() throws {
    let bytes =
      Block(address: 0x0800_0000, payload: [1], total: 2).bytes
      + Block(address: 0x0800_0100, payload: [2], number: 1, total: 2, family: f4).bytes
    #expect(try FirmwareFile(parsing: bytes).onlyImage?.byteCount == 2)
    let plain = Block(address: 0x0800_0000, payload: [1]).bytes
    #expect(try FirmwareFile(parsing: plain, options: .init(family: f4)).onlyImage?.byteCount == 1)
  }

  @Test func `a payload beyond the block is refused`() {
    let full = Block(address: 0, payload: Samples.zeros(476))
    #expect(errorCode(reading: full.bytes) == nil)
    var block = full
    block.payloadSize = 477
    #expect(errorCode(reading: block.bytes) == .malformed)
    block.payloadSize = 0xFFFF_FFFF
    #expect(errorCode(reading: block.bytes) == .malformed)
    block.payloadSize = 453
    block.flags = 0x4000
    #expect(errorCode(reading: block.bytes) == .malformed)
  }

  @Test func `an address beyond 4 GiB is refused`() {
    let last = Block(address: 0xFFFF_FFFF, payload: [1])
    #expect(errorCode(reading: last.bytes) == nil)
    #expect(
      errorCode(reading: Block(address: 0xFFFF_FFFF, payload: [1, 2]).bytes) == .addressOverflow)
  }

  @Test func `a wrong magic number is refused with its place`() {
    let block = Block(address: 0, payload: [1], total: 2).bytes
    for offset in [0, 4, 508] {
      var second = Block(address: 1, payload: [1], number: 1, total: 2).bytes
      second[offset] ^= 1
      let error = #expect(throws: FirmwareError.self) {
        try FirmwareFile(parsing: block + second)
      }
      #expect(error?.code == .malformed)
      #expect(error?.offset == 512 + offset)
    }
  }

  @Test func `a missing block is refused`() {
    let first = Block(address: 0, payload: [1], total: 3).bytes
    let third = Block(address: 2, payload: [1], number: 2, total: 3).bytes
    let error = #expect(throws: FirmwareError.self) { try FirmwareFile(parsing: first + third) }
    #expect(error?.code == .truncated)
    #expect(error?.sentence == "Block number 1 of 3 is missing.")
    #expect(errorCode(reading: Array(first.prefix(511))) == .truncated)
    #expect(errorCode(reading: Array("UF2\n".utf8)) == .truncated)
    let huge = Block(address: 0, payload: [1], total: .max)
    #expect(errorCode(reading: huge.bytes) == .truncated)
  }

  @Test func `bytes behind a complete file are left out, with a warning`() throws {
    let block = Block(address: 0x100, payload: [1]).bytes
    let file = try FirmwareFile(parsing: block + [0, 0, 0])
    #expect(file.noteSlugs == ["trailing-bytes"])
    let incomplete = Block(address: 0, payload: [1], total: 2).bytes
    #expect(errorCode(reading: incomplete + Samples.zeros(100)) == .truncated)
  }

  @Test func `numbers that contradict one another are noted`() throws {
    let first = Block(address: 0, payload: [1], total: 7).bytes
    let second = Block(address: 1, payload: [2], number: 9, total: 8).bytes
    let file = try FirmwareFile(parsing: first + second)
    #expect(file.noteSlugs == ["block-totals", "block-number"])
    #expect(errorCode(reading: first + second + [0]) == .truncated)
  }

  @Test func `extension tags are told, and a damaged one is noted`() throws {
    let version: [UInt8] = [9, 0xBC, 0xC7, 0x9F] + Array("v1.2\n".utf8) + Samples.zeros(3)
    let page: [UInt8] = [8, 0xF7, 0xE9, 0x0B, 0, 1, 0, 0]
    let block = Block(
      flags: 0x8000, address: 0, payload: [1, 2, 3, 4], tail: version + page)
    let file = try FirmwareFile(parsing: block.bytes)
    #expect(file.noteSlugs == ["uf2-version"])
    #expect(file.notes.first?.sentence == "The file's version: v1.2\u{FFFD}")
    let damaged = Block(flags: 0x8000, address: 0, payload: [1, 2, 3, 4], tail: [3, 0, 0, 1])
    #expect(try FirmwareFile(parsing: damaged.bytes).noteSlugs == ["extension-tag"])
  }

  @Test func `an MD5 sum is not part of the payload, and said not to be checked`() throws {
    let block = Block(flags: 0x4000, address: 0, payload: Samples.zeros(452), tail: [1, 2, 3])
    let file = try FirmwareFile(parsing: block.bytes)
    #expect(file.onlyImage?.byteCount == 452)
    #expect(file.noteSlugs == ["md5-not-checked"])
  }

  @Test func `the last block is short and not padded`() throws {
    let bytes = (0..<600).map { UInt8($0 & 0xFF) }
    let image = try Samples.image((0x0800_0080, bytes), (0x0900_0000, [1]))
    let file = try FirmwareFile(image: image).encoded(as: .uf2, options: .init(family: f4))
    #expect(file.count == 4 * 512)
    let sizes = (0..<4).map { file[...].littleEndian32(at: $0 * 512 + 16) }
    let addresses = (0..<4).map { file[...].littleEndian32(at: $0 * 512 + 12) }
    #expect(sizes == [128, 256, 216, 1])
    #expect(addresses == [0x0800_0080, 0x0800_0100, 0x0800_0200, 0x0900_0000])
    let back = try FirmwareFile(parsing: file)
    #expect(back.onlyImage == image)
    #expect(back.notes.map(\.sentence) == ["The file is for STM32F4 (0x57755a57)."])
  }

  @Test func `a family by name or by number`() {
    #expect(UF2Family("stm32f4") == f4)
    #expect(UF2Family("0x57755A57") == f4)
    #expect(UF2Family("1467308631") == f4)
    #expect(UF2Family("stm99") == nil)
    #expect(UF2Family("0x") == nil)
    #expect(UF2Family("RP2040") == UF2Family(0xE48B_FF56))
    #expect(UF2Family(0x1234_5678).description == "0x12345678")
    #expect(Set(UF2Family.known).count == UF2Family.known.count)
  }
}
