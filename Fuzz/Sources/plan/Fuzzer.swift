import DFU
import DFUHost
import Firmware
import FuzzInput
import USB

/// Plans for any image on any map: what the plan writes is what the image holds, inside sectors that
/// it erases or leaves alone, and no byte of the image is missing.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = FuzzInput(start, count)
  guard let target = target(&input), let image = image(&input, on: target) else { return 0 }
  var options = FlashOptions()
  options.differential = input.bool()
  options.verify = input.bool()
  options.discardNeighbours = input.bool()
  options.erase = input.one(of: FlashOptions.Erase.allCases)
  options.leave = input.one(of: FlashOptions.Leave.allCases)
  do throws(PlanError) {
    let plan = try FlashPlan(image, for: target, options: options)
    check(plan, image, target)
  } catch {
    checkText(of: error)
  }
  return 0
}

private func target(_ input: inout FuzzInput) -> FlashTarget? {
  let maps = [
    "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg",
    "@Internal Flash  /0x08000000/04*001Kg,02*003Kg", "@SRAM /0x20000000/01*016Ke",
    "@Mixed /0x08000000/02*001Ka,02*001Kg,01*001Ke/0x08002000/03*256Bg",
    "@Option Bytes  /0x1FFFC000/01*016 e",
  ]
  var text = input.one(of: maps)
  if input.bool() { text += "/0x08100000/0\(1 + input.below(9))*0\(1 + input.below(9))Kg" }
  guard let map = try? MemoryMap(dfuseString: text) else { return nil }
  var target = FlashTarget(
    vendor: .stMicroelectronics, product: ProductID(0xDF11), name: map.name, dialect: .dfuSe,
    map: map, transferSize: input.one(of: [7, 64, 256, 2048]))
  target.canUpload = input.bool()
  if input.bool(), let range = map.range {
    let contents = striped(
      Int(min(range.upperBound - range.lowerBound, 0x2000)), of: input.byte(), every: 0x600)
    target.contents = try? FirmwareImage([
      .init(address: range.lowerBound, bytes: contents, origin: .device)
    ])
  }
  return target
}

/// Bytes of one value with blank stretches between them.
private func striped(_ count: Int, of byte: UInt8, every period: Int) -> [UInt8] {
  var bytes = [UInt8](repeating: byte, count: count)
  for start in stride(from: period / 2, to: count, by: period) {
    let end = min(start + period / 2, count)
    bytes.replaceSubrange(start..<end, with: repeatElement(0xFF, count: end - start))
  }
  return bytes
}

private func image(_ input: inout FuzzInput, on target: FlashTarget) -> FirmwareImage? {
  var image = FirmwareImage()
  let base = target.map?.range?.lowerBound ?? 0
  for number in 0..<1 + input.below(4) {
    let address = base &+ UInt64(input.number(UInt16.self)) &- UInt64(input.one(of: [0, 0, 0, 1]))
    let bytes = striped(1 + input.below(2000), of: input.byte(), every: 700)
    // Pieces that contradict each other are refused, which leaves the image as it was.
    try? image.insert(bytes, at: address, origin: .offset(number))
  }
  if input.bool() { image.entryPoint = UInt64(input.number(UInt32.self)) }
  return image.isEmpty ? nil : image
}

private func check(_ plan: FlashPlan, _ image: FirmwareImage, _ target: FlashTarget) {
  guard let map = target.map else { return }
  for part in plan.parts {
    for run in part.runs {
      require(map.contains(run.range), "a run outside of the map")
      for sector in map.sectors(intersecting: run.range) {
        require(sector.rights.contains(.writable), "a run in a sector that is not writable")
      }
      for block in run.blocks {
        require(!block.bytes.isEmpty && block.bytes.count <= run.transferSize, "a block's length")
        let end = block.address + UInt64(block.bytes.count)
        for piece in image.pieces(in: block.address..<end) {
          let start = block.bytes.startIndex + Int(piece.address - block.address)
          require(
            block.bytes[start..<start + piece.bytes.count] == piece.bytes, "other bytes are written"
          )
        }
      }
    }
    for erase in part.erases { require(map.contains(erase.range), "an erase outside of the map") }
  }
  require(plan.cost.controlTransfers >= 0, "a negative cost")
  for note in plan.notes { require(!note.sentence.isEmpty, "an empty note") }
  require(plan.steps.count <= 10_000, "more steps than sectors and blocks")
}
