extension WindowsProfile {
  /// The Windows of a build, with what follows from it.
  ///
  /// - Parameter build: as `winver` shows it: 7601, 19045, 26100.
  /// - Returns: nil for a build between the versions, which no Windows has had; and for one before Vista, which
  ///   ranked in another way (without the scores of signature and feature) that is not followed here.
  public static func build(_ build: Int) -> WindowsProfile? {
    let version: (major: Int, minor: Int)
    switch build {
    case 6000...6003: version = (6, 0)
    case 7600, 7601: version = (6, 1)
    case 9200: version = (6, 2)
    case 9600: version = (6, 3)
    // 10, 11 and the servers of their time say 10.0; later builds will, as far as anybody knows.
    case 10240...99_999: version = (10, 0)
    default: return nil
    }
    return WindowsProfile(major: version.major, minor: version.minor, build: build)
  }
}
