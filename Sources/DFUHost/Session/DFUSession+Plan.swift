internal import DFU
public import Firmware
internal import USB

extension DFUSession {
  /// Reads what has to be known, and plans how to flash a file. Changes nothing in the memory.
  ///
  /// - Parameters:
  ///   - file: a file that was read and checked whole (rule 1).
  ///   - options: how to flash.
  ///   - keepsContents: whether the sectors that may change are read whole, for a backup; they are in
  ///     ``FlashTarget/contents`` of the plan's parts.
  ///   - progress: is told how far reading is.
  /// - Returns: the plan, to print or to run with ``flash(_:progress:)``.
  /// - Throws: ``SessionError``: the file does not fit, or the device failed.
  public func plan(
    _ file: FirmwareFile, options: FlashOptions = FlashOptions(), keepsContents: Bool = false,
    progress: DFUProgress.Handler? = nil
  ) async throws(SessionError) -> FlashPlan {
    let choice: TargetChoice
    do throws(PlanError) {
      choice = try TargetChoice(file, targets: targets, options: options)
    } catch { throw .plan(error) }
    return try await plan(
      choice, options: options, keepsContents: keepsContents, progress: progress)
  }

  /// Reads what has to be known, and plans how to flash images. Changes nothing in the memory.
  ///
  /// - Parameters:
  ///   - choice: which bytes go where.
  ///   - options: how to flash.
  ///   - keepsContents: whether the sectors that may change are read whole, for a backup.
  ///   - progress: is told how far reading is.
  /// - Returns: the plan, to print or to run with ``flash(_:progress:)``.
  /// - Throws: ``SessionError``: the file does not fit, or the device failed.
  public func plan(
    _ choice: TargetChoice, options: FlashOptions = FlashOptions(), keepsContents: Bool = false,
    progress: DFUProgress.Handler? = nil
  ) async throws(SessionError) -> FlashPlan {
    let survey: FlashSurvey
    do throws(PlanError) {
      survey = try FlashSurvey(choice, options: options, keepsContents: keepsContents)
    } catch { throw .plan(error) }
    let surveyed: Surveyed
    if survey.parts.isEmpty {
      surveyed = Surveyed(choice: choice, selected: nil)
    } else {
      let stopsEarly = options.differential && !keepsContents
      do throws(DFUError) {
        surveyed = try await exclusively(.survey, progress: progress) {
          (operation) throws(DFUError) in
          try await operation.survey(survey, choice, stopsEarly: stopsEarly)
        }
      } catch { throw .device(error.untouched) }
    }
    let plan: FlashPlan
    do throws(PlanError) {
      plan = try FlashPlan(surveyed.choice, options: options, selected: surveyed.selected)
    } catch { throw .plan(error) }
    guard options.verify else { return plan }
    do throws(DFUError) {
      return try await witnessed(plan)
    } catch { throw .device(error.untouched) }
  }
}

/// A choice whose targets hold what was read, and the alternate setting that the device has since.
struct Surveyed: Sendable {
  var choice: TargetChoice
  var selected: UInt8?
}

extension Operation {
  /// Reads what a survey asks for and notes it in `choice`.
  mutating func survey(
    _ survey: FlashSurvey, _ choice: TargetChoice, stopsEarly: Bool
  ) async throws(DFUError) -> Surveyed {
    var choice = choice
    let total = UInt64(survey.byteCount)
    var done: UInt64 = 0
    for part in survey.parts {
      let setting = part.target.alternateSetting
      let pieces = Operation.pieces(part, stopsEarly ? choice.image(for: setting) : nil)
      let contents: FirmwareImage?
      var refusal: String?
      do throws(DFUError) {
        contents = try await readTwiceIfRefused(pieces, of: setting, done: done, total: total)
      } catch {
        // Rule 10: what cannot be read is flashed without comparison, and said. Protection is not
        // that: writing is refused as well.
        guard error.isRefusal else { throw error }
        selected = nil
        contents = nil
        refusal = "it refused with \(error.status?.description ?? error.slug)"
      }
      choice.note(contents: contents, refusal: refusal, ofAlternateSetting: setting)
      done += UInt64(part.ranges.byteCount)
    }
    return Surveyed(choice: choice, selected: selected)
  }

  /// A device that cannot be read refuses again; one whose answer broke once does not.
  private mutating func readTwiceIfRefused(
    _ pieces: [ReadEngine.Piece], of setting: UInt8, done: UInt64, total: UInt64
  ) async throws(DFUError) -> FirmwareImage {
    do throws(DFUError) {
      return try await read(pieces, of: setting, done: done, total: total)
    } catch {
      guard error.isRefusal else { throw error }
    }
    selected = nil
    return try await read(pieces, of: setting, done: done, total: total)
  }

  private mutating func read(
    _ pieces: [ReadEngine.Piece], of setting: UInt8, done: UInt64, total: UInt64
  ) async throws(DFUError) -> FirmwareImage {
    try await ensure(setting)
    let results = try await read(pieces, of: setting, .survey, done: done, total: total)
    return try contents(pieces, results, .survey)
  }

  /// What is read: sectors that the image covers whole by themselves, so that reading them may stop at
  /// the first byte that proves that they must be erased; everything else joined.
  private static func pieces(
    _ part: FlashSurvey.Part, _ image: FirmwareImage?
  ) -> [ReadEngine.Piece] {
    guard let image, let map = part.target.map else {
      return part.ranges.map { ReadEngine.Piece($0) }
    }
    let block = UInt64(part.target.transferSize)
    var pieces: [ReadEngine.Piece] = []
    for range in part.ranges {
      var rest = range.lowerBound
      for sector in map.sectors(intersecting: range) {
        let size = sector.range.upperBound - sector.range.lowerBound
        // A sector of one block is read whole at the same price.
        guard size > block, size.isMultiple(of: block), sector.rights.contains(.erasable),
          range.contains(sector.range), image.covers(sector.range)
        else { continue }
        if rest < sector.range.lowerBound {
          pieces.append(ReadEngine.Piece(rest..<sector.range.lowerBound))
        }
        pieces.append(
          ReadEngine.Piece(
            sector.range, expected: image.bytes(in: sector.range, fill: 0xFF),
            erased: part.target.erasedByte))
        rest = sector.range.upperBound
      }
      if rest < range.upperBound { pieces.append(ReadEngine.Piece(rest..<range.upperBound)) }
    }
    return pieces
  }

  /// What was read as an image.
  func contents(
    _ pieces: [ReadEngine.Piece], _ results: [ReadEngine.Result], _ phase: DFUPhase
  ) throws(DFUError) -> FirmwareImage {
    var image = FirmwareImage()
    for (piece, result) in zip(pieces, results) where !result.bytes.isEmpty {
      do throws(FirmwareError) {
        try image.insert(
          FirmwareImage.Segment(
            address: piece.range.lowerBound, bytes: result.bytes, origin: .device))
      } catch {
        throw DFUError(.internalFault, during: phase, sentence: error.sentence)
      }
    }
    return image
  }
}

extension TargetChoice {
  /// The image that goes to an alternate setting.
  func image(for setting: UInt8) -> FirmwareImage? {
    for assignment in assignments where assignment.target.alternateSetting == setting {
      if case .image(let image) = assignment.payload { return image }
    }
    return nil
  }
}

extension DFUError {
  /// The same error, and the certainty that nothing has been changed yet.
  var untouched: DFUError {
    var error = self
    error.condition = condition ?? MemoryCondition()
    return error
  }

  /// Whether the device is still there but does not want to be read.
  var isRefusal: Bool {
    switch code {
    case .refused, .stalled, .shortRead: true
    default: false
    }
  }
}
