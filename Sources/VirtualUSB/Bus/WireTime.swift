internal import USB

/// How long transfers take on the wire.
///
/// A transaction costs its payload and an overhead of packets, turnarounds and checks (USB 2.0,
/// tables 5-2, 5-9 and 5-10: 13 bytes at full and low speed, 55 at high speed for bulk-like
/// transactions). A control transfer is the setup packet, the data packets, and the status stage.
/// On top comes ``turnaround``: what controller and driver need from one transfer to the next. With
/// 250 µs, the middle of what is seen at full speed, GETSTATUS takes 0.3 ms and a block of 2048
/// bytes 1.9 ms, which is the two frames that it occupies on real hosts.
public struct WireTime: Hashable, Sendable {
  /// What controller and driver take for a transfer, at low and full speed.
  public var turnaround: Duration
  /// The same at high speed and above.
  public var fastTurnaround: Duration

  /// A model of the host's side.
  public init(
    turnaround: Duration = .microseconds(250), fastTurnaround: Duration = .microseconds(60)
  ) {
    self.turnaround = turnaround
    self.fastTurnaround = fastTurnaround
  }

  /// The usual host.
  public static let standard = WireTime()

  /// The time of a control transfer.
  ///
  /// - Parameters:
  ///   - bytes: the length of the data stage.
  ///   - packetSize: `bMaxPacketSize0`.
  ///   - speed: the speed of the device.
  /// - Returns: the time from the setup packet to the end of the status stage.
  func control(bytes: Int, packetSize: Int, speed: USBSpeed) -> Duration {
    let packets = (bytes + packetSize - 1) / max(packetSize, 1)
    return time(bytes: 8 + bytes, transactions: packets + 2, speed: speed)
  }

  /// The time of a bulk or interrupt transfer.
  func stream(bytes: Int, packetSize: Int, speed: USBSpeed) -> Duration {
    time(bytes: bytes, transactions: bytes / max(packetSize, 1) + 1, speed: speed)
  }

  private func time(bytes: Int, transactions: Int, speed: USBSpeed) -> Duration {
    switch speed {
    case .low:
      turnaround + .nanoseconds((bytes + 13 * transactions) * 5333)
    case .full:
      turnaround + .nanoseconds((bytes + 13 * transactions) * 667)
    case .high:
      fastTurnaround + .nanoseconds((bytes + 55 * transactions) * 17)
    case .superSpeed, .superSpeedPlus:
      fastTurnaround + .nanoseconds((bytes + 55 * transactions) * 2)
    }
  }
}
