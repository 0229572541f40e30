import DriverMatching
import Testing
import USB

#if canImport(Glibc)
  import Glibc
#endif

@Suite("Module aliases") struct ModuleAliasesTests {
  static let text = """
    # Aliases extracted from modules themselves.
    alias pci:v00008086d00001533sv*sd*bc*sc*i* igb
    alias usb:v*p*d*dc*dsc*dp*ic08isc06ip62in* uas
    alias usb:v*p*d*dc*dsc*dp*ic08isc06ip50in* uas
    alias usb:v*p*d*dc*dsc*dp*ic08isc06ip50in* usb-storage
    alias usb:v0BC2p2312d*dc*dsc*dp*ic08isc06ip50in* usb_storage
    alias usb:v05ACp*d*dc*dsc*dp*ic*isc*ip*in* apple-mfi-fastcharge
    alias usb:v*p*d*dc*dsc*dp*ic03isc*ip*in* usbhid
    alias usb:v1645p0007d013[0-3]dc*dsc*dp*ic*isc*ip*in* kaweth
    """
  static let table = ModuleAliases(Array(text.utf8))

  struct Lookup: CustomTestStringConvertible {
    var name: String
    var modules: [String]
    var testDescription: String { name }
  }

  @Test(arguments: [
    Lookup(
      name: "usb:v0BC2p2312d0100dc00dsc00dp00ic08isc06ip50in00",
      modules: ["uas", "usb_storage", "usb_storage"]),
    Lookup(
      name: "usb:v05ACp0221d0100dc00dsc00dp00ic03isc01ip01in00",
      modules: ["apple_mfi_fastcharge", "usbhid"]),
    Lookup(name: "usb:v1645p0007d0132dcFFdsc00dp00icFFisc00ip00in00", modules: ["kaweth"]),
    Lookup(name: "usb:v1645p0007d0134dcFFdsc00dp00icFFisc00ip00in00", modules: []),
    // What stands behind is taken by the last star; small letters only where a star is.
    Lookup(name: "usb:v1111p2222d0100dc00dsc00dp00ic03isc01ip01in00X", modules: ["usbhid"]),
    Lookup(name: "usb:vabcdp2222d0100dc00dsc00dp00ic03isc01ip01in00", modules: ["usbhid"]),
    Lookup(name: "usb:v05acp0221d0100dc00dsc00dp00ic02isc01ip01in00", modules: []),
    Lookup(name: "usb:v0483pDF11d2200dc00dsc00dp00icFEisc01ip02in00", modules: []),
    Lookup(name: "usb:v1111p2222d0100dc00dsc00dp00ic03isc01ip01in0]", modules: []),
    Lookup(name: "", modules: []),
  ])
  func `each matching line names its module`(_ lookup: Lookup) throws {
    #expect(Self.table.matches(lookup.name).map(\.module) == lookup.modules)
    // And where only the lines of its product are read.
    guard let name = try? Modalias(parsing: lookup.name) else { return }
    let own = ModuleAliases(Array(Self.text.utf8), only: (name.vendor, name.product))
    #expect(own.matches(name) == Self.table.matches(name))
    #expect(own.aliases.count < Self.table.aliases.count)
  }

  @Test func `a table of one product keeps what may match it, and its place`() {
    let text = """
      # of depmod
      alias pci:v00008086d* i2c
      alias usb:v0403p6001d*dc*dsc*dp*ic*isc*ip*in* ftdi_sio
      alias usb:v0403p6002d*dc*dsc*dp*ic*isc*ip*in* other
      alias\tusb:v0403p600[0-3]d* set
      alias usb:v04?3p* question
      alias usb:v*p*d*dc*dsc*dp*icFFisc*ip*in* star
      alias usb:v0403 short
      alias usb:v1234p600[0-3 broken
      """
    let own = ModuleAliases(Array(text.utf8), only: (VendorID(0x0403), ProductID(0x6001)))
    #expect(own.aliases.map(\.line) == [3, 5, 6, 7])
    #expect(own.findings.isEmpty)
    let name = "usb:v0403p6001d0600dc00dsc00dp00icFFiscFFipFFin00"
    #expect(own.matches(name).map(\.module) == ["ftdi_sio", "set", "question", "star"])
    #expect(own.matches(name) == ModuleAliases(Array(text.utf8)).matches(name))
    let order = "kernel/star.ko\nkernel/a/ftdi-sio.ko.xz\nkernel/set.ko\n"
    #expect(
      ModuleAliases(
        Array(text.utf8), order: Array(order.utf8), only: (VendorID(0x0403), ProductID(0x6001))
      )
      .matches(name).map(\.module) == ["star", "ftdi_sio", "set", "question"])
    let info = "a.alias=usb:v0403p6001d*\0b.alias=usb:v0404p6001d*\0"
    #expect(
      ModuleAliases(builtinInfo: Array(info.utf8), only: (VendorID(0x0403), ProductID(0x6001)))
        .aliases.map(\.module)
        == ["a"])
  }

  @Test func `a match has its line and pattern`() {
    let found = Self.table.matches("usb:v1645p0007d0132dcFFdsc00dp00icFFisc00ip00in00")
    #expect(found.map(\.place) == ["modules.alias:9"])
    #expect(found.map(\.pattern) == ["usb:v1645p0007d013[0-3]dc*dsc*dp*ic*isc*ip*in*"])
  }

  @Test func `a list without a line about the device is a list all the same`() {
    let text = Array("alias usb:v0403p6001d*dc*dsc*dp*ic*isc*ip*in* ftdi_sio\n".utf8)
    let stick = ModuleAliases(text, only: (VendorID(0x0781), ProductID(0x5567)))
    #expect(stick.isEmpty && stick.hasText)
    #expect(KernelModules(aliases: stick).isKnown)
    #expect(!KernelModules().isKnown)
    let name = try? Modalias(parsing: "usb:v0781p5567d0200dc00dsc00dp00ic08isc06ip50in00")
    let matcher = LinuxDriverMatcher(modules: KernelModules(aliases: stick))
    #expect(name.map { matcher.decision(for: $0).drivers } == [])
  }

  @Test func `modules.order decides who is named first`() {
    let order = "kernel/drivers/usb/storage/usb-storage.ko\nkernel/drivers/usb/storage/uas.ko\n"
    let table = ModuleAliases(Array(Self.text.utf8), order: Array(order.utf8))
    #expect(
      table.matches("usb:v0BC2p2312d0100dc00dsc00dp00ic08isc06ip50in00").map(\.module)
        == ["usb_storage", "usb_storage", "uas"])
  }

  @Test func `aliases of drivers inside the kernel are read from their information`() {
    let info =
      "usbcore.alias=usb:v*p*d*dc09dsc*dp*ic*isc*ip*in*\0usbcore.license=GPL\0ext4.alias=fs-ext4\0"
    let table = ModuleAliases(builtinInfo: Array(info.utf8))
    #expect(table.aliases.map(\.module) == ["usbcore"])
    let modules = KernelModules(aliases: Self.table, builtin: table)
    #expect(
      modules.resolve("usb:v1D6Bp0002d0100dc09dsc00dp00ic09isc00ip00in00").map(\.module) == [
        "usbcore"
      ])
  }

  @Test func `modprobe.d answers before modules.alias, and alone`() {
    let files = [
      ConfigurationFile(
        directory: "/etc/modprobe.d", name: "b.conf",
        text:
          "alias usb:v0BC2p* my-disk\nblacklist uas\ninstall usb-storage /bin/false\nnonsense x\n"),
      ConfigurationFile(
        directory: "/usr/lib/modprobe.d", name: "b.conf", text: "blacklist usbhid\n"),
      ConfigurationFile(
        directory: "/usr/lib/modprobe.d", name: "a.conf",
        text: "softdep uas pre: scsi-mod sd_mod \\\n post: sg\n# blacklist x\n"),
      ConfigurationFile(directory: "/etc/modprobe.d", name: "c.bak", text: "blacklist kaweth\n"),
    ]
    let configuration = ModprobeConfiguration(
      files, commandLine: "quiet modprobe.blacklist=a-b,c usbhid.quirks=1")
    #expect(configuration.blacklist.map(\.module) == ["uas", "a_b", "c"])
    #expect(configuration.blacklisting("uas")?.place == "/etc/modprobe.d/b.conf:2")
    #expect(configuration.install("usb_storage")?.isRefusal == true)
    #expect(configuration.companions(of: "uas")?.before == ["scsi_mod", "sd_mod"])
    #expect(configuration.companions(of: "uas")?.after == ["sg"])
    #expect(configuration.options.map(\.module) == ["usbhid"])
    #expect(configuration.findings.map(\.place) == ["/etc/modprobe.d/b.conf:4"])
    let modules = KernelModules(aliases: Self.table, configuration: configuration)
    #expect(
      modules.resolve("usb:v0BC2p2312d0100dc00dsc00dp00ic08isc06ip50in00").map(\.module)
        == ["my_disk"])
    #expect(modules.resolve("usb:v1645p0007d0132dcFFdsc00dp00icFFisc00ip00in00").count == 1)
  }

  @Test(arguments: [
    ("usb:v0483pDF11d2200dc00dsc00dp00icFEisc01ip02in0", 49),
    ("usb:v0483pDF11d2200dc00dsc00dp00icFEisc01ip02in000", 50),
    ("usb:v048", 9), ("", 1), ("pci:v0", 1), ("usb:v0483pDF1Gd", 14), ("usb:v0483 pDF11", 10),
  ])
  func `a text that is no modalias is refused with the column`(_ text: String, _ column: Int) {
    let error = #expect(throws: ModaliasError.self) { try Modalias(parsing: text) }
    #expect(error?.column == column)
    #expect(error?.sentence.contains("column \(column)") == true)
  }

  @Test func `a modalias is read back as it was written`() throws {
    let text = "usb:v0483pDF11d2200dc01dsc02dp03icFEisc01ip02in0A"
    #expect(try Modalias(parsing: text + "\n").description == text)
  }

  @Test func `hostile texts neither trap nor take long`() {
    let stars = "alias usb:" + String(repeating: "*a", count: 200) + " x\n"
    let many = String(repeating: stars, count: 500)
    let table = ModuleAliases(Array(many.utf8))
    #expect(table.aliases.count == 500)
    #expect(table.matches("usb:" + String(repeating: "a", count: 250)).count == 500)
    #expect(table.matches("usb:" + String(repeating: "a", count: 199)).isEmpty)
    for text in [
      "alias usb:v\0 x", "alias usb:[ x", "alias usb:] x", "alias usb:", "alias",
      "alias usb:v* a b", "\\\\",
      "alias usb:" + String(repeating: "*", count: 1 << 20) + " x",
      String(repeating: "x", count: 1 << 20), String(repeating: "\n", count: 1 << 16),
    ] {
      let table = ModuleAliases(Array(text.utf8))
      #expect(table.aliases.isEmpty)
    }
    #expect(ModuleAliases(Array("alias usb:[ x".utf8)).findings.map(\.slug) == ["alias-bracket"])
    let endless = String(repeating: "\\\n", count: 1 << 18)
    #expect(
      ModprobeConfiguration([ConfigurationFile(directory: "", name: "x.conf", text: endless)])
        .blacklist.isEmpty)
  }

  @Test(arguments: [
    ("a*c", "abc", true), ("a*c", "abd", false), ("[!a]", "b", true), ("[!a]", "a", false),
    ("[^a]", "b", true), ("[]a]", "]", true), ("[a-]", "-", true), ("[z-a]", "m", false),
    ("[", "[", true), ("a[b", "a[b", true), ("\\*", "*", true), ("\\*", "x", false),
    ("[[:digit:]]x", "5x", true), ("[[:upper:]]", "x", false), ("?", "", false), ("**", "", true),
    ("*a*b*c*", "xxaxxbxxcxx", true), ("*.?", "a.", false), ("[\\]]", "]", true), ("", "", true),
  ])
  func `a shell pattern matches as fnmatch does`(_ pattern: String, _ text: String, _ matches: Bool)
  {
    #expect(ShellPattern(pattern).matches(text) == matches)
    #if canImport(Glibc)
      #expect((fnmatch(pattern, text, 0) == 0) == matches)
    #endif
  }

  #if canImport(Glibc)
    @Test func `patterns drawn at random match as glibc's fnmatch does`() {
      var numbers = SeededNumbers(seed: 7)
      let letters = Array("ab*?[]!^-\\c".utf8)
      var matched = 0
      for _ in 0..<40_000 {
        let pattern = (0..<Int.random(in: 0...9, using: &numbers)).map { _ in
          letters.randomElement(using: &numbers) ?? 0
        }
        let text = (0..<Int.random(in: 0...6, using: &numbers)).map { _ in
          Array("abc]-[\\".utf8).randomElement(using: &numbers) ?? 0
        }
        let own = ShellPattern(bytes: pattern).matches(bytes: text)
        let (first, second) = (
          String(decoding: pattern, as: UTF8.self), String(decoding: text, as: UTF8.self)
        )
        let other = fnmatch(first, second, 0) == 0
        if own { matched += 1 }
        #expect(own == other, "\(first) against \(second)")
      }
      #expect(matched > 1000)
    }
  #endif
}

/// The same numbers in every run (Vigna, SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
