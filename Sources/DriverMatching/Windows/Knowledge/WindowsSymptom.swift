/// What people see when ST's bootloader has another driver than their program needs, and what proves it.
public struct WindowsSymptom: Codable, Hashable, Sendable {
  /// What is seen.
  public var seen: String
  /// Why.
  public var cause: String
  /// What shows that it is so.
  public var proof: String
  /// The service that it comes with; nil where it does not depend on one.
  public var service: String?
  /// The problem code that it comes with; nil where it does not depend on one.
  public var problemCode: Int?
  /// How well it is known.
  public var evidence: Evidence

  /// The failure that it comes with; nil where it depends on none.
  public var failure: EnumerationFailure?

  /// Those that a decision leads to: about ST's bootloader, and about a device that was not enumerated.
  ///
  /// Where the device is seen is what the decision says.
  public static func of(_ decision: WindowsDecision) -> [WindowsSymptom] {
    let failure = decision.failure
    guard failure != nil || decision.isBootloader else { return [] }
    let service = decision.problemCode == 0 ? decision.binding?.service?.lowercased() : nil
    return all.filter { symptom in
      if let code = symptom.problemCode {
        return code == decision.problemCode && symptom.failure == failure
      }
      return symptom.service != nil && symptom.service?.lowercased() == service
    }.map { symptom in
      var symptom = symptom
      if symptom.service != nil, let binding = decision.binding, !binding.name.isEmpty {
        symptom.seen += " \"\(binding.name)\" is under \"\(binding.group)\"."
      }
      return symptom
    }
  }

  private static let reports = Evidence("reports of users", .seen)
  private static let known = Evidence("experience with ST's bootloader on Windows", .known)

  /// All of them.
  public static let all: [WindowsSymptom] = [
    WindowsSymptom(
      seen: "DfuSe Demo lists nothing.",
      cause: "It has WinUSB, and DfuSe Demo knows only STTub30.", proof: "Service = WINUSB",
      service: "WINUSB", evidence: reports),
    WindowsSymptom(
      seen:
        "STM32CubeProgrammer finds no DFU device and dfu-util none or LIBUSB_ERROR_NOT_SUPPORTED.",
      cause: "It has STTub30, which only ST's old programs know.", proof: "Service = STTub30",
      service: "STTub30", evidence: reports),
    WindowsSymptom(
      seen: "The device is under \"Other devices\" with Code 28.",
      cause: "No package in the store names it.", proof: "It has no Service.", problemCode: 28,
      evidence: reports),
    WindowsSymptom(
      seen: "Code 39 with STTub30.", cause: "Memory integrity blocks its file, or it was removed.",
      proof: "Windows Security, Device security, Core isolation", problemCode: 39, evidence: known),
    WindowsSymptom(
      seen: "\"Unknown USB Device (Device Descriptor Request Failed)\" with Code 43.",
      cause:
        "No matter of drivers: cable, BOOT0, crystal, VBUS, or the clock that the ROM guesses.",
      proof: "Its id is USB\\VID_0000&PID_0002.", problemCode: 43, evidence: reports,
      failure: .deviceDescriptor),
    WindowsSymptom(
      seen: "Nothing appears at all.",
      cause: "It is not in its bootloader, or the cable only charges.",
      proof: "There is no device node.", evidence: known),
    // These are seen of other devices than the one that a decision is about.
    WindowsSymptom(
      seen: "A COM port appears instead.", cause: "The application runs and not the bootloader.",
      proof: "The product is another: 0483:5740.", evidence: known),
    WindowsSymptom(
      seen: "A drive appears instead.", cause: "It is another bootloader, such as UF2.",
      proof: "Vendor and product are others.", evidence: known),
  ]
}
