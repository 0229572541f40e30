public import USB

/// The DFU interface of a configuration with its alternate settings (DFU 1.1, 4.1 and 4.2).
///
/// What the device says is in ``functional``; what to do with it is in the computed properties,
/// which know the odd values that devices in the field report.
public struct DFUFunction: Hashable, Sendable {
  /// One alternate setting: a memory, or a partition.
  public struct Setting: Hashable, Sendable {
    /// `bAlternateSetting`.
    public var number: UInt8
    /// `iInterface`: the string with the name or the memory layout; 0 for none.
    public var nameIndex: UInt8
    /// `bInterfaceProtocol`: 1 run time, 2 DFU mode, 0 in DFU 1.0; often wrong.
    public var protocolCode: UInt8

    /// An alternate setting from its fields.
    public init(number: UInt8, nameIndex: UInt8, protocolCode: UInt8) {
      self.number = number
      self.nameIndex = nameIndex
      self.protocolCode = protocolCode
    }
  }

  /// Where the functional descriptor was found.
  public enum FunctionalPlace: Hashable, Sendable {
    /// Behind this alternate setting.
    case afterSetting(UInt8)
    /// Behind an endpoint of this alternate setting, where no DFU interface should have one.
    case afterEndpoint(setting: UInt8)
    /// Between the configuration descriptor and its first interface.
    case inConfiguration
  }

  /// `bInterfaceNumber`: `wIndex` of every DFU request.
  public var interfaceNumber: UInt8
  /// `bConfigurationValue` of the configuration that it is in.
  public var configurationValue: UInt8
  /// How many interfaces that configuration describes, this one included.
  public var interfaceCount: Int
  /// The alternate settings, in the order of the bytes.
  public var settings: [Setting]
  /// The functional descriptor as the device says it; nil where there is none.
  public var functional: DFUFunctionalDescriptor?
  /// Where it was found.
  public var functionalPlace: FunctionalPlace?
  /// What is wrong or odd about it, in the order of the bytes.
  public var faults: [DFUFunctionFault]

  /// A function from its parts.
  public init(
    interfaceNumber: UInt8, configurationValue: UInt8 = 1, interfaceCount: Int = 1,
    settings: [Setting], functional: DFUFunctionalDescriptor?,
    functionalPlace: FunctionalPlace? = nil, faults: [DFUFunctionFault] = []
  ) {
    self.interfaceNumber = interfaceNumber
    self.configurationValue = configurationValue
    self.interfaceCount = interfaceCount
    self.settings = settings
    self.functional = functional
    self.functionalPlace = functionalPlace
    self.faults = faults
  }

  /// The DFU interfaces of a configuration, in the order of the bytes. Usually one or none.
  ///
  /// An interface counts when any of its alternate settings has class FE and subclass 01, whatever
  /// its protocol.
  public static func find(in configuration: ConfigurationDescriptor) -> [DFUFunction] {
    var numbers: [UInt8] = []
    for interface in configuration.interfaces
    where interface.interfaceClass.isDFU && !numbers.contains(interface.number) {
      numbers.append(interface.number)
    }
    return numbers.map { DFUFunction(interface: $0, in: configuration) }
  }

  init(interface number: UInt8, in configuration: ConfigurationDescriptor) {
    let all = configuration.interfaces.filter {
      $0.number == number && $0.interfaceClass.isDFU
    }
    self.init(
      interfaceNumber: number, configurationValue: configuration.value,
      interfaceCount: Set(configuration.interfaces.map(\.number)).count,
      settings: all.map {
        Setting(
          number: $0.alternateSetting, nameIndex: $0.nameIndex,
          protocolCode: $0.interfaceClass.protocolCode)
      },
      functional: nil)
    var search = FunctionalSearch()
    for setting in all {
      for raw in setting.extra { search.consider(raw, at: .afterSetting(setting.alternateSetting)) }
      for endpoint in setting.endpoints {
        for raw in endpoint.extra {
          search.consider(raw, at: .afterEndpoint(setting: setting.alternateSetting))
        }
      }
    }
    let hasHID = configuration.interfaces.contains { $0.interfaceClass.classCode == 0x03 }
    for raw in configuration.extra where !(hasHID && FunctionalSearch.looksLikeHID(raw)) {
      search.consider(raw, at: .inConfiguration)
    }
    if let best = search.best {
      functional = best.descriptor
      functionalPlace = best.place
    }
    faults = search.faults
    if Set(settings.map(\.number)).count != settings.count {
      faults.append(DFUFunctionFault(.repeatedSetting, offset: nil))
    }
    if functional == nil { faults.append(DFUFunctionFault(.missing, offset: nil)) }
  }
}

/// Something odd about a DFU interface's description that was read nevertheless.
public struct DFUFunctionFault: Hashable, Sendable, CustomStringConvertible {
  /// What is odd. The raw value is a stable name.
  public enum Rule: String, Hashable, Sendable, CaseIterable {
    /// No functional descriptor in the configuration.
    case missing = "functional-missing"
    /// `bLength` is neither 7 nor 9.
    case oddLength = "functional-odd-length"
    /// The configuration ends inside it.
    case truncated = "functional-truncated"
    /// Several that differ; the one behind the last alternate setting counts.
    case conflict = "functional-conflict"
    /// Two alternate settings with one number.
    case repeatedSetting = "setting-repeated"
  }

  /// What is odd.
  public var rule: Rule
  /// The offset of the descriptor from the start of the configuration, where it is about one.
  public var offset: Int?

  /// A fault.
  public init(_ rule: Rule, offset: Int?) {
    self.rule = rule
    self.offset = offset
  }

  /// What is odd and how it was read: one sentence.
  public var sentence: String {
    let place = offset.map { " at offset \($0)" } ?? ""
    return switch rule {
    case .missing:
      "The configuration has no DFU functional descriptor; DFU 1.0 and 64-byte transfers are "
        + "assumed."
    case .oddLength:
      "The DFU functional descriptor\(place) has neither 9 bytes nor the 7 of DFU 1.0."
    case .truncated: "The DFU functional descriptor\(place) is cut short."
    case .conflict:
      "The DFU functional descriptor\(place) differs from another one; the one behind the last "
        + "alternate setting counts."
    case .repeatedSetting: "Two alternate settings of the DFU interface have the same number."
    }
  }

  /// The sentence.
  public var description: String { sentence }
}

/// The candidates for a functional descriptor, from the least to the most credible place.
private struct FunctionalSearch {
  typealias Candidate = (
    descriptor: DFUFunctionalDescriptor, place: DFUFunction.FunctionalPlace, offset: Int
  )
  var faults: [DFUFunctionFault] = []
  private(set) var best: Candidate?

  /// A HID descriptor has the same type and at least 9 bytes (HID 1.11, 6.2.1): one or more report
  /// descriptors, of type 0x22 or 0x23.
  static func looksLikeHID(_ raw: RawDescriptor) -> Bool {
    raw.bytes.count >= 9 && (1...8).contains(raw.bytes[5]) && (0x22...0x23).contains(raw.bytes[6])
  }

  mutating func consider(_ raw: RawDescriptor, at place: DFUFunction.FunctionalPlace) {
    guard raw.type == .dfuFunctional, let length = raw.bytes.first else { return }
    // In the configuration's own bytes nothing but its length tells what a 0x21 is.
    if place == .inConfiguration, length != 7, length != 9 { return }
    if Int(length) > raw.bytes.count {
      faults.append(DFUFunctionFault(.truncated, offset: raw.offset))
    } else if length != 7 && length != 9 {
      faults.append(DFUFunctionFault(.oddLength, offset: raw.offset))
    }
    let bytes = raw.bytes.prefix(Int(length))
    guard bytes.count >= 7 else { return }
    func word(_ index: Int) -> UInt16 { UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8 }
    let descriptor = DFUFunctionalDescriptor(
      attributes: DFUFunctionalDescriptor.Attributes(rawValue: bytes[2]), detachTimeout: word(3),
      transferSize: word(5), version: bytes.count >= 9 ? BCDVersion(word(7)) : nil)
    if let best, best.descriptor != descriptor {
      faults.append(DFUFunctionFault(.conflict, offset: raw.offset))
    }
    if best == nil || Self.rank(place) >= Self.rank(best?.place ?? place) {
      best = (descriptor, place, raw.offset)
    }
  }

  // Later ones of equal rank win, so the last alternate setting counts, as in ST's ROMs.
  private static func rank(_ place: DFUFunction.FunctionalPlace) -> Int {
    switch place {
    case .inConfiguration: 0
    case .afterEndpoint: 1
    case .afterSetting: 2
    }
  }
}
