# The addon between the collector and libbpf.
# Flags for the linker.
LIBBPF ?= -lbpf
BPF_ADDON_SOURCES := $(wildcard native/bpf/*.cc)

all: native/bpf/build/bpf.node

native/bpf/build/%.o: native/bpf/%.cc $(wildcard native/bpf/*.h)
	@mkdir -p $(@D)
	$(CXX) $(ADDON_CXXFLAGS) -c $< -o $@

native/bpf/build/bpf.node: $(BPF_ADDON_SOURCES:native/bpf/%.cc=native/bpf/build/%.o)
	$(CXX) $(LDFLAGS) -shared -Wl,-z,nodelete -o $@ $^ $(LIBBPF)

clean: clean-bpf
clean-bpf:
	rm -rf native/bpf/build
.PHONY: clean-bpf
