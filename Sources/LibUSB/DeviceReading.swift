internal import CLibUSB
internal import USB

/// What identifies an attachment where libusb itself does not: a device that has come back has
/// another address, since Linux and macOS count upwards.
struct AttachmentKey: Hashable, Sendable {
  var path: PortPath
  var address: UInt8
  var descriptor: DeviceDescriptor?
}

extension DeviceReference {
  /// Where the device is plugged in.
  var path: PortPath {
    var ports = [UInt8](repeating: 0, count: 7)
    let count = libusb_get_port_numbers(pointer, &ports, Int32(ports.count))
    return PortPath(
      bus: Int(libusb_get_bus_number(pointer)), ports: Array(ports.prefix(max(0, Int(count)))))
  }

  /// The number from SET_ADDRESS.
  var address: UInt8 { libusb_get_device_address(pointer) }

  /// The device descriptor as libusb has it, without asking the device.
  var descriptor: DeviceDescriptor? {
    var raw = libusb_device_descriptor()
    guard libusb_get_device_descriptor(pointer, &raw) == 0 else { return nil }
    return DeviceDescriptor(
      usbVersion: BCDVersion(raw.bcdUSB),
      deviceClass: ClassTriple(raw.bDeviceClass, raw.bDeviceSubClass, raw.bDeviceProtocol),
      maxPacketSize0: raw.bMaxPacketSize0, vendor: VendorID(raw.idVendor),
      product: ProductID(raw.idProduct), deviceVersion: BCDVersion(raw.bcdDevice),
      manufacturerIndex: raw.iManufacturer, productIndex: raw.iProduct,
      serialNumberIndex: raw.iSerialNumber, configurationCount: raw.bNumConfigurations)
  }

  /// What tells this attachment from others.
  var key: AttachmentKey {
    AttachmentKey(path: path, address: address, descriptor: descriptor)
  }

  /// All that is known of the device without asking it.
  func info(id: DeviceID, sysfs: Sysfs) -> DeviceInfo {
    let path = path
    let address = address
    let descriptor =
      descriptor
      ?? DeviceDescriptor(
        vendor: VendorID(0), product: ProductID(0), deviceVersion: BCDVersion(0),
        configurationCount: 0)
    var info = DeviceInfo(
      id: id, path: path, address: address,
      speed: USBSpeed(libusb: libusb_get_device_speed(pointer)), descriptor: descriptor,
      configurations: [], activeConfiguration: nil)
    if sysfs.isCurrent(path, address: address) {
      info.serialNumber = sysfs.serialNumber(path)
      info.manufacturerName = sysfs.line("manufacturer", of: path)
      info.productName = sysfs.line("product", of: path)
      if let bytes = sysfs.descriptors(path), bytes.count >= DeviceDescriptor.length {
        let following = Array(bytes[DeviceDescriptor.length...])
        // Offsets as in the device's own answer, which begins with the configuration.
        var reader = ByteReader(following.span.bytes)
        info.configurations = ConfigurationDescriptor.all(parsing: &reader)
      }
    }
    info.activeConfiguration = activeConfiguration(sysfs)
    if info.configurations.isEmpty {
      info.configurations = configurations(descriptor.configurationCount)
    }
    return info
  }

  /// `bConfigurationValue` of the active configuration, as the kernel or libusb has it.
  func activeConfiguration(_ sysfs: Sysfs) -> UInt8? {
    let path = path
    if sysfs.isCurrent(path, address: address) { return sysfs.activeConfiguration(path) }
    var configuration: UnsafeMutablePointer<libusb_config_descriptor>?
    guard libusb_get_active_config_descriptor(pointer, &configuration) == 0, let configuration
    else { return nil }
    defer { libusb_free_config_descriptor(configuration) }
    return configuration.pointee.bConfigurationValue
  }

  /// The configurations that libusb can read.
  private func configurations(_ count: UInt8) -> [ConfigurationDescriptor] {
    (0..<count).compactMap { index in
      var configuration: UnsafeMutablePointer<libusb_config_descriptor>?
      guard libusb_get_config_descriptor(pointer, index, &configuration) == 0, let configuration
      else { return nil }
      defer { libusb_free_config_descriptor(configuration) }
      let bytes = rawBytes(configuration.pointee)
      var reader = ByteReader(bytes.span.bytes)
      return try? ConfigurationDescriptor(parsing: &reader)
    }
  }
}

/// The bytes from which libusb has made a configuration: it keeps every descriptor, those that it
/// does not know as `extra` behind the one before.
func rawBytes(_ configuration: libusb_config_descriptor) -> [UInt8] {
  var bytes: [UInt8] = [9, configuration.bDescriptorType]
  bytes += configuration.wTotalLength.littleEndianBytes
  bytes += [
    configuration.bNumInterfaces, configuration.bConfigurationValue, configuration.iConfiguration,
    configuration.bmAttributes, configuration.MaxPower,
  ]
  bytes += extra(configuration.extra, configuration.extra_length)
  for interface in UnsafeBufferPointer(
    start: configuration.interface, count: Int(configuration.bNumInterfaces))
  {
    for setting in UnsafeBufferPointer(
      start: interface.altsetting, count: max(0, Int(interface.num_altsetting)))
    {
      bytes += [
        9, setting.bDescriptorType, setting.bInterfaceNumber, setting.bAlternateSetting,
        setting.bNumEndpoints, setting.bInterfaceClass, setting.bInterfaceSubClass,
        setting.bInterfaceProtocol, setting.iInterface,
      ]
      bytes += extra(setting.extra, setting.extra_length)
      for endpoint in UnsafeBufferPointer(
        start: setting.endpoint, count: setting.endpoint == nil ? 0 : Int(setting.bNumEndpoints))
      {
        // Audio endpoints have two bytes more (USB Audio 1.0, 4.6.1.1).
        let isLong = endpoint.bLength >= 9
        bytes += [isLong ? 9 : 7, endpoint.bDescriptorType, endpoint.bEndpointAddress]
        bytes += [endpoint.bmAttributes] + endpoint.wMaxPacketSize.littleEndianBytes
        bytes += [endpoint.bInterval]
        bytes += isLong ? [endpoint.bRefresh, endpoint.bSynchAddress] : []
        bytes += extra(endpoint.extra, endpoint.extra_length)
      }
    }
  }
  return bytes
}

private func extra(_ start: UnsafePointer<UInt8>?, _ count: Int32) -> [UInt8] {
  guard let start, count > 0 else { return [] }
  return Array(UnsafeBufferPointer(start: start, count: Int(count)))
}
