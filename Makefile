# make demo      install what is missing, build, and run examples/quickstart.lua on loopback
# make test      install what is missing, build for each Lua, and run the whole suite under each
# make build     build the C modules for each Lua into build/<lua>/apivideo

LUAS := 5.1 5.2 5.3 5.4 jit
LUA  := 5.4

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
package-jit := luajit

COMMON  := $(wildcard src/common/*.c)
CORE    := $(wildcard src/core/*.c) $(COMMON)
SERVER  := $(wildcard src/server/*.c) $(COMMON)
HEADERS := $(wildcard src/*/*.h)

BUILD   := build

.PHONY: build
build: $(LUAS:%=build-%)

# One Lua's modules: make build-5.4
.PHONY: $(LUAS:%=build-%)
$(LUAS:%=build-%): build-%: $(BUILD)/%/apivideo/core.so $(BUILD)/%/apivideo/server/core.so

# make does not see $* in a prerequisite's flags, so the Lua is taken from the target's path.
lua-cflags = $(shell pkg-config --cflags $(package-$*))

$(BUILD)/%/apivideo/core.so: $(CORE) $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(C) $(CFLAGS) $(lua-cflags) $(LDFLAGS) -shared -o $@ $(CORE) $(shell pkg-config --cflags --libs libcurl libcrypto)

$(BUILD)/%/apivideo/server/core.so: $(SERVER) $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(C) $(CFLAGS) $(lua-cflags) $(LDFLAGS) -shared -o $@ $(SERVER) $(shell pkg-config --cflags --libs libmicrohttpd)

.PHONY: clean
clean:
	rm -rf $(BUILD)
