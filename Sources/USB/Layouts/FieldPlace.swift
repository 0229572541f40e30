/// Where a field of a descriptor is, without its name and its bytes: what many of are found fast.
public struct FieldPlace: Hashable, Sendable {
  private var ownField: Int32
  private var ownIndex: Int32
  private var ownOffset: Int32
  private var ownLength: Int32
  private var ownSize: Int32

  init(field: Int, index: Int, offset: Int, length: Int, size: Int) {
    ownField = Int32(clamping: field)
    ownIndex = Int32(clamping: index)
    ownOffset = Int32(clamping: offset)
    ownLength = Int32(clamping: length)
    ownSize = Int32(clamping: size)
  }

  /// Which of ``DescriptorLayout/fields`` it is; nil for bytes behind the last of them.
  public var field: Int? { ownField < 0 ? nil : Int(ownField) }
  /// Which of several it is, in a repeated group, from 0; nil outside of one.
  public var index: Int? { ownIndex < 0 ? nil : Int(ownIndex) }
  /// Where it begins in the descriptor, in bytes.
  public var offset: Int { Int(ownOffset) }
  /// How many of its bytes are there.
  public var length: Int { Int(ownLength) }
  /// How many bytes it has.
  public var size: Int { Int(ownSize) }

  fileprivate func isOne(of fields: [Int32]) -> Bool { fields.contains(ownField) }
}

/// A step of decoding: an item whose counters are numbers of fields and not names.
struct LayoutStep: Sendable {
  enum Kind: Sendable {
    /// A field of `number` bytes.
    case fixed
    /// A field of as many bytes as a counter says.
    case counted
    /// A field of all bytes that are left but `number`.
    case rest
    /// The next `count` steps, as often as a counter says and `number` times more.
    case times
    /// The next `count` steps, as often as they fit.
    case untilEnd
    /// The next `count` steps, only where a counter is `value`, or only where it is not.
    case when, unless
  }

  var kind: Kind
  var field = -1
  var number = 0
  var count = 0
  var value: UInt64 = 0
  /// Which of the layout's counters it reads.
  var counter = -1
}

/// A layout as it is decoded.
struct LayoutProgram: Sendable {
  private(set) var fields: [DescriptorLayout.Field] = []
  private(set) var steps: [LayoutStep] = []
  /// The fields that have the name of each counter; the last of them that has come is the counter.
  private(set) var counters: [[Int32]] = []
  /// The places of the fields that every descriptor begins with, and how many bytes they take.
  private(set) var head: [FieldPlace] = []
  private(set) var headLength = 0

  init(_ items: [DescriptorLayout.Item]) {
    compile(items)
    for step in steps {
      guard step.kind == .fixed else { break }
      head.append(
        FieldPlace(
          field: step.field, index: -1, offset: headLength, length: step.number, size: step.number))
      headLength += step.number
    }
  }

  private mutating func compile(_ items: [DescriptorLayout.Item]) {
    for item in items {
      switch item {
      case .field(let field):
        var step = LayoutStep(kind: .fixed, field: fields.count)
        switch field.size {
        case .fixed(let size): step.number = size
        case .counted(let name): (step.kind, step.counter) = (.counted, counter(name))
        case .rest(let before): (step.kind, step.number) = (.rest, before)
        }
        steps.append(step)
        fields.append(field)
      case .group(let repetition, let items):
        let head = steps.count
        var step = LayoutStep(kind: .untilEnd)
        // A counter stands in front of what it counts.
        switch repetition {
        case .rest: break
        case .counted(let name, let plus):
          (step.kind, step.counter, step.number) = (.times, counter(name), plus)
        case .when(let name, let value):
          (step.kind, step.counter, step.value) = (.when, counter(name), value)
        case .unless(let name, let value):
          (step.kind, step.counter, step.value) = (.unless, counter(name), value)
        }
        steps.append(step)
        compile(items)
        steps[head].count = steps.count - head - 1
      }
    }
  }

  private mutating func counter(_ name: String) -> Int {
    counters.append(fields.indices.filter { fields[$0].name == name }.map { Int32($0) })
    return counters.count - 1
  }
}

extension DescriptorLayout {
  /// A descriptor is no longer than 255 bytes, but for Microsoft's, of 65535; that many fields are shown of one.
  static let mostFields = 4096

  /// Where the fields of a descriptor are, as far as its bytes go.
  ///
  /// - Parameter bytes: the descriptor, from its first byte to its last.
  /// - Returns: the fields; then the bytes that no field has, as one place without a field.
  public func places(in bytes: ArraySlice<UInt8>) -> [FieldPlace] {
    var places: [FieldPlace] = []
    places.reserveCapacity(fields.count)
    findPlaces(in: bytes, appendingTo: &places)
    return places
  }

  /// As ``places(in:)``, behind what is there already: no memory is asked for where many are decoded.
  public func findPlaces(in bytes: ArraySlice<UInt8>, appendingTo places: inout [FieldPlace]) {
    var decoder = PlaceDecoder(bytes: bytes, first: places.count, counters: program.counters)
    var start = 0
    if bytes.count >= program.headLength {
      places.append(contentsOf: program.head)
      decoder.position += program.headLength
      start = program.head.count
    }
    decoder.run(program.steps, start..<program.steps.count, index: -1, &places)
    decoder.finish(&places)
  }
}

private struct PlaceDecoder {
  let bytes: ArraySlice<UInt8>
  /// How many places of other descriptors stand before those of this one.
  let first: Int
  let counters: [[Int32]]
  private let start: Int
  private let end: Int
  var position: Int

  init(bytes: ArraySlice<UInt8>, first: Int, counters: [[Int32]]) {
    self.bytes = bytes
    self.first = first
    self.counters = counters
    (start, end) = (bytes.startIndex, bytes.endIndex)
    position = start
  }

  mutating func run(
    _ steps: [LayoutStep], _ range: Range<Int>, index: Int, _ places: inout [FieldPlace]
  ) {
    var at = range.lowerBound
    while at < range.upperBound, position < end,
      places.count - first < DescriptorLayout.mostFields
    {
      let step = steps[at]
      let body = at + 1..<at + 1 + step.count
      at = body.upperBound
      switch step.kind {
      case .fixed: put(step.field, step.number, index, &places)
      case .counted:
        put(step.field, Int(clamping: number(step.counter, places) ?? 0), index, &places)
      case .rest: put(step.field, max(0, end - position - step.number), index, &places)
      case .times:
        let (times, overflow) = Int(clamping: number(step.counter, places) ?? 0)
          .addingReportingOverflow(step.number)
        repeatSteps(steps, body, overflow ? .max : times, &places)
      case .untilEnd: repeatSteps(steps, body, .max, &places)
      case .when where number(step.counter, places) == step.value,
        .unless where number(step.counter, places) != step.value:
        run(steps, body, index: index, &places)
      case .when, .unless: break
      }
    }
  }

  private mutating func repeatSteps(
    _ steps: [LayoutStep], _ range: Range<Int>, _ times: Int, _ places: inout [FieldPlace]
  ) {
    var count = 0
    while count < times, position < end, places.count - first < DescriptorLayout.mostFields {
      let before = position
      run(steps, range, index: count, &places)
      // A group without bytes would come for ever.
      if position == before { return }
      count += 1
    }
  }

  private mutating func put(
    _ field: Int, _ size: Int, _ index: Int, _ places: inout [FieldPlace]
  ) {
    // One that begins behind the end is not there; whether it should be is told by the least length.
    guard size > 0, position < end else { return }
    let length = min(size, end - position)
    places.append(
      FieldPlace(
        field: field, index: index, offset: position - start, length: length, size: size))
    position += length
  }

  private func number(_ counter: Int, _ places: [FieldPlace]) -> UInt64? {
    var at = places.count
    while at > first {
      at -= 1
      guard places[at].isOne(of: counters[counter]) else { continue }
      return places[at].number(in: bytes)
    }
    return nil
  }

  mutating func finish(_ places: inout [FieldPlace]) {
    guard position < end else { return }
    places.append(
      FieldPlace(
        field: -1, index: -1, offset: position - start, length: end - position,
        size: end - position))
  }
}

extension FieldPlace {
  /// Its number, least significant byte first.
  ///
  /// - Parameter bytes: the descriptor in which it is.
  /// - Returns: nil where bytes are missing, or are more than eight.
  public func number(in bytes: ArraySlice<UInt8>) -> UInt64? {
    guard length == size, (1...8).contains(size) else { return nil }
    let begin = bytes.startIndex + offset
    guard begin + length <= bytes.endIndex else { return nil }
    if length == 1 { return UInt64(bytes[begin]) }
    if length == 2 { return UInt64(bytes[begin]) | UInt64(bytes[begin + 1]) << 8 }
    var number: UInt64 = 0
    for at in stride(from: begin + length - 1, through: begin, by: -1) {
      number = number << 8 | UInt64(bytes[at])
    }
    return number
  }
}
