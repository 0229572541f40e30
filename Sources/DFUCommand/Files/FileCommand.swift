import ArgumentParser

/// `dfu file`: firmware files, without a device.
struct FileCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "file",
    abstract: "Read, write, convert and compare firmware files.",
    discussion: """
      Formats: raw, dfuse (ST's container), dfu (raw bytes with a suffix), hex (Intel), s19 \
      (Motorola), elf, uf2. Input is recognised by what is in it, output by the ending of its name.
      """,
    subcommands: [
      FileInfo.self, FilePack.self, FileUnpack.self, FileConvert.self, FileMerge.self,
      FileDiff.self, FileSuffix.self, FilePrefix.self,
    ]
  )
}
