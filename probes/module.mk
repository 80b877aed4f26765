# The core engine's probes, as one CO-RE object.
# Programs are entry points without declarations, whose parameters the kernel fixes.
BPF_WARN := -Wno-missing-declarations -Wno-unused-parameter

all: probes/build/spawn.bpf.o

probes/build/%.bpf.o: probes/%.bpf.c $(wildcard probes/*.h)
	@mkdir -p $(@D)
	$(CLANG) -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_$(ARCH) $(WARN) $(BPF_WARN) -c $< -o $@
	$(LLVM_STRIP) -g $@

clean: clean-probes
clean-probes:
	rm -rf probes/build
.PHONY: clean-probes
