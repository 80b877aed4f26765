# Everything that is C or C++. `npm run build` calls it; each part has a fragment of its own.
.DELETE_ON_ERROR:
.SECONDARY:

CLANG ?= clang
LLVM_STRIP ?= llvm-strip
CFLAGS ?= -O2 -g
CXXFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Werror -Wshadow -Wmissing-declarations
ARCH := $(shell uname -m | sed 's/x86_64/x86/;s/aarch64/arm64/')

# A Node addon: node-api headers from npm, so any Node >= 22 loads it.
ADDON_CXXFLAGS = $(CXXFLAGS) $(WARN) -std=c++20 -fPIC -fno-exceptions -fvisibility=hidden -DNAPI_VERSION=9 \
	-DNODE_ADDON_API_DISABLE_CPP_EXCEPTIONS -DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS \
	-isystem node_modules/node-api-headers/include -isystem node_modules/node-addon-api

all:
test:
clean:

include $(wildcard probes/module.mk native/*/module.mk)

.PHONY: all test clean
