import DriverMatching
import Foundation
import Testing
import USB

/// What real Windows machines have reported (`Fixtures/WindowsVectors.json`).
struct WindowsVector: Decodable, CustomTestStringConvertible, Sendable {
  struct Node: Decodable {
    var inf: String?
    var matched_id: String
    var matched_list: String?
    var field: String
    var k: Int?
    var section: String?
    var models_section: String?
    var rank: String
    var signer: String?
    var signer_score: String?
    var date: String?
    var version: String?
    var status: String?
  }
  struct Descriptor: Decodable {
    var vid: String
    var pid: String
    var rev: String?
    var mi: String?
    var cls: String?
    var sub: String?
    var prot: String?
  }
  struct Driver: Decodable {
    var inf: String?
    var setup_class: String?
  }
  struct Pair: Decodable {
    var id: String
    var service: String
    var windows: String
  }

  var id: String
  var kind: String
  var windows: String?
  var problem: String?
  var device_id: String?
  var hardware_ids: [String]?
  var hardware_ids_partial: Bool?
  var compatible_ids: [String]?
  var nodes: [Node]?
  var identifier_scores: [String: String]?
  var composite: Bool?
  var compat_vid: Bool?
  var function: Bool?
  var ms_os: String?
  var descriptor: Descriptor?
  var driver: Driver?
  var service: String?
  var pairs: [Pair]?

  var testDescription: String { id }

  private struct File: Decodable { var vectors: [WindowsVector] }

  static let all: [WindowsVector] = {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/WindowsVectors.json")
    let data = try? Data(contentsOf: file)
    return data.flatMap { try? JSONDecoder().decode(File.self, from: $0).vectors } ?? []
  }()

  static func of(_ kind: String) -> [WindowsVector] { all.filter { $0.kind == kind } }

  /// The Windows that it was: the version as far as it says one.
  var profile: WindowsProfile {
    let numbers = (windows ?? "").split(separator: ".").compactMap { Int($0) }
    let build = numbers.count > 2 ? numbers[2] : (windows ?? "").hasPrefix("11") ? 26200 : 19045
    return WindowsProfile(
      major: numbers.first == 5 ? 5 : 10, minor: numbers.first == 5 ? 1 : 0, build: build,
      hasVendorClasses: compat_vid ?? false, signaturesAreEqual: true)
  }
}

@Suite("What real Windows machines have reported") struct WindowsVectorTests {
  @Test func `there are thirty of them`() {
    #expect(WindowsVector.all.count == 30)
    let counts = Dictionary(grouping: WindowsVector.all, by: \.kind).mapValues(\.count)
    #expect(counts == ["rank": 13, "rank-table": 1, "ids": 15, "matching-ids": 1])
  }

  @Test func `every problem that a machine has reported is in the table`() throws {
    let problems = Set(WindowsVector.all.compactMap(\.problem))
    #expect(problems == ["0x2B", "0x34", "0x1C"])
    for problem in problems {
      #expect(ProblemCode.of(try #require(Int(problem.dropFirst(2), radix: 16))) != nil)
    }
  }

  /// An INF of ours with one line, as the log shows it.
  private static func package(_ node: WindowsVector.Node, name: String) throws -> StoredINF {
    let models =
      node.models_section?.split(separator: ".", maxSplits: 1).map(String.init) ?? ["M", "NTamd64"]
    var section = node.section ?? "Install.NT"
    if section.hasSuffix(".NT") { section.removeLast(3) }
    let fillers = (0..<(node.k ?? 0)).map { ", *FILLER\($0)" }.joined()
    let id =
      node.field == "hw-id"
      ? node.matched_id : fillers.isEmpty ? "" : fillers.dropFirst(2) + ", " + node.matched_id
    let line = node.field == "hw-id" ? "\(section), \(id)" : "\(section),, \(id)"
    let text = """
      [Version]
      Signature = "$Windows NT$"
      ClassGuid = {36fc9e60-c465-11cf-8056-444553540000}
      CatalogFile = a.cat
      DriverVer = \(node.date ?? ""), \(node.version ?? "")
      [Manufacturer]
      Maker = \(models[0]), \(models[1])
      [\(models[0]).\(models[1])]
      Device = \(line)
      [\(node.section ?? "Install.NT")]
      """
    let signer: DriverSigner =
      switch node.signer?.lowercased() {
      case "inbox": .inbox
      case "authenticode": .authenticode
      case "not digitally signed": .unsigned
      default: .whql
      }
    return StoredINF(try INF(text: text, name: name), signer: signer)
  }

  @Test(arguments: WindowsVector.of("rank"))
  func `ranks are those of the log`(_ vector: WindowsVector) throws {
    let expected = try #require(vector.nodes)
    var files: [String: StoredINF] = [:]
    for (index, node) in expected.enumerated() {
      let name = node.inf ?? "oem\(index).inf"
      if files[name] == nil { files[name] = try Self.package(node, name: name) }
    }
    let store = DriverStore(Array(files.values), on: vector.profile, hasInbox: false)
    let ids = DeviceIDs(
      hardware: vector.hardware_ids ?? [], compatible: vector.compatible_ids ?? [])
    let nodes = store.nodes(for: ids)
    for (index, node) in expected.enumerated() {
      let name = node.inf ?? "oem\(index).inf"
      let rank = try #require(UInt32(node.rank.dropFirst(2), radix: 16))
      let match = try #require(
        nodes.first { $0.file == name && $0.rank.rawValue == rank }, "\(node.rank) of \(name)")
      #expect(match.rank.text == node.rank)
      #expect(match.match.id == node.matched_id)
      #expect(match.outrankedText == "\(name):\(node.matched_id):\(node.rank.dropFirst(2))")
      if let list = node.matched_list { #expect(match.match.list.rawValue == list) }
      if let section = node.section { #expect(match.installSection == section) }
      if let section = node.models_section { #expect(match.modelsSection == section) }
      if let date = node.date { #expect(match.version.date == date) }
      if let score = node.signer_score {
        #expect(match.signer.score == UInt32(score.dropFirst(2), radix: 16))
      }
      if node.status == "selected" { #expect(nodes.first == match) }
      if node.status == "outranked" { #expect(expected.count == 1 || nodes.first != match) }
    }
    // Windows' own are known here without their files, where the log is about one of them.
    let own = DriverStore([], on: vector.profile).nodes(for: ids)
    for node in expected where own.contains(where: { $0.file == node.inf }) {
      #expect(own.contains { $0.file == node.inf && $0.rank.text == node.rank })
    }
  }

  @Test func `a failure to enumerate is in the table, with the id of its device`() throws {
    for vector in WindowsVector.all where vector.problem == "0x2B" {
      let id = try #require(vector.hardware_ids?.first)
      let failure = try #require(EnumerationFailure.allCases.first { $0.id == id })
      #expect(failure.deviceID == vector.device_id)
      let decision = DriverStore([], on: vector.profile).decision(
        for: DeviceIDs(failure), failure: failure)
      #expect(decision.nodes.map(\.rank.text) == ["0x00FF0000", "0x00FF2000"])
      #expect(decision.problemCode == 43)
      #expect(decision.decision.outcome.sentence.contains(failure.name))
    }
  }

  @Test(
    arguments: WindowsVector.of("rank-table").flatMap { $0.identifier_scores ?? [:] }.map {
      $0.key + "=" + $0.value
    })
  func `Microsoft's worked table of identifier scores holds`(_ cell: String) throws {
    let parts = cell.split(separator: "=").map(String.init)
    let text =
      INFTests.head
      + "[Manufacturer]\na=M,NTamd64\n[M.NTamd64]\nDevice = Inst, A, B, C\n[Inst]\n"
    let ids = { (list: [String]) in list.map { $0 == parts[0] ? parts[1] : $0 } }
    let store = DriverStore(
      [StoredINF(try INF(text: text, name: "a.inf"))], on: .windows10, hasInbox: false)
    let node = try #require(
      store.nodes(for: DeviceIDs(hardware: ids(["H1", "H2"]), compatible: ids(["C1", "C2"]))).first)
    #expect("0x" + hex(node.rank.identifierScore) == parts[2])
  }

  @Test(arguments: WindowsVector.of("ids"))
  func `ids are those of the dump`(_ vector: WindowsVector) throws {
    let descriptor = try #require(vector.descriptor)
    func number(_ text: String?) -> UInt16 { UInt16(text ?? "0", radix: 16) ?? 0 }
    let triple = ClassTriple(
      UInt8(number(descriptor.cls)), UInt8(number(descriptor.sub)), UInt8(number(descriptor.prot)))
    let device = DeviceDescriptor(
      usbVersion: BCDVersion(0x0210), vendor: VendorID(number(descriptor.vid)),
      product: ProductID(number(descriptor.pid)),
      deviceVersion: BCDVersion(number(descriptor.rev)))
    var classes = [triple]
    if vector.composite == true || vector.function == true {
      classes = Array(repeating: ClassTriple(0xFF, 0, 0), count: Int(number(descriptor.mi)) + 2)
      classes[Int(number(descriptor.mi))] = triple
    }
    let configuration = ConfigurationDescriptor(
      interfaces: classes.enumerated().map {
        InterfaceDescriptor(number: UInt8($0.offset), interfaceClass: $0.element)
      })
    let microsoft = vector.ms_os.map {
      MicrosoftIDs(set: MicrosoftIDsTests.set(hasFunction: !$0.hasSuffix("flat set")))
    }
    let names = WindowsNames(
      device, [configuration], microsoft: microsoft.map { [$0] } ?? [], on: vector.profile)
    var ids = names.device
    if vector.function == true {
      ids = try #require(names.functions.first { $0.number == UInt8(number(descriptor.mi)) }).ids
    }
    #expect(names.device.isComposite == (vector.composite == true || vector.function == true))
    let hardware = try #require(vector.hardware_ids).map { $0.uppercased() }
    let own = ids.hardware.map { $0.uppercased() }
    if vector.hardware_ids_partial == true {
      #expect(Array(own.suffix(hardware.count)) == hardware)
    } else {
      #expect(own == hardware)
    }
    #expect(
      ids.compatible.map { $0.uppercased() } == vector.compatible_ids?.map { $0.uppercased() })
    let decision = DriverStore([], on: vector.profile).decision(for: ids)
    if let inf = vector.driver?.inf, InboxDriver.all.contains(where: { $0.file == inf }) {
      #expect(decision.binding?.node.file == inf)
      if let guid = vector.driver?.setup_class {
        #expect(decision.binding?.node.classGUID == guid)
      }
    }
    if vector.ms_os != nil { #expect(decision.binding?.service == vector.service) }
    if vector.problem == "0x1C" { #expect(decision.problemCode == 28) }
  }

  @Test(
    arguments: WindowsVector.of("matching-ids").flatMap { $0.pairs ?? [] }.map {
      [$0.id, $0.service, $0.windows]
    })
  func `the service that was bound by an id is the one in the table`(_ pair: [String]) {
    let windows: WindowsProfile =
      switch pair[2] {
      case "7": .windows7
      case "Vista": WindowsProfile(major: 6, minor: 0, build: 6002)
      default: .windows10
      }
    let decision = DriverStore([], on: windows).decision(
      for: DeviceIDs(hardware: [], compatible: [pair[0]]))
    #expect(decision.binding?.service == pair[1])
  }
}
