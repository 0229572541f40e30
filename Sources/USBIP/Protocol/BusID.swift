/// The name by which a server knows a device, for example `1-1`: at most 31 printable characters of ASCII
/// (`busid` in `usbip_common.h`).
public struct BusID: Hashable, Sendable, CustomStringConvertible {
  /// The characters.
  public let text: String

  /// How many bytes the field has, with the NUL behind the text.
  static let fieldLength = 32

  /// A name; nil where the text is empty, longer than 31 bytes, or not printable ASCII without spaces.
  public init?(_ text: some StringProtocol) {
    guard (1..<BusID.fieldLength).contains(text.utf8.count),
      text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
    else { return nil }
    self.text = String(text)
  }

  /// The name in a field of 32 bytes; nil where there is no NUL or the text is not one.
  init?(field: [UInt8]) {
    guard let end = field.firstIndex(of: 0) else { return nil }
    self.init(String(decoding: field[..<end], as: UTF8.self))
  }

  /// The field of 32 bytes.
  var field: [UInt8] { BigEndianBytes.padded(text, to: BusID.fieldLength) }

  /// The characters.
  public var description: String { text }
}
