/// Where a USB/IP server is, and which of its devices is meant: `HOST[:PORT][/BUSID]`, behind `usbip://`.
public struct USBIPAddress: Hashable, Sendable, CustomStringConvertible {
  /// A name or an address; one of IPv6 without its brackets.
  public var host: String
  /// The TCP port.
  public var port: Int
  /// The device; nil means all that the server has.
  public var busID: BusID?

  /// The port that is registered for USB/IP.
  public static let standardPort = 3240

  /// An address from its parts.
  public init(host: String, port: Int = standardPort, busID: BusID? = nil) {
    self.host = host
    self.port = port
    self.busID = busID
  }

  /// Reads `HOST[:PORT][/BUSID]`; an address of IPv6 is in brackets.
  ///
  /// - Throws: ``USBIPAddressError`` with what is wrong.
  public init(_ text: some StringProtocol) throws(USBIPAddressError) {
    let halves = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let place = halves[0]
    busID = nil
    // A slash with nothing behind it is how many people end an address.
    if halves.count == 2, !halves[1].isEmpty {
      guard let name = BusID(halves[1]) else {
        throw USBIPAddressError(
          "“\(halves[1])” is no bus id: that is 1 to 31 printable characters, for example 1-1")
      }
      busID = name
    }
    let portText: Substring?
    if place.hasPrefix("[") {
      guard let end = place.firstIndex(of: "]") else {
        throw USBIPAddressError("the bracket before the address is not closed")
      }
      host = String(place[place.index(after: place.startIndex)..<end])
      let rest = place[place.index(after: end)...]
      guard rest.isEmpty || rest.hasPrefix(":") else {
        throw USBIPAddressError("a port follows a bracket with a colon, for example [::1]:3240")
      }
      portText = rest.isEmpty ? nil : Substring(rest.dropFirst())
    } else {
      let parts = place.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count <= 2 else {
        throw USBIPAddressError("an address of IPv6 stands in brackets, for example [::1]:3240")
      }
      host = String(parts[0])
      portText = parts.count == 2 ? Substring(parts[1]) : nil
    }
    guard !host.isEmpty else { throw USBIPAddressError("there is no host in it") }
    guard host.utf8.count <= 255, host.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
      !host.contains(where: { "[]".contains($0) })
    else {
      throw USBIPAddressError(
        "a host is up to 255 printable characters, none of them a space or a bracket")
    }
    port = Self.standardPort
    if let portText {
      guard portText.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(portText),
        (1...65535).contains(number)
      else { throw USBIPAddressError("“\(portText)” is no port: that is a number from 1 to 65535") }
      port = number
    }
  }

  /// `HOST[:PORT][/BUSID]`, without the port where it is the usual one.
  public var description: String {
    let bracketed = host.contains(":") ? "[\(host)]" : host
    let portText = port == Self.standardPort ? "" : ":\(port)"
    return bracketed + portText + (busID.map { "/\($0)" } ?? "")
  }

  /// Host and port, for sentences.
  var place: String { "\(host.contains(":") ? "[\(host)]" : host):\(port)" }
}

/// A text that is no address of a USB/IP server.
public struct USBIPAddressError: Error, Hashable {
  /// What is wrong, as a part of a sentence.
  public var reason: String

  init(_ reason: String) { self.reason = reason }
}
