import ArgumentParser
import USB

/// One verb: options in, a job done on a console, a status out.
protocol Verb: AsyncParsableCommand {
  /// The options that every verb has.
  var output: OutputOptions { get }
  /// Whether what happens is told as lines of JSON.
  var sendsEvents: Bool { get }
  /// Does the job. Every error that it throws is explained on the console.
  func perform(on console: Console) async throws -> ExitStatus
}

extension Verb {
  /// The short ones have nothing to tell on the way.
  var sendsEvents: Bool { false }

  mutating func run() async throws {
    let console = Console(output, sendsEvents: sendsEvents)
    let status: ExitStatus
    do {
      status = console.shortfall.status(after: try await perform(on: console))
    } catch {
      status = console.report(error)
    }
    console.clearProgress()
    if status != .done { throw status }
  }
}

/// How results are shown.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Print one JSON document instead of text.")
  var json = false

  @Option(help: ArgumentHelp("Colour the text.", valueName: "auto|always|never"))
  var color = ColorChoice.auto

  @Flag(name: [.short, .long], help: "Tell more.")
  var verbose = false
}

/// Options of the verbs that take time or change something.
struct JobOptions: ParsableArguments {
  @Flag(help: "Print what happens as lines of JSON while it happens.")
  var events = false

  @Flag(name: [.customShort("y"), .customLong("yes")], help: "Answer every question with yes.")
  var confirmed = false
}

/// Options of the verbs that write a file.
struct OverwriteOptions: ParsableArguments {
  @Flag(name: [.customShort("f"), .long], help: "Replace an output file that exists.")
  var overwrite = false
}

/// Whether escape sequences are written.
enum ColorChoice: String, ExpressibleByArgument, CaseIterable {
  case auto
  case always
  case never
}
