/// A sparse picture of memory: bytes at addresses, each piece knowing where it came from.
///
/// Segments are in ascending order of address, are never empty and never overlap; segments that touch
/// stay apart only where their origins differ.
public struct FirmwareImage: Hashable, Sendable {
  /// Where bytes came from: the place in the input that a person would look at.
  public enum Origin: Hashable, Sendable, CustomStringConvertible {
    /// An offset in a binary file.
    case offset(Int)
    /// A line of a text file, counted from 1.
    case line(Int)
    /// An element of a DfuSe target, both counted from 1.
    case element(target: Int, element: Int)
    /// A program segment of an ELF file, by its index, and the section that begins it.
    case elfSegment(index: Int, section: String?)
    /// A block of a UF2 file, by its number.
    case block(Int)
    /// Bytes that were read from a device.
    case device
    /// Bytes that this program put there, with the reason.
    case filler(String)

    /// The place in words, for example `line 12`.
    public var description: String {
      switch self {
      case .offset(let offset): "offset \(offset)"
      case .line(let line): "line \(line)"
      case .element(let target, let element): "target \(target), element \(element)"
      case .elfSegment(let index, let section):
        "segment \(index)\(section.map { " (\($0))" } ?? "")"
      case .block(let number): "block \(number)"
      case .device: "the device"
      case .filler(let reason): reason
      }
    }
  }

  /// Bytes at an address.
  public struct Segment: Hashable, Sendable {
    /// The address of the first byte.
    public var address: UInt64
    /// The bytes; never empty inside an image.
    public var bytes: [UInt8]
    /// Where they came from.
    public var origin: Origin

    /// A segment.
    public init(address: UInt64, bytes: [UInt8], origin: Origin) {
      self.address = address
      self.bytes = bytes
      self.origin = origin
    }

    /// The addresses of the bytes.
    public var range: Range<UInt64> { address..<address + UInt64(bytes.count) }
  }

  /// The pieces, ascending, never overlapping.
  public private(set) var segments: [Segment] = []
  /// Where execution begins, as the file says it; bit 0 is the Thumb bit on Arm.
  public var entryPoint: UInt64?

  /// An empty image.
  public init() {}

  // The implementation of insertion, merging, slicing and comparison belongs to the Firmware slice.
}
