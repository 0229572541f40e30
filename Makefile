# swift-dfu. `make help` lists what there is; every target sets up what it needs first.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The toolchain need not be on the PATH; Scripts/swift-tools finds it or says what is missing.
swift = "$$(Scripts/swift-tools)/swift"

PREFIX ?= /usr/local
SECONDS ?= 60

.PHONY: help
help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

.PHONY: demo
demo: ## Flash a program onto a virtual STM32F407 and watch (needs no hardware)
	@Scripts/set-up demo
	@Scripts/demo

.PHONY: test
test: ## The whole test-suite (FILTER=name for a part of it)
	@Scripts/set-up test
	@$(swift) test --disable-xctest $(if $(FILTER),--filter $(FILTER))

.PHONY: build
build: ## The command, in debug: .build/debug/dfu
	@Scripts/set-up demo
	@$(swift) build --product dfu

.PHONY: release
release: ## The command, optimised, with the Swift runtime inside: .build/release/dfu
	@Scripts/set-up demo
	@$(swift) build -c release --product dfu --static-swift-stdlib

.PHONY: install
install: release ## Copy it to $(PREFIX)/bin (PREFIX=~/.local needs no root)
	@mkdir -p "$(PREFIX)/bin"
	@install -s .build/release/dfu "$(PREFIX)/bin/dfu"
	@echo "installed $(PREFIX)/bin/dfu"

.PHONY: fuzz
fuzz: ## Every fuzzer for SECONDS=60 (FILTER=name for one)
	@Scripts/set-up demo
	@JOBS=$${JOBS:-$$(getconf _NPROCESSORS_ONLN)} Fuzz/run $(SECONDS) $(FILTER)

.PHONY: proof
proof: ## Every fault at every transfer; a million transfers over USB/IP; a flash killed at 100 moments
	@Scripts/set-up test
	@Proof/run
	@Proof/soak
	@DFU_PROOF=1 $(swift) test --disable-xctest --filter 'KillTests|ModprobeTests'

.PHONY: interop
interop: ## A real Linux kernel, usbip and dfu-util against ours, in QEMU (FILTER=name for a part)
	@Scripts/set-up interop
	@Interop/run $(FILTER)

.PHONY: bench
bench: ## Speed, beside objcopy and srec_cat
	@Scripts/set-up bench
	@Benchmarks/run

.PHONY: format
format: ## Format every source file
	@$(swift) format -i -r Sources Tests Package.swift

.PHONY: lint
lint: ## House rules; prints nothing when all is well
	@Scripts/check-house

.PHONY: firmware
firmware: ## Rebuild Examples/firmware from its source
	@Examples/firmware/build

.PHONY: docs
docs: ## The documentation of every room, as a site: .build/docs
	@Scripts/set-up demo
	@Scripts/docs

.PHONY: clean
clean: ## Remove everything that was built
	@rm -rf .build Fuzz/.build Benchmarks/.build
