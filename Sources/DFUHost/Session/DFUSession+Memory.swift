internal import DFU
public import Firmware
internal import USB

extension DFUSession {
  /// Reads ranges of a target with addresses.
  ///
  /// - Parameters:
  ///   - plan: which ranges of which target.
  ///   - progress: is told how far reading is.
  /// - Returns: the bytes at their addresses.
  /// - Throws: ``DFUError``, `.readProtected` among them.
  public func read(
    _ plan: ReadPlan, progress: DFUProgress.Handler? = nil
  ) async throws(DFUError) -> FirmwareImage {
    try await exclusively(.read, progress: progress) { (operation) throws(DFUError) in
      try await operation.contents(of: plan, .read)
    }
  }

  /// Reads a device without addresses from its beginning, until it says that this is all.
  ///
  /// - Parameters:
  ///   - target: the alternate setting.
  ///   - count: how many bytes to read at most; nil reads all, up to ``longestUpload``.
  ///   - progress: is told how far reading is.
  /// - Returns: the bytes.
  /// - Throws: ``DFUError``, `.endlessUpload` where the device does not end among them.
  public func readPlain(
    _ target: FlashTarget, count: Int? = nil, progress: DFUProgress.Handler? = nil
  ) async throws(DFUError) -> [UInt8] {
    guard target.canUpload else {
      throw DFUError(
        .unsupported, during: .read,
        sentence: "\(target.described) cannot be read (bitCanUpload is 0).")
    }
    return try await exclusively(.read, progress: progress) { (operation) throws(DFUError) in
      try await operation.ensure(target.alternateSetting)
      var engine = PlainUploadEngine(
        limit: count ?? DFUSession.longestUpload, stopsAtLimit: count != nil,
        link: operation.link)
      let progress = operation.progress
      let total = UInt64(count ?? 0)
      let output = try await operation.run(&engine, .read) { now in
        progress?(
          DFUProgress(
            phase: .read, done: now.done, total: total,
            alternateSetting: target.alternateSetting))
      }
      return output.bytes
    }
  }

  /// The most bytes that are read from a device that does not say how many it has: 64 MiB.
  public static let longestUpload = 64 << 20

  /// Reads what an image covers and compares.
  ///
  /// - Parameters:
  ///   - choice: which bytes should be where.
  ///   - progress: is told how far reading is.
  /// - Returns: where the memory differs; nothing is thrown for a difference.
  /// - Throws: ``SessionError``: the image does not fit, or the device failed.
  public func verify(
    _ choice: TargetChoice, progress: DFUProgress.Handler? = nil
  ) async throws(SessionError) -> VerifyReport {
    var parts: [(image: FirmwareImage, plan: ReadPlan)] = []
    var plain: [(bytes: [UInt8], target: FlashTarget)] = []
    do throws(PlanError) {
      for assignment in choice.assignments {
        switch assignment.payload {
        case .image(let image):
          var plan = try ReadPlan(image.extents, of: assignment.target)
          if let map = plan.target.map {
            plan.ranges = plan.ranges.joinedForReading(
              in: map, transferSize: plan.target.transferSize)
          }
          parts.append((image, plan))
        case .plain(let bytes): plain.append((bytes, assignment.target))
        }
      }
    } catch { throw .plan(error) }
    var report = VerifyReport()
    do throws(DFUError) {
      for part in parts {
        let plan = part.plan
        let contents = try await exclusively(.verify, progress: progress) {
          (operation) throws(DFUError) in
          try await operation.contents(of: plan, .verify)
        }
        report.compare(part.image, contents, plan.target.alternateSetting)
      }
      for part in plain {
        let bytes = try await readPlain(part.target, count: part.bytes.count, progress: progress)
        report.compare(part.bytes, bytes, part.target.alternateSetting)
      }
    } catch { throw .device(error) }
    return report
  }

  /// Reads ranges and says what in them is not erased.
  ///
  /// - Parameters:
  ///   - plan: which ranges of which target.
  ///   - progress: is told how far reading is.
  /// - Returns: the stretches that hold something else than erased memory does, ascending.
  /// - Throws: ``DFUError``.
  public func blankCheck(
    _ plan: ReadPlan, progress: DFUProgress.Handler? = nil
  ) async throws(DFUError) -> BlankReport {
    let contents = try await exclusively(.blankCheck, progress: progress) {
      (operation) throws(DFUError) in
      try await operation.contents(of: plan, .blankCheck)
    }
    return BlankReport(
      contents, bytesChecked: plan.byteCount, erasedByte: plan.target.erasedByte)
  }
}

extension Operation {
  /// Reads what `plan` says.
  mutating func contents(
    of plan: ReadPlan, _ phase: DFUPhase
  ) async throws(DFUError) -> FirmwareImage {
    try await ensure(plan.target.alternateSetting)
    let pieces = plan.ranges.map { ReadEngine.Piece($0) }
    let results = try await read(
      pieces, of: plan.target.alternateSetting, phase, total: UInt64(plan.byteCount))
    return try contents(pieces, results, phase)
  }
}

/// Whether a memory holds what it should.
public struct VerifyReport: Hashable, Sendable {
  /// A stretch that differs.
  public struct Difference: Hashable, Sendable {
    /// The alternate setting.
    public var alternateSetting: UInt8
    /// Its addresses, or offsets for a device without addresses.
    public var range: Range<UInt64>
  }

  /// How many bytes were compared.
  public var bytesCompared = 0
  /// How many of them differ.
  public var bytesDiffering = 0
  /// Where, ascending in each alternate setting; stretches less than 16 bytes apart are joined.
  public var differences: [Difference] = []

  /// Whether everything is as it should be.
  public var isSame: Bool { differences.isEmpty }

  init() {}

  mutating func compare(_ image: FirmwareImage, _ contents: FirmwareImage, _ setting: UInt8) {
    for extent in image.extents {
      compare(
        image.bytes(in: extent, fill: 0xFF), contents.bytes(in: extent, fill: 0xFF), setting,
        at: extent.lowerBound)
    }
  }

  mutating func compare(
    _ expected: [UInt8], _ found: [UInt8], _ setting: UInt8, at address: UInt64 = 0
  ) {
    bytesCompared += expected.count
    guard expected != found else { return }
    for index in expected.indices where index >= found.count || expected[index] != found[index] {
      bytesDiffering += 1
      let place = address + UInt64(index)
      if let last = differences.last, last.alternateSetting == setting,
        place >= last.range.upperBound, place - last.range.upperBound < 16
      {
        differences[differences.count - 1].range = last.range.lowerBound..<place + 1
      } else {
        differences.append(Difference(alternateSetting: setting, range: place..<place + 1))
      }
    }
  }
}

/// Whether a memory is erased.
public struct BlankReport: Hashable, Sendable {
  /// How many bytes were looked at.
  public var bytesChecked: Int
  /// What an erased byte of this memory holds.
  public var erasedByte: UInt8
  /// How many of them are not erased.
  public var bytesUsed = 0
  /// The stretches that are not erased, ascending; those less than 16 bytes apart are joined.
  public var used: [Range<UInt64>] = []

  /// Whether everything is erased.
  public var isBlank: Bool { used.isEmpty }

  init(_ contents: FirmwareImage, bytesChecked: Int, erasedByte: UInt8 = 0xFF) {
    self.bytesChecked = bytesChecked
    self.erasedByte = erasedByte
    for segment in contents.segments where !holdsOnly(erasedByte, segment.bytes[...]) {
      for (index, byte) in segment.bytes.enumerated() where byte != erasedByte {
        bytesUsed += 1
        let place = segment.address + UInt64(index)
        if let last = used.last, place - last.upperBound < 16 {
          used[used.count - 1] = last.lowerBound..<place + 1
        } else {
          used.append(place..<place + 1)
        }
      }
    }
  }
}
