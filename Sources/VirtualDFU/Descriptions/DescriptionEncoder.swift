/// A profile as the value of a description; each section is written beside where it is read.
enum DescriptionEncoder {
  static func description(of profile: Profile) -> JSONValue {
    .object([
      "format": .text(ProfileDescription.format), "name": .text(profile.name),
      "sentence": .text(profile.sentence), "usb": identity(profile), "dfu": function(profile),
      "memories": memories(profile), "timing": timing(profile), "behaviour": behaviour(profile),
      "launch": launch(profile), "protection": protection(profile), "contents": contents(profile),
      "application": application(profile),
    ])
  }
}
