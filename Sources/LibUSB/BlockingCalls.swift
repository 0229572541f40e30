internal import Dispatch

/// Where calls run that wait for the kernel: not on the threads that Swift's tasks share.
private let blocking = DispatchQueue(label: "swift-dfu.libusb", attributes: .concurrent)

/// Runs a call that waits, while the task only is suspended.
func onThreadOfItsOwn<Result: Sendable>(
  _ body: @escaping @Sendable () -> Result
) async -> Result {
  await on(blocking, body)
}

/// Runs a call that waits, behind those before it on the queue.
func on<Result: Sendable>(
  _ queue: DispatchQueue, _ body: @escaping @Sendable () -> Result
) async -> Result {
  await withCheckedContinuation { continuation in
    queue.async { continuation.resume(returning: body()) }
  }
}
