import DFU
import FuzzInput

/// The DfuSe interface string: nothing traps, nothing is expanded, sectors do not overlap.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = FuzzInput(start, count)
  let address = UInt64(input.number(UInt32.self))
  let length = UInt64(input.number(UInt32.self))
  let text = String(decoding: input.remaining(), as: UTF8.self)
  do throws(MemoryMapError) {
    let map = try MemoryMap(dfuseString: text)
    checkMap(map, range: address..<address + length)
    checkMap(map.limited(to: address..<address + length), range: address..<address + length)
  } catch {
    checkText(of: error)
  }
  return 0
}

private func checkMap(_ map: MemoryMap, range: Range<UInt64>) {
  for warning in map.warnings { require(!"\(warning)".isEmpty, "an empty warning") }
  require(!map.describedInWords.isEmpty || map.runs.isEmpty, "no words")
  let sorted = map.runs.sorted { $0.start < $1.start }
  for (run, next) in zip(sorted, sorted.dropFirst()) {
    require(run.range.upperBound <= next.start, "runs overlap")
  }
  for run in map.runs {
    require(run.count > 0 && run.sectorSize > 0, "an empty run")
    require(run.range.upperBound <= 1 << 32, "memory beyond 4 GiB")
    let last = run.range.upperBound - 1
    require(map.sector(containing: last)?.range.contains(last) == true, "its last byte is lost")
    require(map.sector(containing: last)?.range.upperBound == last + 1, "the end is no border")
  }
  var end: UInt64 = 0
  for sector in map.sectors(intersecting: range).prefix(1000) {
    require(sector.range.overlaps(range), "a sector elsewhere")
    require(sector.range.lowerBound >= end, "sectors out of order")
    end = sector.range.upperBound
  }
  let gaps = map.gaps(in: range)
  require(range.isEmpty || map.contains(range) == gaps.isEmpty, "gaps and contents disagree")
}
