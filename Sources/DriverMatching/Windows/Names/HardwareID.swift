/// The parts of an id of the form `USB\VID_vvvv&PID_pppp&REV_rrrr&MI_zz`, or `…&REV_rrrr&CDC_ss&MI_zz` as usbccgp
/// names functions by union descriptors; upper case.
public struct HardwareID: Hashable, Sendable {
  /// Characters that an id may have (Microsoft Learn, "Hardware IDs").
  static let limit = 200

  /// The four digits behind `VID_`.
  public var vendor: String
  /// The four digits behind `PID_`.
  public var product: String
  /// The four digits behind `REV_`; nil for none.
  public var revision: String?
  /// `CDC_02`, `CDC_MODEM`, `WPD_OBEX`; nil for none.
  public var function: String?
  /// The two digits behind `MI_`; nil for none.
  public var interface: String?

  /// The parts of an id; nil where it is of another form.
  public init?(_ id: String) {
    let text = id.uppercased()
    guard text.hasPrefix("USB\\VID_") else { return nil }
    let parts = text.dropFirst(4).split(separator: "&", omittingEmptySubsequences: false)
    func value(_ prefix: String, _ count: Int) -> String? {
      parts.first { $0.hasPrefix(prefix) && $0.utf8.count == prefix.utf8.count + count }.map {
        String($0.dropFirst(prefix.count))
      }
    }
    guard parts.count <= 5, let vendor = value("VID_", 4), let product = value("PID_", 4) else {
      return nil
    }
    self.vendor = vendor
    self.product = product
    revision = value("REV_", 4)
    function = parts.first { $0.hasPrefix("CDC_") || $0 == "WPD_OBEX" }.map { String($0) }
    interface = value("MI_", 2)
  }

  /// The same id with no revision; nil where it has none.
  public var withoutRevision: String? {
    revision.map { _ in
      bare + (function.map { "&" + $0 } ?? "") + (interface.map { "&MI_" + $0 } ?? "")
    }
  }

  /// The text of the product alone: `USB\VID_0483&PID_DF11`.
  public var bare: String { "USB\\VID_\(vendor)&PID_\(product)" }
}
