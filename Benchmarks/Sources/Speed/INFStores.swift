import DriverMatching

/// Windows' driver stores: how long it takes to read a thousand INFs and to decide about one device.
enum INFStores {
  private static let ids = DeviceIDs(
    hardware: [#"USB\VID_0483&PID_DF11&REV_2200"#, #"USB\VID_0483&PID_DF11"#],
    compatible: [
      #"USB\Class_FE&SubClass_01&Prot_02"#, #"USB\Class_FE&SubClass_01"#, #"USB\Class_FE"#,
    ])

  /// A package with 40 devices for each of three architectures; every hundredth names the bootloader too, every
  /// other one is UTF-16.
  private static func package(_ index: Int) -> [UInt8] {
    func digits(_ number: Int) -> String {
      let text = String(number & 0xFFFF, radix: 16)
      return String(repeating: "0", count: 4 - text.count) + text
    }
    let vendor = digits(0x400 + index % 200)
    var text = """
      ; generated
      [Version]
      Signature = "$Windows NT$"
      Class = USBDevice
      ClassGuid = {88bae032-5a81-49f0-bc3d-a4ff138216d6}
      Provider = %Maker%
      CatalogFile = a.cat
      DriverVer = 0\(index % 9 + 1)/02/20\(10 + index % 15), 1.\(index).0.0
      [Manufacturer]
      %Maker% = M, NTx86, NTamd64, NTarm64
      [Install]
      Include = winusb.inf
      Needs = WINUSB.NT
      [Install.Services]
      AddService = WinUSB, 0x2, Service
      [Service]
      ServiceBinary = %12%\\WinUSB.sys
      [Install.HW]
      AddReg = Interface
      [Interface]
      HKR,,DeviceInterfaceGUIDs,0x10000,"{01105872-bf45-43be-8b67-3c0f2b8cf0d9}"

      """
    for architecture in ["NTx86", "NTamd64", "NTarm64"] {
      text += "[M.\(architecture)]\n"
      for line in 0..<40 {
        let product = digits(line * 37 + index)
        text += "%Name\(line)% = Install, USB\\VID_\(vendor)&PID_\(product)&MI_00\n"
      }
      if index % 100 == 0 { text += "%Name0% = Install, USB\\VID_0483&PID_DF11\n" }
    }
    text += "[Strings]\nMaker = \"Maker \(index)\"\n"
    for line in 0..<40 { text += "Name\(line) = \"Device \(line) of maker \(index)\"\n" }
    guard index % 2 == 0 else { return Array(text.utf8) }
    return [0xFF, 0xFE] + text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
  }

  static func report() {
    let files = (0..<1000).map(package)
    let size = files.reduce(0) { $0 + $1.count }
    var stored: [StoredINF] = []
    let reading = Measure.best {
      stored = files.enumerated().compactMap { index, bytes in
        (try? INF(bytes, name: "oem\(index).inf")).map { StoredINF($0) }
      }
    }
    var nodes = 0
    let ranking = Measure.best {
      nodes = DriverStore(stored, on: .windows11).nodes(for: ids).count
    }
    let deciding = Measure.best {
      _ = DriverStore(stored, on: .windows11).decision(for: ids)
    }
    let rate = Double(size) / 1e6 / reading.inSeconds
    printTable(
      "Windows: \(stored.count) INFs, \(nodes) of which name the device",
      ["step", "time", "MB/s", "goal"],
      [
        ["all are read", reading.text, rounded(rate, places: 1), ""],
        ["one device is ranked", ranking.text, "", ""],
        ["both", (reading + ranking).text, "", "1 s"],
        ["it is decided about, with what would change it", deciding.text, "", ""],
      ])
  }
}
