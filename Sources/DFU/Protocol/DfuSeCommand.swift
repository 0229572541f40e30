internal import USB

/// What a DfuSe host writes to block 0 (AN3156, section 4; UM0391).
public enum DfuSeCommand: Hashable, Sendable {
  /// 0x21: where the next read, write or jump goes.
  case setAddressPointer(UInt32)
  /// 0x41 with an address: erases the sector that holds it.
  case erase(UInt32)
  /// 0x41 alone: erases the whole memory.
  case massErase
  /// 0x92: takes read-out protection away, which erases the memory and resets the part.
  case readUnprotect

  /// The opcode.
  public var opcode: UInt8 {
    switch self {
    case .setAddressPointer: 0x21
    case .erase, .massErase: 0x41
    case .readUnprotect: 0x92
    }
  }

  /// The data stage: the opcode, and the address least significant byte first.
  public var bytes: [UInt8] {
    switch self {
    case .setAddressPointer(let address), .erase(let address):
      [opcode] + address.littleEndianBytes
    case .massErase, .readUnprotect: [opcode]
    }
  }

  /// The command in a data stage; nil for an unknown opcode or a wrong length.
  public init?(_ bytes: [UInt8]) {
    let address =
      bytes.count == 5
      ? UInt32(bytes[1]) | UInt32(bytes[2]) << 8 | UInt32(bytes[3]) << 16 | UInt32(bytes[4]) << 24
      : 0
    switch (bytes.first, bytes.count) {
    case (0x21, 5): self = .setAddressPointer(address)
    case (0x41, 5): self = .erase(address)
    case (0x41, 1): self = .massErase
    case (0x92, 1): self = .readUnprotect
    default: return nil
    }
  }
}
