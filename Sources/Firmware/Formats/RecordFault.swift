internal import USB

/// A line that breaks a rule of Intel HEX or S-record.
struct RecordFault: Error {
  /// The line, counted from 1.
  var line: Int
  /// The column, counted from 1.
  var column: Int
  /// The rule it breaks.
  var rule: Rule

  /// The rules that a record can break.
  enum Rule {
    case notARecord(begins: String)
    case notADigit(UInt8)
    case truncated(digits: Int, needed: Int)
    case trailing(digits: Int, needed: Int)
    case checksum(found: UInt8, expected: UInt8)
    case unknownType(String)
    case wrongCount(type: String, count: Int, rule: String)
    case addressOverflow(address: UInt64, count: Int)
    case segmentOverflow(base: UInt64, offset: UInt64, count: Int)
    case dataAfterEnd(endLine: Int)
    case recordCount(said: Int, found: Int)
    case conflict(address: UInt64, otherLine: Int)
  }

  /// What is wrong, as one sentence.
  var sentence: String {
    "Line \(line), column \(column): \(complaint)."
  }

  private var complaint: String {
    switch rule {
    case .notARecord(let begins):
      "this is no record, which would begin with \(begins)"
    case .notADigit(let character):
      "\(Self.name(of: character)) stands where a hexadecimal digit belongs"
    case .truncated(let digits, let needed):
      "the record ends after \(digits) digits, but its count byte promises \(needed)"
    case .trailing(let digits, let needed):
      "the record goes on for \(digits) digits, but its count byte promises \(needed)"
    case .checksum(let found, let expected):
      "the checksum is 0x\(hex(found)), but the bytes of the record give 0x\(hex(expected))"
    case .unknownType(let type):
      "\(type) is not a record type of this format"
    case .wrongCount(let type, let count, let rule):
      "the count byte of this \(type) record is \(count), but \(rule)"
    case .addressOverflow(let address, let count):
      "\(count) bytes at \(addressText(address)) run past the end of the 32-bit address space"
    case .segmentOverflow(let base, let offset, let count):
      "\(count) bytes at offset 0x\(hex(offset, digits: 4)) run past the end of the 64 KiB segment "
        + "at \(addressText(base)): the format wraps to its start, most programs go on behind it"
    case .dataAfterEnd(let endLine):
      "records follow the end of file record in line \(endLine), and they are no complete second "
        + "file"
    case .recordCount(let said, let found):
      "the file says that \(said) data records came before this line, but there are \(found)"
    case .conflict(let address, let otherLine):
      "this record and the one in line \(otherLine) put different bytes at \(addressText(address))"
    }
  }

  /// What to do about it.
  var help: String {
    switch rule {
    case .notARecord:
      "Remove the line, or begin it with a semicolon if it is a comment."
    case .notADigit, .truncated, .trailing, .checksum:
      "The file was damaged or edited; get it again from where it was made."
    case .unknownType, .wrongCount:
      "Write the file again with a tool that follows the format, for example objcopy."
    case .addressOverflow, .segmentOverflow:
      "Check the extended address records in front of this line, and write the file again so that "
        + "no record crosses the border."
    case .dataAfterEnd:
      "If both parts are wanted, keep them as two files and merge them; else remove the lines "
        + "behind the end."
    case .recordCount:
      "Lines are missing or repeated; get the file again from where it was made."
    case .conflict:
      "Decide which of the two is meant and remove the other."
    }
  }

  private static func name(of character: UInt8) -> String {
    (0x21...0x7E).contains(character)
      ? "“\(Character(Unicode.Scalar(character)))”" : "the byte 0x\(hex(character))"
  }
}

extension RecordLine {
  /// A fault of this line at `offset` in the text.
  func fault(at offset: Int, _ rule: RecordFault.Rule) -> RecordFault {
    RecordFault(line: number, column: column(of: offset), rule: rule)
  }

  /// Decodes the digits of a record from `digits` to its end; byte 0 counts what follows.
  ///
  /// - Parameters:
  ///   - text: the whole text.
  ///   - digits: the offset of the count byte's first digit.
  ///   - uncounted: how many bytes there are besides those that the count byte counts.
  ///   - residue: what the bytes, checksum and all, add up to (modulo 256) when they are whole.
  /// - Returns: all bytes of the record, the count and the checksum among them.
  /// - Throws: a fault that names the column.
  func bytes(
    of text: RawSpan, from digits: Int, uncounted: Int, residue: UInt8
  ) throws(RecordFault) -> [UInt8] {
    let end = content.upperBound
    // 256 bytes and their count: more is wrong anyway, and need not be looked at.
    let limit = Swift.min(end, digits + 2 * (255 + uncounted) + 1)
    var bytes: [UInt8] = []
    bytes.reserveCapacity((limit - digits) / 2)
    var pending: UInt8?
    for offset in digits..<Swift.max(digits, limit) {
      guard let value = HexDigits.value(text.character(at: offset)) else {
        throw fault(at: offset, .notADigit(text.character(at: offset)))
      }
      if let high = pending {
        bytes.append(high << 4 | value)
        pending = nil
      } else {
        pending = value
      }
    }
    let found = end - digits
    guard let count = bytes.first else {
      throw fault(at: end, .truncated(digits: Swift.max(0, found), needed: 2 * uncounted))
    }
    let needed = 2 * (Int(count) + uncounted)
    guard found >= needed else {
      throw fault(at: end, .truncated(digits: found, needed: needed))
    }
    guard found == needed else {
      throw fault(at: digits + needed, .trailing(digits: found, needed: needed))
    }
    let sum = bytes.reduce(0, &+)
    guard sum == residue else {
      let checksum = bytes.last ?? 0
      throw fault(
        at: end - 2, .checksum(found: checksum, expected: checksum &+ residue &- sum))
    }
    return bytes
  }
}

extension FirmwareError {
  /// The error that tells of `fault`.
  init(_ fault: RecordFault, format: FirmwareFormat) {
    let code: Code =
      switch fault.rule {
      case .notARecord, .notADigit, .wrongCount: .malformed
      case .truncated: .truncated
      case .trailing, .dataAfterEnd: .trailingBytes
      case .checksum: .wrongChecksum
      case .unknownType: .unknownRecord
      case .addressOverflow, .segmentOverflow: .addressOverflow
      case .recordCount: .countMismatch
      case .conflict: .overlap
      }
    self.init(
      code, format: format, place: .line(fault.line), sentence: fault.sentence, help: fault.help)
  }
}
