internal import USB

/// Files without addresses: raw bytes, with or without a DFU suffix and a prefix.
enum PlainDFU {
  /// Reads a file that is neither a container nor text.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - format: ``FirmwareFormat/raw`` takes every byte as content.
  /// - Returns: the file.
  /// - Throws: ``FirmwareError`` where the suffix is damaged.
  static func decode(
    _ bytes: [UInt8], as format: FirmwareFormat
  ) throws(FirmwareError) -> FirmwareFile {
    guard format == .dfu else {
      return FirmwareFile(
        format: .raw, targets: [FirmwareTarget(content: .raw(bytes))],
        notes: [
          FirmwareNote(
            "assumed-raw", .info,
            "No format was recognised: the file is taken as \(bytes.count) raw bytes, which have no "
              + "address of their own.")
        ])
    }
    var file = FirmwareFile(format: .dfu, targets: [], suffix: try DFUSuffix.find(in: bytes))
    var payload = bytes[...]
    if let suffix = file.suffix {
      payload = payload.dropLast(suffix.length)
      file.notes += notes(about: suffix, behind: payload)
      if DFUSuffix.coversOnlyBehindPrefix(bytes) {
        file.notes.append(
          FirmwareNote(
            "crc-without-prefix", .warning,
            "The CRC of the DFU suffix is right for the bytes behind the prefix, but does not cover "
              + "the prefix: it was put in front of a finished DFU file.",
            help: "`dfu file suffix repair` writes a CRC that covers all."))
      }
    } else {
      file.notes.append(
        FirmwareNote(
          "no-suffix", .info,
          "The file has no DFU suffix, so nothing says for which device it is and whether it is "
            + "intact.",
          help: "`dfu file suffix add` adds one."))
    }
    if let prefix = FirmwarePrefix.find(in: payload) {
      file.prefix = prefix
      if case .lpc = prefix {
        let units = FirmwarePrefix.lpcUnits(in: payload)
        if units.stored != units.actual {
          file.notes.append(
            FirmwareNote(
              "prefix-length", .warning,
              "The LPC prefix counts \(units.stored) units of 512 bytes, but there are "
                + "\(units.actual).",
              help: "The boot ROM may load too little: write the prefix again."))
        }
      }
      payload = payload.dropFirst(prefix.length)
    }
    file.targets = [FirmwareTarget(content: .raw(Array(payload)))]
    return file
  }

  private static func notes(
    about suffix: DFUSuffix, behind payload: ArraySlice<UInt8>
  ) -> [FirmwareNote] {
    var notes = suffix.notes
    if payload.isEmpty {
      notes.append(
        FirmwareNote("empty-payload", .warning, "The file is a DFU suffix without any payload."))
    }
    if DFUSuffix.isIntact(payload) {
      notes.append(
        FirmwareNote(
          "two-suffixes", .warning,
          "The payload ends with a DFU suffix of its own, which would be written to the device.",
          help: "Remove both suffixes and add one: somebody added a suffix twice."))
    }
    if let inner = FirmwareFile.magicFormat(payload) {
      notes.append(
        FirmwareNote(
          "payload-format", .warning,
          "The payload begins like \(inner.article) \(inner.name) file, and would be written to the "
            + "device as it is.",
          help: "Convert the \(inner.name) file itself: it knows its addresses."))
    }
    if suffix.dfuVersion == .dfuSe {
      notes.append(
        FirmwareNote(
          "dfuse-without-container", .warning,
          "bcdDFU is 1.1a, which stands for a DfuSe file, but the payload is no DfuSe container."))
    }
    return notes
  }
}

extension BCDVersion {
  /// `bcdDFU` of DfuSe files.
  static let dfuSe = BCDVersion(0x011A)
  /// `bcdDFU` of plain DFU files, as DFU 1.0 and 1.1 have it.
  static let plainDFU = BCDVersion(0x0100)
}

extension DFUSuffix {
  /// What is unusual about the suffix itself.
  var notes: [FirmwareNote] {
    var notes: [FirmwareNote] = []
    if !extensionBytes.isEmpty {
      notes.append(
        FirmwareNote(
          "suffix-extension", .info,
          "The DFU suffix has \(extensionBytes.count) extension bytes, which are not written to the "
            + "device."))
    }
    let known: [BCDVersion] = [.plainDFU, BCDVersion(0x0110), .dfuSe]
    if !known.contains(dfuVersion) {
      notes.append(
        FirmwareNote(
          "suffix-version", .info,
          "bcdDFU of the suffix is \(dfuVersion); 1.00, 1.10 and 1.1a are in use."))
    }
    return notes
  }
}
