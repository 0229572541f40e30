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
    groupedSubcommands: [
      CommandGroup(name: "Device", subcommands: deviceVerbs),
      CommandGroup(name: "Network", subcommands: networkVerbs + [USBCommand.self]),
      CommandGroup(name: "File", subcommands: [FileCommand.self]),
    ]
  )

  // Synchronous, so that help, the version and usage errors start no thread.
  static func main() {
    Terminal.fillClosedStreams()
    Console.survivePipes()
    let arguments = Array(CommandLine.arguments.dropFirst())
    if let place = Terminal.firstUnreadableArgument {
      Console.exit(
        Console.report(
          parserError: ValidationError(
            "Argument \(place) is no UTF-8 text. Rename the file, or go through a link to it."),
          arguments: arguments))
    }
    // Unsafe only for the compiler: the job below is the one that uses it from here on.
    nonisolated(unsafe) let command: any ParsableCommand
    do {
      command = try RootCommand.parseAsRoot(arguments)
    } catch {
      Console.exit(Console.report(parserError: error, arguments: arguments))
    }
    Interruption.prepare()
    // Detached: the main thread is not there to run anything, it waits for signals.
    let job = Task.detached { Console.exit(await perform(command, arguments: arguments)) }
    Interruption.wait { job.cancel() }
  }

  private static func perform(
    _ command: any ParsableCommand, arguments: [String]
  ) async -> ExitStatus {
    do {
      if let asynchronous = command as? any AsyncParsableCommand {
        // A verb is not Sendable; the main thread made it and handed it to this task for good.
        nonisolated(unsafe) var verb = asynchronous
        try await verb.run()
      } else {
        var verb = command
        try verb.run()
      }
      return .done
    } catch let status as ExitStatus {
      return status
    } catch {
      // The parser's own: a verb that only has verbs below it asks for its help.
      return Console.report(parserError: error, arguments: arguments)
    }
  }
}

enum Version {
  static let text = "0.1.0"
}
