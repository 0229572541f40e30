internal import DFU
internal import USB

/// Reads ranges of memory of a DfuSe device (facts 2.5).
///
/// Set Address Pointer, DFU_ABORT, DFU_GETSTATUS = dfuIDLE, DFU_UPLOAD 2, 3, 4…, DFU_ABORT; no
/// DFU_GETSTATUS between the uploads. Where the next range lies a whole number of blocks ahead, the
/// block number jumps and no new Set Address is needed. A piece may carry what is going to be written
/// there: then it is read only until the first byte that proves that it must be erased.
public struct ReadEngine: DFUEngine {
  /// One range to read.
  public struct Piece: Hashable, Sendable {
    /// The addresses.
    public var range: Range<UInt64>
    /// What will be written to all of it: reading stops at the first byte that differs and is not
    /// erased, because that byte proves that the sector must be erased. Nil reads everything.
    public var expected: [UInt8]?
    /// What an erased byte holds.
    public var erased: UInt8

    /// A range to read.
    public init(_ range: Range<UInt64>, expected: [UInt8]? = nil, erased: UInt8 = 0xFF) {
      self.range = range
      self.expected = expected
      self.erased = erased
    }
  }

  /// What came of one piece.
  public struct Result: Hashable, Sendable {
    /// The bytes from the start of the range on: all of them, or those up to the proof.
    public var bytes: [UInt8] = []
    /// Whether reading stopped because the piece must be erased.
    public var mustErase = false
  }

  /// Where the engine is.
  public enum Step: Hashable, Sendable {
    /// Set Address Pointer.
    case pointing
    /// DFU_ABORT, to get from dfuDNLOAD-IDLE or dfuUPLOAD-IDLE to dfuIDLE.
    case aborting
    /// DFU_GETSTATUS, which must say dfuIDLE.
    case checking
    /// A pause, because the device is busy where it should be in dfuIDLE.
    case pausing(Duration)
    /// The pause is under way.
    case waiting
    /// DFU_UPLOAD.
    case uploading
    /// DFU_ABORT, because the next piece needs another Set Address Pointer.
    case leavingUpload
    /// DFU_GETSTATUS, to learn why an upload was refused.
    case diagnosing
    /// DFU_ABORT, the last request.
    case ending
    /// Everything is read.
    case done
  }

  /// Where the engine is.
  public private(set) var step: Step
  /// What came of each piece, in their order.
  public private(set) var output: [Result]
  /// The device did not take the last DFU_ABORT: its state is not known.
  public private(set) var endsUncertain = false
  /// How many requests may be outstanding at once.
  public var window: Int { link.window }

  private struct Upload: Hashable {
    var token: Token
    var piece: Int
    var offset: Int
    var length: Int
  }

  private let pieces: [Piece]
  private let link: DFULink
  private let phase: DFUPhase
  /// The next byte to ask for.
  private var piece = 0
  private var offset = 0
  /// The address of block 2.
  private var pointer: UInt64 = 0
  private var exchange: Exchange?
  private var token: Token?
  private var uploads: [Upload] = []
  /// Blocks that came before those in front of them.
  private var early: [Upload: [UInt8]] = [:]
  private var failure: DFUError?
  private var isCancelled = false
  private var bytesRead: UInt64 = 0
  private var busyAnswers = 0
  private var waited = Duration.zero
  private var tokens = TokenSource()

  /// An engine for pieces.
  ///
  /// - Parameters:
  ///   - pieces: what is read, in this order; `expected` has as many bytes as its range.
  ///   - link: the way to the device.
  ///   - phase: what errors say was being done.
  /// - Throws: ``DFUError`` with `.badAddress` where an address does not fit the wire.
  public init(_ pieces: [Piece], link: DFULink, during phase: DFUPhase) throws(DFUError) {
    for piece in pieces where !piece.range.isEmpty {
      _ = try wire(piece.range.upperBound - 1, phase)
    }
    self.pieces = pieces
    self.link = link
    self.phase = phase
    output = pieces.map { _ in Result() }
    step = .done
    skipEmpty()
    if piece < pieces.count { try point() }
  }

  private var address: UInt64 { pieces[piece].range.lowerBound + UInt64(offset) }

  /// How far it is.
  public var progress: EngineProgress {
    EngineProgress(done: bytesRead, address: piece < pieces.count ? address : nil)
  }

  private mutating func point() throws(DFUError) {
    pointer = address
    exchange = try Exchange(settingAddress: pointer, phase: phase, link: link)
    step = .pointing
  }

  private mutating func skipEmpty() {
    while piece < pieces.count, offset >= pieces[piece].range.count {
      piece += 1
      offset = 0
    }
  }

  // MARK: Actions

  /// The next action; nil while an event must come first.
  public mutating func next() -> DFUAction? {
    switch step {
    case .done: return .finish
    case .pointing: return exchange?.next(&tokens)
    case .aborting, .leavingUpload, .ending:
      guard token == nil, uploads.isEmpty else { return nil }
      return link.bare(.abort, take())
    case .checking, .diagnosing:
      guard token == nil, uploads.isEmpty else { return nil }
      return link.getStatus(take())
    case .pausing(let duration):
      step = .waiting
      return .wait(duration)
    case .waiting: return nil
    case .uploading: return nextUpload()
    }
  }

  private mutating func take() -> Token {
    let token = tokens.take()
    self.token = token
    return token
  }

  private mutating func nextUpload() -> DFUAction? {
    guard uploads.count < link.window else { return nil }
    guard failure == nil, !isCancelled, piece < pieces.count else {
      step = failure?.code == .stalled ? .diagnosing : .ending
      return next()
    }
    let (distance, isInFront) = address.subtractingReportingOverflow(pointer)
    let size = UInt64(link.transferSize)
    guard !isInFront, distance.isMultiple(of: size),
      distance / size + 2 <= UInt64(WriteEngine.lastBlock)
    else {
      step = .leavingUpload
      return next()
    }
    let length = min(link.transferSize, pieces[piece].range.count - offset)
    let upload = Upload(token: tokens.take(), piece: piece, offset: offset, length: length)
    uploads.append(upload)
    offset += length
    let action = link.upload(
      upload.token, block: UInt16(truncatingIfNeeded: distance / size + 2), length: length)
    skipEmpty()
    return action
  }

  // MARK: Events

  /// Takes what became of an action.
  public mutating func handle(_ event: DFUEvent) throws(DFUError) {
    switch event {
    case .cancelRequested: isCancelled = true
    case .waited where step == .waiting: step = .checking
    case .received(let token, let bytes) where token == self.token:
      self.token = nil
      try takeStatus(try response(bytes, phase, address: place))
    case .sent(let token) where token == self.token:
      self.token = nil
      try takeAbort()
    case .failed(let token, let error) where token == self.token:
      self.token = nil
      try takeFailure(error)
    case .received(let token, let bytes):
      if let index = uploads.firstIndex(where: { $0.token == token }) {
        takeUpload(uploads.remove(at: index), bytes)
      } else {
        try takeExchange(event)
      }
    case .failed(let token, let error):
      if let index = uploads.firstIndex(where: { $0.token == token }) {
        let upload = uploads.remove(at: index)
        if failure == nil {
          failure = DFUError(error, during: phase, address: address(of: upload))
        }
        guard error.code == .stall || !uploads.isEmpty else { throw failure ?? unknown }
      } else {
        try takeExchange(event)
      }
    default: try takeExchange(event)
    }
  }

  /// What is being read, for errors.
  private var place: UInt64 {
    failure?.address ?? (piece < pieces.count ? address : pointer)
  }

  private var unknown: DFUError { DFUError(.internalFault, during: phase) }

  private func address(of upload: Upload) -> UInt64 {
    pieces[upload.piece].range.lowerBound + UInt64(upload.offset)
  }

  private mutating func takeExchange(_ event: DFUEvent) throws(DFUError) {
    guard step == .pointing, try exchange?.handle(event) != nil else { return }
    exchange = nil
    step = .aborting
  }

  private mutating func takeAbort() throws(DFUError) {
    switch step {
    case .aborting:
      step = link.noStatusWhileUploading ? .uploading : .checking
      if isCancelled { throw DFUError(.cancelled, during: phase, state: .dfuIdle) }
    case .leavingUpload: try point()
    case .ending:
      if let failure { throw failure }
      if isCancelled, piece < pieces.count {
        throw DFUError(.cancelled, during: phase, address: address, state: .dfuIdle)
      }
      step = .done
    default: break
    }
  }

  private mutating func takeStatus(_ answer: GetStatusResponse) throws(DFUError) {
    if step == .diagnosing {
      guard var failure else { return }
      if answer.state == .dfuError {
        failure = DFUError(refusal: answer, during: phase, address: failure.address)
        // DfuSe ROMs answer errVENDOR while read-out protection is on (facts 2.7).
        if answer.status == .errVendor { failure.code = .readProtected }
      }
      throw failure
    }
    if answer.state.isBusy {
      // Not after DFU_ABORT, by the table; a device that says so is given the time it asks for.
      try wait(answer)
      return
    }
    guard answer.state == .dfuIdle else {
      throw answer.state == .dfuError
        ? DFUError(refusal: answer, during: phase, address: pointer)
        : DFUError(
          .unexpectedState, during: phase, address: pointer, status: answer.status,
          state: answer.state, stringIndex: answer.stringIndex)
    }
    step = .uploading
  }

  private mutating func wait(_ answer: GetStatusResponse) throws(DFUError) {
    busyAnswers += 1
    guard waited < Patience.block.total, busyAnswers <= Patience.block.answers else {
      throw DFUError(
        .stillBusy, during: phase, address: pointer, status: answer.status, state: answer.state,
        stringIndex: answer.stringIndex)
    }
    let pause = max(link.pause(answer), Exchange.backoff(busyAnswers))
    waited += pause
    step = pause > .zero ? .pausing(pause) : .checking
  }

  private mutating func takeFailure(_ error: TransferError) throws(DFUError) {
    guard step == .ending, failure == nil, error.code == .stall || error.code == .timeout else {
      throw failure ?? DFUError(error, during: phase, address: pointer)
    }
    endsUncertain = true
    if isCancelled, piece < pieces.count { throw DFUError(.cancelled, during: phase) }
    step = .done
  }

  private mutating func takeUpload(_ upload: Upload, _ bytes: [UInt8]) {
    guard failure == nil else { return }
    guard bytes.count == upload.length else {
      failure = DFUError(
        .shortRead, during: phase, address: address(of: upload) + UInt64(bytes.count),
        sentence: "While \(phase.words) at \(addressText(address(of: upload))) the device gave "
          + "\(bytes.count) of \(upload.length) bytes.",
        help: "The memory may be smaller than its map says; read a shorter range.")
      return
    }
    if upload.offset != output[upload.piece].bytes.count {
      early[upload] = bytes
      return
    }
    append(bytes, to: upload.piece)
    while !early.isEmpty,
      let follower = early.keys.first(where: {
        $0.piece == upload.piece && $0.offset == output[$0.piece].bytes.count
      }), let bytes = early.removeValue(forKey: follower)
    {
      append(bytes, to: follower.piece)
    }
  }

  private mutating func append(_ bytes: [UInt8], to index: Int) {
    guard !output[index].mustErase else { return }
    bytesRead += UInt64(bytes.count)
    let start = output[index].bytes.count
    if start == 0 {
      // What is asked for is not yet what comes: room for a large part of it is enough.
      output[index].bytes.reserveCapacity(min(pieces[index].range.count, 16 << 20))
    }
    output[index].bytes += bytes
    let erased = pieces[index].erased
    guard let expected = pieces[index].expected, expected.count >= start + bytes.count,
      !sameBytes(bytes[...], expected[start..<start + bytes.count]),
      !holdsOnly(erased, bytes[...])
    else { return }
    for (place, byte) in bytes.enumerated()
    where byte != erased && byte != expected[start + place] {
      output[index].mustErase = true
      early = early.filter { $0.key.piece != index }
      bytesRead += UInt64(pieces[index].range.count - output[index].bytes.count)
      if piece == index {
        piece += 1
        offset = 0
        skipEmpty()
      }
      return
    }
  }
}
