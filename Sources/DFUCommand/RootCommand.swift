import ArgumentParser

/// `dfu`: one verb, its options, one job.
@main
struct RootCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dfu",
    abstract: "Safe firmware updates over USB, on real and virtual devices.",
    discussion: """
      Firmware files are recognised by what is in them: raw, DfuSe, DFU with a suffix, Intel HEX, \
      S-record, ELF and UF2. Data goes to standard output; progress, notes and warnings go to \
      standard error. Verbs that report take --json.

      Exit status: 0 done, 64 usage, 65 file damaged, 66 no such input, 69 no such device or \
      target, 73 output not created, 74 transfer failed, 75 try again, 76 device broke the \
      protocol, 77 no permission, 78 bad configuration, 80 contents differ, 81 more than one \
      device fits, 82 protected, 83 image does not fit, 84 some boards failed, 130 interrupted.
      """,
    version: Version.text,
    subcommands: [FileCommand.self],
    groupedSubcommands: [
      CommandGroup(name: "Device verbs", subcommands: deviceVerbs)
    ]
  )

  static func main() async {
    let arguments = Array(CommandLine.arguments.dropFirst())
    Console.survivePipes()
    let job = Task { await perform(arguments) }
    let interruption = Interruption { job.cancel() }
    let status = await job.value
    interruption.end()
    Console.exit(status)
  }

  private static func perform(_ arguments: [String]) async -> ExitStatus {
    do {
      var command = try RootCommand.parseAsRoot(arguments)
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
      return .done
    } catch let status as ExitStatus {
      return status
    } catch {
      // The parser's own: a request for help or the version, or a line that cannot be understood.
      return Console.report(parserError: error, arguments: arguments)
    }
  }
}

enum Version {
  static let text = "0.1.0"
}
