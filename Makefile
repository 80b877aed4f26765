# Everything that is compiled. `npm run build` calls it; each part of C or C++ has a fragment of its own.
.DELETE_ON_ERROR:
.SECONDARY:

CLANG ?= clang
LLVM_STRIP ?= llvm-strip
NM ?= nm
# For programs that are linked statically: any libc will do, as it goes along.
STATIC_CC ?= $(CC)
CFLAGS ?= -O2 -g
CXXFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Werror -Wshadow -Wmissing-declarations
TARGET_MACHINE ?= $(shell uname -m)
ARCH := $(TARGET_MACHINE:x86_64=x86)
ARCH := $(ARCH:aarch64=arm64)

# A Node addon: node-api headers from npm, so any Node >= 22 loads it.
ADDON_CXXFLAGS = $(CXXFLAGS) $(WARN) -std=c++20 -fPIC -fno-exceptions -fvisibility=hidden -DNAPI_VERSION=9 \
	-DNODE_ADDON_API_DISABLE_CPP_EXCEPTIONS -DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS \
	-isystem node_modules/node-api-headers/include -isystem node_modules/node-addon-api

all: build/collector/cli.js
test:
test-programs: # builds what `make test` runs, to be run elsewhere
clean:
	rm -rf build

# The collector as JavaScript, which Node.js starts faster and holds in less memory than TypeScript.
build/collector/cli.js: $(shell find collector -name '*.ts' -not -path '*/test/*' -not -path 'collector/page/*' -not -path '*/node_modules/*') \
		tsconfig.json tsconfig.build.json collector/package.json probes/bpftrace-wrapper/dist/index.js
	node_modules/.bin/tsc -p tsconfig.build.json
	@mkdir -p $(@D)
	@cp collector/package.json $(@D)
	@touch $@

# native/afork before native/preload, which is linked with its objects.
include $(wildcard probes/module.mk probes/*/module.mk) $(sort $(wildcard native/*/module.mk))
include $(wildcard bench/*/module.mk deploy/module.mk collector/*/module.mk)

.PHONY: all test test-programs clean
