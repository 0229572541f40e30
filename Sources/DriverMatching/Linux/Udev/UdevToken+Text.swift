extension UdevToken {
  /// As it stands in a rule.
  public var text: String {
    let key: String
    switch kind {
    case .matchAction: key = "ACTION"
    case .matchDevpath: key = "DEVPATH"
    case .matchKernel: key = "KERNEL"
    case .matchSymlink, .symlink: key = "SYMLINK"
    case .matchName, .name: key = "NAME"
    case .matchEnvironment, .environment: key = "ENV"
    case .matchConstant: key = "CONST"
    case .matchTag, .tag: key = "TAG"
    case .matchSubsystem: key = "SUBSYSTEM"
    case .matchDriver: key = "DRIVER"
    case .matchAttribute, .attribute: key = "ATTR"
    case .matchSysctl, .sysctl: key = "SYSCTL"
    case .matchKernels: key = "KERNELS"
    case .matchSubsystems: key = "SUBSYSTEMS"
    case .matchDrivers: key = "DRIVERS"
    case .matchAttributes: key = "ATTRS"
    case .matchTags: key = "TAGS"
    case .test: key = "TEST"
    case .program: key = "PROGRAM"
    case .importFile, .importProgram, .importBuiltin, .importDatabase, .importCommandLine,
      .importParent:
      key = "IMPORT"
    case .matchResult: key = "RESULT"
    case .owner: key = "OWNER"
    case .group: key = "GROUP"
    case .mode: key = "MODE"
    case .securityLabel: key = "SECLABEL"
    case .runBuiltin, .runProgram: key = "RUN"
    case .optionEscape, .optionPersist, .optionWatch, .optionPriority, .optionLogLevel,
      .optionStaticNode:
      key = "OPTIONS"
    }
    return key + (attribute.isEmpty ? "" : "{\(attribute)}") + operation.rawValue + "\"\(value)\""
  }
}
