internal import CLibUSB
public import USB

/// The USB devices of this machine, through libusb 1.0.
///
/// Any number of devices may be open at a time, and any number of their transfers under way; one
/// thread, started when the first is opened, handles the completions of all. Root hubs are listed
/// like devices. No driver of the system is detached from an interface: claiming one that is held
/// fails with `.busy` and names the driver.
public final class LibUSBHost: USBHost {
  private let context: Context
  private let attachments: Attachments
  let sysfs: Sysfs

  /// The buses of this machine.
  ///
  /// - Parameter clock: paces the looking for changes, four times in a second, where nobody tells of
  ///   them; on a usual system libusb does, and the clock is not read.
  /// - Throws: `HostError` with `.unreachable` where libusb cannot begin.
  public convenience init(clock: AnyClock) throws(HostError) {
    // Without its daemon udev is silent. The file is what libudev itself looks for.
    let canTell =
      libusb_has_capability(LIBUSB_CAP_HAS_HOTPLUG.rawValue) != 0
      && (Platform.current != .linux || Sysfs.exists("/run/udev/control"))
    try self.init(clock: clock, watching: canTell ? .events : .polling)
  }

  /// How changes are noticed.
  package enum Watching: Sendable {
    /// libusb tells.
    case events
    /// Nobody tells: no udev has its daemon here (a container, a small system), or libusb cannot. The
    /// list of a context stays as it is then, so that each look is through a new one.
    case polling
  }

  /// The buses of this machine, noticed and read in a way that need not be this system's.
  package init(
    clock: AnyClock, watching: Watching, files: String = "/sys"
  ) throws(HostError) {
    sysfs = Sysfs(root: files)
    context = try Context()
    attachments = Attachments(context: context, clock: clock, sysfs: sysfs, watching: watching)
  }

  deinit { attachments.end() }

  /// The devices that are attached now, root hubs included, in the order of their paths.
  ///
  /// A device whose descriptors cannot be read is listed with what is known of it.
  ///
  /// - Throws: `HostError` where libusb gives no list.
  public func devices() async throws(HostError) -> [DeviceInfo] {
    let attachments = attachments
    return try await onThreadOfItsOwn { () -> Result<[DeviceInfo], HostError> in
      do throws(HostError) { return .success(try attachments.current()) } catch {
        return .failure(error)
      }
    }.get()
  }

  /// Opens a device; its interfaces are claimed before they are used.
  ///
  /// - Throws: `HostError` with `.notFound` and what is attached instead, `.permission` with the line
  ///   for udev, `.busy` or `.other`.
  public func open(_ id: DeviceID) async throws(HostError) -> any USBDevice {
    let (attachments, sysfs) = (attachments, sysfs)
    return try await onThreadOfItsOwn { () -> Result<LibUSBDevice, HostError> in
      do throws(HostError) {
        let (device, info) = try attachments.find(id)
        let handle = try OpenHandle(device, info)
        return .success(LibUSBDevice(handle, info, sysfs: sysfs))
      } catch {
        return .failure(error)
      }
    }.get()
  }

  /// Attachments and detachments from now on, in order. Each call begins a stream of its own, which
  /// ends when the consumer stops or the host goes away; at once where changes cannot be noticed.
  public func events() -> AsyncStream<HostEvent> { attachments.events() }
}
