import Testing
import USB

@testable import Firmware

/// A valid file of each kind, small enough to try everything with.
struct ValidFile: CustomTestStringConvertible {
  var name: String
  var bytes: [UInt8]

  var testDescription: String { name }

  static let all: [ValidFile] = {
    let program = ELFBuilder.program.bytes
    var files = [
      ValidFile(name: "DFU", bytes: Samples.plain),
      ValidFile(name: "DfuSe, one target", bytes: Samples.dfuSeOneTarget),
      ValidFile(name: "DfuSe, two targets", bytes: Samples.dfuSeTwoTargets),
      ValidFile(name: "LPC prefix", bytes: Samples.lpc),
      ValidFile(name: "TI prefix", bytes: Samples.stellaris),
      ValidFile(name: "ELF", bytes: program),
    ]
    var image = FirmwareImage()
    image.entryPoint = 0x0800_0001
    for (address, count) in [(0x0800_0000 as UInt64, 20), (0x9000_0000, 3)] {
      try? image.insert((0..<count).map { UInt8($0) }, at: address, origin: .device)
    }
    for format in [FirmwareFormat.intelHex, .sRecord, .elf, .uf2, .dfuSe] {
      if let bytes = try? FirmwareFile(image: image).encoded(as: format) {
        files.append(ValidFile(name: "written \(format.name)", bytes: bytes))
      }
    }
    return files
  }()
}

struct HostileInputTests {
  /// What every answer of the parser must keep to, whatever it was given.
  private func check(_ bytes: [UInt8], writing formats: [FirmwareFormat] = []) -> String? {
    do {
      let file = try FirmwareFile(parsing: bytes)
      if file.targets.isEmpty { return "no targets" }
      for target in file.targets where target.byteCount > bytes.count {
        return "\(target.byteCount) bytes out of \(bytes.count)"
      }
      if bytes.starts(with: DfuSeFile.signature), file.format != .dfuSe { return "DfuSe as raw" }
      for format in formats {
        _ = try? file.encoded(
          as: format, options: .init(address: 0x0800_0000, maximumByteCount: 1 << 12))
      }
      return nil
    } catch {
      if error.sentence.isEmpty || error.slug.isEmpty { return "an error without words" }
      if let offset = error.offset, offset > bytes.count { return "an offset beyond the file" }
      return nil
    }
  }

  @Test(arguments: ValidFile.all)
  func `the example itself is read`(file: ValidFile) throws {
    let parsed = try FirmwareFile(parsing: file.bytes)
    #expect(parsed.format != .raw)
  }

  @Test(arguments: ValidFile.all)
  func `every prefix of a valid file is read or refused`(file: ValidFile) {
    var wrong: [String] = []
    for count in 0...file.bytes.count {
      if let fault = check(Array(file.bytes.prefix(count)), writing: FirmwareFormat.allCases) {
        wrong.append("\(count): \(fault)")
      }
    }
    #expect(wrong == [])
  }

  @Test(arguments: ValidFile.all)
  func `every change of one byte is read or refused`(file: ValidFile) {
    var wrong: [String] = []
    // The values that upset counts and signs, and the nearest one.
    for offset in file.bytes.indices {
      let original = file.bytes[offset]
      for value in [0, 0x7F, 0xFF, original ^ 1] {
        var changed = file.bytes
        changed[offset] = value
        if let fault = check(changed) { wrong.append("\(offset) = \(value): \(fault)") }
      }
    }
    #expect(wrong == [])
  }

  @Test(arguments: ValidFile.all.filter { DFUSuffix.isIntact($0.bytes[...]) })
  func `a change of one byte behind a repaired CRC is read or refused`(file: ValidFile) throws {
    var wrong: [String] = []
    for offset in 0..<file.bytes.count - 4 {
      for value in [1, 0x7F, 0xFF] as [UInt8] {
        var changed = file.bytes
        changed[offset] = value
        guard let repaired = try? DFUSuffix.repairingCRC(of: changed) else { continue }
        if let fault = check(repaired, writing: [.dfuSe]) {
          wrong.append("\(offset) = \(value): \(fault)")
        }
      }
    }
    #expect(wrong == [])
  }

  @Test(arguments: ValidFile.all.filter { DFUSuffix.isIntact($0.bytes[...]) })
  func `every single flipped bit of a file with a suffix is noticed`(file: ValidFile) {
    var accepted: [Int] = []
    // The signature itself is what tells such a file from raw bytes; its three bytes are apart.
    let signature = file.bytes.count - 8..<file.bytes.count - 5
    for offset in file.bytes.indices where !signature.contains(offset) {
      for bit in 0..<8 {
        var changed = file.bytes
        changed[offset] ^= 1 << bit
        if (try? FirmwareFile(parsing: changed)) != nil { accepted.append(offset) }
      }
    }
    #expect(accepted == [])
  }

  @Test(arguments: ValidFile.all)
  func `32-bit numbers of the largest value anywhere are read or refused`(file: ValidFile) {
    var wrong: [String] = []
    for offset in 0...max(0, file.bytes.count - 4) {
      for number in [0xFFFF_FFFF, 0x7FFF_FFFF] as [UInt32] {
        var changed = file.bytes
        for index in 0..<4 where offset + index < changed.count {
          changed[offset + index] = UInt8(truncatingIfNeeded: number >> (8 * index))
        }
        if let fault = check(changed) { wrong.append("\(offset): \(fault)") }
        if let repaired = try? DFUSuffix.repairingCRC(of: changed), let fault = check(repaired) {
          wrong.append("\(offset), repaired: \(fault)")
        }
      }
    }
    #expect(wrong == [])
  }
}

struct RoundTripTests {
  /// Images of up to three pieces at places where formats change their records.
  static let images: [FirmwareImage] = {
    let edges: [UInt64] = [
      0, 1, 0xFF, 0x100, 0xFFFE, 0x1_0000, 0xFF_FFFF, 0x100_0000, 0x0800_0000, 0x9000_0000,
      0xFFFF_FF00,
    ]
    let counts = [1, 2, 15, 16, 17, 255, 256]
    var images: [FirmwareImage] = []
    for (index, first) in edges.enumerated() {
      for count in counts {
        for second in [nil] + edges[index...].map(Optional.some) {
          var image = FirmwareImage()
          image.entryPoint = count % 2 == 0 ? nil : first | 1
          let bytes = (0..<count).map { UInt8(($0 &* 7 &+ index) & 0xFF) }
          try? image.insert(bytes, at: first, origin: .device)
          if let second { try? image.insert(bytes.reversed(), at: second + 300, origin: .device) }
          if let end = image.range?.upperBound, end <= 1 << 32 { images.append(image) }
        }
      }
    }
    return images
  }()

  @Test(arguments: FirmwareFormat.allCases.filter(\.hasAddresses))
  func `what is written reads back as the same image`(format: FirmwareFormat) throws {
    #expect(Self.images.count > 400)
    var wrong: [String] = []
    for image in Self.images {
      let bytes = try FirmwareFile(image: image).encoded(as: format)
      let back = try FirmwareFile(parsing: bytes, options: .init(keepsRAM: true))
      var expected = image
      // These two have no entry point.
      if format == .dfuSe || format == .uf2 { expected.entryPoint = nil }
      if back.format != format || back.onlyImage != expected
        || back.notes.contains(where: { $0.severity == .warning })
      {
        wrong.append("\(image.extents.map { $0.description }) \(back.notes.map(\.sentence))")
      }
    }
    #expect(wrong == [])
  }

  @Test func `raw bytes read back, holes filled`() throws {
    let image = try Samples.image((0x100, [1, 2]), (0x104, [3]))
    let raw = try FirmwareFile(image: image).encoded(as: .raw)
    #expect(raw == [1, 2, 0xFF, 0xFF, 3])
    #expect(try FirmwareFile(parsing: raw).onlyBytes == raw)
    let dfu = try FirmwareFile(image: image).encoded(as: .dfu, options: .init(fill: 0))
    #expect(try FirmwareFile(parsing: dfu).onlyBytes == [1, 2, 0, 0, 3])
  }

  @Test func `raw bytes need an address in a format that has them`() throws {
    let file = try FirmwareFile(parsing: [1, 2, 3, 4, 5])
    for format in FirmwareFormat.allCases where format.hasAddresses {
      let error = #expect(throws: FirmwareError.self) { try file.encoded(as: format) }
      #expect(error?.code == .addressMissing)
      let placed = try file.encoded(as: format, options: .init(address: 0x0800_0000))
      #expect(
        try FirmwareFile(parsing: placed).onlyImage?.bytes(in: 0x0800_0000..<0x0800_0005)
          == [1, 2, 3, 4, 5])
    }
  }

  @Test func `a raw file that would be mostly filling is refused`() throws {
    let image = try Samples.image((0x0800_0000, [1]), (0x9000_0000, [2]))
    let error = #expect(throws: FirmwareError.self) {
      try FirmwareFile(image: image).encoded(as: .raw)
    }
    #expect(error?.code == .tooLarge)
  }

  @Test func `nothing is written of nothing`() {
    for format in FirmwareFormat.allCases {
      let error = #expect(throws: FirmwareError.self) {
        try FirmwareFile(image: FirmwareImage()).encoded(as: format)
      }
      #expect(error?.code == .noData)
    }
  }

  @Test func `the ending of a file's name chooses the format of output`() {
    #expect(FirmwareFormat(fileExtension: "BIN") == .raw)
    #expect(FirmwareFormat(fileExtension: ".ihx") == .intelHex)
    #expect(FirmwareFormat(fileExtension: "mot") == .sRecord)
    #expect(FirmwareFormat(fileExtension: "axf") == .elf)
    #expect(FirmwareFormat(fileExtension: "txt") == nil)
    for format in FirmwareFormat.allCases where format != .dfuSe {
      #expect(FirmwareFormat(fileExtension: format.fileExtension) == format)
    }
  }
}
