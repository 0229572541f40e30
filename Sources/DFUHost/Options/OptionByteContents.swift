public import DFU
internal import Firmware
internal import USB

/// The option bytes that were read from a device.
public struct OptionByteContents: Hashable, Sendable {
  /// The alternate setting that shows them.
  public var target: FlashTarget
  /// The blocks, ascending.
  public var blocks: [OptionBytes.Block]
  /// The same by name; nil for a part whose option bytes are not known here.
  public var options: OptionBytes?
  /// Why there are no names, as a sentence; nil where there are.
  public var obstacle: String?

  /// What was read, by name where the part is known.
  ///
  /// - Parameters:
  ///   - target: the alternate setting that shows it.
  ///   - blocks: the blocks, ascending.
  ///   - flash: the internal flash of the same device, which tells parts of a family apart.
  public init(of target: FlashTarget, blocks: [OptionBytes.Block], flash: MemoryMap? = nil) {
    self.target = target
    self.blocks = blocks
    guard let layout = target.optionByteLayout(flash: flash) else {
      let part = target.chip.map { "of the \($0.name) " } ?? ""
      obstacle =
        "What the option bytes \(part)mean is not known here, so they are shown as they are."
      return
    }
    do throws(OptionByteError) {
      options = try OptionBytes(layout, blocks: blocks)
    } catch {
      obstacle = error.sentence
    }
  }

  /// What makes the names doubtful, in sentences: a part that is only probably the one whose table is
  /// used, or a bootloader that takes option bytes in a way that is not published.
  public var doubts: [String] {
    guard let layout = options?.layout else { return [] }
    var doubts: [String] = []
    if let chip = target.chip, chip.certainty != .certain {
      doubts.append(
        "The part is probably of the family \(chip.family.name); if it is another, the names are wrong."
      )
    }
    if layout.coding == .registers {
      doubts.append(
        "How the bootloader of the \(layout.name) takes option bytes is not published; only reading "
          + "them back proves what it made of them.")
    }
    return doubts
  }
}

extension FlashTarget {
  /// The layout of the option bytes that this alternate setting shows; nil where it is not known.
  ///
  /// - Parameter flash: the internal flash of the same device, which tells parts of a family apart.
  /// - Returns: the layout; nil too where the setting shows no option bytes.
  public func optionByteLayout(flash: MemoryMap?) -> OptionByteLayout? {
    guard kind == .optionBytes, let chip else { return nil }
    return .of(chip.family, flash: flash, optionBytes: map)
  }
}

extension DFUSession {
  /// The alternate setting that shows option bytes; nil where none does.
  public var optionByteTarget: FlashTarget? {
    targets.first {
      $0.kind == .optionBytes && $0.dialect == .dfuSe && $0.map?.runs.isEmpty == false
    }
  }

  /// The internal flash, as far as the device describes it.
  public var internalFlash: MemoryMap? {
    targets.first { $0.kind == .internalFlash }?.map
  }

  /// Reads the option bytes.
  ///
  /// - Returns: the blocks, by name where the part is known.
  /// - Throws: ``SessionError``: the device shows none, or refuses (`.readProtected` among its errors).
  public func optionBytes() async throws(SessionError) -> OptionByteContents {
    let plan: ReadPlan
    let target: FlashTarget
    do throws(PlanError) {
      target = try readableOptionBytes()
      plan = try ReadPlan(everythingOf: target)
    } catch { throw .plan(error) }
    let contents: FirmwareImage
    do throws(DFUError) { contents = try await read(plan) } catch { throw .device(error) }
    let blocks = (target.map?.runs ?? []).map {
      OptionBytes.Block(address: $0.start, bytes: contents.bytes(in: $0.range, fill: 0xFF))
    }
    return OptionByteContents(of: target, blocks: blocks, flash: internalFlash)
  }

  private func readableOptionBytes() throws(PlanError) -> FlashTarget {
    guard let target = optionByteTarget, let map = target.map else {
      throw PlanError(
        .noSuchTarget, "This device does not show its option bytes.",
        help: targets.count > 1 && Set(targets.map(\.map)).count == 1
          ? "Its bootloader shows one memory under all its alternate settings, as those of the "
            + "STM32G0 do; a debug probe reaches the option bytes."
          : "`dfu list` shows what it offers; a debug probe reaches the option bytes.")
    }
    let isTooMuch = map.runs.contains { $0.size > UInt64(OptionBytes.largestBlock) }
    guard !isTooMuch, map.runs.count <= 8 else {
      throw PlanError(
        .sectorTooLarge,
        "\(target.described) claims \(byteCountText(map.size)) of option bytes, which no part has.",
        help: "`dfu read --target \(target.alternateSetting)` reads it as memory.")
    }
    return target
  }

  /// Writes one whole block of option bytes: the part erases the old ones and resets (rule 13).
  ///
  /// This session is of no more use afterwards.
  ///
  /// - Parameters:
  ///   - block: all bytes of one block.
  ///   - target: the alternate setting that shows it.
  ///   - progress: is told what is being done.
  /// - Throws: ``DFUError`` where the device refuses; losing it is success.
  public func write(
    _ block: OptionBytes.Block, of target: FlashTarget, progress: DFUProgress.Handler? = nil
  ) async throws(DFUError) {
    var part = FlashPlan.Part(target: target)
    part.optionBytes = [
      WriteRun(
        address: block.address, bytes: block.bytes, transferSize: target.transferSize)
    ]
    _ = try await flash(FlashPlan(parts: [part], leave: .resets), progress: progress)
  }
}
