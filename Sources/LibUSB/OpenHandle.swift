internal import CLibUSB
internal import Synchronization
internal import USB

/// An open device of libusb. It is closed once: when told to, or when nobody holds it any more.
final class OpenHandle: Sendable {
  // libusb locks its handles itself; that none is used after its closing is the business of
  // ``LibUSBDevice``, which counts the calls that are under way.
  nonisolated(unsafe) let pointer: OpaquePointer
  private let isClosed = Atomic(false)
  /// Completes the transfers as long as the handle is there.
  private let thread: EventThread
  private let device: DeviceReference

  init(_ device: DeviceReference, _ info: DeviceInfo) throws(HostError) {
    thread = try device.context.events()
    var pointer: OpaquePointer?
    let code = libusb_open(device.pointer, &pointer)
    guard code == 0, let pointer else {
      throw .cannotOpen(
        info, LibUSBCode(code),
        hasNode: Sysfs.exists(deviceNode(bus: info.path.bus, address: info.address)))
    }
    self.pointer = pointer
    self.device = device
  }

  deinit { close() }

  /// Closes the device. No call may be under way.
  func close() {
    guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
    libusb_close(pointer)
  }
}
