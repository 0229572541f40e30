import Firmware

// Speed PATH-OF-DFU [SECTION...]: measures, and prints tables. Nothing is asserted.
let dfu = CommandLine.arguments.dropFirst().first ?? ".build/release/dfu"
let sections = Set(CommandLine.arguments.dropFirst(2))

/// Whether a section is wanted: all are, unless some are named.
func wants(_ section: String) -> Bool { sections.isEmpty || sections.contains(section) }

/// How long programs take to say their version: the start of a process and nothing else.
func reportStart() {
  let ours = Process.best(of: 50, dfu, ["--version"])
  let other = Process.best(of: 50, Process.find("dfu-util"), ["--version"])
  var ratio = "-"
  if let ours, let other { ratio = rounded(ours.wall.inSeconds / other.wall.inSeconds, places: 1) }
  printTable(
    "Start: --version, from fork to end", ["program", "time", "times dfu-util's", "goal"],
    [
      ["dfu, Swift runtime inside", ours?.wall.text ?? "failed", ratio, "5"],
      ["dfu-util", other?.wall.text ?? "absent", "1", ""],
    ])
}

print("The shortest of several runs of each; machines differ, compare only within one report.")
if wants("formats") || wants("programs") {
  let files = try Formats.files()
  if wants("formats") { try Formats.report(files) }
  if wants("programs"), let scratch = Scratch() {
    Formats.compare(files, dfu: dfu, in: scratch)
    scratch.remove()
  }
}
if wants("start") { reportStart() }
if wants("plan") { try Flashing.reportPlan() }
if wants("flash") { try await Flashing.reportFlash() }
if wants("descriptors") { Bus.reportDescriptors() }
if wants("tree") { Bus.reportTree() }
if wants("inf") { INFStores.report() }
if wants("aliases") { Aliases.report(dfu: dfu) }
