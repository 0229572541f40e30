import Reports

/// Reports on each of several files: text as it comes, or one document in the end. A file that is
/// damaged does not keep the others from being told about.
///
/// - Parameters:
///   - files: the names.
///   - schema: of the document.
///   - console: where to.
///   - text: the text of a report.
///   - make: reads one file.
/// - Returns: the status of the last failure, or done.
/// - Throws: only what the encoder throws.
func reportEach<Report: Encodable & Sendable>(
  of files: [String], schema: String, on console: Console, text: (Report, TextStyle) -> String,
  make: (String) throws -> Report
) throws -> ExitStatus {
  var status = ExitStatus.done
  var reports = FileReports<Report>(schema: schema)
  for name in files {
    do {
      let report = try make(name)
      if !console.isJSON {
        console.write((reports.files.isEmpty ? "" : "\n") + text(report, console.style))
      }
      reports.files.append(report)
    } catch {
      status = ExitStatus(for: error)
      if console.isJSON {
        reports.add(failure: console.errorReport(error), name: name)
      } else {
        _ = console.report(error)
      }
      if status == .interrupted { break }
    }
  }
  if console.isJSON { try console.print(reports) { _ in "" } }
  return status
}
