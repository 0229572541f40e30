import DriverMatching
import Testing
import USB

@Suite("Who may open the node") struct UdevAccessTests {
  static let match = #"SUBSYSTEM=="usb", ATTR{idVendor}=="0483", ATTR{idProduct}=="df11""#

  static func access(
    _ assign: String, name: String = "70-x.rules", _ device: UdevDevice = UdevFixtures.bootloader(),
    groups: Set<String>? = nil
  ) -> UdevAccess {
    let rules = UdevFixtures.rules("\(match), \(assign)", name: name, groups: groups)
    return UdevAccess(rules.evaluate(device, in: UdevEnvironment(groups: groups)), device)
  }

  @Test func `without a rule everybody may read, and only root may write`() {
    let access = Self.access(#"ENV{X}="1""#)
    #expect(access.listing == "crw-rw-r-- root root")
    #expect(access.mode.place == "(systemd 252)/50-udev-default.rules:2")
    let ada = access.verdict(for: UdevFixtures.atSeat)
    #expect(ada.canRead && !ada.canWrite)
    #expect(
      ada.step.sentence
        == "ada may only read it: the mode is 0664 for all others"
        + " ((systemd 252)/50-udev-default.rules:2)."
    )
    #expect(access.verdict(for: .init(name: "root", id: 0, groups: [], isAtSeat: false)).canWrite)
  }

  @Test func `uaccess gives it to who sits there, a group to its members, 0666 to all`() {
    let seat = Self.access(#"TAG+="uaccess""#)
    #expect(seat.listing == "crw-rw-r--+ root root")
    #expect(seat.verdict(for: UdevFixtures.atSeat).canWrite)
    #expect(seat.verdict(for: UdevFixtures.atSeat).step.rule == "uaccess")
    #expect(!seat.verdict(for: UdevFixtures.remote).canWrite)
    #expect(seat.verdict(for: UdevFixtures.remote).step.sentence.contains("ssh"))
    let group = Self.access(#"MODE="0660", GROUP="plugdev""#)
    #expect(group.verdict(for: UdevFixtures.atSeat).step.rule == "group")
    #expect(group.verdict(for: UdevFixtures.atSeat).canWrite)
    #expect(!group.verdict(for: UdevFixtures.remote).canRead)
    #expect(Self.access(#"MODE="0666""#).verdict(for: UdevFixtures.remote).canWrite)
    let owner = Self.access(#"OWNER="bob", MODE="0600""#)
    #expect(owner.verdict(for: UdevFixtures.remote).step.rule == "owner")
  }

  @Test(arguments: [
    ("70-x.rules", true), ("73-aa.rules", true), ("73-seat.rules", false), ("73-zz.rules", false),
    ("99-x.rules", false),
  ])
  func `the tag has to be set in a file before 73-seat-late`(_ name: String, _ works: Bool) {
    let access = Self.access(#"TAG+="uaccess""#, name: name)
    #expect(access.verdict(for: UdevFixtures.atSeat).canWrite == works)
    #expect(access.lateTag == (works ? nil : "/etc/udev/rules.d/\(name):1"))
    if !works {
      #expect(access.verdict(for: UdevFixtures.atSeat).step.sentence.contains("73-seat-late.rules"))
    }
  }

  @Test
  func `a late tag counts in the next event of the same device, and a builtin of its own at once`()
  {
    var again = UdevFixtures.bootloader("change")
    again.databaseTags = ["uaccess"]
    again.nodeMode = 0o664
    let access = Self.access(#"TAG+="uaccess""#, name: "99-x.rules", again)
    #expect(access.verdict(for: UdevFixtures.atSeat).canWrite)
    #expect(access.listing == "crw-rw-r--+ root root")
    let own = Self.access(#"TAG+="uaccess", RUN{builtin}+="uaccess""#, name: "99-x.rules")
    #expect(own.verdict(for: UdevFixtures.atSeat).canWrite)
  }

  @Test func `an early MODE is lost on add unless it is final, and stays on change`() {
    #expect(Self.access(#"MODE="0666""#, name: "45-x.rules").mode.value == 0o664)
    #expect(Self.access(#"MODE:="0666""#, name: "45-x.rules").mode.value == 0o666)
    #expect(
      Self.access(#"MODE="0666""#, name: "45-x.rules", UdevFixtures.bootloader("change")).mode.value
        == 0o666)
    #expect(Self.access(#"MODE="0666""#, name: "99-x.rules").mode.value == 0o666)
  }

  /// After all the events of a device that is plugged in.
  static func plugged(_ assign: String, name: String = "70-x.rules") -> UdevPlugging {
    UdevPlugging(
      of: UdevFixtures.bootloader(),
      under: UdevFixtures.rules("\(match), \(assign)", name: name))
  }

  @Test func `a device that is plugged in is bound as well, and what that event sets stays`() {
    let early = Self.plugged(#"MODE="0660", GROUP="plugdev""#, name: "40-x.rules")
    #expect(early.events.map(\.action) == ["add", "bind"])
    #expect(early.events.map { $0.outcome.mode?.value } == [0o664, 0o660])
    #expect(early.access.listing == "crw-rw---- root plugdev")
    #expect(early.access.mode.place == "/etc/udev/rules.d/40-x.rules:1")
    // A rule for `add` alone leaves the last word to nobody.
    let once = Self.plugged(#"ACTION=="add", MODE="0660", SYMLINK+="x""#, name: "40-x.rules")
    #expect(once.access.listing == "crw-rw-r-- root root")
    #expect(once.symlinks.isEmpty)
    #expect(Self.plugged(#"ACTION=="add", MODE="0666""#).access.mode.value == 0o666)
    // A group alone: 0664 with `add`, and 0660 with `bind`, which has no mode.
    #expect(Self.plugged(#"GROUP="plugdev""#).access.listing == "crw-rw---- root plugdev")
  }

  @Test func `a board behind a virtual controller is asked for no file that only USB has`() {
    var device = UdevFixtures.bootloader()
    device.parents.append(
      UdevDevice(
        name: "vhci_hcd.0", devpath: "/devices/platform/vhci_hcd.0", subsystem: "platform",
        hasAllAttributes: false))
    device.parents.append(
      UdevDevice(
        name: "platform", devpath: "/devices/platform", subsystem: nil, hasAllAttributes: false))
    let rules = UdevFixtures.rules(
      #"SUBSYSTEM=="usb", ATTRS{idProduct}=="ffff", ATTRS{serial}=="x", TAG+="uaccess""#,
      name: "70-x.rules")
    // Of hubs on the way only names are known; this one has all of its files.
    device.parents.removeAll { $0.subsystem == "usb" }
    #expect(UdevPlugging(of: device, under: rules).uncertain.isEmpty)
    let other = UdevFixtures.rules(#"ATTRS{vendor}=="0x8086", MODE="0666""#, name: "70-x.rules")
    #expect(!UdevPlugging(of: device, under: other).uncertain.isEmpty)
  }

  @Test(arguments: [
    (#"ACTION=="add", MODE="0666""#, "it is lost"),
    (#"MODE="0666""#, "makes it what this rule says"),
    (#"ACTION=="add|bind", MODE="0666""#, "makes it what this rule says"),
    (#"ACTION!="remove", MODE="0666""#, "makes it what this rule says"),
    (#"ACTION!="bind", MODE="0666""#, "it is lost"),
  ])
  func `an early mode is said to be lost where the rule is not for the second event`(
    _ rule: String, _ part: String
  ) {
    let advice = UdevFixtures.rules("\(Self.match), \(rule)", name: "45-x.rules").advice
    #expect(advice.first { $0.slug == "early-mode" }?.what.contains(part) == true)
  }

  @Test func `a late tag does not count for the event that follows at once`() {
    let late = Self.plugged(#"TAG+="uaccess", SYMLINK+="board""#, name: "99-x.rules")
    #expect(late.access.userAccess == nil)
    #expect(late.access.lateTag == "/etc/udev/rules.d/99-x.rules:1")
    #expect(late.tags.map(\.value) == ["uaccess"])
    #expect(late.symlinks.map(\.value) == ["board"])
    let once = Self.plugged(#"ACTION=="add", TAG+="uaccess""#)
    #expect(once.access.verdict(for: UdevFixtures.atSeat).canWrite)
    #expect(once.tags.map(\.value) == ["uaccess"])
  }

  @Test(arguments: [
    (#"ATTR{idVendor}=="0483", ATTR{idProduct}=="DF11", MODE="0666""#, true),
    (#"ATTRS{idVendor}=="1d50|0483", MODE="0666""#, true),
    (#"ATTR{idVendor}=="0483", ATTR{idProduct}=="3748", MODE="0666""#, false),
    (#"ATTR{idVendor}=="0x0483", MODE="0666""#, true),
    (#"ATTR{idVendor}=="483", MODE="0666""#, true),
    (#"ENV{ID_VENDOR_ID}=="0483", ENV{ID_MODEL_ID}=="df11", MODE:="0666""#, true),
    (#"ENV{idVendor}=="0483", MODE="0666""#, false),
    (#"ATTR{idVendor}!="0483", MODE="0666""#, false), (#"MODE="0666""#, false),
  ])
  func `a rule is about a product whatever the case of its digits`(_ text: String, _ isOwn: Bool) {
    let rules = UdevFixtures.rules(text, name: "70-x.rules")
    #expect(rules.rules.contains { $0.names(UdevFixtures.bootloader()) } == isOwn)
  }

  @Test func `a tag that no rule looks for is told to be one`() {
    let rules = UdevRuleSet([
      ConfigurationFile(
        directory: "/etc/udev/rules.d", name: "70-x.rules",
        text: "\(Self.match), TAG+=\"uaccess\"\n")
    ])
    let access = UdevPlugging(of: UdevFixtures.bootloader(), under: rules).access
    let step = access.verdict(for: UdevFixtures.atSeat).step
    #expect(step.sentence.contains("no rule looks for it"))
  }

  @Test func `a group that does not exist leaves the mode without members`() {
    let access = Self.access(#"MODE="0660", GROUP="plugdev""#, groups: ["root"])
    #expect(access.listing == "crw-rw---- root root")
    #expect(!access.verdict(for: UdevFixtures.atSeat).canRead)
  }

  @Test func `a group alone makes the mode 0660 where nothing else sets it`() {
    let device = UdevFixtures.bootloader("change")
    #expect(Self.access(#"GROUP="plugdev""#, device).listing == "crw-rw---- root plugdev")
    #expect(Self.access(#"ENV{X}="1""#, device).mode.place == UdevAccess.untouched)
  }
}
