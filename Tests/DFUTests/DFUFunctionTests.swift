import DFU
import Testing
import USB

/// The DFU interface of the STM32F407's ROM, with the functional descriptor where the ROM has it.
private let functional = RawDescriptor(
  bytes: [0x09, 0x21, 0x0B, 0xFF, 0x00, 0x00, 0x08, 0x1A, 0x01], offset: 45)
private let f407 = DFUFunctionalDescriptor(
  attributes: [.canDownload, .canUpload, .willDetach], detachTimeout: 255, transferSize: 2048,
  version: BCDVersion(0x011A))

private func setting(
  _ number: UInt8 = 0, protocolCode: UInt8 = 2, extra: [RawDescriptor] = [],
  endpoints: [EndpointDescriptor] = [], interface: UInt8 = 0
) -> InterfaceDescriptor {
  InterfaceDescriptor(
    number: interface, alternateSetting: number,
    interfaceClass: ClassTriple(0xFE, 0x01, protocolCode), nameIndex: 4 + number, extra: extra,
    endpoints: endpoints)
}

private func configuration(
  _ interfaces: [InterfaceDescriptor], extra: [RawDescriptor] = []
) throws -> ConfigurationDescriptor {
  // Through the bytes, so that what is tested is what a device sends.
  let bytes = ConfigurationDescriptor(extra: extra, interfaces: interfaces).bytes
  var reader = ByteReader(bytes.span.bytes)
  return try ConfigurationDescriptor(parsing: &reader)
}

private func raw(_ bytes: UInt8...) -> RawDescriptor { RawDescriptor(bytes: bytes, offset: 0) }

private func only(
  _ interfaces: [InterfaceDescriptor], extra: [RawDescriptor] = []
) throws -> DFUFunction {
  let found = DFUFunction.find(in: try configuration(interfaces, extra: extra))
  try #require(found.count == 1)
  return found[0]
}

@Suite struct `Finding the DFU interface` {
  @Test func `the descriptors of an STM32F407 in DFU mode`() throws {
    let bytes: [UInt8] =
      [0x09, 0x02, 0x36, 0x00, 0x01, 0x01, 0x00, 0xC0, 0x32]
      + [0x09, 0x04, 0x00, 0x00, 0x00, 0xFE, 0x01, 0x02, 0x04]
      + [0x09, 0x04, 0x00, 0x01, 0x00, 0xFE, 0x01, 0x02, 0x05]
      + [0x09, 0x04, 0x00, 0x02, 0x00, 0xFE, 0x01, 0x02, 0x06]
      + [0x09, 0x04, 0x00, 0x03, 0x00, 0xFE, 0x01, 0x02, 0x07]
      + [0x09, 0x21, 0x0B, 0xFF, 0x00, 0x00, 0x08, 0x1A, 0x01]
    var reader = ByteReader(bytes.span.bytes)
    let configuration = try ConfigurationDescriptor(parsing: &reader)
    #expect(configuration.faults.isEmpty)
    #expect(configuration.bytes == bytes)
    let functions = DFUFunction.find(in: configuration)
    try #require(functions.count == 1)
    let function = functions[0]
    #expect(function.functional == f407)
    #expect(function.functional?.bytes == functional.bytes)
    #expect(function.functionalPlace == .afterSetting(3))
    #expect(function.settings.map(\.number) == [0, 1, 2, 3])
    #expect(function.settings.map(\.nameIndex) == [4, 5, 6, 7])
    #expect(function.faults.isEmpty)
    #expect(function.transferSize == 2048)
    #expect(function.detachTimeout == 255)
    #expect(function.mode() == .dfu)
    #expect(function.dialect(names: []) == .dfuSe)
    #expect(function.corrections.isEmpty)
  }

  @Test func `behind the first alternate setting`() throws {
    let function = try only([setting(0, extra: [functional]), setting(1)])
    #expect(function.functional == f407)
    #expect(function.functionalPlace == .afterSetting(0))
    #expect(function.faults.isEmpty)
  }

  @Test func `behind each alternate setting, all alike`() throws {
    let function = try only([setting(0, extra: [functional]), setting(1, extra: [functional])])
    #expect(function.functional == f407)
    #expect(function.functionalPlace == .afterSetting(1))
    #expect(function.faults.isEmpty)
  }

  @Test func `behind each alternate setting, with differences: the last one counts`() throws {
    let other = raw(9, 0x21, 0x01, 0, 0, 64, 0, 0x10, 0x01)
    let function = try only([setting(0, extra: [other]), setting(1, extra: [functional])])
    #expect(function.functional == f407)
    #expect(function.faults.map(\.rule) == [.conflict])
    #expect(function.faults[0].offset == 36)
    #expect(function.faults[0].sentence.contains("offset 36"))
  }

  @Test func `in the configuration's own bytes`() throws {
    let function = try only([setting()], extra: [functional])
    #expect(function.functional == f407)
    #expect(function.functionalPlace == .inConfiguration)
  }

  @Test func `the interface's own descriptor goes before the configuration's`() throws {
    let other = raw(9, 0x21, 0x01, 0, 0, 64, 0, 0x10, 0x01)
    let function = try only([setting(0, extra: [functional])], extra: [other])
    #expect(function.functional == f407)
    #expect(function.functionalPlace == .afterSetting(0))
    #expect(function.faults.map(\.rule) == [.conflict])
  }

  @Test func `behind an endpoint that a DFU interface should not have`() throws {
    let endpoint = EndpointDescriptor(
      address: 0x81, attributes: 3, maxPacketSize: 8, interval: 10, extra: [functional])
    let function = try only([setting(0, endpoints: [endpoint])])
    #expect(function.functional == f407)
    #expect(function.functionalPlace == .afterEndpoint(setting: 0))
  }

  @Test func `a HID descriptor is not mistaken for it`() throws {
    let hid = raw(9, 0x21, 0x11, 0x01, 0x00, 0x01, 0x22, 0x3F, 0x00)
    let keyboard = InterfaceDescriptor(
      number: 1, interfaceClass: ClassTriple(3, 1, 1), extra: [hid],
      endpoints: [
        EndpointDescriptor(address: 0x81, attributes: 3, maxPacketSize: 8, interval: 10)
      ])
    let function = try only([setting(protocolCode: 1), keyboard])
    #expect(function.functional == nil)
    #expect(function.faults.map(\.rule) == [.missing])
    #expect(function.interfaceCount == 2)
    // Even where a confused device puts it in front of its interfaces.
    #expect(try only([setting(protocolCode: 1), keyboard], extra: [hid]).functional == nil)
    #expect(DFUFunction.find(in: try configuration([keyboard])).isEmpty)
  }

  @Test func `the seven bytes of DFU 1.0`() throws {
    let function = try only([
      setting(protocolCode: 0, extra: [raw(7, 0x21, 0x0B, 0x00, 0xFF, 0x00, 0x10)])
    ])
    #expect(function.functional?.version == nil)
    #expect(function.functional?.transferSize == 4096)
    #expect(function.attributes == [.canDownload, .canUpload])
    #expect(function.version == BCDVersion(0x0100))
    #expect(function.dialect(names: []) == .dfu10)
    #expect(function.detachTimeout == 255)
    #expect(function.corrections.count == 1)
  }

  @Test func `seven bytes are not lengthened by those of the next descriptor`() throws {
    let next = raw(9, 0x04, 1, 0, 0, 0xFF, 0, 0, 0)
    let function = try only([
      setting(protocolCode: 1, extra: [raw(7, 0x21, 0x01, 0xE8, 0x03, 0x40, 0x00), next])
    ])
    #expect(function.functional?.version == nil)
    #expect(function.functional?.bytes.count == 7)
  }

  @Test func `odd lengths are read as far as they go`() throws {
    let eight = try only([setting(extra: [raw(8, 0x21, 0x01, 0xE8, 0x03, 0x40, 0x00, 0x10)])])
    #expect(eight.functional?.version == nil)
    #expect(eight.faults.map(\.rule) == [.oddLength])
    let ten = try only([setting(extra: [raw(10, 0x21, 1, 0, 1, 0x40, 0, 0x10, 0x01, 0xAA)])])
    #expect(ten.functional?.version == BCDVersion(0x0110))
    #expect(ten.faults.map(\.rule) == [.oddLength])
    let three = try only([setting(extra: [raw(3, 0x21, 0x01)])])
    #expect(three.functional == nil)
    #expect(three.faults.map(\.rule) == [.oddLength, .missing])
  }

  @Test func `a configuration that ends inside it keeps the seven bytes`() throws {
    var bytes = ConfigurationDescriptor(interfaces: [setting(0, extra: [functional])]).bytes
    bytes.removeLast(2)
    var reader = ByteReader(bytes.span.bytes)
    let functions = DFUFunction.find(in: try ConfigurationDescriptor(parsing: &reader))
    #expect(functions.first?.functional?.transferSize == 2048)
    #expect(functions.first?.functional?.version == nil)
    #expect(functions.first?.faults.map(\.rule) == [.truncated])
  }

  @Test func `every prefix and every changed byte of a configuration is survived`() throws {
    let bytes = ConfigurationDescriptor(
      extra: [functional],
      interfaces: [setting(0, extra: [functional]), setting(1, extra: [functional])]
    ).bytes
    for length in 0...bytes.count {
      let prefix = Array(bytes[..<length])
      var reader = ByteReader(prefix.span.bytes)
      if let read = try? ConfigurationDescriptor(parsing: &reader) {
        #expect(DFUFunction.find(in: read).count <= 1)
      }
    }
    for index in bytes.indices {
      for value in UInt8.min...UInt8.max {
        var changed = bytes
        changed[index] = value
        var reader = ByteReader(changed.span.bytes)
        guard let read = try? ConfigurationDescriptor(parsing: &reader) else { continue }
        for function in DFUFunction.find(in: read)
        where function.transferSize < 1 || function.detachTimeout > 10_000 {
          Issue.record("unusable values at byte \(index) = \(value)")
        }
      }
    }
  }

  @Test func `two DFU interfaces are two functions`() throws {
    let found = DFUFunction.find(
      in: try configuration([
        setting(0, extra: [functional]), setting(1), setting(0, protocolCode: 1, interface: 3),
      ]))
    #expect(found.map(\.interfaceNumber) == [0, 3])
    #expect(found.map(\.settings.count) == [2, 1])
    #expect(found[1].functional == nil)
  }

  @Test func `two alternate settings with one number are a fault`() throws {
    let function = try only([setting(0, extra: [functional]), setting(0, extra: [functional])])
    #expect(function.faults.map(\.rule) == [.repeatedSetting])
  }
}

@Suite struct `Odd values in the functional descriptor` {
  private func function(
    transferSize: UInt16 = 1024, detachTimeout: UInt16 = 255, version: UInt16? = 0x0110,
    protocols: [UInt8] = [2], interfaceCount: Int = 1
  ) -> DFUFunction {
    DFUFunction(
      interfaceNumber: 0, interfaceCount: interfaceCount,
      settings: protocols.enumerated().map {
        DFUFunction.Setting(number: UInt8($0.offset), nameIndex: 0, protocolCode: $0.element)
      },
      functional: DFUFunctionalDescriptor(
        attributes: [.canDownload], detachTimeout: detachTimeout, transferSize: transferSize,
        version: version.map { BCDVersion($0) }))
  }

  @Test func `a transfer size of 0 is 64, and 65535 is 1024`() {
    #expect(function(transferSize: 0).transferSize == 64)
    #expect(function(transferSize: 0xFFFF).transferSize == 1024)
    #expect(function(transferSize: 0xFFFE).transferSize == 0xFFFE)
    #expect(function(transferSize: 1).transferSize == 1)
    #expect(function(transferSize: 0).corrections.count == 1)
  }

  @Test func `a detach time-out with its bytes swapped is put right, and a long one cut`() {
    #expect(function(detachTimeout: 0xFF00).detachTimeout == 255)
    #expect(function(detachTimeout: 10_000).detachTimeout == 10_000)
    #expect(function(detachTimeout: 10_001).detachTimeout == 10_000)
    #expect(function(detachTimeout: 0xFFFF).detachTimeout == 10_000)
    #expect(function(detachTimeout: 0).detachTimeout == 0)
  }

  @Test func `a version with its bytes swapped is DfuSe`() {
    let opc20 = function(version: 0x1A01)
    #expect(opc20.version == BCDVersion(0x011A))
    #expect(opc20.dialect(names: []) == .dfuSe)
    #expect(opc20.corrections.count == 1)
  }

  @Test func `protocol 2 is DFU mode, and so is protocol 0 with version 1_1a`() {
    #expect(function(protocols: [2]).mode() == .dfu)
    #expect(function(version: 0x011A, protocols: [0]).mode() == .dfu)
    #expect(function(version: 0x0110, protocols: [0]).mode() == .unknown)
    #expect(function(version: 0x0110, protocols: [1]).mode() == .runtime)
  }

  @Test func `DFU mode beside other interfaces is believed only when the state says so`() {
    for lie in [
      function(version: 0x0110, protocols: [2], interfaceCount: 2),
      function(version: 0x011A, protocols: [0], interfaceCount: 3),
    ] {
      #expect(lie.mode() == .unknown)
      #expect(lie.mode(state: .appIdle) == .runtime)
      #expect(lie.mode(state: .dfuIdle) == .dfu)
    }
    // A quirk knows better.
    #expect(function(protocols: [2], interfaceCount: 2).mode(quirks: [.isInDFUMode]) == .dfu)
  }

  @Test func `otherwise the state tells the mode`() {
    for code: UInt8 in [0, 1, 7] {
      #expect(function(protocols: [code]).mode(state: .appIdle) == .runtime)
      #expect(function(protocols: [code]).mode(state: .appDetach) == .runtime)
      #expect(function(protocols: [code]).mode(state: .dfuIdle) == .dfu)
      #expect(function(protocols: [code]).mode(state: .dfuError) == .dfu)
    }
  }

  @Test func `quirks decide where descriptors lie about the mode`() {
    let lpc = DFUQuirks.quirks(
      vendor: VendorID(0x1FC9), product: ProductID(0x000C), version: BCDVersion(0x0100))
    #expect(function(protocols: [1]).mode(quirks: lpc) == .dfu)
    let jabra = DFUQuirks.quirks(
      vendor: VendorID(0x0B0E), product: ProductID(0x0300), version: BCDVersion(0x0100))
    #expect(function(protocols: [0]).mode(quirks: jabra) == .dfu)
    #expect(function(protocols: [0], interfaceCount: 4).mode(quirks: jabra) == .runtime)
  }

  @Test func `a name that is a layout is the strongest sign of DfuSe`() {
    let layout = "@Internal Flash  /0x08000000/128*002Kg"
    #expect(function(version: 0x0110).dialect(names: [layout]) == .dfuSe)
    #expect(function(version: nil).dialect(names: [layout]) == .dfuSe)
    #expect(function(version: 0x0110).dialect(names: ["@nothing"]) == .dfu11)
  }

  @Test func `the version decides where no name could be read`() {
    #expect(function(version: 0x011A).dialect(names: []) == .dfuSe)
    #expect(function(version: 0x0110).dialect(names: []) == .dfu11)
    #expect(function(version: 0x0101).dialect(names: []) == .dfu11)
    #expect(function(version: 0x0100).dialect(names: []) == .dfu10)
    #expect(function(version: 0x0000).dialect(names: []) == .dfu10)
    #expect(function(version: nil).dialect(names: []) == .dfu10)
  }

  @Test func `version 1_1a with plain names is not DfuSe`() {
    #expect(function(version: 0x011A).dialect(names: ["0x00080000 Bitstream"]) == .dfu11)
    let maple = DFUQuirks.quirks(
      vendor: VendorID(0x1EAF), product: ProductID(0x0003), version: BCDVersion(0x0200))
    #expect(function(version: 0x011A).dialect(names: [], quirks: maple) == .dfu11)
    let stm32 = DFUQuirks.quirks(
      vendor: VendorID(0x0483), product: ProductID(0xDF11), version: BCDVersion(0x2200))
    #expect(function(version: 0x0110).dialect(names: [], quirks: stm32) == .dfuSe)
    #expect(function(version: 0x0110).dialect(names: ["firmware"], quirks: stm32) == .dfu11)
  }

  @Test func `without a functional descriptor the poorest device is assumed`() {
    let bare = DFUFunction(interfaceNumber: 0, settings: [], functional: nil)
    #expect(bare.transferSize == 64)
    #expect(bare.attributes == [.canDownload])
    #expect(bare.dialect(names: []) == .dfu10)
    #expect(bare.mode() == .unknown)
  }
}
