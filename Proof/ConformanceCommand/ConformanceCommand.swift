import HostConformance

@main struct ConformanceCommand { static func main() { print(Check.all.count) } }
