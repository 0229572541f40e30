import DriverMatching
import Testing
import USB

@Suite("udev works through rules") struct UdevEventTests {
  struct Match: CustomTestStringConvertible, Sendable {
    var text: String
    var holds: Bool
    var testDescription: String { text }
    init(_ text: String, _ holds: Bool) {
      self.text = text
      self.holds = holds
    }
  }

  /// Whether a rule holds for a device.
  static func holds(_ text: String, _ device: UdevDevice) -> Bool {
    UdevFixtures.rules(text + ", ENV{HELD}=\"1\"").evaluate(device).properties["HELD"] != nil
  }

  @Test(arguments: [
    Match(#"ACTION=="add""#, true), Match(#"ACTION=="add|change""#, true),
    Match(#"ACTION!="remove""#, true),
    Match(#"KERNEL=="1-2""#, true), Match(#"KERNEL=="1-[0-9]""#, true),
    Match(#"KERNEL=="[!1]*""#, false),
    Match(#"KERNEL=="2-*|1-*""#, true), Match(#"KERNEL=="1-2*|x""#, true),
    Match(#"KERNEL=="1-?|""#, true),
    Match(#"SUBSYSTEM=="usb""#, true), Match(#"SUBSYSTEM=="USB""#, false),
    Match(#"SUBSYSTEM!="block|net""#, true),
    Match(#"DRIVER=="usb""#, true), Match(#"DEVPATH=="*/usb1/*""#, true),
    Match(#"ENV{DEVTYPE}=="usb_device""#, true), Match(#"ENV{PRODUCT}=="483/df11/2200""#, true),
    Match(#"ENV{TYPE}=="0/0/0""#, true), Match(#"ENV{DEVNUM}=="004""#, true),
    Match(#"ENV{MAJOR}=="189""#, true),
    Match(#"ENV{MINOR}=="3""#, true), Match(#"ENV{MAJOR}!="""#, true),
    Match(#"ENV{DEVNAME}=="/dev/bus/usb/001/004""#, true),
    // What does not exist: an empty property, and an attribute that matches nothing.
    Match(#"ENV{NONE}!="1""#, true), Match(#"ENV{NONE}=="""#, true),
    Match(#"ENV{NONE}=="?*""#, false),
    Match(#"ENV{NONE}=="*""#, true), Match(#"ENV{NONE}=="a|""#, true),
    Match(#"ENV{NONE}=="a||b""#, true),
    Match(#"ATTR{none}=="""#, false), Match(#"ATTR{none}!="1""#, false),
    Match(#"ATTR{none}!="?*""#, false),
    Match(#"ATTR{idVendor}=="0483""#, true), Match(#"ATTR{idProduct}=="DF11""#, false),
    Match(#"ATTR{idProduct}=="df1[0-9]""#, true), Match(#"ATTR{idProduct}=="DF11|df11""#, true),
    // Blanks at the end of a value count only where the pattern ends in one.
    Match(#"ATTR{product}=="STM32  BOOTLOADER""#, true),
    Match(#"ATTR{product}=="STM32  BOOTLOADER ""#, true),
    Match(#"ATTR{product}=="STM32*R""#, true), Match(#"ATTR{version}==" 2.00""#, true),
    Match(#"ATTR{bMaxPower}=="100mA""#, true), Match(#"ATTR{bmAttributes}=="c0""#, true),
    Match(#"ATTR{bNumInterfaces}==" 1""#, true), Match(#"ATTR{speed}=="480""#, true),
    // The device itself is the first of its parents; all keys have to hold for one.
    Match(#"ATTRS{idVendor}=="0483", KERNELS=="1-2""#, true),
    Match(#"ATTRS{idVendor}=="0483", KERNELS=="usb1""#, false),
    Match(#"KERNELS=="usb1""#, true), Match(#"SUBSYSTEMS=="pci", DRIVERS=="xhci_hcd""#, true),
    Match(#"SUBSYSTEMS=="pci", DRIVERS=="usb""#, false), Match(#"ATTRS{idVendor}=="1d6b""#, true),
    Match(#"TAG=="uaccess""#, false), Match(#"TAG!="uaccess""#, true), Match(#"TAGS=="x""#, false),
    Match(#"TEST=="idVendor""#, true), Match(#"TEST!="none""#, true),
    Match(#"TEST=="none""#, false),
    Match(#"IMPORT{builtin}="usb_id", ENV{ID_VENDOR_ID}=="none""#, false),
    Match(#"IMPORT{db}="X""#, false),
    Match(#"IMPORT{db}!="X""#, true), Match(#"NAME==""# + "\"", true),
    Match(#"SYMLINK=="x""#, false),
    Match(#"RESULT=="""#, true),
  ])
  func `match keys hold or not`(_ match: Match) {
    #expect(Self.holds(match.text, UdevFixtures.bootloader()) == match.holds)
  }

  @Test func `ATTR is asked of the event's device, ATTRS of its ancestors too`() {
    let terminal = UdevFixtures.terminal
    #expect(!Self.holds(#"SUBSYSTEM=="tty", ATTR{idVendor}=="2341""#, terminal))
    #expect(
      Self.holds(#"SUBSYSTEM=="tty", ATTRS{idVendor}=="2341", ATTRS{idProduct}=="0043""#, terminal))
    #expect(
      Self.holds(#"SUBSYSTEMS=="usb", DRIVERS=="cdc_acm", ATTRS{bInterfaceNumber}=="00""#, terminal)
    )
    #expect(!Self.holds(#"ATTRS{idVendor}=="2341", ATTRS{bInterfaceNumber}=="00""#, terminal))
  }

  @Test func `operators set, add, take away and close`() {
    let text = """
      TAG+="a", TAG+="b", SYMLINK+="one two", ENV{P}="1", RUN+="first %k"
      TAG-="a", SYMLINK+="three", ENV{P}+="2", RUN{program}+="second", RUN+="second x"
      OWNER:="ada", MODE="0600", GROUP="dialout", ATTR{power/control}="on"
      OWNER="bob", MODE="0640", ENV{Q}="x", ENV{Q}="", ENV{R}+=""
      """
    let outcome = UdevFixtures.rules(text).evaluate(UdevFixtures.bootloader())
    #expect(outcome.currentTags == ["b"])
    #expect(outcome.tags.map(\.value) == ["a", "b"])
    #expect(outcome.symlinks.map(\.value) == ["one", "two", "three"])
    #expect(outcome.properties["P"]?.value == "1 2")
    #expect(outcome.properties["Q"] == nil)
    #expect(outcome.run.map(\.value.text) == ["first 1-2", "second", "second x"])
    #expect(outcome.owner?.value == "ada")
    #expect(outcome.owner?.place == "/etc/udev/rules.d/70-x.rules:3")
    #expect(outcome.mode?.value == 0o640)
    #expect(outcome.mode?.place == "/etc/udev/rules.d/70-x.rules:4")
    #expect(outcome.writes.map(\.value) == ["power/control = on"])
    let cleared = UdevFixtures.rules(
      text + "\nTAG=\"c\", SYMLINK:=\"four\", RUN=\"third\"\nSYMLINK+=\"five\""
    )
    .evaluate(UdevFixtures.bootloader())
    #expect(cleared.tags.map(\.value) == ["c"])
    #expect(cleared.symlinks.map(\.value) == ["four"])
    #expect(cleared.run.map(\.value.text) == ["third"])
  }

  @Test func `a line is worked through in udev's order and not in that of the text`() {
    let outcome = UdevFixtures.rules(#"MODE="0666", ENV{SET}="1", ENV{SET}=="", SUBSYSTEM=="usb""#)
      .evaluate(UdevFixtures.bootloader())
    #expect(outcome.mode?.value == 0o666)
    #expect(outcome.properties["SET"]?.value == "1")
  }

  @Test(arguments: [
    ("$kernel %k %%k $$k", "1-2 1-2 %k $k"), ("%n", "2"), ("$number", "2"),
    ("%p", "/devices/pci0000:00/0000:00:14.0/usb1/1-2"),
    ("$id/%b", "usb1/usb1"), ("%M:%m", "189:3"), ("$attr{idVendor}-%s{idProduct}", "0483-df11"),
    ("$attr{product}", "STM32  BOOTLOADER"), ("$attr{none}", ""),
    ("%E{DEVTYPE}$env{NONE}", "usb_device"),
    ("%N", "/dev/bus/usb/001/004"), ("$devnode", "/dev/bus/usb/001/004"), ("%r %S", "/dev /sys"),
    ("%c", ""),
    ("$name", "bus/usb/001/004"), ("%z $nothing", "%z $nothing"), ("$driver", "usb"),
    ("50%", "50%"), ("$attr{devpath}", "2"),
    ("%s{bDeviceClass}%s{maxchild}", "000"),
  ])
  func `substitutions stand for what they should`(_ text: String, _ expected: String) {
    let outcome = UdevFixtures.rules("KERNELS==\"usb1\", ENV{T}=\"[\(text)]\"").evaluate(
      UdevFixtures.bootloader())
    #expect(outcome.properties["T"]?.value == "[\(expected)]")
  }

  @Test func `the substitution attr falls back on the parent that the rule has matched`() {
    let rules = UdevFixtures.rules(
      #"SUBSYSTEM=="tty", ATTRS{idVendor}=="2341", SYMLINK+="board-$attr{serial}-%n", ENV{S}="$attr{serial}""#
    )
    let outcome = rules.evaluate(UdevFixtures.terminal)
    #expect(outcome.properties["S"]?.value == "75 12")
    #expect(outcome.symlinks.map(\.value) == ["board-75_12-0"])
  }

  @Test func `usb_id makes names for properties out of the strings`() {
    let outcome = UdevFixtures.rules(#"ENV{X}="1""#).evaluate(UdevFixtures.bootloader())
    let expected = [
      "ID_BUS": "usb", "ID_VENDOR": "STMicroelectronics", "ID_VENDOR_ID": "0483",
      "ID_MODEL": "STM32_BOOTLOADER",
      "ID_MODEL_ENC": #"STM32\x20\x20BOOTLOADER\x20"#, "ID_MODEL_ID": "df11", "ID_REVISION": "2200",
      // A comma makes a serial number useless.
      "ID_SERIAL": "STMicroelectronics_STM32_BOOTLOADER", "ID_USB_INTERFACES": ":fe0102:",
    ]
    for (key, value) in expected { #expect(outcome.properties[key]?.value == value, "\(key)") }
    #expect(outcome.properties["ID_SERIAL_SHORT"] == nil)
    #expect(outcome.properties["ID_BUS"]?.place == "(systemd 252)/50-udev-default.rules:1")
    let serial = UdevFixtures.rules(#"ENV{X}="1""#).evaluate(UdevFixtures.serial)
    #expect(serial.properties["ID_VENDOR"]?.value == "Maker__of_boards_")
    #expect(serial.properties["ID_MODEL"]?.value == "Ü_1")
    #expect(serial.properties["ID_SERIAL"]?.value == "Maker__of_boards__Ü_1_75_12")
    #expect(serial.properties["ID_USB_INTERFACES"]?.value == ":020201:0a0000:")
    let tty = UdevFixtures.rules(
      #"SUBSYSTEM=="tty", IMPORT{builtin}="usb_id", IMPORT{builtin}="path_id""#
    )
    .evaluate(UdevFixtures.terminal)
    #expect(tty.properties["ID_USB_DRIVER"]?.value == "cdc_acm")
    #expect(tty.properties["ID_USB_INTERFACE_NUM"]?.value == "00")
    #expect(tty.properties["ID_PATH"]?.value == "pci-0000:00:14.0-usb-0:1.4:1.0")
    #expect(tty.properties["ID_PATH_TAG"]?.value == "pci-0000_00_14_0-usb-0_1_4_1_0")
  }

  @Test func `properties of usb_id do not exist before 50-udev-default`() {
    let line = #"SUBSYSTEM=="usb", ENV{ID_VENDOR_ID}=="0483", TAG+="uaccess""#
    let device = UdevFixtures.bootloader()
    #expect(UdevFixtures.rules(line, name: "10-x.rules").evaluate(device).tags.isEmpty)
    #expect(!UdevFixtures.rules(line, name: "60-x.rules").evaluate(device).tags.isEmpty)
  }

  @Test func `what a program would say nobody knows, and the trace carries that on`() {
    let text = """
      KERNEL=="1-2", PROGRAM="/bin/name %k", SYMLINK+="%c", MODE="0666"
      RESULT=="x", TAG+="late"
      KERNEL=="other", PROGRAM="/bin/name", MODE="0600"
      IMPORT{program}="/bin/more", ENV{A}="1"
      IMPORT{file}="/etc/x", GOTO="end"
      ENV{B}="1"
      LABEL="end"
      SYMLINK+="board%c"
      """
    let outcome = UdevFixtures.rules(text).evaluate(UdevFixtures.bootloader())
    #expect(
      outcome.uncertain.map(\.place).map { $0.split(separator: ":").last.map(String.init) } == [
        "1", "2", "4", "5", "8",
      ])
    #expect(outcome.uncertain.first?.assignments == ["MODE=\"0666\"", "SYMLINK+=\"%c\""])
    #expect(outcome.uncertain.first?.reason.contains("/bin/name") == true)
    #expect(outcome.mode?.value == 0o664)
    #expect(outcome.symlinks.isEmpty)
    #expect(outcome.properties["A"] == nil)
    #expect(outcome.properties["B"]?.value == "1")
  }

  @Test func `a rule that only sets what a node has does nothing when the device goes`() {
    let rules = UdevFixtures.rules("MODE=\"0666\", SYMLINK+=\"a\"\nMODE=\"0600\", ENV{X}=\"1\"\n")
    #expect(rules.evaluate(UdevFixtures.bootloader()).symlinks.map(\.value) == ["a"])
    let gone = rules.evaluate(UdevFixtures.bootloader("remove"))
    #expect(gone.symlinks.isEmpty)
    #expect(gone.mode?.value == 0o600)
  }

  @Test func `groups and users that do not exist are left, and the mode holds`() {
    let rules = UdevFixtures.rules(#"GROUP="plugdev", OWNER="ada", MODE="0660""#)
    let environment = UdevEnvironment(groups: ["root", "users"], users: ["root"])
    let outcome = rules.evaluate(UdevFixtures.bootloader(), in: environment)
    #expect(outcome.group == nil)
    #expect(outcome.owner == nil)
    #expect(outcome.mode?.value == 0o660)
    #expect(outcome.findings.map(\.slug) == ["udev-user", "udev-group"])
    // Who had it before has it no more.
    let twice = UdevFixtures.rules("GROUP=\"users\"\nGROUP=\"plugdev\"\n")
    #expect(twice.evaluate(UdevFixtures.bootloader(), in: environment).group == nil)
  }

  @Test func `a hardware database gives a maker's tool to the user`() {
    let text = "# ours\nusb:v0483pDF11*\nusb:v0483p5740*\n ID_MAKER_TOOL=1\n\nusb:v0483*\n ID_X=y\n"
    let database = UdevHardwareDatabase([
      ConfigurationFile(directory: "/etc/udev/hwdb.d", name: "70-x.hwdb", text: text)
    ])
    let rules = UdevRuleSet(
      UdevRuleSet.standIns + [
        UdevFixtures.file(
          "60-h.rules", #"SUBSYSTEM=="usb", IMPORT{builtin}="hwdb --subsystem=usb""#),
        UdevFixtures.file("70-uaccess.rules", #"ENV{ID_MAKER_TOOL}=="1", TAG+="uaccess""#),
      ])
    let known = rules.evaluate(
      UdevFixtures.bootloader(), in: UdevEnvironment(hardwareDatabase: database))
    #expect(known.grantsUserAccess)
    #expect(known.properties["ID_X"]?.value == "y")
    #expect(!rules.evaluate(UdevFixtures.bootloader()).grantsUserAccess)
    #expect(
      !rules.evaluate(UdevFixtures.serial, in: UdevEnvironment(hardwareDatabase: database))
        .grantsUserAccess)
    // The database of one product answers for it as the whole does.
    let own = UdevHardwareDatabase(
      [ConfigurationFile(directory: "/etc/udev/hwdb.d", name: "70-x.hwdb", text: text)],
      only: (VendorID(0x0483), ProductID(0xDF11)))
    #expect(
      rules.evaluate(UdevFixtures.bootloader(), in: UdevEnvironment(hardwareDatabase: own))
        == known)
  }

  @Test func `the hardware database is not asked for the hub above`() {
    let text = "usb:v1D6Bp*\n ID_OF_HUB=1\n\n"
    var device = UdevFixtures.bootloader()
    device.parents[0].attributes["idVendor"] = "1d6b"
    device.parents[0].attributes["idProduct"] = "0002"
    let rules = UdevRuleSet([
      UdevFixtures.file("60-h.rules", #"IMPORT{builtin}="hwdb --subsystem=usb""#)
    ])
    let database = UdevHardwareDatabase([
      ConfigurationFile(directory: "/etc/udev/hwdb.d", name: "70-x.hwdb", text: text)
    ])
    let outcome = rules.evaluate(device, in: UdevEnvironment(hardwareDatabase: database))
    #expect(outcome.properties["ID_OF_HUB"] == nil)
  }
}
