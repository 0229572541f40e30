// Placeholder until the room's first slice lands.
