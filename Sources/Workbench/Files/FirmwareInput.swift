public import Firmware
internal import SystemPackage
public import USB

/// A firmware file that was read and understood.
public struct FirmwareInput: Hashable, Sendable {
  /// Where it came from, and where it belongs.
  public var place: PlacedInput
  /// All its bytes.
  public var bytes: [UInt8]
  /// What they say.
  public var file: FirmwareFile

  /// Reads a file and recognises what it is.
  ///
  /// - Parameters:
  ///   - place: the file, and where its bytes belong.
  ///   - options: how to read it.
  /// - Throws: ``FileError`` where it cannot be read, ``FirmwareInputError`` where it is damaged, or
  ///   where it has addresses and is given another one.
  public init(_ place: PlacedInput, options: FirmwareReadOptions = FirmwareReadOptions()) throws {
    self.place = place
    bytes = try InputFile.read(place.path)
    do {
      file = try FirmwareFile(parsing: bytes, options: options)
    } catch {
      throw FirmwareInputError(name: place.name, error: error)
    }
    if place.address != nil, file.targets.contains(where: \.hasAddresses) {
      throw FirmwareInputError(
        name: place.name,
        error: FirmwareError(
          .notRepresentable, format: file.format,
          sentence: "The file has addresses of its own, so it cannot be placed at another one.",
          help: "Leave the address away, or convert the file to raw bytes first."))
    }
  }

  /// What people call the file.
  public var name: String { place.name }

  /// The targets, raw bytes placed at the address that was given, in the alternate setting that was
  /// given.
  ///
  /// - Returns: the targets; raw where no address is known.
  /// - Throws: ``FirmwareInputError`` where the bytes do not end below 4 GiB.
  public func placedTargets() throws -> [FirmwareTarget] {
    do {
      return try file.targets.map { target throws(FirmwareError) in
        var placed = target
        if let image = try target.image(placingRawAt: place.address) {
          guard image.range.map({ $0.upperBound <= 1 << 32 }) ?? true else {
            throw FirmwareError(
              .addressOverflow, format: file.format,
              sentence: "From \(addressText(place.address ?? 0)) its \(image.byteCount) bytes run "
                + "beyond the 32 bits of an address.")
          }
          placed.content = .image(image)
        }
        placed.alternateSetting = place.alternateSetting ?? target.alternateSetting
        return placed
      }
    } catch {
      throw FirmwareInputError(name: name, error: error)
    }
  }
}

extension FirmwareTarget {
  /// Whether the file says where the bytes belong.
  public var hasAddresses: Bool {
    if case .image = content { true } else { false }
  }
}

extension PlacedInput {
  /// What people call the file.
  public var name: String { path == "-" ? "standard input" : path.string }
}

/// A firmware error, with the name of the file in front.
public struct FirmwareInputError: ExplainedError, Hashable {
  /// The file.
  public var name: String
  /// What is wrong with it.
  public var error: FirmwareError

  /// An error about a file.
  public init(name: String, error: FirmwareError) {
    self.name = name
    self.error = error
  }

  /// The slug of the firmware error.
  public var slug: String { error.slug }
  /// The name of the file, and what is wrong with it.
  public var sentence: String { "\(name): \(error.sentence)" }
  /// What to do next.
  public var help: String? { error.help }
}
