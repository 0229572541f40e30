import DFU
import DFUHost
import Firmware
import USB
import VirtualDFU
import VirtualUSB

/// Planning, and flashing a virtual device on simulated time: what remains is our own work.
enum Flashing {
  static func reportPlan() throws {
    let map = try MemoryMap(
      dfuseString: "@Internal Flash  /0x08000000/16*128Kg")
    var target = FlashTarget(
      vendor: .stMicroelectronics, product: ProductID(0xDF11), name: map.name, dialect: .dfuSe,
      map: map, transferSize: 2048)
    target.contents = try FirmwareImage([
      .init(address: 0x0800_0000, bytes: Formats.noise(2 << 20).reversed(), origin: .device)
    ])
    let image = try FirmwareImage([
      .init(address: 0x0800_0000, bytes: Formats.noise(2 << 20), origin: .offset(0))
    ])
    let time = Measure.best { _ = try? FlashPlan(image, for: target) }
    let rate = rounded(Double(2 << 20) / 1e6 / time.inSeconds)
    printTable(
      "Plans", ["plan", "time", "MB/s"], [["2 MiB, every sector differs", time.text, rate]])
  }

  /// What one run took of this machine, and of the simulated world.
  struct Outcome: Sendable {
    var transfers: Int
    var simulated: Duration
  }

  static func reportFlash() async throws {
    var file = FirmwareFile(image: FirmwareImage())
    var image = FirmwareImage()
    try image.insert(Formats.noise(1 << 20), at: 0x0800_0000, origin: .offset(0))
    file.targets[0].content = .image(image)
    var plain = FlashOptions()
    plain.differential = false
    plain.verify = false
    plain.leave = .never
    var proved = FlashOptions()
    proved.leave = .never
    var rows: [[String]] = []
    for (name, options) in [("write only", plain), ("read, write, prove", proved)] {
      var best = Duration.seconds(1_000_000)
      var outcome = Outcome(transfers: 1, simulated: .zero)
      for _ in 0..<20 {
        let start = Measure.processorTime
        outcome = try await flash(file, options)
        best = min(best, Measure.processorTime - start)
      }
      rows.append([
        "1 MiB onto stm32f407, \(name)", "\(outcome.transfers)", outcome.simulated.text, best.text,
        rounded(best.inSeconds * 1e9 / Double(outcome.transfers)), "3000",
      ])
    }
    printTable(
      "Flashing a virtual device on simulated time, the device's own work included",
      ["what", "transfers", "simulated", "processor", "ns per transfer", "goal"], rows)
  }

  private static func flash(_ file: FirmwareFile, _ options: FlashOptions) async throws -> Outcome {
    try await Simulation().run { clock in
      let bus = VirtualBus(clock: clock)
      _ = bus.attach(VirtualBootloader(.stm32f407))
      guard let info = try await bus.devices().first else {
        throw HostError(.notFound, "The virtual device is not there.")
      }
      let session = try await DFUSession.open(info, on: bus, clock: AnyClock(clock))
      let plan = try await session.plan(file, options: options)
      _ = try await session.flash(plan)
      await session.close()
      return Outcome(
        transfers: session.transfers.controlTransfers, simulated: clock.now.elapsed)
    }
  }
}
