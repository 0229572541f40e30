internal import DFU
internal import DFUHost
internal import USB

/// Which devices of a host a selector means.
struct DeviceFilter: Hashable, Sendable {
  /// What names a device.
  enum Name: Hashable, Sendable {
    /// Nothing does: all of them are meant.
    case everything
    case ids(VendorID, ProductID)
    case serial(String)
    case path(PortPath)
  }

  /// What names a device.
  var name: Name
  /// Whether only a device with a DFU interface is of use.
  var needsDFU: Bool

  /// The filter of devices that share their host with others: those of this machine.
  static func shared(_ selector: DeviceSelector?) -> DeviceFilter? {
    switch selector {
    case nil: DeviceFilter(name: .everything, needsDFU: true)
    case .ids(let vendor, let product)?:
      DeviceFilter(name: .ids(vendor, product), needsDFU: true)
    case .serial(let text)?: DeviceFilter(name: .serial(text), needsDFU: true)
    case .path(let path)?: DeviceFilter(name: .path(path), needsDFU: true)
    case .usbip?, .virtual?, .replay?: nil
    }
  }

  /// The filter of devices that have a host to themselves.
  static let everything = DeviceFilter(name: .everything, needsDFU: false)

  /// What became of a look at devices.
  struct Choice: Sendable {
    /// Those that the selector names.
    var named: [DeviceInfo] = []
    /// Those of them that are of use.
    var fitting: [DeviceInfo] = []
    /// Why a device could not be asked for its serial number.
    var refusal: HostError?
  }

  /// Those of some devices that fit.
  ///
  /// A device is opened only where its serial number counts and is not known.
  ///
  /// - Parameters:
  ///   - devices: what is there.
  ///   - host: where they are.
  /// - Returns: those that fit, in their order.
  func choose(among devices: [DeviceInfo], on host: any USBHost) async -> Choice {
    var choice = Choice()
    for info in devices {
      switch name {
      case .everything: choice.named.append(info)
      case .ids(let vendor, let product):
        let device = info.descriptor
        if device.vendor == vendor, device.product == product { choice.named.append(info) }
      case .path(let path): if info.path == path { choice.named.append(info) }
      case .serial(let text): if info.serialNumber == text { choice.named.append(info) }
      }
    }
    if case .serial(let text) = name, choice.named.isEmpty {
      await ask(devices, for: text, on: host, &choice)
    }
    guard needsDFU else {
      choice.fitting = choice.named
      return choice
    }
    for index in choice.named.indices where choice.named[index].tellsNoInterface {
      await look(at: &choice.named[index], on: host, &choice.refusal)
    }
    choice.fitting = choice.named.filter { $0.dfuFunction != nil }
    return choice
  }

  /// Opens a device of which a server tells no interface: Linux's has none to tell of a device that has not
  /// been imported since it was shared, for it is not configured.
  private func look(
    at info: inout DeviceInfo, on host: any USBHost, _ refusal: inout HostError?
  ) async {
    do throws(HostError) {
      let device = try await host.open(info.id)
      info = device.info
      await device.close()
    } catch {
      refusal = refusal ?? error
    }
  }

  /// Asks the devices whose serial number nobody knows: first those with a DFU interface, and others only
  /// where none of these has it.
  private func ask(
    _ devices: [DeviceInfo], for text: String, on host: any USBHost, _ choice: inout Choice
  ) async {
    let unknown = devices.filter(\.hidesSerialNumber)
    for group in [
      unknown.filter { $0.dfuFunction != nil }, unknown.filter { $0.dfuFunction == nil },
    ] where choice.named.isEmpty {
      for info in group {
        do throws(HostError) {
          let device = try await host.open(info.id)
          // A device that does not answer is not the one that is named.
          let serial = try? await device.string(
            info.descriptor.serialNumberIndex,
            singleBytes: info.dfuQuirks.contains(.singleByteStrings))
          await device.close()
          if serial == text { choice.named.append(info) }
        } catch {
          choice.refusal = choice.refusal ?? error
        }
      }
    }
  }
}

extension DeviceInfo {
  /// Whether only opening it tells what it is.
  fileprivate var tellsNoInterface: Bool { isOutline && configurations.isEmpty }

  /// Whether it has a serial number that its host does not know, or knows wrongly.
  fileprivate var hidesSerialNumber: Bool {
    descriptor.serialNumberIndex != 0
      && (serialNumber == nil || dfuQuirks.contains(.singleByteStrings))
  }
}
