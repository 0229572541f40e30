public import Captures
internal import DFU
internal import USB

/// What a capture tells: `dfu usb capture`.
public struct CaptureReport: Encodable, Hashable, Sendable {
  /// A device of the capture.
  public struct Device: Encodable, Hashable, Sendable {
    /// `BUS.ADDRESS`, as Wireshark writes it.
    public var place: String
    /// `VVVV:PPPP`; absent where the capture does not have its device descriptor.
    public var ids: String?
    /// The name of its maker.
    public var manufacturer: String?
    /// Its own name.
    public var product: String?
    /// Its serial number.
    public var serialNumber: String?
    /// What it is, by its classes.
    public var classes: String?
    /// Its memories, as its interfaces name them.
    public var memories: [String]
  }

  /// Something that happened.
  public struct Step: Encodable, Hashable, Sendable {
    /// Whose, as `BUS.ADDRESS`.
    public var device: String
    /// When it began, in seconds since the first packet.
    public var start: Double
    /// How long it took, in seconds.
    public var seconds: Double
    /// The first and the last packet of it, as Wireshark counts them.
    public var packets: [Int]
    /// How many transfers it was.
    public var transfers: Int
    /// What it was: a stable word.
    public var kind: String
    /// What it was, in words.
    public var text: String
    /// The first address, where it is about memory.
    public var address: UInt64?
    /// How many bytes, where it is about some.
    public var bytes: Int?
    /// The state in which the device was left, where it told.
    public var state: String?
    /// What went wrong; absent where nothing did.
    public var problem: Problem?
    /// Whether the capture lacks bytes of it.
    public var isTruncated: Bool
  }

  /// What went wrong.
  public struct Problem: Encodable, Hashable, Sendable {
    /// What: a stable word.
    public var kind: String
    /// What, in a sentence without its end.
    public var text: String
  }

  /// A transfer, for who wants to see each.
  public struct Transfer: Encodable, Hashable, Sendable {
    /// Its packets, as Wireshark counts them.
    public var packets: [Int]
    /// Whose, as `BUS.ADDRESS`.
    public var device: String
    /// When it began, in seconds since the first packet.
    public var start: Double
    /// How long it took, in seconds; absent where the capture does not have its end.
    public var seconds: Double?
    /// The endpoint, two hexadecimal digits.
    public var endpoint: String
    /// `control`, `bulk`, `interrupt` or `isochronous`.
    public var type: String
    /// The setup packet, in hexadecimal digits.
    public var setup: String?
    /// `in` or `out`.
    public var direction: String
    /// How many bytes the capture has of it.
    public var bytes: Int
    /// The first of them, in hexadecimal digits.
    public var data: String
    /// How it ended; absent where the capture does not have that.
    public var status: String?
    /// Whether it went well.
    public var isDone: Bool
    /// Whether it was put in by whoever captured.
    public var isInjected: Bool
  }

  /// The name and version of this document's shape.
  public var schema = "dfu.capture/1"
  /// The file.
  public var file: String
  /// `pcap` or `pcapng`.
  public var format: String
  /// What its packets are.
  public var linkTypes: [String]
  /// The program that captured.
  public var program: String?
  /// How many packets there are.
  public var packets: Int
  /// How many of them are about no transfer.
  public var otherPackets: Int
  /// Where the packet begins that was cut off; absent where the file is whole.
  public var cutOffset: Int?
  /// From the first packet to the last, in seconds.
  public var seconds: Double
  /// The devices.
  public var devices: [Device]
  /// What happened, in order.
  public var steps: [Step]
  /// How many transfers there are.
  public var transferCount: Int
  /// Each transfer, where that is asked for.
  public var transfers: [Transfer]?

  /// The report of a capture.
  ///
  /// - Parameters:
  ///   - capture: the file.
  ///   - file: its name.
  ///   - isVerbose: whether each transfer is told.
  public init(_ capture: CaptureFile, file: String, isVerbose: Bool = false) {
    let all = capture.transfers
    let story = CaptureStory(all)
    self.file = file
    format = capture.format.rawValue
    linkTypes = capture.linkTypes.map(\.name)
    program = capture.program
    packets = capture.packetCount
    otherPackets = capture.otherPackets
    cutOffset = capture.cutOffset
    seconds = Self.seconds(story.nanoseconds)
    devices = story.devices.map { Device($0) }
    steps = story.steps.map { Step($0, of: story.devices[$0.device]) }
    transferCount = all.count
    let origin = all.map(\.nanoseconds).min() ?? 0
    transfers = isVerbose ? all.map { Transfer($0, origin: origin) } : nil
  }

  static func seconds(_ nanoseconds: Int64) -> Double {
    (Double(nanoseconds) / 1000).rounded() / 1_000_000
  }
}

extension CaptureReport.Device {
  init(_ device: CapturedDevice) {
    place = device.place
    ids = device.ids
    manufacturer = device.manufacturerName
    product = device.productName
    serialNumber = device.serialNumber
    classes = device.classWords
    memories = device.memoryNames
  }
}

extension CaptureReport.Step {
  init(_ step: CaptureStory.Step, of device: CapturedDevice) {
    self.device = device.place
    start = CaptureReport.seconds(step.start)
    seconds = CaptureReport.seconds(step.end - step.start)
    packets = [step.packets.lowerBound, step.packets.upperBound]
    transfers = step.transfers
    kind = step.kind.word
    text =
      step.kind.words(of: device)
      + (step.kind.polls?.count == 0 && step.problem == nil ? "; its status was not asked for" : "")
    address = step.kind.address
    bytes = step.kind.byteCount
    state = step.kind.polls?.last?.state.description ?? step.kind.ownState
    problem = step.problem.map { CaptureReport.Problem(kind: $0.word, text: $0.words(of: device)) }
    isTruncated = step.isTruncated
  }
}

extension CaptureReport.Transfer {
  init(_ transfer: CapturedTransfer, origin: Int64) {
    packets = [transfer.packets.lowerBound, transfer.packets.upperBound]
    device = "\(transfer.bus).\(transfer.address)"
    start = CaptureReport.seconds(transfer.nanoseconds - origin)
    if let submitted = transfer.submitted, let ended = transfer.ended {
      seconds = CaptureReport.seconds(max(0, ended - submitted))
    }
    endpoint = hex(transfer.endpoint)
    type = transfer.kind.name
    setup = transfer.setup?.description
    direction = transfer.isIn ? "in" : "out"
    let data = transfer.isIn ? transfer.received : transfer.sent
    bytes = data.count
    self.data = data.prefix(32).map { hex($0) }.joined()
    status = transfer.status?.name
    isDone = transfer.status?.meaning == .success
    isInjected = transfer.isInjected
  }
}
