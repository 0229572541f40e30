/// The kinds of firmware file.
public enum FirmwareFormat: String, Hashable, Sendable, CaseIterable {
  /// Bytes without an address.
  case raw
  /// ST's container: targets with elements at addresses, and a DFU suffix (UM0391).
  case dfuSe = "dfuse"
  /// Bytes without an address, with a DFU suffix and perhaps a prefix (DFU 1.1, appendix B).
  case dfu
  /// Intel HEX text.
  case intelHex = "hex"
  /// Motorola S-record text.
  case sRecord = "s19"
  /// A linked program (Executable and Linkable Format), 32-bit, little-endian.
  case elf
  /// USB Flashing Format: 512-byte blocks with addresses.
  case uf2

  /// The format that a file name's ending asks for in *output*; input is recognised by content.
  ///
  /// `dfu` stands for the plain DFU file; a caller whose content has addresses writes ``dfuSe``.
  ///
  /// - Parameter fileExtension: the ending, with or without its dot, in any case.
  public init?(fileExtension: some StringProtocol) {
    let dotless = fileExtension.hasPrefix(".") ? fileExtension.dropFirst() : fileExtension[...]
    switch dotless.lowercased() {
    case "bin", "raw", "img": self = .raw
    case "dfu": self = .dfu
    case "dfuse": self = .dfuSe
    case "hex", "ihex", "ihx", "mcs": self = .intelHex
    case "s19", "s28", "s37", "srec", "mot", "s1", "s2", "s3", "sx", "s": self = .sRecord
    case "elf", "axf", "out": self = .elf
    case "uf2": self = .uf2
    default: return nil
    }
  }

  /// The ending that files of this format usually have, without a dot.
  public var fileExtension: String {
    switch self {
    case .raw: "bin"
    case .dfuSe, .dfu: "dfu"
    case .intelHex: "hex"
    case .sRecord: "s19"
    case .elf: "elf"
    case .uf2: "uf2"
    }
  }

  /// The format in words, for a sentence.
  public var name: String {
    switch self {
    case .raw: "raw binary"
    case .dfuSe: "DfuSe"
    case .dfu: "DFU"
    case .intelHex: "Intel HEX"
    case .sRecord: "S-record"
    case .elf: "ELF"
    case .uf2: "UF2"
    }
  }

  /// The indefinite article in front of ``name``.
  var article: String {
    switch self {
    case .intelHex, .sRecord, .elf: "an"
    case .raw, .dfuSe, .dfu, .uf2: "a"
    }
  }

  /// Whether bytes have addresses in this format.
  public var hasAddresses: Bool { self != .raw && self != .dfu }
}
