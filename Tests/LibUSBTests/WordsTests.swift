import Testing
import USB

@testable import LibUSB

@Suite("What errors say")
struct WordsTests {
  let info = DeviceInfo(
    id: DeviceID(rawValue: 1), path: PortPath(bus: 1, ports: [4, 2]), address: 105, speed: .full,
    descriptor: DeviceDescriptor(
      vendor: .stMicroelectronics, product: ProductID(0xDF11), deviceVersion: BCDVersion(0x2200)),
    configurations: [], activeConfiguration: 1)

  @Test func `nodes have three digits`() {
    #expect(deviceNode(bus: 1, address: 5) == "/dev/bus/usb/001/005")
    #expect(deviceNode(bus: 12, address: 127) == "/dev/bus/usb/012/127")
  }

  @Test func `permission names the node and the line for udev`() {
    let error = HostError.cannotOpen(info, .access, hasNode: true, platform: .linux)
    #expect(error.code == .permission)
    #expect(error.sentence.contains("/dev/bus/usb/001/105"))
    #expect(
      error.help?.contains(
        #": SUBSYSTEM=="usb",ATTR{idVendor}=="0483",ATTR{idProduct}=="df11",TAG+="uaccess" "#)
        == true)
    #expect(error.help?.contains("udevadm control --reload") == true)
  }

  @Test func `no permission on macOS does not speak of udev`() {
    let error = HostError.cannotOpen(info, .access, hasNode: false, platform: .macOS)
    #expect(error.code == .permission)
    #expect(error.help?.contains("udev") == false)
  }

  @Test func `a device that left and a node that is missing differ`() {
    #expect(
      HostError.cannotOpen(info, .noDevice, hasNode: true, platform: .linux).code == .notFound)
    let missing = HostError.cannotOpen(info, .noDevice, hasNode: false, platform: .linux)
    #expect(missing.code == .permission)
    #expect(missing.help?.contains("container") == true)
  }

  @Test func `other failures to open tell libusb's name of them`() {
    #expect(HostError.cannotOpen(info, .busy, hasNode: true).code == .busy)
    #expect(
      HostError.cannotOpen(info, .noMemory, hasNode: true).sentence
        == "0483:df11 at 1-4.2 could not be opened (LIBUSB_ERROR_NO_MEM).")
  }

  @Test func `a driver that lets no program in is the wrong driver`() {
    #expect(HostError.cannotOpen(info, .notSupported, hasNode: true).code == .permission)
  }

  @Test func `a device that is not found is told with what is there`() {
    var hub = info
    hub.path = PortPath(bus: 1, ports: [])
    let error = HostError.gone(info, seen: [hub, info])
    #expect(error.sentence == "The device 0483:df11 at 1-4.2 is no longer attached.")
    #expect(error.help == "Attached now: 0483:df11 at 1-4.2. List the devices again.")
    #expect(HostError.gone(nil, seen: [hub]).help?.contains("No USB device") == true)
  }

  @Test func `who holds an interface is named with the way to free it`() {
    #expect(
      holder(ofInterface: 0, name: "1-4.2:1.0", driver: "cdc_acm")
        == "the driver cdc_acm holds interface 0; close what uses it and free it with "
        + "`echo 1-4.2:1.0 | sudo tee /sys/bus/usb/drivers/cdc_acm/unbind`")
    #expect(
      holder(ofInterface: 1, name: "", driver: "usbfs")
        == "another program has claimed interface 1; close it")
    #expect(holder(ofInterface: 1, name: "", driver: nil).contains("interface 1 is held"))
  }
}
