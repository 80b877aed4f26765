# The core engine's probes, as one CO-RE object.
all: probes/build/spawn.bpf.o

probes/build/%.bpf.o: probes/%.bpf.c probes/kernel.h probes/spawn.h
	@mkdir -p $(@D)
	$(CLANG) -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_$(ARCH) $(WARN) -Wno-missing-declarations -c $< -o $@
	$(LLVM_STRIP) -g $@

clean: clean-probes
clean-probes:
	rm -rf probes/build
.PHONY: clean-probes
