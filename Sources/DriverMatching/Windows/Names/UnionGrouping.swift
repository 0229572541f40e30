import USB

/// How usbccgp groups interfaces by union descriptors where `EnumeratorClass` asks for it (Microsoft Learn,
/// "Enumerating Interface Collections on WMCDC" and "CDC and WMCDC Control Models").
struct UnionGrouping {
  private static let source = "Microsoft Learn, CDC and WMCDC Control Models"
  private static let communications: UInt8 = 0x02
  private static let data: UInt8 = 0x0A
  /// Subclasses that mean something here.
  private static let modem: UInt8 = 0x02
  private static let handset: UInt8 = 0x08
  private static let management: UInt8 = 0x09
  private static let obex: UInt8 = 0x0B
  /// Subclasses of which the documentation lists the ids.
  private static let listed: Set<UInt8> = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0x0A, 0x0B, 0x88]
  /// Protocols that the specification of wireless devices has for modems.
  private static let wireless: Set<UInt8> = [1, 2, 3, 4, 5, 6, 0xFE]

  private(set) var groups: [InterfaceGroup] = []
  private(set) var steps: [DriverDecision.Step] = []
  /// Interfaces that are in a group, or are hidden.
  private(set) var taken: Set<UInt8> = []
  private let interfaces: [InterfaceDescriptor]
  private let known: [UInt8: InterfaceDescriptor]
  private let settings: CompositeSettings
  /// What logical handsets name.
  private var inHandsets: Set<UInt8> = []
  private var masters: Set<UInt8> = []

  init(_ interfaces: [InterfaceDescriptor], _ settings: CompositeSettings) {
    self.interfaces = interfaces
    self.settings = settings
    known = Dictionary(interfaces.map { ($0.number, $0) }, uniquingKeysWith: { first, _ in first })
    let unions = self.unions()
    masters = Set(unions.map(\.master.number))
    for (master, union, _) in unions where Self.isHandset(master) {
      inHandsets.formUnion(union.subordinates)
    }
    for (master, union, isSwapped) in unions where !taken.contains(master.number) {
      add(master, union, isSwapped)
    }
    for interface in interfaces
    where interface.interfaceClass.classCode == Self.communications
      && interface.interfaceClass.subclass == Self.management
      && !taken.contains(interface.number)
    {
      // The only control model that needs no union.
      append(
        interface, [interface.number], "Cdc_09",
        "Interface \(interface.number) is a function of its own, named by its subclass",
        .documented)
    }
    for (_, union, _) in unions { addVideo(union) }
    if settings.hasSingleOBEX { joinOBEX() }
  }

  private static func isHandset(_ interface: InterfaceDescriptor) -> Bool {
    interface.interfaceClass.classCode == communications
      && interface.interfaceClass.subclass == handset
  }

  private static func mayControl(_ interface: InterfaceDescriptor) -> Bool {
    [communications, data].contains(interface.interfaceClass.classCode)
  }

  /// The unions of interfaces that may have one, the first of each master.
  private func unions() -> [(
    master: InterfaceDescriptor, union: UnionDescriptor, isSwapped: Bool
  )] {
    var masters: Set<UInt8> = []
    var unions: [(master: InterfaceDescriptor, union: UnionDescriptor, isSwapped: Bool)] = []
    for interface in interfaces where Self.mayControl(interface) {
      for union in UnionDescriptor.all(of: interface) {
        let named = known[union.control].flatMap { Self.mayControl($0) ? $0 : nil }
        let master = named ?? interface
        guard masters.insert(master.number).inserted else { continue }
        unions.append((master, union, master.number != interface.number || named == nil))
      }
    }
    return unions
  }

  private mutating func add(
    _ master: InterfaceDescriptor, _ union: UnionDescriptor, _ isSwapped: Bool
  ) {
    let number = master.number
    var members = [number]
    var absent: [UInt8] = []
    var elsewhere: [UInt8] = []
    var seen: Set<UInt8> = [number]
    for other in union.subordinates where seen.insert(other).inserted {
      guard let interface = known[other] else {
        absent.append(other)
        continue
      }
      // Those of audio and video are functions of their own; so is what has a union itself.
      if [0x01, 0x0E].contains(interface.interfaceClass.classCode) { continue }
      if taken.contains(other) || masters.contains(other) {
        elsewhere.append(other)
      } else {
        members.append(other)
      }
    }
    if Self.isHandset(master) {
      guard settings.hasHandsets else {
        taken.insert(number)
        steps.append(
          step(
            "function-hidden",
            "Interface \(number) is a logical handset, which is no function unless CdcFlags asks for it; its "
              + "union only names the functions in it.", .documented))
        return
      }
      members = [number]
      elsewhere = []
    }
    let triple = master.interfaceClass
    let subclass = hex(triple.subclass).uppercased()
    var name = "Cdc_" + subclass
    var sentence =
      members.count > 1
      ? "Interfaces \(listText(members.map(String.init))) are one function by the union descriptor of interface "
        + "\(number)"
      : "Interface \(number) is a function by its union descriptor"
    if !absent.isEmpty {
      sentence +=
        "; \(listText(absent.map(String.init))), named there too, \(absent.count == 1 ? "does" : "do") not exist"
    }
    if !elsewhere.isEmpty {
      sentence +=
        "; \(listText(elsewhere.map(String.init))), named there too, \(elsewhere.count == 1 ? "belongs" : "belong") to another "
        + "union"
    }
    var certainty: Certainty =
      isSwapped || !elsewhere.isEmpty || triple.classCode != Self.communications
        || !Self.listed.contains(triple.subclass) ? .derived : .documented
    if triple.classCode == Self.communications, triple.subclass == Self.modem,
      Self.wireless.contains(triple.protocolCode)
    {
      // Section 6.2 of the specification of wireless devices decides, and is not at hand: being a part of a
      // logical handset is taken for it.
      certainty = inHandsets.contains(number) ? .open : .derived
      sentence +=
        "; Windows names a modem Cdc_Modem where it keeps to 6.2 of the specification of wireless devices, and "
        + "Cdc_02 otherwise"
      if inHandsets.contains(number) { name = "Cdc_Modem" }
    }
    append(master, members, name, sentence, certainty)
  }

  private mutating func append(
    _ master: InterfaceDescriptor, _ members: [UInt8], _ name: String?, _ sentence: String,
    _ certainty: Certainty
  ) {
    groups.append(
      InterfaceGroup(
        number: master.number, interfaces: members, triple: master.interfaceClass,
        communications: name,
        step: step(
          "function-union", sentence + " (EnumeratorClass of \(settings.place)).", certainty)))
    taken.formUnion(members)
  }

  private func step(
    _ rule: String, _ sentence: String, _ certainty: Certainty
  ) -> DriverDecision.Step {
    DriverDecision.Step(rule, sentence, Evidence(Self.source, certainty))
  }

  /// A control interface of video that a union names, with the streaming interfaces right behind it.
  private mutating func addVideo(_ union: UnionDescriptor) {
    for number in union.subordinates where !taken.contains(number) {
      guard let place = interfaces.firstIndex(where: { $0.number == number }),
        interfaces[place].interfaceClass.classCode == 0x0E,
        interfaces[place].interfaceClass.subclass == 0x01
      else { continue }
      let streams = interfaces[(place + 1)...].prefix {
        $0.interfaceClass.classCode == 0x0E && $0.interfaceClass.subclass == 0x02
          && !taken.contains($0.number)
      }
      let members = [number] + streams.map(\.number)
      append(
        interfaces[place], members, nil,
        "Interfaces \(listText(members.map(String.init))) are one video function, which a union names",
        .documented)
    }
  }

  private mutating func joinOBEX() {
    let isOBEX = { (group: InterfaceGroup) in group.communications == "Cdc_0B" }
    guard let first = groups.firstIndex(where: isOBEX) else { return }
    let all = groups.filter(isOBEX)
    groups[first].interfaces = all.flatMap(\.interfaces)
    groups[first].communications = "WPD_OBEX"
    groups[first].step = step(
      "function-obex",
      "Interfaces \(listText(groups[first].interfaces.map(String.init))) are one function, since CdcFlags joins "
        + "all OBEX functions.", .open)
    let kept = groups[first].number
    groups.removeAll { isOBEX($0) && $0.number != kept }
  }
}
