internal import Firmware
internal import USB

/// What `dfu flash` does with a file, in sentences.
func fileUse(_ file: FirmwareFile) -> [String] {
  var sentences: [String] = []
  if let suffix = file.suffix {
    sentences.append(whoTakes(suffix, format: file.format))
  }
  for target in file.targets {
    switch target.content {
    case .raw(let bytes): sentences += useOfRaw(bytes, file: file)
    case .image(let image): sentences += useOf(image, target: target, file: file)
    }
  }
  return sentences
}

private func whoTakes(_ suffix: DFUSuffix, format: FirmwareFormat) -> String {
  let anyProduct: Set<UInt16> = format == .dfuSe ? [0, 0xFFFF] : [0xFFFF]
  return switch (suffix.vendor.rawValue == 0xFFFF, anyProduct.contains(suffix.product.rawValue)) {
  case (true, true): "It is offered to any device, for its suffix names none."
  case (false, true): "It is refused on devices of any vendor but \(suffix.vendor)."
  case (true, false): "It is refused on any product but \(suffix.product)."
  case (false, false):
    "It is refused on any device but \(suffix.vendor):\(suffix.product), unless forced."
  }
}

private func useOfRaw(_ bytes: [UInt8], file: FirmwareFile) -> [String] {
  var sentences: [String] = []
  if file.prefix != nil {
    sentences.append(
      "A plain DFU device is sent all of it, the prefix included; for a DfuSe device, which needs "
        + "--address, the prefix is left out.")
    return sentences
  }
  if file.format == .dfu {
    sentences.append(
      "A plain DFU device is sent these bytes as they are; a DfuSe device needs --address, for the "
        + "file names none.")
    return sentences
  }
  if let vectors = rawVectors(bytes) {
    sentences.append(
      "It names no address. It begins like a Cortex-M program whose first instruction is at "
        + "\(addressText(UInt64(vectors.resetVector & ~1))): on a DfuSe device it goes to the start "
        + "of the memory that this address lies in; --address says otherwise.")
  } else {
    sentences.append(
      "It names no address and does not begin like a Cortex-M program: a plain DFU device is sent "
        + "these bytes as they are, and a DfuSe device needs --address.")
  }
  return sentences
}

private func useOf(_ image: FirmwareImage, target: FirmwareTarget, file: FirmwareFile) -> [String] {
  guard let range = image.range else { return [] }
  var sentences: [String] = []
  let count = image.extents.count
  let place =
    count == 1
    ? "from \(addressText(range.lowerBound)) to \(addressText(range.upperBound - 1))"
    : "in \(count) stretches between \(addressText(range.lowerBound)) and "
      + addressText(range.upperBound - 1)
  let to =
    target.alternateSetting.map { "Alternate setting \($0) of a DfuSe device" } ?? "A DfuSe device"
  sentences.append("\(to) gets \(sizeText(UInt64(image.byteCount))) \(place).")

  // Each memory is named once, however many stretches lie in it.
  var told: Set<String> = []
  for extent in image.extents {
    guard let memory = memoryName(extent.lowerBound), told.insert(memory).inserted else { continue }
    sentences.append("\(addressText(extent.lowerBound)) is \(memory)")
  }
  if let vectors = VectorTable(in: image, at: range.lowerBound) {
    if vectors.isPlausible(in: image) {
      sentences.append(
        "It begins with a vector table: after it has been proved, the program at "
          + "\(addressText(range.lowerBound)) is started.")
    } else if file.targets.count == 1 {
      sentences.append(
        "It does not begin with a plausible vector table: the device stays in its bootloader "
          + "unless --leave is given.")
    }
  }
  return sentences
}

// The places that firmware for bootloaders usually has; said only where it helps.
private func memoryName(_ address: UInt64) -> String? {
  switch address {
  case 0..<0x0100_0000:
    "no address of an STM32, whose flash begins at 0x08000000; parts of other makers have their "
      + "flash here."
  case 0x2000_0000..<0x2100_0000: "RAM, which is gone when the power is."
  case 0x9000_0000..<0xA000_0000:
    "external flash (QSPI) on an STM32, which its own boot ROM cannot write."
  case 0x1FFF_7800..<0x1FFF_8000, 0x1FFF_C000..<0x1FFF_C020, 0x5200_2000..<0x5200_3000:
    "among the option bytes of an STM32."
  default: nil
  }
}

/// A raw payload as an image at 0, for drawing.
func rawImage(_ bytes: [UInt8]) -> FirmwareImage {
  var image = FirmwareImage()
  guard !bytes.isEmpty else { return image }
  // At 0 no file is too long.
  try? image.insert(.init(address: 0, bytes: bytes, origin: .offset(0)))
  return image
}

/// The vector table that a raw payload begins with; nil where its words cannot be one.
func rawVectors(_ bytes: [UInt8]) -> VectorTable? {
  guard let table = VectorTable(ofRaw: bytes), table.hasPlausibleStack,
    table.resetVector & 1 == 1
  else { return nil }
  return table
}

/// A prefix in words.
func prefixText(_ prefix: FirmwarePrefix) -> String {
  switch prefix {
  case .lpc: "NXP LPC, 16 bytes"
  case .stellaris(let loadAddress):
    "TI Stellaris, 8 bytes, load address \(addressText(UInt64(loadAddress)))"
  }
}
