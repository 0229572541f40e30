/// A named setting in the option bytes.
public struct OptionField: Hashable, Sendable {
  /// What the numbers of a field mean.
  public enum Kind: Hashable, Sendable {
    /// The level of read protection.
    case readProtection(ReadProtectionKeys)
    /// One of a few values.
    case choice([OptionChoice])
    /// A number that stands for itself.
    case number
    /// A bit for each sector, or group of them.
    case protection(SectorBits)
    /// The number of the first page of an area; `end` is the field with the last one.
    case areaStart(end: String)
    /// The number of the last page of an area; `start` is the field with the first one.
    case areaEnd(start: String)
    /// An address without its lowest `shift` bits.
    case address(shift: UInt32)
  }

  /// Its name, as in the manual.
  public var name: String
  /// What it is, in a few words.
  public var sentence: String
  /// In which block of the layout it is.
  public var block: Int
  /// Where its cell begins in the block.
  public var offset: Int
  /// Its lowest bit in the value of the cell.
  public var bit: UInt32
  /// How many bits it has; 1 to 32.
  public var width: UInt32
  /// What its numbers mean.
  public var kind: Kind
  /// What a person should know before changing it; one sentence.
  public var caution: String?

  /// A field from its parts.
  public init(
    _ name: String, _ sentence: String, at offset: Int, bit: UInt32, width: UInt32, _ kind: Kind,
    block: Int = 0, caution: String? = nil
  ) {
    self.name = name
    self.sentence = sentence
    self.block = block
    self.offset = offset
    self.bit = min(bit, 31)
    self.width = min(max(width, 1), 32 - self.bit)
    self.kind = kind
    self.caution = caution
  }

  /// The highest number that it can hold.
  public var largest: UInt32 { UInt32.max >> (32 - width) }

  /// Its bits in the value of its cell.
  public var mask: UInt32 { largest << bit }

  /// Its number in the value of its cell.
  public func value(in cell: UInt32) -> UInt32 { cell >> bit & largest }
}

/// A value of a field, in words.
public struct OptionChoice: Hashable, Sendable {
  /// The number.
  public var value: UInt32
  /// What it means, in a few words.
  public var words: String

  /// A choice.
  public init(_ value: UInt32, _ words: String) {
    self.value = value
    self.words = words
  }
}

/// How far a part lets itself be read and changed from outside.
public enum ReadProtectionLevel: UInt8, Hashable, Sendable, CaseIterable, Comparable {
  /// Not at all protected.
  case zero
  /// The flash cannot be read; going back to level 0 erases it.
  case one
  /// The bootloader and the debug port are closed for ever.
  case two

  /// Whether the left one protects less.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Which bytes stand for which level of read protection.
public enum ReadProtectionKeys: Hashable, Sendable {
  /// 0xAA is level 0, 0xCC level 2, everything else level 1.
  case standard
  /// 0xA5 is not protected, everything else is; there is no level 2 (F1: PM0075, 2.4.1).
  case f1

  /// The byte that stands for level 0.
  public var open: UInt32 { self == .f1 ? 0xA5 : 0xAA }

  /// The level that a byte stands for.
  public func level(_ value: UInt32) -> ReadProtectionLevel {
    switch (self, value) {
    case (_, open): .zero
    case (.standard, 0xCC): .two
    default: .one
    }
  }

  /// A byte for a level; nil where there is no such level.
  ///
  /// Many bytes stand for level 1. 0xBB is the one that ST's programmer takes, and it differs from
  /// both others in more than one bit.
  public func value(_ level: ReadProtectionLevel) -> UInt32? {
    switch level {
    case .zero: open
    case .one: 0xBB
    case .two: self == .f1 ? nil : 0xCC
    }
  }

  func words(_ value: UInt32) -> String {
    switch level(value) {
    case .zero: self == .f1 ? "not read-protected" : "level 0: not read-protected"
    case .one: self == .f1 ? "read-protected" : "level 1: read-protected"
    case .two: "level 2: closed for ever"
    }
  }
}

/// What the bits of a write-protection field stand for.
public struct SectorBits: Hashable, Sendable {
  /// What one bit covers.
  public enum Unit: Hashable, Sendable {
    /// This many sectors of the flash.
    case sectors(Int)
    /// This many bytes of the flash.
    case bytes(UInt64)
  }

  /// What one bit covers.
  public var unit: Unit
  /// The number of the first sector, or the first stretch of bytes, that the lowest bit stands for.
  public var first: Int
  /// Which bit means protected.
  public var protecting: UInt32
  /// Whether the highest bit covers everything behind it as well.
  public var lastCoversRest: Bool
  /// The field that turns the meaning of bits round and makes them protect against reading as well;
  /// nil where there is none.
  public var mode: String?
  /// The field that makes each bit stand for two sectors when it is 0; nil where there is none.
  public var pairedBy: String?

  /// Bits.
  public init(
    _ unit: Unit, first: Int = 0, protecting: UInt32 = 0, lastCoversRest: Bool = false,
    mode: String? = nil, pairedBy: String? = nil
  ) {
    self.unit = unit
    self.first = first
    self.protecting = protecting
    self.lastCoversRest = lastCoversRest
    self.mode = mode
    self.pairedBy = pairedBy
  }
}
