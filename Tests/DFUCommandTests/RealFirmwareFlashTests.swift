import Foundation
import Testing

/// Files that people really flash, onto virtual devices that they fit and that they do not fit.
@Suite struct RealFirmwareFlashTests {
  struct Fit: CustomTestStringConvertible, Sendable {
    var file: PackagedFile
    /// A device that it fits.
    var fits: String
    var arguments: [String] = []
    /// Devices that it does not fit.
    var misfits: [String]
    var testDescription: String { file.path }
  }

  static let fits: [Fit] = [
    Fit(
      file: PackagedFile(
        package: "hackrf-firmware", path: "/usr/share/hackrf/hackrf_one_usb.dfu"),
      fits: "virtual:lpc43xx?speed=instant", misfits: ["stm32f407", "dfu11"]),
    Fit(
      file: PackagedFile(
        package: "ubertooth-firmware",
        path: "/usr/share/ubertooth/firmware/bluetooth_rxtx.dfu"),
      fits: "virtual:dfu11?speed=instant&id=1d50:6003", arguments: ["--target", "0"],
      misfits: ["stm32f407", "lpc43xx", "dfu10"]),
    Fit(
      file: PackagedFile(
        package: "firmware-tomu", path: "/usr/lib/firmware-tomu/toboot-booster.dfu"),
      fits: "virtual:dfu11?speed=instant&id=1209:70b1", arguments: ["--target", "0"],
      misfits: ["stm32f407", "lpc43xx"]),
    Fit(
      file: PackagedFile(package: "giac-doc", path: "/usr/share/giac/doc/epsilon.dfu"),
      fits: "virtual:stm32f730-qspi?speed=instant&state=board.bin",
      misfits: ["stm32f407", "stm32h743"]),
  ]

  @Test(arguments: fits)
  func `a real file is flashed onto a device that it fits`(_ fit: Fit) throws {
    let path = try fit.file.required()
    let folder = try Workplace()
    let flash = try CommandRun(
      ["flash", path, "-d", fit.fits] + fit.arguments, in: folder)
    #expect(flash.status == 0, "\(flash.error)")
    guard fit.fits.contains("state=") else { return }
    let verify = try CommandRun(["verify", path, "-d", fit.fits], in: folder)
    #expect(verify.status == 0, "\(verify.error)\(verify.output)")
  }

  @Test(arguments: fits)
  func `a real file is refused in words on a device that it does not fit`(_ fit: Fit) throws {
    let path = try fit.file.required()
    for misfit in fit.misfits {
      let flash = try CommandRun(
        ["flash", path, "-d", "virtual:\(misfit)?speed=instant"], in: try Workplace())
      #expect(flash.status == 83, "\(misfit): \(flash.error)")
      #expect(flash.error.contains("is for the device"), "\(flash.error)")
    }
  }

  static let stm32 = [
    "stm32f105", "stm32f407", "stm32h743", "stm32l476", "stm32l072", "stm32g0b1", "stm32c5",
    "st-library", "st-library-446", "mboot", "stm32f730-qspi",
  ]

  @Test(arguments: stm32)
  func `the image of the micro bit, at address 0, is refused on every STM32`(
    _ profile: String
  ) throws {
    let file = PackagedFile(
      package: "firmware-microbit-micropython",
      path: "/usr/share/firmware-microbit-micropython/firmware.hex")
    let path = try file.required()
    let flash = try CommandRun(
      ["flash", path, "-d", "virtual:\(profile)?speed=instant"], in: try Workplace())
    #expect(flash.status == 83, "\(flash.error)")
    #expect(flash.error.contains("0x00000000"), "\(flash.error)")
  }
}
