# make demo          install what is missing, build, and run examples/quickstart.lua on loopback
# make demo-nginx    the same in nginx: examples/nginx on loopback
# make test          install what is missing, build for each Lua, and run every spec under each; one without its packages is skipped
# make build         build the C modules for each Lua into build/<lua>/apivideo
# make lint          luacheck, gcc and clang with warnings as errors, clang-tidy, cppcheck
# make check-sanitizers   the specs, and the child processes that they start, under ASan and UBSan, for Lua 5.4 and LuaJIT
# make check-memory  the specs of what touches C under valgrind and UBSan, for Lua 5.4, 5.1 and LuaJIT; -all: all specs
# make check-oom     memory that runs out at every allocation, of Lua's and of C's, for Lua 5.4, 5.1 and LuaJIT
# make check-api     the specs of what touches C on Luas with assertions and a collector that hardly ever rests
# make check-reentry the same specs, with finalizers that call the C modules while they allocate
# make check-locale  the specs of what reads protocols, in the locale tr_TR.UTF-8
# make check-threads states in several threads, under ThreadSanitizer
# make check-memory-nginx   calls and deliveries in nginx, with all its processes under valgrind
# make check-mutants each check of the library broken in turn, in a copy: a spec must notice; MUTANTS=json.c only some
# make check-constant-time   instructions counted: how long a verification takes says nothing about secrets
# make check-poll    the server's specs, with poll() in place of epoll, as on systems without it: for Lua 5.4, 5.1 and LuaJIT
# make check-32bit   demos, and the specs of parser, timestamps and signatures, in a Debian of 32 bits
# make check-portability   the C files with gcc's analyzer, the newest clang, musl, and POSIX alone; ONLY="musl" some
# make check-peers   api.video's Node client, and an OpenAPI mock server, from the npm registry
# make test-crash    kills, power failures, outages: no event is lost. CRASH_SECONDS=60 longer, CRASH_SEED= again, CRASH_ONLY=redis
# make fuzz          the parsers and both ends of HTTP under libFuzzer, each for SECONDS (60); TARGET=event for one
# make soak          calls under random faults for SECONDS (600) with LUA (5.4): no leak, no hang, none lost
# make bench         all figures, beside peers, and the report: bench/results.md. BENCHES="event http" some, RUNS=3 three times
# make bench-smoke   instructions of the hot paths, counted: a tenth more than recorded is a failure
# make bench-hostile honest deliveries to the standalone server beside ten thousand idle connections, slow-loris, floods …
# make check-rock    build the library's rock into an empty tree and use it; see tools/check-rock for other Luas
# make check-container   the steps of the Containerfile in bare Debian roots, as root
# make rockspecs     write the lists of Lua modules into the rockspecs
# make release VERSION=0.2.0   commit and tag a version, with its rockspecs and a source archive, in build/release
# make install PREFIX=/usr/local DESTDIR=   install the modules for LUAS, or for each Lua that has lua-cjson, and the command
# make deb           build the packages lua-apivideo and apivideo for Debian and Ubuntu, in build/deb
# make check-deb     build the packages in a bare Debian and try them in another one: bookworm and trixie, or DISTROS=trixie
# make env           print what a shell needs to use the checkout: eval "$(make -s env)"
#
# Narrower: make test LUAS="5.1 jit" SPECS=spec/http_spec.lua

LUAS  ?= 5.1 5.2 5.3 5.4 5.5 jit
SPECS ?= spec
BUILD := build

CC       ?= cc
CFLAGS   ?= -O2 -g
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wold-style-definition -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef \
            -Wformat=2 -Wvla -Wconversion -Wsign-conversion
C        := -std=c99 -D_GNU_SOURCE -fPIC -fvisibility=hidden $(WARNINGS)

package-5.1 := lua5.1
package-5.2 := lua5.2
package-5.3 := lua5.3
package-5.4 := lua5.4
package-5.5 := lua5.5
package-jit := luajit

CORE    := $(wildcard src/core/*.c src/common/*.c)
SERVER  := $(wildcard src/server/*.c src/common/*.c)
HEADERS := $(wildcard src/*/*.h)

PRESENT := $(foreach lua,$(LUAS),$(if $(shell pkg-config --exists $(package-$(lua)) 2> /dev/null && echo yes),$(lua)))
ABSENT  := $(filter-out $(PRESENT),$(LUAS))

.PHONY: build
build: $(PRESENT:%=build-%)
	@[ -z "$(ABSENT)" ] || echo "Not built, because the headers are missing: Lua $(ABSENT)"

# One Lua's modules: make build-5.4. (A pattern rule for each would not see a second target.)
define modules
.PHONY: build-$(1)
build-$(1): $(BUILD)/$(1)/apivideo/core.so $(BUILD)/$(1)/apivideo/server/core.so

$(BUILD)/$(1)/apivideo/core.so: $(CORE) $(HEADERS) Makefile
	@mkdir -p $$(@D)
	$$(CC) $$(C) $$(CFLAGS) $$$$(pkg-config --cflags $(package-$(1)) libcurl libcrypto) $$(LDFLAGS) \
	  -shared -o $$@ $(CORE) $$$$(pkg-config --libs libcurl libcrypto)

$(BUILD)/$(1)/apivideo/server/core.so: $(SERVER) $(HEADERS) Makefile
	@mkdir -p $$(@D)
	$$(CC) $$(C) $$(CFLAGS) $$$$(pkg-config --cflags $(package-$(1)) libmicrohttpd) $$(LDFLAGS) \
	  -shared -o $$@ $(SERVER) $$$$(pkg-config --libs libmicrohttpd)
endef
$(foreach lua,5.1 5.2 5.3 5.4 5.5 jit,$(eval $(call modules,$(lua))))

.PHONY: demo
demo:
	@tools/setup demo
	@lua=$$(tools/find-lua) && $(MAKE) --no-print-directory -s build-$$lua && \
	  tools/with-lua $$lua examples/quickstart.lua

.PHONY: demo-nginx
demo-nginx:
	@tools/setup demo-nginx
	@$(MAKE) --no-print-directory -s build-jit
	@tools/with-lua jit examples/nginx/demo.lua

.PHONY: test
test:
	@tools/setup test
	@$(MAKE) --no-print-directory -s -j2 build build-jit # which nginx has, whatever Lua runs the specs
	@tools/run-specs "$(LUAS)" $(SPECS)

.PHONY: lint
lint:
	@tools/setup lint
	@tools/lint

# What touches C; the rest is Lua, or a matter of time.
C_SPECS := $(wildcard $(addprefix spec/,event*_spec.lua json_conformance_spec.lua signature*_spec.lua \
             timestamp_spec.lua http_spec.lua http_reentry_spec.lua http_sent_spec.lua http_hostile*_spec.lua server_spec.lua \
             server_malformed_spec.lua server_deadlines_spec.lua receiver_spec.lua client_spec.lua runtime_spec.lua))

# What UBSan finds ends the run at once; what valgrind finds fails it at its end.
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

# A host of one Lua, whose allocations it fails.
$(BUILD)/oom/%: spec/memory/oom.c spec/memory/blocks.c spec/memory/fast_functions.c \
                $(wildcard spec/memory/*.h) Makefile
	@mkdir -p $(@D)
	$(CC) $(filter-out -fvisibility=hidden,$(C)) -O1 -g -rdynamic $$(pkg-config --cflags $(package-$*)) \
	  -o $@ $(filter %.c,$^) -Wl,--no-as-needed $$(pkg-config --libs $(package-$*) libcurl libcrypto libmicrohttpd) -ldl

# The Luas of the slower checks: those of LUAS, or one of each kind. 5.2 and 5.3 are like 5.4 there.
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

REENTRY_SPECS := $(wildcard $(addprefix spec/,event_spec.lua signature_spec.lua http_spec.lua server_spec.lua))

.PHONY: check-reentry
check-reentry:
	@tools/setup test
	@$(MAKE) --no-print-directory -s -j2 $(KINDS:%=build-%)
	@RUN_UNDER=reentry tools/run-specs "$(KINDS)" $(REENTRY_SPECS)

# What reads HTTP, URLs, JSON and headers: its result must not depend on the process's locale.
LOCALE_SPECS := $(wildcard $(addprefix spec/,event_spec.lua events_spec.lua json_spec.lua management_json_spec.lua \
                  timestamp_spec.lua http_spec.lua http_hostile_headers_spec.lua server_spec.lua server_malformed_spec.lua \
                  receiver_spec.lua parts_spec.lua redact_spec.lua retry_spec.lua client_request_spec.lua))

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

# As on a system without epoll: src/common/compat_system.h.
POLL       := BUILD=$(BUILD)/poll CFLAGS="-O2 -g -DAPIVIDEO_POLL"
POLL_SPECS := $(wildcard spec/server*_spec.lua spec/receiver*_spec.lua spec/emulator*_spec.lua \
                $(addprefix spec/,faults_spec.lua signals_spec.lua runtime_spec.lua http_sigpipe_spec.lua \
                descriptors_spec.lua http_spec.lua))

# With modules for nginx's LuaJIT.
.PHONY: check-poll
check-poll:
	@tools/setup test
	@$(MAKE) --no-print-directory -s -j2 $(POLL) $(patsubst %,build-%,$(sort $(KINDS) jit))
	@APIVIDEO_BUILD=$(BUILD)/poll SPEC_LOGS=$(BUILD)/specs-poll tools/run-specs "$(KINDS)" $(POLL_SPECS)

# 32 bits: a bare Debian of i386. Needs root and debootstrap.
SPECS_32 := $(wildcard $(addprefix spec/,event_spec.lua events_spec.lua json_spec.lua json_conformance_spec.lua \
              timestamp_spec.lua signature_spec.lua signature_vectors_spec.lua))

.PHONY: check-32bit
check-32bit:
	@ARCH=i386 LUAS="5.4 5.1 jit" SPECS="$(SPECS_32)" tools/check-distro bookworm

.PHONY: check-portability
check-portability:
	@tools/setup test
	@tools/check-portability $(ONLY)

.PHONY: check-constant-time
check-constant-time:
	@tools/setup memory
	@tools/check-constant-time

.PHONY: check-mutants
check-mutants:
	@tools/setup test
	@tools/check-mutants

.PHONY: check-peers
check-peers:
	@tools/setup peers
	@$(MAKE) --no-print-directory -s build-5.4
	@tools/check-peers

$(BUILD)/crash/machine.so: spec/crash/machine.c Makefile
	@mkdir -p $(@D)
	$(CC) $(C) $(CFLAGS) -shared -o $@ $<

SECONDS ?= 600
LUA     ?= 5.4

.PHONY: test-crash
test-crash: LUA := jit
test-crash:
	@tools/setup test
	@$(MAKE) --no-print-directory -s build-$(LUA) $(BUILD)/crash/machine.so
	@tools/test-crash $(LUA)

# What finds a fault ends the run: with our sources in it, and a Lua 5.4.
FUZZ := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
TARGET ?= event timestamp signature http server

FUZZ_OBJECTS := $(patsubst %.c,$(BUILD)/fuzz/%.o,$(sort $(CORE) $(SERVER)) spec/fuzz/state.c)

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

BENCHES ?=
RUNS    ?= 1

.PHONY: bench
bench:
	@tools/setup bench
	@tools/install-peers || echo "(What comes from the npm registry is left out.)"
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

.PHONY: env
env:
	@tools/setup demo >&2
	@tools/env

# ---- rocks, packages, releases ----

LUA_FILES    = $(sort $(shell find lua -name '*.lua'))
SERVER_LUA   = $(filter lua/apivideo/server% lua/apivideo/emulator% lua/apivideo/cli%,$(LUA_FILES))
LIBRARY_LUA  = $(filter-out $(SERVER_LUA),$(LUA_FILES))

.PHONY: check-rock
check-rock:
	@tools/check-rock

.PHONY: check-container
check-container:
	@tools/check-container

.PHONY: rockspecs
rockspecs:
	@tools/rockspecs

PREFIX  ?= /usr/local
DESTDIR ?=

# With the modules for LUAS, or for each Lua that has headers and lua-cjson.
.PHONY: install
install:
	@luas="$(if $(filter file,$(origin LUAS)),$$(tools/find-lua --all),$(LUAS))" && [ -n "$$luas" ] && \
	  $(MAKE) --no-print-directory -s build LUAS="$$luas" BUILD=$(BUILD)/install CFLAGS="-O2 -DNDEBUG" && \
	  BUILD=$(BUILD)/install PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" tools/install "$$luas"

# Debian's packages, in build/deb. Of what git knows, so that nothing else of the checkout gets into them.
.PHONY: deb
deb:
	@tools/setup deb
	@rm -rf $(BUILD)/deb && mkdir -p $(BUILD)/deb/source
	@git ls-files -z | xargs -0 cp --parents -P -t $(BUILD)/deb/source
	@cd $(BUILD)/deb/source && unset MAKEFLAGS MAKELEVEL && DEB_BUILD_OPTIONS=noautodbgsym \
	  dpkg-buildpackage -b -us -uc > ../log 2>&1 || \
	  { tail -n 40 ../log; exit 1; }
	@cd $(BUILD)/deb && lintian --fail-on error *.changes && ls *.deb

DISTROS ?= bookworm trixie

.PHONY: check-deb
check-deb:
	@for name in $(DISTROS); do tools/check-deb $$name || exit; done

.PHONY: release
release:
	@tools/release "$(VERSION)"

.PHONY: clean
clean:
	rm -rf $(BUILD)

# For tools/lint: the value of a variable.
print-%:
	@echo '$($*)'
