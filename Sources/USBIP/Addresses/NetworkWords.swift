internal import NIOCore
internal import NIOPosix

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// An error of the network in words, as a part of a sentence.
func words(for error: any Error) -> String {
  switch error {
  case let error as NIOConnectionError:
    if let failure = error.connectionErrors.first { return words(for: failure.error) }
    if error.dnsAError != nil || error.dnsAAAAError != nil {
      return "there is no host \(error.host)"
    }
    return "no connection could be made"
  case let error as IOError:
    // NIO's own words say which of its calls failed; the system's say why.
    return String(cString: strerror(error.errnoCode)).asPart
  case ChannelError.connectTimeout: return "there was no answer within 5 seconds"
  case is SocketAddressError.UnknownHost: return "there is no such host"
  default: return "\(error)"
  }
}
