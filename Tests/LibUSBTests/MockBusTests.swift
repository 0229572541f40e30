import Foundation
import MockDevices
import Testing
import USB

@Suite(
  "Among devices that umockdev makes up",
  .enabled(if: MockBus.isPossible, "umockdev is not installed; Scripts/set-up test installs it"),
  .timeLimit(.minutes(1)))
struct MockBusTests {
  @Test func `devices are listed with their paths, descriptors and serial numbers`() throws {
    let lines = try MockBus(devices: [.pipes, .rootHub, .bootloader]).run(["list"])
    #expect(
      lines == [
        "usb1 1d6b:0002 address 1 high serial none active 1 configurations 1 [0.0 09/00/00]",
        "1-2 0483:df11 address 5 full serial 3276364D3034 active 1 configurations "
          + "1 [0.0 fe/01/02, 0.1 fe/01/02, 0.2 fe/01/02, 0.3 fe/01/02]",
        "1-4 1d50:607f address 12 full serial none active 1 configurations 1 [0.0 ff/00/00]",
      ])
  }

  @Test func `where there is no sysfs, libusb's configurations are the same, byte by byte`() throws
  {
    var audio = MockDevice.pipes
    audio.path = PortPath(bus: 1, ports: [5])
    audio.address = 13
    audio.configurations = [
      ConfigurationDescriptor(
        extra: [RawDescriptor(bytes: [8, 11, 0, 2, 1, 1, 0, 0], offset: 9)],
        interfaces: [
          InterfaceDescriptor(
            number: 1, interfaceClass: ClassTriple(1, 2, 0),
            endpoints: [
              EndpointDescriptor(
                address: 0x03, attributes: 9, maxPacketSize: 192, interval: 4, extraBytes: [5, 6],
                extra: [RawDescriptor(bytes: [7, 0x25, 1, 0, 0, 0, 0], offset: 0)])
            ])
        ])
    ]
    let lines = try MockBus(devices: [.rootHub, .bootloader, .pipes, audio]).run(["compare"])
    #expect(lines == ["usb1", "1-2", "1-4", "1-5"].map { "\($0) the same" })
  }

  @Test func `a device with broken configurations is listed with what is known`() throws {
    var broken = MockDevice.pipes
    broken.rawConfigurations = [9, 2, 64, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 0, 0xFF, 0, 0, 0, 1, 7]
    let lines = try MockBus(devices: [.rootHub, broken]).run(["list"])
    try #require(lines.count == 2)
    #expect(
      lines[1].hasPrefix("1-4 1d50:607f address 12 full serial none active 1 configurations 1"))
    #expect(lines[1].contains("wTotalLength"))
  }

  @Test func `a device without configurations is listed`() throws {
    var bare = MockDevice.pipes
    bare.descriptor.configurationCount = 0
    bare.rawConfigurations = []
    let lines = try MockBus(devices: [.rootHub, bare]).run(["list"])
    #expect(
      lines.last == "1-4 1d50:607f address 12 full serial none active 1 configurations ")
  }

  @Test func `a node without permission is named with the line for udev`() throws {
    let lines = try MockBus(devices: [.rootHub, .bootloader]).run(
      script: "chmod 444 $UMOCKDEV_DIR/dev/bus/usb/001/005; exec $0 drive 1-2 close", isNobody: true
    )
    #expect(
      lines == [
        "permission: There is no permission to open 0483:df11 at 1-2: /dev/bus/usb/001/005 may "
          + "not be written to. Add this line to /etc/udev/rules.d/60-dfu.rules: "
          + "SUBSYSTEM==\"usb\",ATTR{idVendor}==\"0483\",ATTR{idProduct}==\"df11\","
          + "TAG+=\"uaccess\" and run `sudo udevadm control --reload`, then plug the device in "
          + "again. For users who do not sit at the machine (ssh, a service), write "
          + "MODE=\"0660\", GROUP=\"plugdev\" instead of the TAG."
      ])
  }

  @Test func `a node that is not there, as in a container, is named`() throws {
    let lines = try MockBus(devices: [.rootHub, .bootloader]).run(
      script: "rm $UMOCKDEV_DIR/dev/bus/usb/001/005; exec $0 drive 1-2 close")
    try #require(lines.count == 1)
    #expect(lines[0].hasPrefix("permission: 0483:df11 at 1-2 cannot be opened: the kernel has it"))
    #expect(lines[0].contains("/dev/bus/usb/001/005 is not here"))
  }

  @Test func `comings and goings are noticed where no udev tells of them`() throws {
    let lines = try MockBus(devices: [.rootHub, .bootloader, .pipes]).run(
      script: """
        link=$UMOCKDEV_DIR/sys/bus/usb/devices/1-4
        mkfifo lines
        $0 watch 2 > lines &
        exec 3< lines
        read -r line <&3; echo "$line"
        mv "$link" aside
        read -r line <&3; echo "$line"
        mv aside "$link"
        read -r line <&3; echo "$line"
        wait
        """)
    #expect(
      lines == [
        "listening", "detached 3 1-4",
        "attached 4 1-4 1d50:607f address 12 full serial none active 1 configurations "
          + "1 [0.0 ff/00/00]",
      ])
  }

  @Test func `comings and goings are noticed when libusb tells of them`() throws {
    let lines = try MockBus(devices: [.rootHub, .bootloader, .pipes]).run(
      script: """
        link=$UMOCKDEV_DIR/sys/bus/usb/devices/1-4
        tell() { $0 announce $1 \(MockDevice.pipes.folder) bus/usb/001/012; }
        mkfifo lines
        $0 watch-events 2 > lines &
        exec 3< lines
        read -r line <&3; echo "$line"
        mv "$link" aside
        tell remove
        read -r line <&3; echo "$line"
        mv aside "$link"
        tell add
        read -r line <&3; echo "$line"
        wait
        """)
    #expect(
      lines == [
        "listening", "told", "detached 3 1-4", "told",
        "attached 4 1-4 1d50:607f address 12 full serial none active 1 configurations "
          + "1 [0.0 ff/00/00]",
      ])
  }

  @Test func `a device that is dropped without closing can be opened again`() throws {
    let lines = try MockBus(devices: [.rootHub, .pipes]).run(["drop", "1-4"])
    #expect(lines == ["claimed", "claimed"])
  }

  @Test func `control transfers bring answers and refusals`() throws {
    let name = "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg"
    let string: [UInt8] =
      [UInt8(2 + 2 * name.utf8.count), 3] + name.utf8.flatMap { [$0, UInt8(0)] }
    let getStatus = SetupPacket(
      RequestType(.in, .class, .interface), request: 3, value: 0, index: 0, length: 6)
    let download = SetupPacket(
      RequestType(.out, .class, .interface), request: 1, value: 2, index: 0, length: 4)
    let bus = MockBus(
      devices: [.rootHub, .bootloader],
      tape: (
        .bootloader,
        [
          .control(getStatus, answer: [0, 0, 0, 0, 2, 0]),
          // umockdev runs past standard requests that are not there yet: this one waits already
          // when the status before it is asked for.
          .control(
            .getDescriptor(.string, index: 4, language: 0x0409, length: 255), answer: string),
          .control(download, sent: [1, 2, 3, 4]),
          .control(getStatus, status: -32), .control(getStatus, status: -71),
          .control(getStatus, status: -75),
        ]
      ))
    let status = "in:a103000000000600:1000"
    let both = "together:in:800604030904ff00:1000+\(status)"
    let lines = try bus.run([
      "drive", "1-2", status, "claim:0", both, "out:2101020000000400:01020304:1000", status, status,
      status, "release:0", status, "close", status,
    ])
    let setup = "The control transfer a1 03 00 00 00 00 06 00"
    let closed = "was refused: the device is closed or the interface not claimed"
    #expect(
      lines == [
        "open 0483:df11",
        "\(status) -> transfer-closed: \(setup) \(closed) (interface 0 is not claimed).",
        "claim:0 -> done",
        "\(both) -> \(string.map { hex($0) }.joined()) + 000000000200",
        "out:2101020000000400:01020304:1000 -> done",
        "\(status) -> transfer-stall: \(setup) was refused by the device (stall).",
        "\(status) -> transfer-io: \(setup) broke on the wire. Check the cable, try another port "
          + "without a hub, and try again.",
        "\(status) -> transfer-overflow: \(setup) brought more bytes than were asked for.",
        "release:0 -> done",
        "\(status) -> transfer-closed: \(setup) \(closed) (interface 0 is not claimed).",
        "close -> done",
        "\(status) -> transfer-closed: \(setup) \(closed).",
      ])
  }

  @Test func `transfers that nobody answers end by time, by cancelling and by closing`() throws {
    let status = "in:a103000000000600"
    let lines = try MockBus(
      devices: [.rootHub, .bootloader], tape: (.bootloader, [])
    ).run([
      "drive", "1-2", "claim:0", "\(status):30", "cancel:\(status):60000",
      "in:a103000000000110:1000", "close-during:\(status):60000", "close",
    ])
    let setup = "The control transfer a1 03 00 00 00 00 06 00"
    // umockdev itself remarks on what it cannot answer.
    #expect(
      lines.filter { !$0.contains("Replay") } == [
        "open 0483:df11",
        "claim:0 -> done",
        "\(status):30 -> transfer-timeout: \(setup) was not answered in time.",
        "cancel:\(status):60000 -> transfer-cancelled: \(setup) was cancelled.",
        "in:a103000000000110:1000 -> transfer-other: The control transfer "
          + "a1 03 00 00 00 00 01 10 failed (a control transfer carries at most 4096 bytes here).",
        "close-during:\(status):60000 -> transfer-closed: \(setup) was refused: the device is "
          + "closed or the interface not claimed (the device was closed meanwhile).",
        "close -> done",
      ])
  }

  @Test func `bulk and interrupt transfers move bytes, several outstanding in their order`() throws
  {
    let bus = MockBus(
      devices: [.rootHub, .pipes],
      tape: (
        .pipes,
        [
          .bulkOut(0x01, [1, 2, 3]),
          .bulkIn(0x81, length: 64, answer: [0xAA, 0xBB]),
          .bulkIn(0x82, length: 8, answer: [7], kind: 1),
          .bulkIn(0x81, length: 16, answer: [1]),
          .bulkIn(0x81, length: 16, answer: [2]),
          .bulkIn(0x81, length: 16, answer: [3]),
          .bulkIn(0x81, length: 16, answer: [], status: -32),
          .bulkIn(0x81, length: 16, answer: [], status: -19),
        ]
      ))
    let read = "bulk-in:81:16:1000"
    let lines = try bus.run([
      "drive", "1-4", read, "claim:0", "bulk-out:01:010203:1000", "bulk-in:81:64:1000",
      "interrupt-in:82:8:1000", "together:\(read)+\(read)+\(read)", read, "halt:81", read, read,
      "bulk-in:85:8:1000", "reset",
    ])
    #expect(
      lines == [
        "open 1d50:607f",
        "\(read) -> transfer-closed: The transfer was refused: the device is closed or the "
          + "interface not claimed (interface 0 is not claimed).",
        "claim:0 -> done",
        "bulk-out:01:010203:1000 -> 3",
        "bulk-in:81:64:1000 -> aabb",
        "interrupt-in:82:8:1000 -> 07",
        "together:\(read)+\(read)+\(read) -> 01 + 02 + 03",
        "\(read) -> transfer-stall: The transfer was refused by the device (stall).",
        "halt:81 -> done",
        "\(read) -> transfer-disconnected: The transfer failed because the device is gone. Check "
          + "the cable; put the board in bootloader mode again and repeat.",
        "\(read) -> transfer-disconnected: The transfer failed because the device is gone. Check "
          + "the cable; put the board in bootloader mode again and repeat.",
        "bulk-in:85:8:1000 -> transfer-disconnected: The transfer failed because the device is "
          + "gone. Check the cable; put the board in bootloader mode again and repeat.",
        "reset -> transfer-disconnected: The transfer failed because the device is gone. Check "
          + "the cable; put the board in bootloader mode again and repeat.",
      ])
  }

  @Test func `endpoints and interfaces that are not there are refused without asking`() throws {
    let lines = try MockBus(
      devices: [.rootHub, .pipes], tape: (.pipes, [])
    ).run([
      "drive", "1-4", "claim:3", "claim:0", "bulk-in:85:8:1000", "bulk-in:82:8:1000", "release:2",
      "alt:2:1", "config:1", "release:0", "reset", "claim:0", "reset", "halt:81",
    ])
    #expect(
      lines == [
        "open 1d50:607f",
        "claim:3 -> transfer-unsupported: The transfer is not possible here (there is no "
          + "interface 3).",
        "claim:0 -> done",
        "bulk-in:85:8:1000 -> transfer-unsupported: The transfer is not possible here (no "
          + "endpoint 0x85).",
        "bulk-in:82:8:1000 -> transfer-unsupported: The transfer is not possible here (endpoint "
          + "0x82 is of another type).",
        "release:2 -> transfer-closed: The transfer was refused: the device is closed or the "
          + "interface not claimed (interface 2 is not claimed).",
        "alt:2:1 -> transfer-closed: The control transfer 01 0b 01 00 02 00 00 00 was refused: "
          + "the device is closed or the interface not claimed (interface 2 is not claimed).",
        "config:1 -> transfer-busy: The control transfer 00 09 01 00 00 00 00 00 was refused: "
          + "another program or driver has the interface (an interface is claimed).",
        "release:0 -> done",
        "reset -> done",
        "claim:0 -> done",
        // umockdev does not know the call by which libusb takes the interface again; libusb says
        // then, as after a change of descriptors, that the device is to be looked for anew.
        "reset -> transfer-disconnected: The transfer failed because the device is gone. Check "
          + "the cable; put the board in bootloader mode again and repeat.",
        "halt:81 -> transfer-disconnected: The control transfer 02 01 00 00 81 00 00 00 failed "
          + "because the device is gone. Check the cable; put the board in bootloader mode again "
          + "and repeat.",
      ])
  }
}
