/// Reports of several files in one document: those that were understood, and those that were not.
public struct FileReports<Report: Encodable & Sendable>: Encodable, Sendable {
  /// A file that was not understood.
  public struct Failure: Encodable, Hashable, Sendable {
    /// Its name.
    public var name: String
    /// Why.
    public var error: ErrorReport.Explanation
  }

  /// The name and version of this document's shape.
  public var schema: String
  /// The files that were understood, in the order of the command line.
  public var files: [Report] = []
  /// The files that were not, in the order of the command line.
  public var failures: [Failure] = []

  /// No files yet.
  public init(schema: String) { self.schema = schema }

  /// Adds a file that was not understood.
  public mutating func add(failure report: ErrorReport, name: String) {
    failures.append(Failure(name: name, error: report.error))
  }
}
