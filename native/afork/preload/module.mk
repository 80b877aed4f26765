# libafork-preload.so: see docs/preload.md.
PRELOAD := $(AFORK)/preload
PRELOAD_OUT := $(AFORK_OUT)/preload
PRELOAD_SOURCES := actions attributes children format known look memory popen process spawn stats system
# afork's objects come first: constructors run in this order, and ours relies on afork's.
PRELOAD_OBJECTS := $(AFORK_OBJECTS) $(PRELOAD_SOURCES:%=$(PRELOAD_OUT)/%.o)
PRELOAD_TESTS := $(notdir $(basename $(wildcard $(PRELOAD)/test/*.c)))

ifndef SAN # a library with a sanitizer cannot be preloaded into a program without
all: $(AFORK_OUT)/libafork-preload.so
test: test-afork-preload
endif

$(PRELOAD_OUT)/%.o: $(PRELOAD)/%.c $(PRELOAD)/preload.h $(wildcard $(AFORK)/*.h) $(PRELOAD)/module.mk
	@mkdir -p $(@D)
	$(CC) $(AFORK_CFLAGS) -D_GNU_SOURCE -c $< -o $@

# -z now: a lazily bound call would touch the parent's thread storage. -z nodelete: a child may still run in it.
# --wrap: see memory.c. The check afterwards: no other allocator may have slipped in.
$(AFORK_OUT)/libafork-preload.so: $(PRELOAD_OBJECTS) $(PRELOAD)/preload-$(shell uname -m).map
	$(CC) $(CFLAGS) -shared -pthread -Wl,-soname,libafork-preload.so -Wl,-z,now -Wl,-z,nodelete \
		-Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=free \
		-Wl,--version-script=$(PRELOAD)/preload-$(shell uname -m).map $(PRELOAD_OBJECTS) -o $@
	@! nm -D -u $@ | grep -wE 'malloc|calloc|realloc|free|strdup' || { rm $@; exit 1; }
