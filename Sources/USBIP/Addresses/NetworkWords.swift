internal import NIOCore
internal import NIOPosix

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
    // NIO adds "(errno: N)"; the number helps nobody who has the words.
    let text = error.description
    return text.split(separator: " (errno").first.map(String.init)?.asPart ?? text
  case ChannelError.connectTimeout: return "there was no answer within 5 seconds"
  case is SocketAddressError.UnknownHost: return "there is no such host"
  default: return "\(error)"
  }
}
