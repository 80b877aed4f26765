# spawnload is linked statically: it starts fast, faults the same pages everywhere, and runs in a bare initramfs.
spawnload := native/spawnload/build/spawnload
spawnload_sources := $(wildcard native/spawnload/*.c)
spawnload_objects := $(spawnload_sources:native/spawnload/%.c=native/spawnload/build/%.o)

all: $(spawnload)

$(spawnload): $(spawnload_objects)
	$(STATIC_CC) -static -pthread $(LDFLAGS) -o $@ $^

native/spawnload/build/%.o: native/spawnload/%.c $(wildcard native/spawnload/*.h) native/spawnload/module.mk
	@mkdir -p $(@D)
	$(STATIC_CC) $(CFLAGS) $(WARN) -std=gnu11 -D_GNU_SOURCE -pthread -c -o $@ $<

# --- tests ---

# The 32-bit programs of an architecture. clang compiles for all of them, and the linker of one links for the other.
spawn32 := native/spawnload/build/test/spawn32
spawn32_target := $(if $(filter arm64,$(ARCH)),armv7-linux-gnueabihf,i386-linux-gnu)
spawn32_emulation := $(if $(filter arm64,$(ARCH)),armelf,elf_i386)

test-programs test: $(spawn32)

$(spawn32): native/spawnload/test/spawn32.c native/spawnload/module.mk
	@mkdir -p $(@D)
	$(CLANG) --target=$(spawn32_target) -O2 $(WARN) -std=gnu11 -ffreestanding -fno-pic -fomit-frame-pointer -c -o $@.o $<
	$(shell $(CC) -print-prog-name=ld) -m $(spawn32_emulation) -static -z noexecstack -o $@ $@.o

clean: clean-spawnload
clean-spawnload:
	rm -rf native/spawnload/build

.PHONY: clean-spawnload
