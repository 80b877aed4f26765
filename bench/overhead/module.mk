# Programs that do nothing, to compare the probes with.
BENCH_OVERHEAD := build/bench/overhead/empty.bpf.o

bench-overhead: all $(BENCH_OVERHEAD)
.PHONY: bench-overhead

$(BENCH_OVERHEAD): bench/overhead/empty.bpf.c bench/overhead/module.mk
	@mkdir -p $(@D)
	$(CLANG) -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_$(ARCH) $(WARN) $(BPF_WARN) -c $< -o $@
	$(LLVM_STRIP) -g $@
