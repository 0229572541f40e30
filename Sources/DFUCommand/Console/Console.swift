import ArgumentParser
import Reports
import USB
import Workbench

/// Where a verb speaks: data on standard output, all else on standard error.
///
/// A reader that goes away (`dfu … | head`) ends the talking, never the work.
struct Console: Sendable {
  /// How text on standard output may look.
  let style: TextStyle
  /// How text on standard error may look.
  let noteStyle: TextStyle
  /// Whether results are JSON documents.
  let isJSON: Bool
  /// Whether standard output is lines of JSON, and nothing else.
  let sendsEvents: Bool
  /// Whether more is told.
  let isVerbose: Bool
  /// What has gone wrong beside the work.
  let shortfall = Shortfall()

  init(_ options: OutputOptions, sendsEvents: Bool = false) {
    self.sendsEvents = sendsEvents
    style = Terminal.style(of: .output, choice: options.color)
    noteStyle = Terminal.style(of: .error, choice: options.color)
    isJSON = options.json
    isVerbose = options.verbose
  }

  // MARK: Data

  /// Prints text on standard output, with a line end behind it.
  func print(_ text: String) { Terminal.write(text + "\n", to: .output) }

  /// Writes text on standard output, as it is.
  func write(_ text: String) { Terminal.write(text, to: .output) }

  /// Prints the document under `--json` and `--events`, otherwise the text.
  func print(_ document: some Encodable, text: (TextStyle) -> String) throws {
    if sendsEvents {
      try event(document)
    } else if isJSON {
      print(try jsonText(document))
    } else {
      Terminal.write(text(style), to: .output)
    }
  }

  /// Prints a document on one line, for `--events`.
  func event(_ document: some Encodable) throws {
    print(try jsonText(document, isPretty: false))
  }

  // MARK: Notes

  /// Tells something that is not the result.
  func note(_ text: String) { say(noteStyle(.faint, "note:"), text) }

  /// Tells something that deserves attention.
  func warn(_ text: String) { say(noteStyle(.warning, "warning:"), text) }

  /// Tells what is going on, on standard error; with a line end behind it unless it has its own.
  func tell(_ text: String, ends: Bool = true) {
    clearProgress()
    Terminal.write(ends ? text + "\n" : text, to: .error)
  }

  /// Shows how far the work is, on a line that the next one replaces; only on a terminal.
  func progress(_ text: String) {
    guard Terminal.isTerminal(.error), !isJSON else { return }
    Terminal.write("\r\u{1B}[K\(text)", to: .error)
  }

  /// Removes the line of ``progress(_:)``.
  func clearProgress() {
    guard Terminal.isTerminal(.error), !isJSON else { return }
    Terminal.write("\r\u{1B}[K", to: .error)
  }

  private func say(_ label: String, _ text: String) {
    clearProgress()
    let words = wrapped(
      terminalSafe(text), width: noteStyle.width, indent: 2, used: displayWidth(of: label) + 1)
    Terminal.write("\(label) \(words)\n", to: .error)
  }

  /// Asks before something that cannot be undone. Never asks where nobody can answer.
  ///
  /// - Parameters:
  ///   - question: what is about to happen, as a question.
  ///   - isConfirmed: `-y` was given.
  ///   - soFar: what has been done before, in a sentence.
  /// - Returns: whether to go on.
  /// - Throws: ``UsageError`` where there is no terminal to ask on, ``Interrupted`` where the
  ///   question is answered with Ctrl-C.
  func confirm(
    _ question: String, isConfirmed: Bool, soFar: String = "Nothing has been changed."
  ) throws -> Bool {
    if isConfirmed { return true }
    guard Terminal.isTerminal(.input), Terminal.isTerminal(.error) else {
      throw UsageError(
        "This needs a confirmation, and there is no terminal to ask on: \(question)",
        help: "Add --yes to confirm it.")
    }
    clearProgress()
    Terminal.write("\(noteStyle(.strong, question)) [y/N] ", to: .error)
    guard Terminal.waitForInput() else {
      throw Interrupted("Interrupted at the question. \(soFar)")
    }
    let answer = readLine(strippingNewline: true) ?? ""
    return ["y", "yes"].contains(answer.lowercased())
  }

  // MARK: Errors

  /// Explains an error, as text on standard error or as a document on standard output.
  func report(_ error: any Error) -> ExitStatus {
    clearProgress()
    let status = ExitStatus(for: error)
    // A status alone has been explained by whoever threw it.
    if error is ExitStatus { return status }
    let report: ErrorReport =
      switch error {
      case let error as any ExplainedError: ErrorReport(error, exitStatus: status.rawValue)
      case is CancellationError:
        ErrorReport(
          slug: "interrupted", sentence: "Interrupted.", help: nil, exitStatus: status.rawValue)
      default:
        ErrorReport(
          slug: "our-bug",
          sentence: "Something happened that this program does not expect: \(error).",
          help: "Please report it, with the command line and the file.",
          exitStatus: status.rawValue)
      }
    if isJSON || sendsEvents, let text = try? jsonText(report, isPretty: !sendsEvents) {
      print(text)
    } else {
      Terminal.write(report.text(noteStyle), to: .error)
    }
    return status
  }

  /// An error as a value.
  func errorReport(_ error: any Error) -> ErrorReport {
    let status = ExitStatus(for: error).rawValue
    return switch error {
    case let error as any ExplainedError: ErrorReport(error, exitStatus: status)
    case is CancellationError:
      ErrorReport(slug: "interrupted", sentence: "Interrupted.", help: nil, exitStatus: status)
    default:
      ErrorReport(
        slug: "our-bug",
        sentence: "Something happened that this program does not expect: \(error).",
        help: "Please report it, with the command line and the file.", exitStatus: status)
    }
  }

  /// What the argument parser has to say: help, the version, or a usage error.
  static func report(parserError error: any Error, arguments: [String]) -> ExitStatus {
    let text = RootCommand.fullMessage(for: error)
    if RootCommand.exitCode(for: error).isSuccess {
      Terminal.write(text.hasSuffix("\n") ? text : text + "\n", to: .output)
      return .done
    }
    let sendsEvents = arguments.contains("--events")
    if sendsEvents || arguments.contains("--json") {
      let report = ErrorReport(
        slug: "usage", sentence: RootCommand.message(for: error),
        help: "Ask with --help for the options of this verb.",
        exitStatus: ExitStatus.usage.rawValue)
      if let text = try? jsonText(report, isPretty: !sendsEvents) {
        Terminal.write(text + "\n", to: .output)
        return .usage
      }
    }
    let words = text.hasPrefix("Error: ") ? "dfu: " + text.dropFirst(7) : text
    Terminal.write(words.hasSuffix("\n") ? words : words + "\n", to: .error)
    return .usage
  }

  // MARK: The process

  /// A pipe whose reader is gone gives an error to the writer, instead of ending the process while it
  /// may be writing to a device.
  static func survivePipes() { Terminal.ignoreBrokenPipes() }

  /// Ends the process. A result that could not be printed is no success.
  static func exit(_ status: ExitStatus) -> Never {
    guard status == .done, let failure = Terminal.outputFailure else {
      Terminal.exit(status.rawValue)
    }
    Terminal.write("dfu: Writing standard output failed: \(failure).\n", to: .error)
    Terminal.exit(ExitStatus.transferFailed.rawValue)
  }
}
