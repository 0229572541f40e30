import Foundation

/// Descriptions of devices: those of `Examples/devices`, and wrong ones of our own.
enum DeviceFiles {
  static let examples = ["guarded", "external-flash", "two-partitions"]

  /// A folder with firmware files, all examples, and everything that is wrong.
  static func workplace() throws -> Workplace {
    let folder = try Fixtures.workplace()
    for name in examples {
      let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Examples/devices/\(name).json")
      try folder.write(Array(try Data(contentsOf: file)), to: "\(name).json")
    }
    for (name, text) in wrong { try folder.write(text, to: "\(name).json") }
    try folder.write(Fixtures.program, to: "hex.json")
    try folder.write("", to: "empty.json")
    try folder.writeSparse(byteCount: 2_000_000, to: "huge.json")
    return folder
  }

  /// What is wrong, by the name of the file.
  static let wrong: KeyValuePairs<String, String> = [
    "trailing-comma": """
    {
      "format": "swift-dfu device 1",
      "name": "mine",
    }

    """,
    "hexadecimal": """
    {
      "format": "swift-dfu device 1",
      "name": "mine",
      "launch": { "pointer": 0x08004000 }
    }

    """,
    "other-json": """
    { "name": "left-pad", "version": "1.3.0", "license": "MIT" }

    """,
    "other-base": """
    {
      "format": "swift-dfu device 1",
      "name": "mine",
      "base": "stm32f405"
    }

    """,
    "unsaid": """
    {
      "format": "swift-dfu device 1"
    }

    """,
    "misspelt": """
    {
      "format": "swift-dfu device 1",
      "name": "mine",
      "base": "st-library",
      "usb": { "serail": "7" },
      "dfu": { "transfer_size": 2048, "attributes": ["can-dowload"] },
      "behavior": { "busy": "holds" }
    }

    """,
    "values": """
    {
      "format": "swift-dfu device 1",
      "name": "stm32f407",
      "base": "st-library",
      "usb": { "id": "4660", "version": 1.0 },
      "dfu": { "transfer-size": 0, "settings": [{ "memory": "internal flash" }, {}] },
      "timing": { "poll-timeout": "5 ms", "restart": 500 }
    }

    """,
    "memories": """
    {
      "format": "swift-dfu device 1",
      "name": "mine",
      "base": "st-library",
      "memories": [
        {
          "name": "Internal Flash",
          "unit": 12,
          "sectors": [{ "count": 4, "size": "16K" }, { "count": 1, "size": "64 kilobytes" }],
          "times": { "erase": { "16K": "-250 ms", "64K": "3 weeks" } }
        },
        { "name": "EEPROM", "kind": "flash", "address": "0x08080000", "sectors": [{ "size": "4K" }] },
        { "name": "Mirror", "kind": "ram", "address": "0x08080800", "sectors": [{ "size": "4K" }] }
      ]
    }

    """,
    "overlap": """
    {
      "format": "swift-dfu device 1",
      "name": "mine",
      "base": "st-library",
      "memories": [
        { "name": "Internal Flash" },
        { "name": "Mirror", "kind": "ram", "address": "0x080FF000", "sectors": [{ "size": "8K" }] },
        { "name": "Heap", "kind": "ram", "address": "0xD0000000", "sectors": [{ "size": "512M" }] }
      ]
    }

    """,
    "no-memory": """
    {
      "format": "swift-dfu device 1",
      "name": "mine",
      "base": "dfu11",
      "dfu": {
        "settings": [
          { "string": "firmware" },
          { "string": "setings", "memory": "EEPRM" },
          { "string": "\(String(repeating: "long ", count: 30))", "memory": "FLASH" }
        ]
      }
    }

    """,
    "contradiction": """
    {
      "format": "swift-dfu device 1",
      "name": "mine",
      "base": "st-library",
      "dfu": {
        // As on boards whose makers took the string of a larger part.
        "settings": [{ "string": "@Internal Flash  /0x08000000/16*128Kg" }]
      }
    }

    """,
  ]
}
