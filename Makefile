# make demo         install the requirements, build, and run examples/quickstart.lua on loopback
# make demo-nginx   install the requirements, build, and run examples/nginx on loopback
# make test         install the requirements, build, and run all specs; LUAS="5.4 jit" SPECS=spec/inbox to select
# make lint         check style and layers with luacheck, gcc, clang, clang-tidy, cppcheck and shellcheck
# make install      install modules and command; PREFIX=/usr/local DESTDIR= LUAS=5.4
# make uninstall    remove what make install has installed; PREFIX=/usr/local DESTDIR=
# make env          print the variables for a shell that uses the checkout: eval "$(make -s env)"
#
# For maintainers:
# make build        build the C modules for each Lua into build/<lua>/apivideo
# make rockspecs    write the lists of Lua modules into the rockspecs
# make reference    write docs/reference/functions.md from the annotations and the other pages
# make images       draw docs/images: the output of make demo, and the web page in Chromium
# make manual       write docs/apivideo.1, and the table of commands in docs/guides/command.md
# make deb          build the packages lua-apivideo and apivideo for Debian and Ubuntu, in build/deb; LUAS="5.4 jit"
# make release VERSION=0.2.0   commit and tag a version, with its rockspecs and a source archive, in build/release

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

# The module with libcurl is loaded at its first use.
HTTP    := $(wildcard src/core/http*.c src/common/*.c)
CORE    := $(filter-out src/core/http%,$(wildcard src/core/*.c src/common/*.c))
SERVER  := $(wildcard src/server/*.c src/common/*.c)
REDIS   := $(wildcard src/redis/*.c src/common/*.c)
THREAD  := $(wildcard src/thread/*.c src/common/*.c)
CLI     := $(wildcard src/cli/*.c src/common/*.c)
HEADERS := $(wildcard src/*/*.h)

PRESENT := $(foreach lua,$(LUAS),$(if $(shell pkg-config --exists $(package-$(lua)) 2> /dev/null && echo yes),$(lua)))
PRESENT := $(strip $(PRESENT))
ABSENT  := $(filter-out $(PRESENT),$(LUAS))

# What no build can do without.
LACKING := $(shell command -v pkg-config > /dev/null || echo pkg-config; \
             for name in libcurl libcrypto libmicrohttpd; do \
               pkg-config --exists $$name 2> /dev/null || echo $$name; \
             done)
NO_LUA  := $(if $(PRESENT),,$(if $(word 2,$(LUAS)),one of )$(foreach lua,$(LUAS),$(package-$(lua))))

# Only an inbox in Redis needs it, and only outside of nginx.
HIREDIS := $(shell pkg-config --exists hiredis 2> /dev/null && echo yes)

.PHONY: help
help:
	@sed -n '/^$$/q; s/^# \{0,1\}//p' Makefile
	@echo
	@sed -n '/^$$/q; s/^# \{0,1\}//p' tools/checks.mk

.DEFAULT_GOAL := build

.PHONY: build
build: $(or $(PRESENT:%=build-%),requirements)
	@[ -z "$(ABSENT)" ] || echo "Not built: Lua $(ABSENT), because the headers are not installed"
	@[ -n "$(HIREDIS)" ] || echo "Not built: apivideo.redis.core, because the headers of hiredis are not installed"

.PHONY: requirements
requirements:
	@echo 'Not built: these are missing, or their headers: $(NO_LUA)$(if $(NO_LUA),$(if $(LACKING),; ))$(LACKING).' \
	  '"make demo" installs what one Lua needs, with apt.' >&2
	@exit 1

# The modules of one Lua: make build-5.4. Explicit rules: a pattern rule for each target would not build the second one.
define modules
.PHONY: build-$(1)
build-$(1): $(BUILD)/$(1)/apivideo/core.so $(BUILD)/$(1)/apivideo/core/http.so \
            $(BUILD)/$(1)/apivideo/thread/core.so $(BUILD)/$(1)/apivideo/server/core.so \
            $(BUILD)/$(1)/apivideo/cli/core.so \
            $(if $(HIREDIS),$(BUILD)/$(1)/apivideo/redis/core.so)

$(patsubst %,$(BUILD)/$(1)/apivideo/%.so,core core/http thread/core server/core cli/core redis/core): \
  | $(if $(LACKING),requirements)

$(BUILD)/$(1)/apivideo/core.so: $(CORE) $(HEADERS) Makefile
	@mkdir -p $$(@D)
	$$(CC) $$(C) $$(CFLAGS) $$$$(pkg-config --cflags $(package-$(1)) libcrypto) $$(LDFLAGS) \
	  -shared -pthread -o $$@ $(CORE) $$$$(pkg-config --libs libcrypto)

$(BUILD)/$(1)/apivideo/core/http.so: $(HTTP) $(HEADERS) Makefile
	@mkdir -p $$(@D)
	$$(CC) $$(C) $$(CFLAGS) $$$$(pkg-config --cflags $(package-$(1)) libcurl libcrypto) $$(LDFLAGS) \
	  -shared -o $$@ $(HTTP) $$$$(pkg-config --libs libcurl libcrypto)

$(BUILD)/$(1)/apivideo/thread/core.so: $(THREAD) $(HEADERS) Makefile
	@mkdir -p $$(@D)
	$$(CC) $$(C) $$(CFLAGS) $$$$(pkg-config --cflags $(package-$(1))) $$(LDFLAGS) -shared -pthread -o $$@ $(THREAD)

$(BUILD)/$(1)/apivideo/cli/core.so: $(CLI) $(HEADERS) Makefile
	@mkdir -p $$(@D)
	$$(CC) $$(C) $$(CFLAGS) $$$$(pkg-config --cflags $(package-$(1))) $$(LDFLAGS) -shared -o $$@ $(CLI)

$(BUILD)/$(1)/apivideo/server/core.so: $(SERVER) $(HEADERS) Makefile
	@mkdir -p $$(@D)
	$$(CC) $$(C) $$(CFLAGS) $$$$(pkg-config --cflags $(package-$(1)) libmicrohttpd) $$(LDFLAGS) \
	  -shared -o $$@ $(SERVER) $$$$(pkg-config --libs libmicrohttpd)

$(BUILD)/$(1)/apivideo/redis/core.so: $(REDIS) $(HEADERS) Makefile
	@mkdir -p $$(@D)
	$$(CC) $$(C) $$(CFLAGS) $$$$(pkg-config --cflags $(package-$(1)) hiredis libssl libcrypto) $$(LDFLAGS) \
	  -shared -pthread -o $$@ $(REDIS) $$$$(pkg-config --libs hiredis libssl libcrypto)
endef
$(foreach lua,5.1 5.2 5.3 5.4 5.5 jit,$(eval $(call modules,$(lua))))

# Builds for one Lua. Prints a line first if there is anything to compile: that takes up to a minute.
build_for = { $(MAKE) -q build-$(1) || echo "Compiling the modules for Lua $(1)"; } && \
            $(MAKE) --no-print-directory -s build-$(1)

.PHONY: demo
demo:
	@tools/setup demo
	@lua=$$(tools/find-lua) && $(call build_for,$$lua) && tools/with-lua $$lua examples/quickstart.lua

# First into another file: an image is replaced only by a whole one.
.PHONY: images
images:
	@tools/setup demo
	@lua=$$(tools/find-lua) && $(MAKE) --no-print-directory -s build-$$lua && mkdir -p $(BUILD) docs/images && \
	  tools/with-lua $$lua tools/cast.lua "make demo" > $(BUILD)/demo.svg
	@mv $(BUILD)/demo.svg docs/images/demo.svg
	@tools/setup page
	@$(MAKE) --no-print-directory -s build-5.4
	@tools/install-npm spec/page/browser $(BUILD)/page
	@NODE_PATH=$(BUILD)/page/node_modules node spec/page/browser/images.cjs docs/images

.PHONY: demo-nginx
demo-nginx:
	@tools/setup demo-nginx
	@$(call build_for,jit)
	@tools/with-lua jit examples/nginx/demo.lua

.PHONY: test
test:
	@tools/setup test
	@$(MAKE) --no-print-directory -s -j2 build build-jit # for nginx's LuaJIT, regardless of LUAS
	@tools/run-specs "$(LUAS)" $(SPECS)

.PHONY: lint
lint:
	@tools/setup lint
	@tools/lint

.PHONY: env
env:
	@{ tools/setup demo >&2 && tools/env; } || { echo false; exit 1; } # so that `eval` fails, too

# ---- rocks, packages, releases ----

LUA_FILES    = $(sort $(shell find lua -name '*.lua'))
SERVER_LUA   = $(filter lua/apivideo/server/% lua/apivideo/emulator/% lua/apivideo/page/% lua/apivideo/cli/%,\
                 $(LUA_FILES))
LIBRARY_LUA  = $(filter-out $(SERVER_LUA),$(LUA_FILES))

.PHONY: rockspecs
rockspecs:
	@tools/rockspecs

.PHONY: reference
reference: build-5.4
	@tools/with-lua 5.4 tools/reference.lua

.PHONY: manual
manual: build-5.4
	@tools/with-lua 5.4 tools/manual.lua

PREFIX  ?= /usr/local
DESTDIR ?=

# Installs the modules for LUAS; by default for each Lua with headers and lua-cjson.
.PHONY: install
install:
	@luas="$(if $(filter file,$(origin LUAS)),$$(tools/find-lua --all),$(LUAS))" && [ -n "$$luas" ] && \
	  $(MAKE) --no-print-directory -s build LUAS="$$luas" BUILD=$(BUILD)/install CFLAGS="-O2 -DNDEBUG" && \
	  BUILD=$(BUILD)/install PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" tools/install "$$luas"

.PHONY: uninstall
uninstall:
	@PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" tools/uninstall

.PHONY: deb
deb:
	@BUILD=$(BUILD) tools/deb $(if $(filter file,$(origin LUAS)),,"$(LUAS)")

.PHONY: release
release:
	@tools/release "$(VERSION)"

.PHONY: clean
clean:
	rm -rf $(BUILD)

include tools/checks.mk

# Prints the value of a variable, for the tools.
print-%:
	@echo '$($*)'
