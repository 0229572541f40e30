internal import SystemPackage
public import USB

/// The list of names that the system has.
public enum DeviceNames {
  /// Where distributions have it: Debian, Fedora, and where `update-usbids` puts a newer one.
  static let places = [
    "/var/lib/usbutils/usb.ids", "/usr/share/misc/usb.ids", "/usr/share/hwdata/usb.ids",
    "/usr/share/usb.ids",
  ]

  /// The names of some devices; none where there is no list.
  public static func installed(of devices: [DeviceInfo]) -> USBIDs {
    let wanted = devices.map { ($0.descriptor.vendor, $0.descriptor.product) }
    for place in places {
      guard let bytes = try? InputFile.read(FilePath(place), limit: USBIDs.sizeLimit) else {
        continue
      }
      return USBIDs(bytes, of: wanted)
    }
    return USBIDs()
  }
}
