#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// Addresses of the internet: one, or a network, `192.168.7.0/24` or `fd00::/8`.
public struct AddressRange: Hashable, Sendable, CustomStringConvertible {
  /// As it was typed.
  public let description: String
  private let bytes: [UInt8]
  private let length: Int

  /// Reads an address, with the length of a network's prefix or without; nil for anything else.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, let bytes = Self.bytes(String(parts[0])) else { return nil }
    var length = bytes.count * 8
    if parts.count == 2 {
      let isNumber = parts[1].utf8.allSatisfy { (0x30...0x39).contains($0) }
      guard isNumber, let number = Int(parts[1]), number <= length else { return nil }
      length = number
    }
    description = String(text)
    self.bytes = bytes
    self.length = length
  }

  /// Whether an address is one of these; a text that is no address is not.
  public func contains(_ address: String) -> Bool {
    guard let other = Self.bytes(address), other.count == bytes.count else { return false }
    for bit in 0..<length {
      let mask = UInt8(0x80) >> UInt8(bit % 8)
      guard bytes[bit / 8] & mask == other[bit / 8] & mask else { return false }
    }
    return true
  }

  /// The 4 or 16 bytes of an address. One of IPv4 inside IPv6 is one of IPv4: so a server that listens for both
  /// sees its clients.
  private static func bytes(_ text: String) -> [UInt8]? {
    var four = [UInt8](repeating: 0, count: 4)
    if inet_pton(AF_INET, text, &four) == 1 { return four }
    var sixteen = [UInt8](repeating: 0, count: 16)
    guard inet_pton(AF_INET6, text, &sixteen) == 1 else { return nil }
    let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
    return sixteen.starts(with: mapped) ? Array(sixteen.suffix(4)) : sixteen
  }
}
