import DriverMatching

/// Driver packages for ST's bootloader, written from what is known of the real ones: their text is ours.
enum STM32Packages {
  static let stGUID = "{3fe809ab-fb91-4cb5-a643-69670d52366e}"
  static let cubeGUID = "{01105872-bf45-43be-8b67-3c0f2b8cf0d9}"

  /// ST's old package: class USB, service STTub30, 32 and 64 bits of x86.
  static func tube(
    _ version: String = "04/26/2018, 3.0.6.1", guid: String = stGUID, name: String = "oem3.inf"
  ) throws -> StoredINF {
    let ids = [
      ("Dfu", #"USB\VID_0483&PID_DF11"#), ("Left", #"USB\VID_0483&PID_DF12&MI_01"#),
      ("Dfu", #"USB\VID_0483&PID_DF13&MI_01"#), ("Link", #"USB\VID_0483&PID_FF03&MI_01"#),
      ("Dfu", #"USB\VID_0483&PID_5722"#), ("Dfu", #"USB\VID_8086&PID_09FA&REV_0200"#),
    ]
    let models = ids.map { "%\($0.0)% = Tube.Device, \($0.1)" }.joined(separator: "\n")
    return StoredINF(
      try INF(
        Array(
          """
          ; a package of the old kind
          [Version]
          Signature = "$CHICAGO$"
          Class = USB
          ClassGuid = {36FC9E60-C465-11CF-8056-444553540000}
          Provider = %Maker%
          CatalogFile = tube.cat
          DriverVer = \(version)

          [ControlFlags]
          ExcludeFromSelect = *

          [Manufacturer]
          %Maker% = Mfg0, NTx86, NTamd64

          [Mfg0]
          \(models)
          [Mfg0.NTx86]
          \(models)
          [Mfg0.NTamd64]
          \(models)

          [Tube.Device.NT]
          CopyFiles = Tube.Files
          [Tube.Device.NT.Services]
          AddService = STTub30, 0x00000002, Tube.Service
          [Tube.Service]
          ServiceType = 1
          StartType = 3
          ErrorControl = 1
          ServiceBinary = %10%\\system32\\drivers\\STTub30.sys
          AddReg = Tube.Keys
          [Tube.Keys]
          HKR, "Keys\\VID_0483&PID_DF11", Interface, 0, "\(guid)"
          [Tube.Files]
          STTub30.sys

          [Strings]
          Maker = "STMicroelectronics"
          Dfu = "STM Device in DFU Mode"
          Link = "Another device"

          """.utf8), name: name), signer: .whql)
  }

  private static func winUSB(
    name: String, version: String, guid: String, provider: String, architectures: String,
    isUTF16: Bool, signer: DriverSigner
  ) throws -> StoredINF {
    let models = architectures.split(separator: ",").map {
      "[libusbDevice_WinUSB.\($0)]\n%Name% = USB_Install, USB\\%DeviceID%\n"
    }.joined()
    let text = """
      [Strings]
      Name = "STM32 Bootloader"
      DeviceID = "VID_0483&PID_DF11"
      DeviceGUID = "\(guid)"
      Maker = "\(provider)"
      [Version]
      Signature = "$Windows NT$"
      Class = "USBDevice"
      ClassGuid = {88bae032-5a81-49f0-bc3d-a4ff138216d6}
      Provider = %Maker%
      CatalogFile = bootloader.cat
      PnpLockdown = 1
      DriverVer = \(version)
      [Manufacturer]
      %Maker% = libusbDevice_WinUSB,\(architectures)
      \(models)
      [USB_Install]
      Include = winusb.inf
      Needs = WINUSB.NT
      [USB_Install.Services]
      Include = winusb.inf
      AddService = WinUSB,0x00000002,WinUSB_Service
      [WinUSB_Service]
      ServiceType = 1
      StartType = 3
      ErrorControl = 1
      ServiceBinary = %12%\\WinUSB.sys
      [USB_Install.HW]
      AddReg = Interface
      [Interface]
      HKR,,DeviceInterfaceGUIDs,0x10000,%DeviceGUID%
      """
    let units = text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    let bytes = isUTF16 ? [0xFF, 0xFE] + units : Array(text.utf8)
    return StoredINF(try INF(bytes, name: name), signer: signer)
  }

  /// The package of CubeProgrammer: WinUSB, an interface of its own.
  static func cube(
    _ version: String = "11/28/2025, 1.3.0.0", guid: String = cubeGUID, name: String = "oem12.inf",
    signer: DriverSigner = .whql
  ) throws -> StoredINF {
    try winUSB(
      name: name, version: version, guid: guid, provider: "STMicroelectronics",
      architectures: "NTx86,NTamd64", isUTF16: true, signer: signer)
  }

  /// What Zadig writes: an old date, a random interface, a certificate of its own.
  static func zadig(
    _ version: String = "06/02/2012, 6.1.7600.16385", name: String = "oem7.inf"
  ) throws -> StoredINF {
    try winUSB(
      name: name, version: version, guid: "{9d7debbc-c85d-11d1-9eb4-006008c3a19a}",
      provider: "libwdi", architectures: "NTx86,NTamd64,NTarm64", isUTF16: true,
      signer: .authenticode)
  }

  /// Another vendor's package, which names the revision of ST's ROM.
  static func vendor(
    _ version: String = "01/01/2010, 7.3.2.0", name: String = "oem40.inf"
  ) throws -> StoredINF {
    StoredINF(
      try INF(
        text: """
          [Version]
          Signature = "$Windows NT$"
          Class = PadTools
          ClassGuid = {5b1f4a5e-7c53-4d0c-9f7b-0a3a6f1d2c11}
          Provider = "Pad Maker"
          CatalogFile.NTamd64 = pad.cat
          DriverVer = \(version)
          [ClassInstall32]
          AddReg = PadClass
          [PadClass]
          HKR,,,0,"Pads in update mode"
          [Manufacturer]
          "Pad Maker" = Pads, NTamd64
          [Pads.NTamd64]
          "Pad in update mode" = Pad, usb\\vid_0483&pid_df11&rev_2200
          [Pad.NTamd64]
          CopyFiles = @pad.sys
          [Pad.NTamd64.Services]
          AddService = PadDFU, 2, Pad.Service
          [Pad.Service]
          ServiceType = 1
          """, name: name), signer: .whql)
  }
}
