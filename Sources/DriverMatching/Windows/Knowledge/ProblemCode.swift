/// A number that Device Manager shows for a device that does not work (Microsoft Learn, "Device Manager Error
/// Messages").
public struct ProblemCode: Codable, Hashable, Sendable {
  /// The number: 28.
  public var number: Int
  /// Its name in `cfg.h`.
  public var name: String
  /// What it means.
  public var meaning: String
  /// What usually helps a USB device with it.
  public var help: String

  /// The code of a number; nil for one that is not in the table.
  public static func of(_ number: Int) -> ProblemCode? { all.first { $0.number == number } }

  /// Those that USB devices have.
  public static let all: [ProblemCode] = [
    ProblemCode(
      number: 1, name: "CM_PROB_NOT_CONFIGURED", meaning: "No driver has been chosen yet.",
      help: "Wait for Windows, or look for hardware changes in Device Manager."),
    ProblemCode(
      number: 10, name: "CM_PROB_FAILED_START",
      meaning: "The driver was loaded, and could not start the device.",
      help:
        "Is it the right driver for this function? A serial driver without the other interface starts "
        + "nothing."),
    ProblemCode(
      number: 22, name: "CM_PROB_DISABLED", meaning: "Somebody has disabled the device.",
      help: "Enable it in Device Manager."),
    ProblemCode(
      number: 28, name: "CM_PROB_FAILED_INSTALL",
      meaning:
        "No driver matches (status 0xC0000490), or what one depends on is missing (0xC0000491).",
      help: "Add a package that names the device, or let its firmware ask for WinUSB."),
    ProblemCode(
      number: 31, name: "CM_PROB_FAILED_ADD", meaning: "The driver was not loaded properly.",
      help: "Install the package again."),
    ProblemCode(
      number: 39, name: "CM_PROB_DRIVER_FAILED_LOAD",
      meaning: "The driver's file is missing, damaged or not allowed, as by memory integrity.",
      help: "Take a newer driver; old STTub30 files are blocked by memory integrity."),
    ProblemCode(
      number: 43, name: "CM_PROB_FAILED_POST_START",
      meaning:
        "The device or its driver reported a failure; for USB mostly that enumeration failed.",
      help:
        "Look at the cable, the port, the power and the clock of the device; no driver changes that."
    ),
    ProblemCode(
      number: 45, name: "CM_PROB_PHANTOM", meaning: "The device is not connected now.",
      help: "Plug it in."),
    ProblemCode(
      number: 52, name: "CM_PROB_UNSIGNED_DRIVER",
      meaning: "The signature of the driver cannot be verified.",
      help: "Take a package with a signed catalog, or one that Zadig makes."),
  ]
}
