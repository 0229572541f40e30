internal import DFU
internal import USB
internal import VirtualUSB

/// `application`: the part at work, with a DFU interface from which it detaches.
extension DescriptionKeys {
  static let application = [
    "id", "protocol", "will-detach", "detach-timeout", "answers-status", "return-time", "detour",
    "way-back",
  ]
}

extension DescriptionDecoder {
  mutating func readApplication(_ whole: Fields, into draft: inout ProfileDraft) {
    guard let item = whole["application"] else { return }
    guard !item.isNull else {
      draft.profile.application = nil
      return
    }
    guard let fields = object(item, DescriptionKeys.application) else { return }
    var application = draft.profile.application ?? .standard(for: draft.profile)
    if let item = fields["id"], let text = text(item, example: "\"1209:0002\"") {
      if let ids = describedIDs(text) {
        application.description.device.vendor = ids.vendor
        application.description.device.product = ids.product
      } else {
        refuse(
          item, "“\(shown(text))” is no vendor and product.",
          "Write four hexadecimal digits each, for example \"1209:0002\".")
      }
    }
    if let code = integer(fields["protocol"], 0...2, "bInterfaceProtocol at run time") {
      application.protocolCode = UInt8(code)
    }
    var functional = application.functional
    if let flag = flag(fields["will-detach"]) {
      functional.attributes.remove(.willDetach)
      if flag { functional.attributes.insert(.willDetach) }
      application.detachesByItself = flag
    }
    if let timeout = milliseconds(fields["detach-timeout"], limit: 0xFFFF) {
      functional.detachTimeout = UInt16(timeout)
    }
    application.setFunctional(functional)
    if let flag = flag(fields["answers-status"]) { application.answersStatus = flag }
    if let item = fields["return-time"] {
      application.returnTime = item.isNull ? nil : time(item) ?? application.returnTime
    }
    if let flag = flag(fields["detour"]) {
      application.detour = flag ? .standard(for: draft.profile) : nil
    }
    if let way: Application.WayBack = choice(fields["way-back"]) { application.wayBack = way }
    draft.profile.application = application
  }
}

extension DescriptionEncoder {
  static func application(_ profile: Profile) -> JSONValue {
    guard let application = profile.application else { return .text(nil) }
    let device = application.description.device
    let product = hex(device.product.rawValue)
    return .object([
      "id": .text("\(hex(device.vendor.rawValue)):\(product)"),
      "protocol": .number(UInt64(application.protocolCode)),
      "will-detach": .flag(application.functional.attributes.contains(.willDetach)),
      "detach-timeout": .text("\(application.functional.detachTimeout) ms"),
      "answers-status": .flag(application.answersStatus),
      "return-time": .text(application.returnTime?.described),
      "detour": .flag(application.detour != nil),
      "way-back": .text(application.wayBack.rawValue),
    ])
  }
}
