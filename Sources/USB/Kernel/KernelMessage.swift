/// A line of Linux's log about USB, and what it means (`drivers/usb/core/hub.c`, `config.c`, `message.c` of 6.12).
public struct KernelMessage: Hashable, Sendable {
  /// When, in microseconds since the system began; nil where the line does not say.
  public var time: UInt64?
  /// The line without its head: `usb 1-2: device descriptor read/64, error -71`.
  public var text: String
  /// The device that it is about; nil where it names none. A hub's port is the path of what is plugged in there.
  public var path: PortPath?

  /// The longest line that is read: what `/dev/kmsg` gives at most (`CONSOLE_EXT_LOG_MAX`).
  public static let longest = 8192

  /// Reads a line as `/dev/kmsg` or `dmesg` write it; nil for one that is not about USB.
  ///
  /// - Parameter line: `6,1234,5678901,-;usb 1-2: …` or `[    5.678901] usb 1-2: …`, without its end.
  public init?(_ line: some StringProtocol) {
    guard line.utf8.count <= Self.longest else { return nil }
    var rest = line[...]
    if rest.first == "[", let end = rest.firstIndex(of: "]") {
      time = Self.microseconds(rest[rest.index(after: rest.startIndex)..<end])
      rest = rest[rest.index(after: end)...]
    } else if rest.first?.isNumber == true, let semicolon = rest.firstIndex(of: ";") {
      let head = rest[..<semicolon].split(separator: ",")
      guard head.count >= 3 else { return nil }
      time = UInt64(head[2])
      rest = rest[rest.index(after: semicolon)...]
    }
    text = String(rest.drop { $0 == " " })
    guard let colon = text.firstRange(of: ": ") else { return nil }
    let words = text[..<colon.lowerBound].split(separator: " ")
    guard words.count == 2, ["usb", "hub"].contains(words[0]) || words[1].contains(":"),
      let path = Self.path(words[1])
    else { return nil }
    self.path = path
  }

  private static func microseconds(_ text: some StringProtocol) -> UInt64? {
    let halves = text.split(separator: ".")
    guard halves.count == 2, halves[1].count == 6,
      let seconds = UInt64(halves[0].drop { $0 == " " }), let fraction = UInt64(halves[1]),
      seconds < 1 << 40
    else { return nil }
    return seconds * 1_000_000 + fraction
  }

  /// `1-2.3`, `1-2:1.0`, `usb1-port2`, `1-2-port3`.
  private static func path(_ name: some StringProtocol) -> PortPath? {
    let device = name.prefix { $0 != ":" }
    if let port = device.firstRange(of: "-port") {
      guard var hub = PortPath(String(device[..<port.lowerBound])),
        let number = UInt8(device[port.upperBound...]), number > 0
      else { return nil }
      hub.ports.append(number)
      return hub
    }
    return PortPath(String(device))
  }

  /// What it means, and what helps where something does; nil for a line that says enough by itself.
  public var words: String? {
    guard let colon = text.firstRange(of: ": ") else { return nil }
    let message = text[colon.upperBound...]
    guard let known = Self.meanings.first(where: { message.contains($0.mark) }) else { return nil }
    guard known.hasError, let error = Self.error(in: message) else { return known.words }
    return "\(known.words): \(Self.words(ofError: error))"
  }

  private struct Meaning {
    var mark: String
    var words: String
    var hasError = false

    init(_ mark: String, _ words: String, hasError: Bool = false) {
      self.mark = mark
      self.words = words
      self.hasError = hasError
    }
  }

  /// Of two that fit, the first counts.
  private static let meanings: [Meaning] = [
    Meaning(
      "device descriptor read/64, error", "the first look at the device descriptor failed",
      hasError: true),
    Meaning(
      "device descriptor read/8, error",
      "the first eight bytes of the device descriptor did not come", hasError: true),
    Meaning(
      "device descriptor read/all, error", "the whole device descriptor did not come",
      hasError: true),
    Meaning("device not accepting address", "SET_ADDRESS failed", hasError: true),
    Meaning(
      "can't read configurations, error",
      "a configuration did not come, so the whole device is refused", hasError: true),
    Meaning("can't set config", "the device refuses its configuration", hasError: true),
    Meaning(
      "unable to enumerate USB device",
      "all tries have failed; the port is left alone until something is plugged in anew"),
    Meaning(
      "attempt power cycle", "half of the tries have failed; the port is switched off and on"),
    Meaning(
      "Cannot enable. Maybe the USB cable is bad?",
      "the port cannot be enabled: cable, plug, or too little power"),
    Meaning("couldn't allocate usb_device", "all addresses of the bus are taken"),
    Meaning(
      "unable to get BOS descriptor",
      "it says USB 2.01 or more and has no BOS; it works all the same", hasError: false),
    Meaning("not running at top speed", "it could be faster: hub or cable hold it back"),
    Meaning(
      "language id specifier not provided",
      "its list of languages makes no sense; strings are read in English"),
    Meaning("string descriptor 0", "its list of languages does not come", hasError: true),
    Meaning(
      "insufficient available bus power",
      "it wants more current than the port gives; a hub with power of its own helps"),
    Meaning("no configuration chosen", "no configuration fits; it stays without drivers"),
    Meaning("over-current condition", "too much current is drawn; the port is off"),
    Meaning("over-current change", "too much current was drawn"),
    Meaning(
      "device firmware changed", "after a reset it has other descriptors: it has changed its mode"),
    Meaning(
      "has an invalid descriptor of length",
      "a length in its configuration leads nowhere; what follows is ignored"),
    Meaning("has an invalid interface number", "its interfaces are not numbered from 0 on"),
    Meaning("has no interface number", "its interfaces are not numbered from 0 on"),
    Meaning("excess byte", "bytes are left behind its last descriptor"),
    Meaning("descriptor too short", "less came than wTotalLength says"),
    Meaning("has duplicate endpoint", "two endpoints have one address; the second is ignored"),
    Meaning(
      "duplicate endpoint with address", "two endpoints have one address; the second is ignored"),
    Meaning("invalid maxpacket", "an endpoint has packets of a size that its speed does not know"),
    Meaning("has wMaxPacketSize 0", "an endpoint has packets without bytes"),
    Meaning("did not claim interface", "a program uses an interface without having claimed it"),
    Meaning("usbfs: USBDEVFS_CONTROL failed", "a program's request was not answered well"),
    Meaning("Manufacturer:", "its maker, in its own words"),
    Meaning("SerialNumber:", "its serial number"),
    Meaning("Product:", "its name, in its own words"),
    Meaning("New USB device found", "it has been read and is known"),
    Meaning("New USB device strings", "which strings it has"),
    Meaning("USB disconnect", "it is gone: pulled out, or it has let go of the bus"),
    Meaning("reset ", "it is reset, and keeps its address"),
    Meaning(
      "USB device number", "something new is plugged in: it has been reset and gets this address"),
    Meaning("USB hub found", "it is a hub"),
    Meaning("ports detected", "the hub says how many ports it has"),
  ]

  /// The number behind `error`.
  private static func error(in message: Substring) -> Int? {
    guard let mark = message.firstRange(of: "error") else { return nil }
    let digits = message[mark.upperBound...].drop { $0 == ":" || $0 == " " }
    let number = digits.prefix { $0 == "-" || $0.isNumber }
    return number.count < 8 ? Int(number) : nil
  }

  /// What an error number of Linux means for USB (Documentation/driver-api/usb/error-codes.rst).
  public static func words(ofError error: Int) -> String {
    switch error {
    case -71:
      "the device did not answer, or its packets are broken; cable, power, or firmware that crashed"
    case -110: "the device did not answer in time; firmware that hangs, or too little power"
    case -32: "the device refuses it (stall)"
    case -75: "more came back than was asked for"
    case -84: "the packets are broken; cable or interference"
    case -62: "the bus did not answer in time"
    case -19: "the device is no longer there"
    case -61: "what came is no such descriptor"
    case -90: "what came is too short"
    case -22: "what came makes no sense"
    case -121: "less came than was asked for"
    case -2, -104: "the transfer was taken back"
    case -108: "the device or its controller is shut down"
    case -12: "no memory, or no bandwidth left"
    case -28: "no bandwidth left on the bus"
    default: "error \(error)"
    }
  }
}
