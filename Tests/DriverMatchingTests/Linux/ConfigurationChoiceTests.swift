import DriverMatching
import Testing
import USB

@Suite("Linux chooses a configuration") struct ConfigurationChoiceTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var name: String
    var device = ClassTriple.perInterface
    /// The class of the first interface of each configuration, and `bMaxPower`; values are 1, 2, ...
    var first: [ClassTriple?]
    var power: [UInt8] = []
    var speed = USBSpeed.high
    var budget: Int?
    var hasRNDIS = true
    var chosen: UInt8?
    var testDescription: String { name }
  }

  static let vendor = ClassTriple(0xFF, 0, 0)
  static let hid = ClassTriple(3, 1, 1)
  static let audio = ClassTriple(1, 1, 0)
  static let audio3 = ClassTriple(1, 1, 0x30)
  static let rndis = ClassTriple(2, 2, 0xFF)
  static let activeSync = ClassTriple(0xEF, 1, 1)
  static let ethernet = ClassTriple(2, 6, 0)

  @Test(arguments: [
    Case(name: "the only one", first: [vendor], chosen: 1),
    Case(name: "the first of the usual ones", first: [hid, ethernet], chosen: 1),
    Case(name: "a usual one before the vendor's own", first: [vendor, hid], chosen: 2),
    Case(name: "the first of the vendor's own", first: [vendor, vendor], chosen: 1),
    Case(
      name: "in a vendor's own device always the first", device: vendor, first: [vendor, hid],
      chosen: 1),
    Case(name: "Ethernet before RNDIS", first: [rndis, ethernet], chosen: 2),
    Case(name: "RNDIS before the vendor's own", first: [rndis, vendor], chosen: 1),
    Case(
      name: "the vendor's own where nothing drives RNDIS", first: [rndis, vendor], hasRNDIS: false,
      chosen: 2),
    Case(name: "ActiveSync like RNDIS", first: [activeSync, hid], chosen: 2),
    Case(name: "RNDIS alone", first: [rndis], chosen: 1),
    Case(name: "RNDIS in the second place like any other", first: [vendor, rndis], chosen: 2),
    Case(name: "audio 3 at once", first: [audio, audio3, hid], chosen: 2),
    Case(name: "audio gives way to what is usual", first: [audio, hid], chosen: 2),
    Case(name: "audio stays before more audio", first: [audio, audio], chosen: 1),
    Case(name: "audio stays before the vendor's own", first: [audio, vendor], chosen: 1),
    Case(name: "audio in the second place only is none", first: [vendor, audio], chosen: 1),
    Case(name: "no interface at all", first: [nil], chosen: 1),
    Case(name: "too much power", first: [hid], power: [251], chosen: nil),
    Case(name: "just enough power", first: [hid], power: [250], chosen: 1),
    Case(name: "the frugal one", first: [hid, hid], power: [200, 50], budget: 100, chosen: 2),
    Case(
      name: "SuperSpeed counts by 8 mA", first: [hid], power: [113], speed: .superSpeed, chosen: nil
    ),
    Case(
      name: "SuperSpeed gives 900 mA", first: [hid], power: [112], speed: .superSpeed, chosen: 1),
    Case(name: "none of none", first: [], chosen: nil),
  ])
  func `by the first interface and by power`(_ example: Case) {
    let device = DeviceDescriptor(
      deviceClass: example.device, vendor: VendorID(1), product: ProductID(2),
      deviceVersion: BCDVersion(1))
    let configurations = example.first.enumerated().map { index, triple in
      ConfigurationDescriptor(
        value: UInt8(index + 1), maxPower: index < example.power.count ? example.power[index] : 50,
        interfaces: triple.map { [InterfaceDescriptor(number: 0, interfaceClass: $0)] } ?? [])
    }
    let choice = ConfigurationChoice(
      device, configurations, speed: example.speed, budget: example.budget,
      hasRNDIS: example.hasRNDIS)
    #expect(choice.value == example.chosen)
    #expect(choice.index.map { UInt8($0 + 1) } == example.chosen)
    #expect(example.first.isEmpty == choice.steps.isEmpty)
    #expect(choice.outcome.rule == (example.chosen == nil ? "no-configuration" : "configuration"))
  }

  @Test func `the reason names numbers`() {
    let device = DeviceDescriptor(
      vendor: VendorID(1), product: ProductID(2), deviceVersion: BCDVersion(1))
    let hungry = ConfigurationDescriptor(maxPower: 250, interfaces: [])
    let choice = ConfigurationChoice(device, [hungry], budget: 100)
    #expect(
      choice.steps.map(\.sentence) == [
        "Configuration 1 wants 500 mA, and the port gives 100: it is passed over."
      ])
    #expect(choice.outcome.sentence.contains("1 of them wants more power"))
  }
}
