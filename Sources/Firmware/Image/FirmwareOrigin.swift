extension FirmwareImage {
  /// Where bytes came from: the place in the input that a person would look at.
  public enum Origin: Hashable, Sendable, CustomStringConvertible {
    /// An offset in a binary file.
    case offset(Int)
    /// A line of a text file, counted from 1.
    case line(Int)
    /// Lines of a text file that follow each other in memory, counted from 1.
    case lines(ClosedRange<Int>)
    /// An element of a DfuSe target, both counted from 1.
    case element(target: Int, element: Int)
    /// A program segment of an ELF file, by its index, and the section that begins it.
    case elfSegment(index: Int, section: String?)
    /// A block of a UF2 file, by its number in the file, counted from 0.
    case block(Int)
    /// Blocks of a UF2 file that follow each other in memory.
    case blocks(ClosedRange<Int>)
    /// Bytes that were read from a device.
    case device
    /// Bytes that this program put there, with the reason.
    case filler(String)

    /// The place in words, for example `line 12`.
    public var description: String {
      switch self {
      case .offset(let offset): "offset \(offset)"
      case .line(let line): "line \(line)"
      case .lines(let lines): "lines \(lines.lowerBound) to \(lines.upperBound)"
      case .element(let target, let element): "target \(target), element \(element)"
      case .elfSegment(let index, let section):
        "segment \(index)\(section.map { " (\($0))" } ?? "")"
      case .block(let number): "block \(number)"
      case .blocks(let numbers): "blocks \(numbers.lowerBound) to \(numbers.upperBound)"
      case .device: "the device"
      case .filler(let reason): reason
      }
    }

    /// The origin of bytes that begin `count` bytes later.
    func advanced(by count: Int) -> Origin {
      if case .offset(let offset) = self { return .offset(offset + count) }
      return self
    }

    /// One origin for bytes of this origin, `count` of them, and touching bytes of `next` behind
    /// them; nil when they have to stay apart.
    func continued(by next: Origin, after count: Int) -> Origin? {
      switch (self, next) {
      case (.offset(let here), .offset(let there)):
        return there == here + count ? self : nil
      case (.line, _), (.lines, _):
        return next.lineRange.flatMap { other in
          lineRange.map { .lines($0.united(with: other)).simplified }
        }
      case (.block, _), (.blocks, _):
        return next.blockRange.flatMap { other in
          blockRange.map { .blocks($0.united(with: other)).simplified }
        }
      default:
        return self == next ? self : nil
      }
    }

    /// The place that an error about these bytes points at.
    var place: FirmwareError.Place? {
      switch self {
      case .offset(let offset): .offset(offset)
      case .line(let line): .line(line)
      case .lines(let lines): .line(lines.lowerBound)
      default: nil
      }
    }

    private var simplified: Origin {
      switch self {
      case .lines(let range) where range.count == 1: .line(range.lowerBound)
      case .blocks(let range) where range.count == 1: .block(range.lowerBound)
      default: self
      }
    }

    private var lineRange: ClosedRange<Int>? {
      switch self {
      case .line(let line): line...line
      case .lines(let lines): lines
      default: nil
      }
    }

    private var blockRange: ClosedRange<Int>? {
      switch self {
      case .block(let number): number...number
      case .blocks(let numbers): numbers
      default: nil
      }
    }
  }
}

extension ClosedRange<Int> {
  fileprivate func united(with other: ClosedRange<Int>) -> ClosedRange<Int> {
    Swift.min(lowerBound, other.lowerBound)...Swift.max(upperBound, other.upperBound)
  }
}
