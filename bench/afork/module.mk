# The small C programs of `npm run bench:afork`, and a second copy of the Node package. A process that loads both copies can
# restrict one of them to vfork, so that both mechanisms are measured in the same process.
BENCH_AFORK := build/bench/afork
BENCH_AFORK_CFLAGS = $(CFLAGS) $(WARN) -std=gnu11 -pthread -Inative/afork
BENCH_AFORK_PROGRAMS := tiny spawner hogs gate prepare

bench-afork: $(BENCH_AFORK_PROGRAMS:%=$(BENCH_AFORK)/%) $(BENCH_AFORK)/package/package.json
.PHONY: bench-afork
test: bench-afork # so that a benchmark that no longer builds is seen

# A program whose own start costs almost nothing: no libc, no dynamic linker, one page of code.
$(BENCH_AFORK)/tiny: bench/afork/tiny.c native/afork/core/syscall.h bench/afork/module.mk
	@mkdir -p $(@D)
	$(CC) $(BENCH_AFORK_CFLAGS) -static -nostdlib -ffreestanding -fno-stack-protector $< -o $@

$(BENCH_AFORK)/spawner: bench/afork/spawner.c bench/afork/mechanisms.c bench/afork/surroundings.c bench/afork/spawner.h \
		native/afork/build/libafork.a bench/afork/module.mk
	@mkdir -p $(@D)
	$(CC) $(BENCH_AFORK_CFLAGS) $(filter %.c %.a,$^) -o $@

$(BENCH_AFORK)/%: bench/afork/%.c bench/afork/module.mk
	@mkdir -p $(@D)
	$(CC) $(BENCH_AFORK_CFLAGS) $< -o $@

$(BENCH_AFORK)/package/package.json: native/afork/build/afork.node native/afork/dist/index.js native/afork/addon.cjs \
		native/afork/register.cjs native/afork/sites.cjs
	rm -rf $(@D)
	@mkdir -p $(@D)/build
	cp native/afork/build/afork.node $(@D)/build
	cp -r native/afork/dist native/afork/addon.cjs native/afork/register.cjs native/afork/sites.cjs $(@D)
	cp native/afork/package.json $@
