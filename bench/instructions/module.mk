# The first process of an emulated machine that has nothing else, so it is linked statically.
BENCH_INSTRUCTIONS := build/bench/instructions/init

bench-instructions: all $(BENCH_INSTRUCTIONS)
.PHONY: bench-instructions

$(BENCH_INSTRUCTIONS): $(wildcard bench/instructions/*.c bench/instructions/*.h) bench/instructions/module.mk
	@mkdir -p $(@D)
	$(STATIC_CC) $(CFLAGS) $(WARN) -std=gnu11 -D_GNU_SOURCE -static -o $@ $(filter %.c,$^) -lbpf -lelf -lz
