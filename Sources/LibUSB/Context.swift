internal import CLibUSB
internal import Synchronization
internal import USB

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// A libusb context: a view of the machine's buses. It ends when nobody holds it any more, which is
/// after all its devices and its thread.
final class Context: Sendable {
  // libusb locks its contexts itself ("Multi-threaded applications and asynchronous I/O").
  nonisolated(unsafe) let pointer: OpaquePointer
  private let thread = Mutex(WeakThread())

  private struct WeakThread { weak var thread: EventThread? }

  init() throws(HostError) {
    var pointer: OpaquePointer?
    let code = libusb_init(&pointer)
    guard code == 0, let pointer else { throw .cannotBegin(LibUSBCode(code)) }
    self.pointer = pointer
  }

  deinit { libusb_exit(pointer) }

  /// The thread that handles the events of this context: the one that runs, or a new one.
  ///
  /// - Returns: the thread; it ends when nobody holds it any more.
  func events() throws(HostError) -> EventThread {
    try thread.withLock { (held) throws(HostError) in
      if let thread = held.thread { return thread }
      let thread = try EventThread(self)
      held.thread = thread
      return thread
    }
  }

  /// The devices that are there, each with a reference of its own.
  func devices() throws(HostError) -> [DeviceReference] {
    var list: UnsafeMutablePointer<OpaquePointer?>?
    let count = libusb_get_device_list(pointer, &list)
    guard count >= 0, let list else { throw .cannotList(LibUSBCode(Int32(clamping: count))) }
    defer { libusb_free_device_list(list, 1) }
    return (0..<count).compactMap { list[$0].map { DeviceReference($0, in: self) } }
  }
}

/// A device that is or was attached, as one context knows it.
final class DeviceReference: Sendable {
  // A libusb_device never changes but for its counter of references, which is locked.
  nonisolated(unsafe) let pointer: OpaquePointer
  let context: Context

  init(_ pointer: OpaquePointer, in context: Context) {
    self.pointer = libusb_ref_device(pointer)
    self.context = context
  }

  deinit { libusb_unref_device(pointer) }
}

/// The one thread on which a context's transfers complete and its changes are noticed.
final class EventThread: Sendable {
  private let work: Work

  /// What the thread itself holds; it must not hold the ``EventThread``, whose end ends it.
  private final class Work: Sendable {
    let context: Context
    let isStopped = Atomic(false)
    let hasChanged = Atomic(false)
    let listener = Mutex<(@Sendable () -> Void)?>(nil)
    /// What libusb calls the registration for hot-plug events; nil while there is none.
    let registration = Mutex<libusb_hotplug_callback_handle?>(nil)

    init(_ context: Context) { self.context = context }

    func run() {
      while !isStopped.load(ordering: .acquiring) {
        let code = libusb_handle_events_completed(context.pointer, nil)
        if code != 0, LibUSBCode(code) != .interrupted {
          // Nothing can be done about it here; but a thread must not spin.
          usleep(10_000)
        }
        if hasChanged.exchange(false, ordering: .acquiringAndReleasing) {
          // Not in the callback itself: there only a part of libusb may be used.
          listener.withLock { $0 }?()
        }
      }
      deregister()
    }

    func deregister() {
      let old = registration.withLock { registration in
        defer { registration = nil }
        return registration
      }
      if let old { libusb_hotplug_deregister_callback(context.pointer, old) }
    }
  }

  fileprivate init(_ context: Context) throws(HostError) {
    work = Work(context)
    // The thread owns this reference, and gives it back when it ends.
    let box = Unmanaged.passRetained(work)
    #if canImport(Darwin)
      var thread: pthread_t?
      let code = pthread_create(&thread, nil, { EventThread.body($0) }, box.toOpaque())
    #else
      var thread = pthread_t()
      let code = pthread_create(&thread, nil, { EventThread.body($0) }, box.toOpaque())
    #endif
    guard code == 0 else {
      box.release()
      throw HostError(
        .other, "No thread could be started for the events of libusb (errno \(code)).")
    }
    #if canImport(Darwin)
      if let thread { pthread_detach(thread) }
    #else
      pthread_detach(thread)
    #endif
  }

  deinit {
    work.isStopped.store(true, ordering: .releasing)
    libusb_interrupt_event_handler(work.context.pointer)
  }

  private static func body(_ box: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let box else { return nil }
    Unmanaged<Work>.fromOpaque(box).takeRetainedValue().run()
    return nil
  }

  /// Calls `listener` on the thread whenever a device has come or gone.
  ///
  /// - Returns: false where libusb cannot tell.
  func listen(_ listener: @escaping @Sendable () -> Void) -> Bool {
    work.listener.withLock { $0 = listener }
    return work.registration.withLock { registration in
      guard registration == nil else { return true }
      let events =
        LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED.rawValue | LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT.rawValue
      var handle: libusb_hotplug_callback_handle = 0
      // Unretained: the thread holds its work until it has taken the registration back.
      let code = libusb_hotplug_register_callback(
        work.context.pointer, Int32(events), 0, LIBUSB_HOTPLUG_MATCH_ANY, LIBUSB_HOTPLUG_MATCH_ANY,
        LIBUSB_HOTPLUG_MATCH_ANY,
        { _, _, _, box in
          guard let box else { return 1 }
          Unmanaged<Work>.fromOpaque(box).takeUnretainedValue().hasChanged.store(
            true, ordering: .releasing)
          return 0
        }, Unmanaged.passUnretained(work).toOpaque(), &handle)
      guard code == 0 else { return false }
      registration = handle
      return true
    }
  }

  /// Tells nobody any more.
  func stopListening() {
    work.deregister()
    work.listener.withLock { $0 = nil }
  }
}
