internal import DFU
public import Firmware
internal import USB

extension FlashPlan {
  /// Plans what to do to the device of `choice`, whose targets hold what a ``FlashSurvey`` has read.
  ///
  /// Contents that are not known are assumed to differ, so a plan without a survey is the dearest one.
  ///
  /// - Parameters:
  ///   - choice: which bytes go where, and what is there now.
  ///   - options: how to flash.
  ///   - selected: the alternate setting that the survey has left selected.
  /// - Throws: ``PlanError`` for an image that does not fit, or neighbours that cannot be kept.
  public init(
    _ choice: TargetChoice, options: FlashOptions = FlashOptions(), selected: UInt8? = nil
  ) throws(PlanError) {
    try FlashPlan.checkLeaveAddress(choice, options)
    var parts: [Part] = []
    for assignment in choice.assignments {
      switch assignment.payload {
      case .image(let image):
        try ImageCheck(target: assignment.target, others: choice.targets, force: options.force)
          .check(image)
        parts.append(try PartPlanner.plan(image, for: assignment.target, options))
      case .plain(let bytes):
        guard !bytes.isEmpty else {
          throw PlanError(.emptyImage, "The file holds no bytes.", help: "Check the file.")
        }
        guard assignment.target.canDownload else {
          throw PlanError(
            .cannotDownload,
            "\(assignment.target.described) does not take downloads (bitCanDnload is 0).",
            help: "It can be read with `dfu read`, if it allows that.")
        }
        try FlashPlan.checkPlain(assignment.target, options)
        var part = Part(target: assignment.target)
        part.download = PlainDownload(
          bytes: bytes, transferSize: assignment.target.transferSize)
        // Only a device that stays after manifestation can be asked for what it was given.
        if options.verify, assignment.target.canRead, assignment.target.manifestationTolerant {
          part.verify = [0..<UInt64(bytes.count)]
        }
        parts.append(part)
      }
    }
    guard !parts.isEmpty else {
      throw PlanError(.emptyImage, "There is nothing to write.", help: "Check the file.")
    }
    self.init(
      parts: parts, leave: LeaveDecision(choice, parts, options), notes: choice.notes,
      selected: selected)
    notes += FlashPlan.notes(on: parts, options)
  }

  /// Plans what to do to one alternate setting.
  ///
  /// - Parameters:
  ///   - image: what it shall hold.
  ///   - target: the alternate setting, with what was read of it.
  ///   - options: how to flash.
  /// - Throws: ``PlanError`` for an image that does not fit, or neighbours that cannot be kept.
  public init(
    _ image: FirmwareImage, for target: FlashTarget, options: FlashOptions = FlashOptions()
  ) throws(PlanError) {
    try self.init(TargetChoice(image, for: target), options: options)
  }

  /// Throws for a jump to where the device has no memory: Set Address Pointer would be refused when
  /// everything else is done (facts 2.7).
  static func checkLeaveAddress(
    _ choice: TargetChoice, _ options: FlashOptions
  ) throws(PlanError) {
    let maps = choice.targets.compactMap { $0.usableMap(force: options.force) }
    guard options.leave != .never, let address = options.leaveAddress, !maps.isEmpty,
      !maps.contains(where: { $0.sector(containing: address) != nil })
    else { return }
    throw PlanError(
      .doesNotFit,
      "The device cannot leave for \(addressText(address)): it has no memory there.",
      help: "Give the address of the program's vector table, or leave `--leave-address` away.",
      wanted: address..<address + 8)
  }

  /// Throws for wishes that a device without addresses has no request for: nothing is promised that
  /// is not done.
  private static func checkPlain(
    _ target: FlashTarget, _ options: FlashOptions
  ) throws(PlanError) {
    if options.erase == .all {
      throw PlanError(
        .notErasable, "\(target.described) has no command that erases it.",
        help: "Leave out `--erase all`; a download replaces what it holds.")
    }
    if let address = options.leaveAddress {
      throw PlanError(
        .addressUnexpected,
        "The device knows no addresses, so that it cannot leave for \(addressText(address)).",
        help: "Leave out `--leave-address`; it starts what it was sent by itself.")
    }
  }

  private static func notes(on parts: [Part], _ options: FlashOptions) -> [PlanNote] {
    var notes: [PlanNote] = []
    if options.leave == .never,
      parts.contains(where: { $0.download != nil && !$0.target.manifestationTolerant })
    {
      notes.append(
        PlanNote(
          "leaves-by-itself",
          "A device without addresses starts its program by itself; `--no-leave` cannot hold it."))
    }
    for part in parts where part.download == nil {
      let target = part.target
      if let obstacle = target.readObstacle, options.verify || options.differential {
        notes.append(
          PlanNote(
            "not-readable",
            "\(target.described) cannot be read (\(obstacle)), so nothing is compared or proved."))
      }
      if !part.optionBytes.isEmpty {
        notes.append(
          PlanNote(
            "option-bytes-reset",
            "Writing \(target.described) resets the part at once, so it is done last and not proved."
          ))
      }
      if options.erase == .all, part.target.kind.mayBeErased {
        notes.append(
          PlanNote("mass-erase", "Everything that \(target.described) holds is erased."))
      }
      if !part.discarded.isEmpty {
        notes.append(
          PlanNote(
            "neighbours-discarded",
            "\(byteCountText(UInt64(part.discarded.byteCount))) beside the image in its sectors are lost."
          ))
      }
    }
    return notes
  }
}

extension LeaveDecision {
  /// Where the device goes: to the program in the image if there is one, or as it was asked for.
  init(_ choice: TargetChoice, _ parts: [FlashPlan.Part], _ options: FlashOptions) {
    if parts.contains(where: { !$0.optionBytes.isEmpty }) {
      self = .resets
      return
    }
    if let part = parts.first(where: { $0.download != nil }) {
      self = part.target.manifestationTolerant && options.leave == .always ? .returns : .manifests
      return
    }
    if options.leave == .never {
      self = .stays(because: "it was asked to")
      return
    }
    if let address = options.leaveAddress {
      self = .leaves(at: address, because: "that address was given")
      return
    }
    var starts: [UInt64] = []
    for assignment in choice.assignments {
      guard case .image(let image) = assignment.payload, assignment.target.kind.mayBeErased else {
        continue
      }
      for extent in image.extents {
        starts.append(extent.lowerBound)
        if let table = VectorTable(in: image, at: extent.lowerBound),
          table.isPlausible(in: image)
        {
          self = .leaves(at: extent.lowerBound, because: "the vector table there is plausible")
          return
        }
      }
    }
    if options.leave == .always, let start = starts.min() {
      self = .leaves(at: start, because: "it was asked to")
    } else {
      self = .stays(
        because:
          "the image has no plausible vector table (a stack pointer in RAM and a reset vector "
          + "inside the image)")
    }
  }
}
