/// What is taken from a peer at most. What is more is an error, and ends the connection.
public struct USBIPLimits: Hashable, Sendable {
  /// Bytes of one transfer (`transfer_buffer_length`). Linux's usb-storage asks for up to 1 MiB.
  public var transferLength = 16 << 20
  /// Packets of one isochronous transfer: Linux's own cap, `USBIP_MAX_ISO_PACKETS`.
  public var packets = 1024
  /// Transfers that wait for their answer on one connection. Linux queues dozens.
  public var pendingTransfers = 256
  /// Bytes of all transfers that wait for their answer.
  public var pendingBytes = 64 << 20
  /// Devices in a server's list: more ports than USB/IP ever reaches.
  public var listedDevices = 4096

  /// The limits that suit everybody.
  public init() {}
}
