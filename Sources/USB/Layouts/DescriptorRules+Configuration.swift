extension DescriptorRules {
  /// What is remembered of the settings of a configuration while they pass by.
  private struct Settings {
    /// The numbers of the interfaces, and those that have a setting 0.
    var numbers = ByteSet()
    var withZero = ByteSet()
    /// The highest setting of each interface so far.
    var highest = InlineArray<256, UInt8>(repeating: 0)
    /// Number and setting of each, once one came that may have been there before.
    var seen: Set<UInt16>?
    /// The interface that an endpoint belongs to, and 1; 0 for none.
    var owners = InlineArray<256, UInt16>(repeating: 0)
    /// Where the last setting begins; what it has.
    var last: Int?
    var endpoints = ByteSet()
    var endpointCount = 0
    var isOutOfOrder = false
  }

  /// Checks one configuration.
  ///
  /// - Parameter range: its node and those behind it, up to the next one's.
  mutating func checkConfiguration(_ range: Range<Int>) {
    guard tree.nodes[range.lowerBound].length >= 9 else { return }
    var settings = Settings()
    var hasAssociations = false
    for index in range.dropFirst() {
      switch tree.nodes[index].type {
      case .interface? where tree.nodes[index].length >= 9:
        finishSetting(&settings)
        checkSetting(tree.nodes[index].offset, range.lowerBound..<index, &settings)
      case .endpoint? where tree.nodes[index].length >= 7 && settings.last != nil:
        checkOwner(of: tree.nodes[index].offset, &settings)
      case .interfaceAssociation?: hasAssociations = true
      default: break
      }
    }
    finishSetting(&settings)
    checkHead(tree.nodes[range.lowerBound].offset, settings.numbers)
    checkNumbers(range, settings)
    guard hasAssociations else { return }
    for node in tree.nodes[range] where node.type == .interfaceAssociation && node.length >= 8 {
      checkAssociation(node.offset, settings.numbers)
    }
  }

  private mutating func checkHead(_ at: Int, _ numbers: ByteSet) {
    let said = Int(bytes[at + 4])
    let count = numbers.count
    if said != count {
      tell(
        at + 4, "bNumInterfaces",
        "bNumInterfaces is \(said), and \(count) \(count == 1 ? "interface is" : "interfaces are") described.",
        linux: "It warns, and uses those that it has found.")
    }
    if bytes[at + 5] == 0 {
      tell(
        at + 5, "bConfigurationValue",
        "bConfigurationValue is 0, which means “not configured” in SET_CONFIGURATION.",
        linux: "It warns, and configures it all the same.")
    }
    if bytes[at + 7] & 0x80 == 0 {
      tell(at + 7, "bmAttributes", "Bit 7 of bmAttributes is 0; it has to be 1 (USB 2.0, 9.6.3).")
    }
  }

  private mutating func checkNumbers(_ range: Range<Int>, _ settings: Settings) {
    let missing = settings.numbers.run
    if missing < settings.numbers.count,
      let number = settings.numbers.sorted.first(where: { Int($0) > missing }),
      let at = firstSetting(of: number, range)
    {
      tell(
        at + 2, "bInterfaceNumber",
        "bInterfaceNumber is \(number); interfaces are numbered from 0 without gaps, and \(missing) is missing.",
        linux: "It warns, and keeps the number.")
    }
    guard settings.withZero.count < settings.numbers.count else { return }
    for number in settings.numbers.sorted where !settings.withZero.contains(number) {
      guard let at = firstSetting(of: number, range) else { continue }
      tell(
        at + 3, "bAlternateSetting", "Interface \(number) has no setting 0.", linux: "It warns.")
    }
  }

  private func firstSetting(of number: UInt8, _ range: Range<Int>) -> Int? {
    tree.nodes[range].first {
      $0.type == .interface && $0.length >= 9 && bytes[$0.offset + 2] == number
    }?.offset
  }

  // MARK: A setting

  /// `before` are the nodes of the configuration in front of it.
  private mutating func checkSetting(
    _ at: Int, _ before: Range<Int>, _ settings: inout Settings
  ) {
    let (number, alternate) = (bytes[at + 2], bytes[at + 3])
    if let last = settings.last, !settings.isOutOfOrder, number < bytes[last + 2] {
      settings.isOutOfOrder = true
      tell(
        at + 2, "bInterfaceNumber",
        "Interface \(number) stands behind interface \(bytes[last + 2]).",
        windows: .invalidConfiguration)
    }
    let isFirst = settings.numbers.insert(number)
    if !isFirst, alternate <= settings.highest[Int(number)] {
      if settings.seen == nil { settings.seen = self.settings(in: before) }
      let isNew = settings.seen?.insert(key(number, alternate)).inserted ?? true
      if !isNew {
        tell(
          at + 3, "bAlternateSetting",
          "Interface \(number) has had a setting \(alternate) before.",
          linux: "It skips the second one.")
      }
    } else {
      settings.highest[Int(number)] = alternate
      _ = settings.seen?.insert(key(number, alternate))
    }
    if alternate == 0 { _ = settings.withZero.insert(number) }
    settings.last = at
    settings.endpoints = ByteSet()
    settings.endpointCount = 0
  }

  private func key(_ number: UInt8, _ alternate: UInt8) -> UInt16 {
    UInt16(number) << 8 | UInt16(alternate)
  }

  private func settings(in range: Range<Int>) -> Set<UInt16> {
    var seen: Set<UInt16> = []
    for node in tree.nodes[range] where node.type == .interface && node.length >= 9 {
      seen.insert(key(bytes[node.offset + 2], bytes[node.offset + 3]))
    }
    return seen
  }

  private mutating func finishSetting(_ settings: inout Settings) {
    guard let at = settings.last, Int(bytes[at + 4]) != settings.endpointCount else { return }
    let count = settings.endpointCount
    tell(
      at + 4, "bNumEndpoints",
      "bNumEndpoints is \(bytes[at + 4]), and \(count) \(count == 1 ? "is" : "are") described.",
      linux: "It warns, and keeps as many as were announced at most.")
  }

  private mutating func checkOwner(of at: Int, _ settings: inout Settings) {
    guard let last = settings.last else { return }
    let number = bytes[last + 2]
    let address = bytes[at + 2]
    let owner = settings.owners[Int(address)]
    settings.endpointCount += 1
    if !settings.endpoints.insert(address) {
      tell(
        at + 2, "bEndpointAddress",
        "Endpoint 0x\(hex(address)) is described twice in one setting.",
        linux: "It skips the second one.", windows: .invalidConfiguration)
    } else if owner != 0, owner != UInt16(number) + 1 {
      tell(
        at + 2, "bEndpointAddress",
        "Endpoint 0x\(hex(address)) belongs to interface \(owner - 1) already.",
        linux: "It skips it here.")
    } else {
      settings.owners[Int(address)] = UInt16(number) + 1
    }
  }

  // MARK: An association

  private mutating func checkAssociation(_ at: Int, _ numbers: ByteSet) {
    let first = Int(bytes[at + 2])
    let count = Int(bytes[at + 3])
    if count == 0 {
      tell(
        at + 3, "bInterfaceCount", "bInterfaceCount is 0; a function has at least one interface.")
    }
    for number in first..<first + count where !numbers.contains(UInt8(clamping: number)) {
      tell(
        at + 2, "bFirstInterface",
        "The association is of interfaces \(first) to \(first + count - 1), and there is no interface \(number)."
      )
      break
    }
  }
}
