/// A file that was written: what `pack`, `convert`, `merge`, `unpack` and the suffix and prefix verbs
/// say.
public struct WrittenReport: Encodable, Hashable, Sendable {
  /// One file.
  public struct Output: Encodable, Hashable, Sendable {
    /// Its name.
    public var name: String
    /// Its format's short name.
    public var format: String
    /// Its size in bytes.
    public var size: Int
    /// Where its bytes belong, where it does not say so itself.
    public var address: String?
    /// To which alternate setting they belong.
    public var alternateSetting: UInt8?

    /// A file.
    public init(
      name: String, format: String, size: Int, address: String? = nil,
      alternateSetting: UInt8? = nil
    ) {
      self.name = name
      self.format = format
      self.size = size
      self.address = address
      self.alternateSetting = alternateSetting
    }
  }

  /// The name and version of this document's shape.
  public var schema = "dfu.file-written/1"
  /// The files, in the order in which they were written.
  public var files: [Output]

  /// The report of files.
  public init(_ files: [Output]) { self.files = files }

  /// The report for a person.
  public func text(_ style: TextStyle) -> String {
    var table = TextTable([.leading, .leading, .trailing])
    for file in files {
      let place = [
        file.address.map { "at " + style(.accent, $0) },
        file.alternateSetting.map { "alternate setting \($0)" },
      ].compactMap { $0 }.joined(separator: ", ")
      table.add([
        style(.strong, terminalSafe(file.name)), file.format, exactSizeText(UInt64(file.size)),
        place,
      ])
    }
    return table.lines().joined(separator: "\n") + "\n"
  }
}
