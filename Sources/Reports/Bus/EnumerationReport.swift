internal import DriverMatching
public import USB
public import VirtualUSB

/// How a host got to know what is plugged in: `dfu usb enumerate`.
public struct EnumerationReport: Encodable, Hashable, Sendable {
  /// One thing that happened.
  public struct Step: Encodable, Hashable, Sendable {
    /// When, in microseconds since the bus was made.
    public var time: Int64
    /// The device that it is about.
    public var path: String
    /// The part of the way.
    public var stage: String
    /// What happens.
    public var sentence: String
    /// The transfer, where it is one.
    public var transfer: Transfer?
    /// What the system writes of it.
    public var message: String?
  }

  /// A control transfer.
  public struct Transfer: Encodable, Hashable, Sendable {
    /// To which address; nil for the root hub.
    public var address: UInt8?
    /// The setup packet, two hexadecimal digits a byte.
    public var setup: String
    /// The answer, two hexadecimal digits a byte.
    public var answer: String
    /// How it failed; nil where it did not.
    public var failure: String?
    /// How often it was made.
    public var count: Int
  }

  /// A device that is known at the end.
  public struct Device: Encodable, Hashable, Sendable {
    /// Where it is.
    public var path: String
    /// Its address.
    public var address: UInt8
    /// `idVendor`, four hexadecimal digits.
    public var vendor: String
    /// `idProduct`, four hexadecimal digits.
    public var product: String
    /// Its speed.
    public var speed: String
    /// What it is by its classes, in words.
    public var `class`: String
    /// Its product string.
    public var productName: String?
    /// `bConfigurationValue`; 0 for none.
    public var configuration: UInt8
    /// When it was known, in microseconds.
    public var time: Int64
  }

  /// The name and version of this document's shape.
  public var schema = "dfu.enumeration/1"
  /// Whose order.
  public var host: String
  /// What happened, in order.
  public var steps: [Step]
  /// What is known at the end.
  public var devices: [Device]
  /// The ports at which the host has given up.
  public var failed: [String]

  /// The most devices of which every step is shown without being asked for.
  public static let mostTraced = 8

  /// The report of an enumeration.
  ///
  /// - Parameters:
  ///   - enumeration: a host that has run.
  ///   - path: the device whose steps are told, with those of the hubs above it; nil for all.
  public init(_ enumeration: Enumeration, tracing path: PortPath? = nil) {
    host = enumeration.host.rawValue
    steps = enumeration.steps.filter { step in
      guard let path else { return true }
      return path.ports.starts(with: step.path.ports)
    }.map(Step.init)
    devices = enumeration.devices.map(Device.init)
    failed = enumeration.failedPorts.map(\.description)
  }
}

extension EnumerationReport.Step {
  init(_ step: EnumerationStep) {
    time = microseconds(step.time)
    path = "\(step.path)"
    stage = step.stage.rawValue
    sentence = step.sentence
    message = step.message
    transfer = step.transfer.map { transfer in
      EnumerationReport.Transfer(
        address: transfer.address, setup: transfer.setup.description,
        answer: transfer.answer.map { hex($0) }.joined(separator: " "),
        failure: transfer.failure?.rawValue, count: transfer.count)
    }
  }
}

extension EnumerationReport.Device {
  init(_ device: EnumeratedDevice) {
    path = "\(device.path)"
    address = device.address
    vendor = device.descriptor.map { "\($0.vendor)" } ?? ""
    product = device.descriptor.map { "\($0.product)" } ?? ""
    speed = device.speed.rawValue
    let info = device.descriptor.map {
      DeviceInfo(
        id: DeviceID(rawValue: 0), path: device.path, address: device.address, speed: device.speed,
        descriptor: $0, configurations: device.configurations, activeConfiguration: nil)
    }
    self.class = info?.classWords ?? ""
    productName = device.descriptor.flatMap { device.descriptors.strings[$0.productIndex] }
    configuration = device.configuration
    time = microseconds(device.time)
  }
}

private func microseconds(_ duration: Duration) -> Int64 {
  duration.components.seconds * 1_000_000 + duration.components.attoseconds / 1_000_000_000_000
}

extension Enumeration.Host {
  /// By what this system looks for a driver of a device, and what it finds without any that was added, a sentence
  /// each; `dfu usb drivers` tells the whole decision.
  public func driverWords(of device: EnumeratedDevice) -> [String] {
    guard let descriptor = device.descriptor else { return [] }
    if self == .windows {
      let ids = DeviceIDs(descriptor, device.configurations)
      return [
        "Hardware ids: \(ids.hardware.joined(separator: ", ")).",
        "Compatible ids: \(ids.compatible.joined(separator: ", ")).",
      ] + (ids.isComposite ? ["It is composite: usbccgp divides it into its functions."] : [])
        + [
          DriverStore([], on: .windows11).decision(
            for: ids, product: DriverSubject(device.descriptors)?.product
          ).decision.outcome.sentence
        ]
    }
    let configuration = device.configurations.first { $0.value == device.configuration }
    let matcher = LinuxDriverMatcher()
    return (configuration?.interfaces ?? []).filter { $0.alternateSetting == 0 }.flatMap {
      let name = Modalias(descriptor, $0)
      return [
        "Interface \($0.number) is published (uevent add): MODALIAS=\(name).",
        matcher.decision(for: name).outcome.sentence,
      ]
    }
  }
}
