import ArgumentParser
import USB
import Workbench

/// An address of the 32-bit space of a device: `0x08000000`.
struct AddressArgument: ExpressibleByArgument, Hashable {
  var value: UInt64

  init?(argument: String) {
    guard let value = typedNumber(argument), value <= UInt64(UInt32.max) else { return nil }
    self.value = value
  }
}

/// A number of bytes: `4096`, `0x1000`, `16K`, `1M` (K is 1024 and M is 1024 K).
struct LengthArgument: ExpressibleByArgument, Hashable {
  var value: UInt64

  init?(argument: String) {
    guard let value = typedByteCount(argument), value > 0, value <= 1 << 32 else { return nil }
    self.value = value
  }
}

/// A byte: `255`, `0xFF`.
struct ByteArgument: ExpressibleByArgument, Hashable {
  var value: UInt8

  init?(argument: String) {
    guard let number = typedNumber(argument), let value = UInt8(exactly: number) else {
      return nil
    }
    self.value = value
  }
}

/// Vendor and product: `0483:df11`; either may be empty or `*`, which is any.
struct IdentifierArgument: ExpressibleByArgument, Hashable {
  var vendor: VendorID
  var product: ProductID

  init?(argument: String) {
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    var values: [UInt16] = []
    for part in parts {
      if part.isEmpty || part == "*" {
        values.append(0xFFFF)
        continue
      }
      let digits = part.lowercased().hasPrefix("0x") ? part.dropFirst(2) : part
      guard digits.count <= 4, digits.first != "+", let value = UInt16(digits, radix: 16) else {
        return nil
      }
      values.append(value)
    }
    vendor = VendorID(values[0])
    product = ProductID(values[1])
  }
}

/// A release number in binary-coded decimal: `1.00`, `0x0100`.
struct VersionArgument: ExpressibleByArgument, Hashable {
  var value: BCDVersion

  init?(argument: String) {
    guard let value = BCDVersion(typed: argument) else { return nil }
    self.value = value
  }
}

/// A number of seconds, up to a day: `10`, `0.5`.
struct SecondsArgument: ExpressibleByArgument, Hashable, CustomStringConvertible {
  var value: Duration

  init(_ value: Duration) { self.value = value }

  init?(argument: String) {
    guard let value = typedSeconds(argument) else { return nil }
    self.value = value
  }

  /// As help shows what stands for a bare option.
  var description: String {
    value == DeviceWait.longest ? "until it comes" : "\(value.components.seconds)"
  }
}

/// Refuses `--name=text` where the text is no number of seconds: the parser takes an option with an
/// optional value as given without it then.
func checkOptionalSeconds(of name: String) throws {
  for argument in CommandLine.arguments.dropFirst().prefix(while: { $0 != "--" })
  where argument.hasPrefix(name + "=") {
    let text = argument.dropFirst(name.utf8.count + 1)
    guard typedSeconds(text) != nil else {
      throw ValidationError("\(name) takes a number of seconds up to 86400, not “\(text)”.")
    }
  }
}
