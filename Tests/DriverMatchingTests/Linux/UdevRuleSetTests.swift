import DriverMatching
import Testing
import USB

@Suite("Texts of udev rules") struct UdevRuleSetTests {
  struct Fault: CustomTestStringConvertible, Sendable {
    var line: String
    var slug: String
    var help: String?
    /// Whether the rest of the line holds.
    var isSoft = false
    var testDescription: String { line }
  }

  @Test(arguments: [
    Fault(
      line: #"SUBSYSTEM=="usb", MODE="0666" # all"#, slug: "udev-key-value", help: "line of its own"
    ),
    Fault(
      line: #"SUBSYSTEM=='usb', MODE="0666""#, slug: "udev-key-value", help: "SUBSYSTEM==\"...\""),
    Fault(
      line: #"SUBSYSTEM="usb", MODE="0666""#, slug: "udev-operator", help: "SUBSYSTEM==\"usb\""),
    Fault(line: #"SUBSYSTEM=="usb", MODE=="0666""#, slug: "udev-operator"),
    Fault(line: #"SUBSYSTEM+="usb", MODE="0666""#, slug: "udev-operator"),
    Fault(line: #"BUS=="usb", MODE="0666""#, slug: "udev-key", help: "SUBSYSTEMS"),
    Fault(line: #"SYSFS{idVendor}=="0483", MODE="0666""#, slug: "udev-key", help: "ATTRS"),
    Fault(line: #"attr{idVendor}=="0483", MODE="0666""#, slug: "udev-key", help: "ATTR"),
    Fault(line: #"ATTR=="0483", MODE="0666""#, slug: "udev-braces"),
    Fault(line: #"ATTR{}=="0483", MODE="0666""#, slug: "udev-braces"),
    Fault(line: #"KERNEL{x}=="0483", MODE="0666""#, slug: "udev-braces"),
    Fault(line: #"RUN{shell}+="ls""#, slug: "udev-braces"),
    Fault(line: #"IMPORT{nothing}="x""#, slug: "udev-braces"),
    Fault(line: #"RUN{builtin}+="nothing""#, slug: "udev-builtin"),
    Fault(line: #"IMPORT{builtin}="nothing""#, slug: "udev-builtin"),
    Fault(line: #"ENV{DEVTYPE}="x""#, slug: "udev-fixed-property"),
    Fault(line: #"ENV{X}-="x""#, slug: "udev-operator"),
    Fault(line: #"NAME="%k", MODE="0666""#, slug: "udev-name"),
    Fault(line: #"CONST{cpu}=="x", MODE="0666""#, slug: "udev-braces"),
    Fault(line: #"MODE"#, slug: "udev-key-value"),
    Fault(line: #"MODE="0666"#, slug: "udev-key-value"),
    Fault(line: #"ATTR{idVendor"#, slug: "udev-key-value"),
    Fault(line: #"MODE "0666""#, slug: "udev-key-value"),
    Fault(line: #"MODE=e"\q""#, slug: "udev-key-value"),
    Fault(line: #"MODE=i"0666""#, slug: "udev-key-value"),
    Fault(line: #"SUBSYSTEM=="usb""#, slug: "udev-no-effect", help: "uaccess"),
    Fault(line: #"GOTO+="end""#, slug: "udev-operator"),
    Fault(line: #"MODE="0666", OPTIONS+="nothing""#, slug: "udev-option", isSoft: true),
    Fault(line: #"MODE="0666", GOTO="nowhere""#, slug: "udev-goto", isSoft: true),
    Fault(line: #"MODE="0666", GROUP="nobodys""#, slug: "udev-group", isSoft: true),
    Fault(line: #"MODE="0666", TAG:="x""#, slug: "udev-operator", isSoft: true),
    Fault(
      line: #"MODE="0666", SYMLINK+="50%""#, slug: "udev-substitution", help: "%%", isSoft: true),
    Fault(line: #"MODE+="0666""#, slug: "udev-operator", isSoft: true),
  ])
  func `a fault takes the whole line or a part of it, and says which`(_ fault: Fault) {
    let set = UdevRuleSet(
      [UdevFixtures.file("70-x.rules", "# first\n\n\(fault.line)\n")], groups: ["plugdev"])
    #expect(set.findings.map(\.slug) == [fault.slug])
    #expect(set.findings.first?.place == "/etc/udev/rules.d/70-x.rules:3")
    #expect(set.findings.first?.consequence == (fault.isSoft ? .partIgnored : .lineIgnored))
    #expect(set.rules.count == (fault.isSoft ? 1 : 0))
    if let help = fault.help { #expect(set.findings.first?.help?.contains(help) == true) }
    let outcome = set.evaluate(UdevFixtures.bootloader())
    #expect(outcome.mode?.value == (fault.isSoft ? 0o666 : nil))
  }

  @Test(arguments: [
    #"SUBSYSTEM=="usb" MODE="0666""#, #"  SUBSYSTEM == "usb" ,, MODE = "0666","#,
    "SUBSYSTEM==\"usb\", \\\n  MODE=\"0666\"", "SUBSYSTEM==\"usb\", \\\n# between\n  MODE=\"0666\"",
    "SUBSYSTEM==\"usb\", MODE=\"0666\"\r\n", #"SUBSYSTEM=="usb", MODE=e"\x30666""#,
    #"MODE="0666", SUBSYSTEM=="usb""#, #"SUBSYSTEM==e"us\142", MODE="666""#,
  ])
  func `a line may be written in many ways`(_ text: String) {
    let set = UdevRuleSet([UdevFixtures.file("70-x.rules", text)])
    #expect(set.findings.isEmpty)
    #expect(set.evaluate(UdevFixtures.bootloader()).mode?.value == 0o666)
  }

  @Test func `files of all folders are sorted by name; a higher folder hides, an empty file masks`()
  {
    let files = [
      UdevFixtures.file("90-z.rules", "ENV{O}+=\"z\"", in: "/usr/lib/udev/rules.d"),
      UdevFixtures.file("10-a.rules", "ENV{O}+=\"low\"", in: "/usr/lib/udev/rules.d"),
      UdevFixtures.file("10-a.rules", "ENV{O}+=\"high\"", in: "/etc/udev/rules.d/"),
      UdevFixtures.file("50-m.rules", "ENV{O}+=\"masked\"", in: "/usr/lib/udev/rules.d"),
      UdevFixtures.file("50-m.rules", "", in: "/run/udev/rules.d"),
      UdevFixtures.file("60-r.rules", "ENV{O}+=\"run\"", in: "/run/udev/rules.d"),
      UdevFixtures.file("60-x.rules.bak", "ENV{O}+=\"bak\""),
      UdevFixtures.file("9-late.rules", "ENV{O}+=\"nine\""),
      UdevFixtures.file("Z.rules", "ENV{O}+=\"letter\""),
    ]
    let set = UdevRuleSet(files)
    #expect(
      set.evaluate(UdevFixtures.bootloader()).properties["O"]?.value == "high run nine z letter")
    #expect(
      Set(set.hidden.map(\.file)) == [
        "/usr/lib/udev/rules.d/10-a.rules", "/usr/lib/udev/rules.d/50-m.rules",
      ])
  }

  @Test func `GOTO goes forward in its own file, and never back`() {
    let text = """
      LABEL="back"
      ENV{O}+="1"
      KERNEL=="1-2", GOTO="end"
      ENV{O}+="skipped"
      LABEL="end"
      ENV{O}+="2"
      GOTO="back"
      KERNEL=="no", GOTO="far"
      ENV{O}+="3"
      LABEL="far", ENV{O}+="4"
      """
    let set = UdevRuleSet([
      UdevFixtures.file("10-a.rules", text),
      UdevFixtures.file("20-b.rules", "LABEL=\"back\"\nENV{O}+=\"5\""),
    ])
    #expect(set.evaluate(UdevFixtures.bootloader()).properties["O"]?.value == "1 2 3 4 5")
    #expect(set.findings.map(\.slug) == ["udev-goto"])
  }

  @Test func `hostile texts neither trap nor take long`() {
    let value = String(repeating: "*a", count: 6000)
    let long = "ATTR{product}==\"\(value)\", MODE=\"0600\"\n"
    let texts = [
      String(repeating: long, count: 20), String(repeating: "x", count: 1 << 20),
      String(repeating: "\\\n", count: 1 << 17), "MODE=\"0\0 6\"",
      String(repeating: "\0", count: 1 << 16),
      String(repeating: "LABEL=\"a\", GOTO=\"a\"\n", count: 5000), "ENV{A}=\"$env{A}$env{A}\"\n",
      String(repeating: "ENV{A}=\"x$env{A}$env{A}$env{A}\"\n", count: 500),
      String(repeating: "SYMLINK+=\"%k%n$attr{product}\"\n", count: 300), "\"", "{", "A{", "==",
      "A==", "A==\"",
      "e\"", "RUN=\"%\", SYMLINK=\"$\", ENV{x}=\"%E{\", ENV{y}=\"%E\", MODE=\"%s\", OWNER=\"%c{\"",
      String(repeating: ",", count: 16_000), String(repeating: "\\", count: 16_000),
      String(repeating: "OPTIONS=\"x\",", count: 1200),
    ]
    var device = UdevFixtures.bootloader()
    device.attributes["product"] = String(repeating: "a", count: 100_000)
    for text in texts {
      let set = UdevRuleSet([UdevFixtures.file("70-x.rules", text)])
      let outcome = set.evaluate(device)
      #expect(outcome.properties.values.allSatisfy { $0.value.utf8.count < 100_001 })
      _ = set.advice
    }
    #expect(
      UdevRuleSet([UdevFixtures.file("70-x.rules", texts[1])]).findings.map(\.consequence) == [
        .fileIgnored
      ])
    let unfinished = UdevRuleSet([UdevFixtures.file("70-x.rules", "MODE=\"0666\", \\")])
    #expect(unfinished.findings.map(\.slug) == ["unfinished"])
    #expect(unfinished.rules.isEmpty)
  }

  @Test(arguments: [
    (#"TAG+="uaccess""#, "99-board.rules", "late-uaccess"),
    (#"TAG+="uaccess""#, "73-aa.rules", nil),
    (#"TAG+="uaccess""#, "73-zz.rules", "late-uaccess"),
    (#"TAG+="uaccess""#, "73-seat.rules", "late-uaccess"),
    (#"TAG+="uaccess", RUN{builtin}+="uaccess""#, "99-board.rules", nil),
    (#"TAG+="uaccess""#, "70-x.rules", nil),
    (#"SUBSYSTEM=="usb", MODE="0666""#, "45-x.rules", "early-mode"),
    (#"SUBSYSTEM=="usb", MODE:="0666""#, "45-x.rules", nil),
    (#"SUBSYSTEM=="usb", MODE="0666""#, "51-x.rules", nil),
    (#"ENV{ID_VENDOR_ID}=="0483", MODE:="0666""#, "10-x.rules", "early-property"),
    (#"ENV{ID_VENDOR_ID}=="0483", MODE="0666""#, "60-x.rules", nil),
    (#"ATTR{idProduct}=="DF11", MODE="0666""#, "60-x.rules", "id-spelling"),
    (#"ATTRS{idVendor}=="0x0483", MODE="0666""#, "60-x.rules", "id-spelling"),
    (#"ATTRS{idVendor}=="483", MODE="0666""#, "60-x.rules", "id-spelling"),
    (#"ATTRS{idVendor}=="[Dd]*", MODE="0666""#, "60-x.rules", nil),
    (#"SUBSYSTEM=="tty", ATTR{idVendor}=="2341", MODE="0666""#, "60-x.rules", "attr-of-parent"),
    (#"SUBSYSTEM=="usb", ATTR{idVendor}=="2341", MODE="0666""#, "60-x.rules", nil),
    (
      #"ATTRS{idVendor}=="2341", ATTRS{bInterfaceNumber}=="00", MODE="0666""#, "60-x.rules",
      "mixed-parents"
    ),
  ])
  func `valid rules that do not do what was meant are told`(
    _ line: String, _ file: String, _ slug: String?
  ) {
    let advice = UdevRuleSet([UdevFixtures.file(file, line)]).advice
    #expect(advice.map(\.slug) == (slug.map { [$0] } ?? []))
  }

  @Test func `a generated rule is sound, sorts early enough and grants`() {
    let file = UdevRule.granting(
      VendorID(0x0483), ProductID(0xDF11), name: "STM32 boot/loader", group: "plugdev")
    #expect(file.name == "70-stm32bootloader.rules")
    let set = UdevRuleSet(UdevRuleSet.standIns + [file.file], groups: ["plugdev"])
    #expect(set.findings.isEmpty)
    #expect(set.advice.isEmpty)
    let device = UdevFixtures.bootloader()
    let access = UdevAccess(set.evaluate(device), device)
    #expect(access.listing == "crw-rw----+ root plugdev")
    #expect(access.verdict(for: UdevFixtures.atSeat).canWrite)
    #expect(!access.verdict(for: UdevFixtures.remote).canRead)
    let all = UdevRule.granting(VendorID(0x0483), nil, name: "../../x\n\"", group: "a\"b\n")
    #expect(all.name == "70-x.rules")
    #expect(UdevRuleSet([all.file]).findings.isEmpty)
    #expect(UdevRuleSet([all.file]).rules.count == 1)
  }
}
