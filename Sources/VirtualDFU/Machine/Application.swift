public import USB
public import VirtualUSB

/// The application of a part as the bus sees it: a device at work, with a DFU interface among its
/// others (DFU 1.1, chapter 4.1).
public struct Application: Hashable, Sendable {
  /// How DFU mode is left for the application, when the part does not leave by itself.
  public enum WayBack: String, Hashable, Sendable, CaseIterable {
    /// By a USB reset, as annex A has it.
    case reset
    /// By the second USB reset; after the first one the bootloader is still there (Jabra).
    case secondReset = "second-reset"
    /// By DFU_DETACH in DFU mode (cameras of Realtek, Sonix, SunplusIT and AVer); a reset does not.
    case detach
  }

  /// Something without a DFU interface that is on the bus for a while before the bootloader is.
  public struct Detour: Hashable, Sendable {
    /// Its descriptors.
    public var description: DeviceDescription
    /// How long it is there.
    public var duration: Duration

    /// A detour.
    public init(_ description: DeviceDescription, lasting duration: Duration) {
      self.description = description
      self.duration = duration
    }
  }

  /// The descriptors at run time.
  public var description: DeviceDescription
  /// The functional descriptor at run time; it stands in the description as well.
  public internal(set) var functional: DFUFunctionalDescriptor
  /// `bInterfaceNumber` of the DFU interface.
  public var interface: UInt8
  /// Whether it disconnects by itself after DFU_DETACH, whatever `bitWillDetach` says.
  public var detachesByItself: Bool
  /// How long after its answer to DFU_DETACH it disconnects by itself: longer than a USB reset takes, so
  /// that a host which resets it all the same does harm.
  public var detachDelay = Duration.milliseconds(100)
  /// Whether DFU_GETSTATUS and DFU_GETSTATE are answered; both are optional here (annex A).
  public var answersStatus = true
  /// How long it is off the bus when it goes from one mode into the other; nil for ever. With zero a
  /// reset changes it on the spot.
  public var returnTime: Duration? = .milliseconds(400)
  /// What is on the bus on its way into DFU mode.
  public var detour: Detour?
  /// How the bootloader is left.
  public var wayBack = WayBack.reset

  /// The shortest absence: a hub debounces a connection, and a host must see both changes.
  static let shortestAbsence = Duration.milliseconds(20)

  /// An application.
  ///
  /// - Parameters:
  ///   - description: its descriptors; one interface of class FE, subclass 01.
  ///   - functional: the functional descriptor in them.
  ///   - interface: the number of the DFU interface.
  public init(
    _ description: DeviceDescription, functional: DFUFunctionalDescriptor, interface: UInt8
  ) {
    self.description = description
    self.functional = functional
    self.interface = interface
    detachesByItself = functional.attributes.contains(.willDetach)
  }

  /// Whether a USB reset after DFU_DETACH is against the standard, and makes it forget the request.
  var isDisturbedByReset: Bool { detachesByItself && functional.attributes.contains(.willDetach) }

  /// How long the device is off the bus when it goes by itself.
  var absence: Duration? { returnTime.map { max($0, Application.shortestAbsence) } }

  /// Changes the functional descriptor, in the description as well.
  public mutating func setFunctional(_ functional: DFUFunctionalDescriptor) {
    description.replace(self.functional, by: functional)
    self.functional = functional
  }

  /// `bInterfaceProtocol` of the DFU interface: 1 by the standard, 0 in DFU 1.0; 2 is a lie.
  public var protocolCode: UInt8 {
    get {
      let interfaces = description.configurations.lazy.flatMap(\.interfaces)
      return interfaces.first { $0.number == interface }?.interfaceClass.protocolCode ?? 0
    }
    set {
      for configuration in description.configurations.indices {
        for index in description.configurations[configuration].interfaces.indices
        where description.configurations[configuration].interfaces[index].number == interface {
          description.configurations[configuration].interfaces[index].interfaceClass.protocolCode =
            newValue
        }
      }
    }
  }
}

extension DeviceDescription {
  /// Puts another functional descriptor in the place of one, wherever it stands.
  mutating func replace(
    _ old: DFUFunctionalDescriptor, by new: DFUFunctionalDescriptor
  ) {
    func replaced(_ extra: [RawDescriptor]) -> [RawDescriptor] {
      extra.map {
        $0.bytes == old.bytes ? RawDescriptor(bytes: new.bytes, offset: $0.offset) : $0
      }
    }
    configurations = configurations.map { configuration in
      ConfigurationDescriptor(
        value: configuration.value, nameIndex: configuration.nameIndex,
        attributes: configuration.attributes, maxPower: configuration.maxPower,
        extra: replaced(configuration.extra),
        interfaces: configuration.interfaces.map { interface in
          var interface = interface
          interface.extra = replaced(interface.extra)
          return interface
        })
    }
  }
}
