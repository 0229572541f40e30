public import USB

extension UdevRule {
  /// A file with the rule that lets users open a device.
  ///
  /// Its name sorts before `73-seat-late.rules`, which has to find the tag, and behind
  /// `50-udev-default.rules`, which sets the mode of every device.
  ///
  /// - Parameters:
  ///   - vendor: the device's vendor.
  ///   - product: its product; nil for all of the vendor.
  ///   - name: the middle of the file's name: small letters, digits and hyphens; others are left out.
  ///   - group: a group that may open it as well, for those who do not sit at the machine; it has to exist.
  ///     Other characters than of a group's name are left out.
  /// - Returns: the file.
  public static func granting(
    _ vendor: VendorID, _ product: ProductID?, name: String = "usb-device", group: String? = nil
  ) -> UdevRuleFile {
    func only(_ text: String, _ more: String) -> String {
      String(
        decoding: text.utf8.filter {
          (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || more.utf8.contains($0)
        }.prefix(60), as: UTF8.self)
    }
    let middle = only(name.lowercased(), "-")
    var rule = "SUBSYSTEM==\"usb\", ENV{DEVTYPE}==\"usb_device\", ATTR{idVendor}==\"\(vendor)\""
    if let product { rule += ", ATTR{idProduct}==\"\(product)\"" }
    rule += ", TAG+=\"uaccess\""
    if let group { rule += ", MODE=\"0660\", GROUP=\"\(only(group, "_-"))\"" }
    let ids = product.map { "\(vendor):\($0)" } ?? "of vendor \(vendor)"
    return UdevRuleFile(
      name: "70-\(middle.isEmpty ? "usb-device" : middle).rules",
      text: """
        # Lets users open USB devices \(ids). Written by dfu.
        # The name has to sort before 73-seat-late.rules, or the tag counts for nothing.
        \(rule)

        """)
  }
}
