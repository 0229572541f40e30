internal import USB

/// How transfers that wait hear that they have to look again.
extension BusState {
  /// A transfer that waits for its end.
  struct Watcher: Sendable {
    var gate: Gate
    var handle: UInt64
    /// The device holds it, and is asked again when something has happened to it.
    var isHeld: Bool
  }

  /// Before a transfer waits.
  ///
  /// - Returns: what opens when the device is gone, the handle is closed, or a device that holds the
  ///   transfer may have something to say; it is open already where that has happened meanwhile.
  mutating func watch(_ flight: Flight, _ request: TransferRequest) -> Gate {
    let gate = Gate()
    guard let attachment = portIndex(of: request.device).flatMap({ ports[$0].attachment }),
      flight.held.map({ $0.stirs == attachment.stirs }) ?? true
    else {
      gate.open()
      return gate
    }
    attachment.watchers.append(
      Watcher(gate: gate, handle: request.handle, isHeld: flight.held != nil))
    return gate
  }

  /// After it has waited.
  mutating func unwatch(_ gate: Gate, _ request: TransferRequest) {
    guard let attachment = portIndex(of: request.device).flatMap({ ports[$0].attachment }) else {
      return
    }
    attachment.watchers.removeAll { $0.gate === gate }
  }

  /// Something has happened to a device: what it holds it may now answer.
  mutating func stir(_ index: Int) {
    guard let attachment = ports[index].attachment else { return }
    attachment.stirs += 1
    for watcher in attachment.watchers where watcher.isHeld { effects.append(.open(watcher.gate)) }
  }

  /// A handle is closed: its claims end, and its transfers hear of it.
  mutating func close(_ handle: UInt64, of id: DeviceID) {
    guard let attachment = portIndex(of: id).flatMap({ ports[$0].attachment }) else { return }
    attachment.claims = attachment.claims.filter { $0.value != handle }
    for watcher in attachment.watchers where watcher.handle == handle {
      effects.append(.open(watcher.gate))
    }
    for pipe in attachment.pipes {
      for place in pipe.queue where place.handle == handle { effects.append(.open(place.gate)) }
    }
  }
}
