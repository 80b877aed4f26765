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

clean: clean-spawnload
clean-spawnload:
	rm -rf native/spawnload/build

.PHONY: clean-spawnload
