import USB

/// A program that talks to USB devices on Windows, and what it needs to find one.
public struct WindowsProgram: Codable, Hashable, Sendable {
  /// Its name.
  public var name: String
  /// The services that it works with; without regard to case.
  public var services: [String]
  /// The device interfaces that it looks for; empty where any will do.
  public var interfaceGUIDs: [String]
  /// Where that is known from.
  public var evidence: Evidence

  /// The programs that matter to firmware and to bootloaders.
  public static let all: [WindowsProgram] = [
    WindowsProgram(
      name: "DfuSe Demo (STDFU.dll)", services: ["STTub30"],
      interfaceGUIDs: ["{3fe809ab-fb91-4cb5-a643-69670d52366e}"],
      evidence: Evidence("STtube.inf of DfuSe 3.0.6", .read)),
    WindowsProgram(
      name: "STM32CubeProgrammer", services: ["WINUSB"], interfaceGUIDs: [],
      evidence: Evidence("STM32Bootloader.inf of CubeProgrammer", .read)),
    WindowsProgram(
      name: "dfu-util, and others on libusb", services: ["WINUSB", "libusbK", "libusb0"],
      interfaceGUIDs: [], evidence: Evidence("libusb wiki, Windows", .known)),
    WindowsProgram(
      name: "dfu (not tried on Windows)", services: ["WINUSB", "libusbK", "libusb0"],
      interfaceGUIDs: [],
      evidence: Evidence("it is on libusb; never tried on Windows", .known)),
    WindowsProgram(
      name: "a browser (WebUSB)", services: ["WINUSB"], interfaceGUIDs: [],
      evidence: Evidence("Chromium, WebUSB on Windows", .known)),
    WindowsProgram(
      name: "a terminal (COM port)", services: ["usbser"], interfaceGUIDs: [],
      evidence: Evidence("Microsoft Learn, USB serial driver", .documented)),
  ]
}

/// Whether a program finds a device under the driver that it has.
public struct WindowsReach: Codable, Hashable, Sendable {
  /// The program.
  public var program: String
  /// Whether it finds the device.
  public var isReached: Bool
  /// Why, or why not: one sentence.
  public var sentence: String
  /// What that rests on.
  public var evidence: Evidence

  /// All programs, for what is installed; nil for a device without a driver.
  public static func of(_ binding: WindowsBinding?) -> [WindowsReach] {
    WindowsProgram.all.map { of($0, binding) }
  }

  private static func of(_ program: WindowsProgram, _ binding: WindowsBinding?) -> WindowsReach {
    func reach(_ isReached: Bool, _ sentence: String, _ evidence: Evidence) -> WindowsReach {
      WindowsReach(
        program: program.name, isReached: isReached, sentence: sentence, evidence: evidence)
    }
    let wanted = program.services.joined(separator: " or ")
    guard let binding, let service = binding.service, !service.isEmpty else {
      return reach(
        false, "There is no driver; it needs \(wanted).",
        Evidence("Microsoft Learn, CM_PROB_FAILED_INSTALL", .documented))
    }
    guard program.services.contains(where: { $0.lowercased() == service.lowercased() }) else {
      return reach(
        false, "The driver is \(service); it needs \(wanted).", program.evidence)
    }
    guard let first = program.interfaceGUIDs.first else {
      let guids = binding.interfaceGUIDs
      let found =
        guids.isEmpty || service.lowercased() != "winusb"
        ? "" : ", found by the interface \(listText(guids, "or"))"
      return reach(true, "The driver is \(service)\(found).", program.evidence)
    }
    let known = binding.node.interfaceGUIDs + binding.node.serviceGUIDs
    if let match = known.first(where: { value in
      program.interfaceGUIDs.contains { $0.lowercased() == value.text.lowercased() }
    }) {
      return reach(
        true, "The driver is \(service), and \(match.place) has its interface \(match.text).",
        Evidence(match.place, match.certainty))
    }
    if known.isEmpty {
      return reach(
        true,
        "The driver is \(service); its file shows no interface, and probably the driver brings \(first).",
        Evidence(program.evidence.source, .derived))
    }
    return reach(
      false,
      "The driver is \(service), but it looks for the interface \(first), and the file has "
        + "\(listText(known.prefix(8).map(\.text))).", Evidence(known[0].place, .read))
  }
}
