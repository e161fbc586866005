# Checks and benchmarks. `.ci/run` runs the ones that a change must pass.
#
# make check-sanitizers   specs and their child processes under ASan and UBSan, for Lua 5.4 and LuaJIT
# make check-memory       specs of the C modules under valgrind and UBSan, for Lua 5.4, 5.1 and LuaJIT; -all: all specs
# make check-memory-nginx calls and deliveries in nginx, with all its processes under valgrind
# make check-oom          fail every allocation of Lua and C in turn, for Lua 5.4, 5.1 and LuaJIT
# make check-api          specs of the C modules on Luas with assertions and an aggressive collector
# make check-reentry      specs of the C modules, with finalizers that call them during allocations
# make check-locale       specs of the protocol parsers in the locale tr_TR.UTF-8
# make check-threads      Lua states in several threads under ThreadSanitizer
# make check-poll         specs of the server with poll() instead of epoll
# make check-distro       the README's commands and all specs in a bare Debian, as root; DISTRO=trixie LUAS="5.4 jit"
# make check-versions     the same in all supported distributions, and the table of docs/reference/compatibility.md
# make check-32bit        demos and the specs of parser, timestamps and signatures in a Debian of 32 bits
# make check-portability  C files with gcc's analyzer, the newest clang, musl, and POSIX alone; ONLY="musl" to select
# make check-mutants      break each check of the library in a copy: a spec must fail; MUTANTS=json.c to select
# make check-constant-time  count instructions: the time of a verification does not depend on secrets
# make check-upgrade    programs with the code of earlier schemas and this version on one inbox, from the history
# make check-peers        api.video's Node client and an OpenAPI mock server, from the npm registry
# make check-page         the web page in Chromium: views, keys, hostile payloads, speed, accessibility; ONLY="forward" to select
# make check-rock         build the library's rock into an empty tree and use it
# make check-container    run the steps of the Containerfile in bare Debian roots, as root
# make check-deb          build the Debian packages in a bare root and install them in another; DISTROS=trixie
# make test-crash         kills, power failures, outages: no event is lost; CRASH_SECONDS=60 CRASH_SEED= CRASH_ONLY=redis
# make test-missed        lost deliveries and kills, with reconciling: all is handled once; MISSED_SECONDS=60 MISSED_SEED= MISSED_ONLY=redis
# make fuzz               the parsers and both ends of HTTP under libFuzzer, each for SECONDS (60); TARGET=event for one
# make soak               calls under random faults for SECONDS (600) with LUA (5.4): no leak, no hang, no lost event
# make soak-inbox         workers with handlers that hang and crash: SOAK_SECONDS=3600 SOAK_SEED= SOAK_STORE=redis
# make bench              all benchmarks, and the report bench/results.md; BENCHES="event http" RUNS=3
# make bench-smoke        count the instructions of the hot paths; fail if one needs 10 % more than recorded
# make check-all          .ci/run and all of these at full length, about a day; writes docs/contributing/checks.md; ONLY="fuzz soak"
# make bench-hostile      genuine deliveries during attacks: ten thousand idle connections, slow loris, floods

# Specs of requests, and of deliveries, which several checks run.
REQUEST_SPECS  := $(addprefix http/,request_spec.lua request_limits_spec.lua failure_kinds_spec.lua pool_spec.lua)
RECEIVER_SPECS := $(addprefix receiver/,receiver_spec.lua defer_spec.lua)

# Specs that exercise the C modules. The others test Lua code only, or timing.
C_SPECS := $(wildcard $(addprefix spec/,core/event_spec.lua core/json_conformance_spec.lua core/signature*_spec.lua \
             core/timestamp_spec.lua core/system_spec.lua core/wake_spec.lua events/events_spec.lua $(REQUEST_SPECS) \
             http/reentry_spec.lua http/sent_spec.lua http/hostile_*_spec.lua server/server_spec.lua server/lifecycle_spec.lua \
             server/malformed_spec.lua server/deadlines_spec.lua thread/thread_spec.lua redis/replies_spec.lua redis/connection_spec.lua redis/tls_spec.lua \
             $(RECEIVER_SPECS) client/client_spec.lua runtime/runtime_spec.lua))

# A UBSan error aborts the run; a valgrind error fails it at the end.
CHECKED := BUILD=$(BUILD)/checked CFLAGS="-O1 -g -fsanitize=undefined -fno-sanitize-recover=undefined"

SANITIZED := BUILD=$(BUILD)/asan CFLAGS="-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all"

.PHONY: check-sanitizers
check-sanitizers:
	@tools/setup memory
	@$(MAKE) --no-print-directory -s -j2 $(SANITIZED) build-5.4 build-jit
	@RUN_UNDER=asan APIVIDEO_BUILD=$(BUILD)/asan tools/run-specs "5.4 jit" $(SPECS)

MEMORY_LUAS ?= 5.4 5.1 jit

.PHONY: check-memory
check-memory:
	@tools/setup memory
	@$(MAKE) --no-print-directory -s -j2 $(CHECKED) $(MEMORY_LUAS:%=build-%)
	@RUN_UNDER=valgrind APIVIDEO_BUILD=$(BUILD)/checked tools/run-specs "$(MEMORY_LUAS)" $(C_SPECS)

.PHONY: check-memory-all
check-memory-all:
	@$(MAKE) --no-print-directory check-memory C_SPECS=$(SPECS)

# A program that runs one Lua and fails its allocations.
$(BUILD)/oom/%: spec/memory/oom.c spec/memory/blocks.c spec/memory/fast_functions.c \
                $(wildcard spec/memory/*.h) Makefile
	@mkdir -p $(@D)
	$(CC) $(filter-out -fvisibility=hidden,$(C)) -O1 -g -rdynamic $$(pkg-config --cflags $(package-$*)) \
	  -o $@ $(filter %.c,$^) -Wl,--no-as-needed $$(pkg-config --libs $(package-$*) libcurl libcrypto libmicrohttpd hiredis libssl) -ldl

# The Luas of slow checks: LUAS, by default without 5.2 and 5.3, which behave like 5.4 there.
KINDS := $(if $(filter file,$(origin LUAS)),5.4 5.1 jit,$(filter-out 5.2 5.3,$(LUAS)))

.PHONY: check-oom
check-oom:
	@tools/setup memory
	@$(MAKE) --no-print-directory -s -j2 build-5.4 $(KINDS:%=build-%) $(KINDS:%=$(BUILD)/oom/%)
	@tools/check-oom "$(KINDS)"

.PHONY: check-api
check-api:
	@tools/setup memory
	@$(MAKE) --no-print-directory -s -j2 build-5.4 build-jit
	@tools/check-api "5.4 jit" $(C_SPECS)

REENTRY_SPECS := $(addprefix spec/,core/event_spec.lua core/signature_spec.lua $(REQUEST_SPECS) server/server_spec.lua \
                   server/lifecycle_spec.lua)

.PHONY: check-reentry
check-reentry:
	@tools/setup test
	@$(MAKE) --no-print-directory -s -j2 $(KINDS:%=build-%)
	@RUN_UNDER=reentry tools/run-specs "$(KINDS)" $(REENTRY_SPECS)

# Specs of what parses HTTP, URLs, JSON and headers: the results must not depend on the process's locale.
LOCALE_SPECS := $(addprefix spec/,core/event_spec.lua core/json_spec.lua core/timestamp_spec.lua events/events_spec.lua \
                  $(REQUEST_SPECS) http/hostile_headers_spec.lua server/server_spec.lua server/malformed_spec.lua \
                  $(RECEIVER_SPECS) util/json_spec.lua util/headers_spec.lua util/url_spec.lua util/redact_spec.lua \
                  transport/retry_spec.lua resources/webhooks/create_retry_spec.lua client/request_spec.lua)

.PHONY: check-locale
check-locale:
	@tools/setup test
	@$(MAKE) --no-print-directory -s -j2 $(KINDS:%=build-%)
	@RUN_LOCALE=tr_TR.UTF-8 tools/run-specs "$(KINDS)" $(LOCALE_SPECS)

TSAN := BUILD=$(BUILD)/tsan CFLAGS="-O1 -g -fsanitize=thread"

$(BUILD)/threads: spec/memory/threads.c Makefile
	@mkdir -p $(@D)
	$(CC) $(C) $(CFLAGS) -rdynamic $$(pkg-config --cflags lua5.4) -o $@ $< $$(pkg-config --libs lua5.4) -lpthread

.PHONY: check-threads
check-threads:
	@tools/setup memory
	@$(MAKE) --no-print-directory -s build-5.4
	@$(MAKE) --no-print-directory -s $(TSAN) build-5.4 $(BUILD)/tsan/threads
	@tools/check-threads

.PHONY: check-memory-nginx
check-memory-nginx:
	@tools/setup memory
	@$(MAKE) --no-print-directory -s $(CHECKED) build-jit
	@APIVIDEO_BUILD=$(BUILD)/checked tools/check-memory-nginx

# Builds as on a system without epoll: src/common/compat_system.h.
POLL       := BUILD=$(BUILD)/poll CFLAGS="-O2 -g -DAPIVIDEO_POLL"
POLL_SPECS := spec/server spec/receiver spec/emulator $(addprefix spec/,transport/faults_spec.lua runtime/signals_spec.lua \
                runtime/runtime_spec.lua http/sigpipe_spec.lua $(REQUEST_SPECS) core/descriptors_spec.lua)

# The LuaJIT modules are for nginx.
.PHONY: check-poll
check-poll:
	@tools/setup test
	@$(MAKE) --no-print-directory -s -j2 $(POLL) $(patsubst %,build-%,$(sort $(KINDS) jit))
	@APIVIDEO_BUILD=$(BUILD)/poll SPEC_LOGS=$(BUILD)/specs-poll tools/run-specs "$(KINDS)" $(POLL_SPECS)

# Uses a bare i386 Debian. Needs root and debootstrap.
SPECS_32 := $(wildcard $(addprefix spec/,core/event_spec.lua core/json_spec.lua core/json_conformance_spec.lua \
              core/timestamp_spec.lua core/signature*_spec.lua events/events_spec.lua))

.PHONY: check-32bit
check-32bit:
	@ARCH=i386 LUAS="5.4 5.1 jit" SPECS="$(SPECS_32)" tools/check-distro bookworm

DISTRO ?= bookworm

.PHONY: check-distro
check-distro:
	@LUAS="$(if $(filter file,$(origin LUAS)),,$(LUAS))" SPECS="$(if $(filter file,$(origin SPECS)),,$(SPECS))" \
	  tools/check-distro $(DISTRO)

.PHONY: check-versions
check-versions:
	@tools/check-versions

.PHONY: check-portability
check-portability:
	@tools/setup portability
	@tools/check-portability $(ONLY)

.PHONY: check-constant-time
check-constant-time:
	@tools/setup memory
	@tools/check-constant-time

.PHONY: check-mutants
check-mutants:
	@tools/setup test
	@tools/check-mutants

.PHONY: check-upgrade
check-upgrade:
	@tools/setup upgrade
	@$(MAKE) --no-print-directory -s build-jit
	@tools/check-upgrade

.PHONY: check-peers
check-peers:
	@tools/setup peers
	@$(MAKE) --no-print-directory -s build-5.4
	@tools/check-peers

.PHONY: check-page
check-page:
	@tools/setup page
	@$(MAKE) --no-print-directory -s build-5.4
	@ONLY="$(ONLY)" tools/check-page

$(BUILD)/crash/machine.so: spec/crash/machine.c Makefile
	@mkdir -p $(@D)
	$(CC) $(C) $(CFLAGS) -shared -o $@ $< -ldl

SECONDS ?= 600
LUA     ?= 5.4

.PHONY: test-crash
test-crash: LUA := jit
test-crash:
	@tools/setup test
	@$(MAKE) --no-print-directory -s build-$(LUA) $(BUILD)/crash/machine.so
	@tools/test-crash $(LUA)

.PHONY: test-missed
test-missed: LUA := jit
test-missed:
	@tools/setup test
	@$(MAKE) --no-print-directory -s build-$(LUA)
	@tools/test-missed $(LUA)

# Links the fuzz targets with our sources and Lua 5.4. A sanitizer's finding aborts the run.
FUZZ := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
TARGET ?= event timestamp signature http server

FUZZ_OBJECTS := $(patsubst %.c,$(BUILD)/fuzz/%.o,$(sort $(CORE) $(HTTP) $(SERVER)) spec/fuzz/state.c)

$(BUILD)/fuzz/%.o: %.c spec/fuzz/state.h $(HEADERS) Makefile
	@mkdir -p $(@D)
	clang $(C) $(FUZZ) $$(pkg-config --cflags lua5.4 libcurl libcrypto libmicrohttpd) -c -o $@ $<

$(BUILD)/fuzz/%: $(BUILD)/fuzz/spec/fuzz/%.o $(FUZZ_OBJECTS)
	clang $(FUZZ) -o $@ $^ $$(pkg-config --libs lua5.4 libcurl libcrypto libmicrohttpd)

.PHONY: fuzz
fuzz: SECONDS := 60
fuzz:
	@tools/setup fuzz
	@$(MAKE) --no-print-directory -s -j2 build-5.4 $(TARGET:%=$(BUILD)/fuzz/%)
	@tools/fuzz $(SECONDS) $(TARGET)

.PHONY: soak
soak:
	@tools/setup test
	@$(MAKE) --no-print-directory -s build-$(LUA)
	@tools/with-lua $(LUA) spec/soak/calls.lua $(SECONDS)

.PHONY: soak-inbox
soak-inbox: LUA := jit
soak-inbox:
	@tools/setup test
	@$(MAKE) --no-print-directory -s build-$(LUA) $(BUILD)/crash/machine.so
	@tools/soak-inbox $(LUA)

.PHONY: check-rock
check-rock:
	@tools/check-rock

.PHONY: check-container
check-container:
	@tools/check-container

DISTROS ?= bookworm trixie

.PHONY: check-deb
check-deb:
	@for name in $(DISTROS); do tools/check-deb $$name || exit; done

BENCHES ?=
RUNS    ?= 1

.PHONY: bench
bench:
	@tools/setup bench
	@tools/install-npm tools/peers build/peers || echo "(Skips the peers from the npm registry.)"
	@$(MAKE) --no-print-directory -s -j2 build
	@RUNS=$(RUNS) bench/run.sh $(BENCHES)

.PHONY: bench-smoke
bench-smoke:
	@tools/setup memory
	@$(MAKE) --no-print-directory -s -j2 build-5.4 build-jit
	@bench/smoke

.PHONY: bench-hostile
bench-hostile:
	@tools/setup bench
	@$(MAKE) --no-print-directory -s build-$(LUA)
	@bench/hostile.sh $(LUA)

.PHONY: check-all
check-all:
	@tools/check-all $(ONLY)
