import USB

/// Interfaces that usbccgp makes one function of.
struct InterfaceGroup {
  /// The number in `MI_zz`.
  var number: UInt8
  var interfaces: [UInt8]
  var triple: ClassTriple
  /// `Cdc_02`: by what the ids name it besides; nil where they do not.
  var communications: String?
  var step: DriverDecision.Step
}

/// How usbccgp groups interfaces (Microsoft Learn, "Enumeration of Interface Collections on USB Composite
/// Devices"): by union descriptors where an INF asks for that, by association, old audio functions by their class,
/// all others alone.
struct InterfaceGrouping {
  static let source =
    "Microsoft Learn, Enumeration of Interface Collections on USB Composite Devices"

  /// The groups, in the order of their interfaces.
  private(set) var groups: [InterfaceGroup] = []
  /// What is to be said of interfaces that come into no function.
  private(set) var steps: [DriverDecision.Step] = []
  /// The first setting of every interface.
  let interfaces: [InterfaceDescriptor]
  private let associations: [InterfaceAssociationDescriptor]
  private let countsAssociations: Bool
  private var taken: Set<UInt8> = []

  init(
    _ configuration: ConfigurationDescriptor, _ device: DeviceDescriptor,
    _ settings: CompositeSettings?
  ) {
    var seen: Set<UInt8> = []
    interfaces = configuration.interfaces.filter { seen.insert($0.number).inserted }
    associations = configuration.associations
    countsAssociations = device.deviceClass == ClassTriple(0xEF, 0x02, 0x01)
    if let settings, settings.usesUnions {
      let unions = UnionGrouping(interfaces, settings)
      groups = unions.groups
      steps = unions.steps
      taken = unions.taken
    }
    addOthers()
    let places = Dictionary(
      interfaces.enumerated().map { ($0.element.number, $0.offset) }, uniquingKeysWith: min)
    groups.sort { places[$0.interfaces[0], default: 0] < places[$1.interfaces[0], default: 0] }
  }

  private func step(
    _ rule: String, _ sentence: String, _ certainty: Certainty = .documented
  ) -> DriverDecision.Step {
    DriverDecision.Step(rule, sentence, Evidence(Self.source, certainty))
  }

  /// The interfaces that no union names.
  private mutating func addOthers() {
    for (place, interface) in interfaces.enumerated() where !taken.contains(interface.number) {
      var group = InterfaceGroup(
        number: interface.number, interfaces: [interface.number],
        triple: interface.interfaceClass,
        step: step(
          "function-alone", "Interface \(interface.number) is a function of its own."))
      let association = associations.first { $0.contains(interface: interface.number) }
      if let association, countsAssociations {
        let first = association.firstInterface
        if !taken.contains(first), !groups.contains(where: { $0.number == first }) {
          group.number = first
        }
        group.interfaces = interfaces.map(\.number).filter {
          association.contains(interface: $0) && !taken.contains($0)
        }
        group.triple = association.functionClass
        group.step = step(
          "function-association",
          "Interfaces \(listText(group.interfaces.map(String.init))) are one function by their "
            + "association, of class \(association.functionClass).")
      } else if association != nil {
        group.step = step(
          "function-association-not-counted",
          "Interface \(interface.number) is in an association, which counts only where the device class is "
            + "ef/02/01; some Windows may take it all the same.", .open)
      } else if associations.isEmpty, interface.interfaceClass.classCode == 1 {
        let rest = interfaces[(place + 1)...].prefix {
          $0.interfaceClass.classCode == 1
            && $0.interfaceClass.subclass != interface.interfaceClass.subclass
            && !taken.contains($0.number)
        }
        group.interfaces += rest.map(\.number)
        if !rest.isEmpty {
          group.step = step(
            "function-audio",
            "Interfaces \(listText(group.interfaces.map(String.init))) are one audio function: they follow "
              + "each other and their subclasses differ from the first one's.")
        }
      }
      taken.formUnion(group.interfaces)
      groups.append(group)
    }
  }
}
