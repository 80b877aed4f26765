# Builds the wrapper's JavaScript, because Node does not strip types inside node_modules.
BPFTRACE_WRAPPER := probes/bpftrace-wrapper

all: $(BPFTRACE_WRAPPER)/dist/index.js
build/collector/cli.js: $(BPFTRACE_WRAPPER)/dist/index.js # for its types

$(BPFTRACE_WRAPPER)/dist/index.js: $(wildcard $(BPFTRACE_WRAPPER)/lib/*.ts) $(BPFTRACE_WRAPPER)/tsconfig.json tsconfig.json
	rm -rf $(@D)
	node_modules/.bin/tsc -p $(BPFTRACE_WRAPPER)/tsconfig.json

clean: clean-bpftrace-wrapper
clean-bpftrace-wrapper:
	rm -rf $(BPFTRACE_WRAPPER)/dist
.PHONY: clean-bpftrace-wrapper
