import Foundation
import Testing

/// A file of one of Debian's firmware packages.
///
/// `make test` unpacks the packages under `.build/real-firmware`; where they are installed, the system's
/// own copy serves as well.
struct PackagedFile: Hashable, Sendable, CustomTestStringConvertible {
  var package: String
  /// Where the package puts it, from the root.
  var path: String
  var testDescription: String { path }

  /// Where it is here, or nil.
  var location: String? {
    let repository = URL(filePath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    return [repository.appending(path: ".build/real-firmware").path + path, path]
      .first { FileManager.default.fileExists(atPath: $0) }
  }

  /// Where it is here; without it the test is cancelled, with the reason.
  func required() throws -> String {
    guard let location else {
      try Test.cancel("\(path) is not here: `make test` fetches it, or apt install \(package).")
    }
    return location
  }
}
