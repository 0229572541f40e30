import Captures
import Reports
import Testing
import USB

/// Our rendering in the shape of `lsusb -v` against what `lsusb` itself has printed, field by field.
@Suite struct LsusbAgreementTests {
  /// A field with the titles that it stands below, each with its number among those of its name.
  struct Line: Hashable, CustomStringConvertible {
    var path: [String]
    var field: String
    var value: String

    var description: String { (path + ["\(field) = \(value)"]).joined(separator: " / ") }
  }

  static func lines(of text: String) -> [Line] {
    var lines: [Line] = []
    var open: [(indent: Int, title: String)] = []
    var counts: [String: Int] = [:]
    for line in text.split(separator: "\n") {
      let indent = line.prefix { $0 == " " }.count
      let words = line.split(separator: " ")
      guard let first = words.first else { continue }
      open.removeAll { $0.indent >= indent }
      let path = open.map(\.title)
      if line.last == ":" {
        let title = words.joined(separator: " ")
        let key = (path + [title]).joined(separator: "/")
        counts[key, default: 0] += 1
        open.append((indent, "\(title)\(counts[key] ?? 0)"))
      } else {
        // What stands below a field belongs to it.
        open.append((indent, String(first)))
      }
      lines.append(
        Line(
          path: path, field: String(first), value: words.dropFirst().joined(separator: " ")))
    }
    return lines
  }

  /// Why a line of one of the texts is not in the other, or another one; nil where nothing explains it.
  static func reason(_ line: Line) -> String? {
    let value = line.value
    switch line.field {
    case "Bus",
      "Device:" where line.path.isEmpty:
      return "bus and device number are of the system; the name is from usb.ids"
    case "idVendor", "idProduct": return "the name is from usb.ids"
    case "Device" where value.hasPrefix("Status"): return "GET_STATUS is not asked"
    case "(Bus" where line.path.isEmpty || line.path == ["Device"]: return "GET_STATUS is not asked"
    case "Self" where line.path == ["Device"]: return "GET_STATUS is not asked"
    case "Warning:" where value.contains("can't get report descriptor"):
      return "an error of the recording's emulated device"
    case "Report",
      "**" where value.contains("Descriptors:") || value.contains("UNAVAILABLE"):
      return "the recording has an error in its place"
    case "Warning:" where value == "Descriptor too short":
      return "bmVideoStandards came with video 1.1; a processing unit without it is a whole one"
    case "Fields" where value.hasPrefix("per frame"):
      return
        "usbutils has the two values of this bit the wrong way round (Uncompressed payload, 3.1.1)"
    default: break
    }
    if line.path.contains(where: { $0.hasPrefix("VideoControl Interface Descriptor") }),
      line.field == "Warning:" || unitFields.contains(line.field)
        || line.path.last == "bmControls"
    {
      return "lsusb shows no field of a processing unit that ends before bmVideoStandards"
    }
    return nil
  }

  private static let unitFields: Set<String> = [
    "bUnitID", "bSourceID", "wMaxMultiplier", "bControlSize", "bmControls", "iProcessing",
  ]

  /// The same with what strings say left away: which of them could be read is the recorder's matter.
  static func plain(_ line: Line) -> Line {
    var line = line
    if line.field.hasPrefix("i"), line.field.dropFirst().first?.isUppercase == true {
      line.value = String(line.value.prefix { $0 != " " })
    }
    return line
  }

  @Test(RecordedTexts.present, arguments: RecordedTexts.all)
  func `every field of a recorded text is in ours`(_ recording: RecordedTexts.Recording) {
    let theirs = Self.lines(of: recording.text).map(Self.plain)
    let ours = Self.lines(of: LsusbText.text(of: recording.set)).map(Self.plain)
    #expect(theirs.count > 30)
    let missing = theirs.filter { !Set(ours).contains($0) && Self.reason($0) == nil }
    let added = ours.filter { !Set(theirs).contains($0) && Self.reason($0) == nil }
    #expect(missing.isEmpty, "\(missing)")
    #expect(added.isEmpty, "\(added)")
    // The order is theirs too.
    let common = Set(theirs).intersection(ours)
    #expect(theirs.filter(common.contains) == ours.filter(common.contains))
  }

  @Test(RecordedTexts.present, arguments: RecordedTexts.all)
  func `strings that the recording has stand behind their numbers`(
    _ recording: RecordedTexts.Recording
  ) {
    let text = LsusbText.text(of: recording.set)
    for line in Self.lines(of: recording.text) where line.field.hasPrefix("i") {
      guard line.field.dropFirst().first?.isUppercase == true,
        let index = UInt8(line.value.prefix { $0 != " " }), index > 0,
        let known = recording.set.strings[index], line.value.hasSuffix(known), !known.isEmpty
      else { continue }
      #expect(text.contains(" \(index) \(known)\n"))
    }
  }
}
