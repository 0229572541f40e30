internal import DFU
public import USB

/// What is in the place of a device that has gone away, or was to.
public enum Returned: Hashable, Sendable {
  /// A device in DFU mode.
  case bootloader(DeviceInfo)
  /// A device whose application runs and has a DFU interface.
  case runtime(DeviceInfo)
  /// A device without a DFU interface.
  case application(DeviceInfo)
  /// A device with a DFU interface of which neither its descriptors nor an answer tell the mode.
  case unclear(DeviceInfo)
  /// The device as it was: it has not gone away.
  case stayed(DeviceInfo)
  /// Nothing, until the time was over.
  case nothing

  /// The device that is there; nil where none is.
  public var info: DeviceInfo? {
    switch self {
    case .bootloader(let info), .runtime(let info), .application(let info), .unclear(let info),
      .stayed(let info):
      info
    case .nothing: nil
    }
  }

  /// Whether an application runs there, as far as the bus tells.
  public var runsApplication: Bool {
    switch self {
    case .runtime, .application: true
    case .bootloader, .unclear, .stayed, .nothing: false
    }
  }
}

extension Returned {
  /// What a device that has just come is, by its descriptors; where these do not tell, it is opened and
  /// asked. Nil where it has gone again meanwhile.
  ///
  /// - Parameters:
  ///   - info: the device.
  ///   - host: where it is.
  ///   - clock: measures pauses.
  public init?(_ info: DeviceInfo, on host: any USBHost, clock: AnyClock) async {
    guard let function = DFUFunction.choose(in: info, interface: nil) else {
      self = .application(info)
      return
    }
    let device = info.descriptor
    var mode = function.mode(
      quirks: DFUQuirks.quirks(
        vendor: device.vendor, product: device.product, version: device.deviceVersion))
    if mode == .unknown {
      do throws(DFUError) {
        let session = try await DFUSession.open(info, on: host, clock: clock)
        mode = session.description.mode
        await session.close()
      } catch {
        if error.code == .lost || error.code == .deviceNotFound { return nil }
      }
    }
    switch mode {
    case .dfu: self = .bootloader(info)
    case .runtime: self = .runtime(info)
    case .unknown: self = .unclear(info)
    }
  }
}
