import DriverMatching
import FuzzInput
import USB

private let ids = DeviceIDs(
  hardware: [#"USB\VID_0483&PID_DF11&REV_2200"#, #"USB\VID_0483&PID_DF11"#],
  compatible: [#"USB\MS_COMP_WINUSB"#, #"USB\Class_FE&SubClass_01&Prot_02"#, #"USB\Class_FE"#])

private let profiles: [WindowsProfile] = [
  .windows11, .windows7, WindowsProfile(build: 19045, architecture: .x86, language: 0x0407),
  WindowsProfile(build: 10240, architecture: .arm64, signaturesAreEqual: false),
]

/// An INF, in two halves where a zero divides it: it is read or refused with a line of it, what is read is inside of
/// the limits, and a device is decided about, whatever the file says.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = FuzzInput(start, count)
  let windows = input.one(of: profiles)
  let signer = input.one(of: DriverSigner.allCases)
  let isAlone = input.bool()
  let content = input.remaining()
  guard content.count <= 1 << 16 else { return 0 }
  let cut = isAlone ? nil : content.firstIndex(of: 0)
  let parts = cut.map { [Array(content[..<$0]), Array(content[($0 + 1)...])] } ?? [content]
  var files: [StoredINF] = []
  for (index, part) in parts.enumerated() {
    do throws(INFError) {
      let inf = try INF(part, name: index == 0 ? "one.inf" : "winusb.inf")
      check(inf, lines: part.count)
      files.append(StoredINF(inf, signer: signer))
    } catch {
      checkText(of: error)
      require(error.line <= part.count + 1, "a line that is not there")
    }
  }
  checkRegistry(content)
  let store = DriverStore(files, on: windows)
  let decision = store.decision(for: ids, product: "A device")
  require(!decision.decision.outcome.sentence.isEmpty, "no outcome")
  require((decision.binding == nil) == decision.nodes.isEmpty, "a match that is not bound")
  for (first, second) in zip(decision.nodes, decision.nodes.dropFirst()) {
    require(first.rank <= second.rank, "nodes that are not in order")
  }
  // Taking away a file that does not win changes nothing about who wins.
  if let winner = decision.binding?.node,
    let other = files.first(where: { $0.name != winner.file }),
    winner.line != nil
  {
    let place = store.without([other.name]).nodes(for: ids).first?.place
    require(place == winner.place, "the winner depends on a loser")
  }
  return 0
}

private let device = DeviceDescriptor(
  vendor: VendorID(0x0483), product: ProductID(0xDF11), deviceVersion: BCDVersion(0x2200))

/// The same bytes as a text of the registry: refused, or read with a step for every setting.
private func checkRegistry(_ content: [UInt8]) {
  do throws(UsbFlagError) {
    let reading = try UsbFlagsReading(content, name: "flags.reg", of: device)
    for finding in reading.findings {
      require(!finding.sentence.isEmpty && !finding.slug.isEmpty, "an empty finding")
      require(finding.line >= 1 && finding.line <= content.count + 1, "a line that is not there")
    }
    let settings = reading.flags.settings
    require(settings.count <= UsbFlag.all.count + 1, "settings of others")
    require(
      reading.flags.steps(of: device, []).count == settings.count, "a setting without a step")
  } catch {
    checkText(of: error)
  }
}

private func check(_ inf: INF, lines: Int) {
  var before = 0
  for finding in inf.findings {
    require(!finding.sentence.isEmpty && !finding.slug.isEmpty, "an empty finding")
    require(finding.line >= before && finding.line <= lines + 1, "findings out of order")
    before = finding.line
  }
  let reading = INFReading(inf)
  for section in inf.sections {
    require(section.name.utf16.count <= INF.sectionNameLimit, "a long name")
    require(inf.section(section.name)?.number == section.number, "a section that is not found")
    for line in section.lines {
      for field in line.fields {
        require(field.utf16.count <= INF.fieldLimit, "a long field")
        require(reading.expand(field).utf16.count <= INF.fieldLimit, "a long replacement")
      }
    }
  }
}
