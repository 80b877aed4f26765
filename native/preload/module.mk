# libafork-preload.so: see README.md. It has the objects of native/afork/core in it.
PRELOAD := native/preload
PRELOAD_OUT := $(PRELOAD)/build
PRELOAD_SOURCES := actions attributes children format known look memory popen process spawn stats system
# afork's objects come first: constructors run in this order, and ours relies on afork's.
PRELOAD_OBJECTS := $(AFORK_CORE_OBJECTS) $(PRELOAD_SOURCES:%=$(PRELOAD_OUT)/%.o)
PRELOAD_TESTS := $(notdir $(basename $(wildcard $(PRELOAD)/test/*.c)))

ifndef SAN # a library with a sanitizer cannot be preloaded into a program without
all: $(PRELOAD_OUT)/libafork-preload.so
test: test-preload
endif

$(PRELOAD_OUT)/%.o: $(PRELOAD)/%.c $(PRELOAD)/preload.h $(AFORK_HEADERS) $(PRELOAD)/module.mk
	@mkdir -p $(@D)
	$(CC) $(AFORK_CFLAGS) -D_GNU_SOURCE -c $< -o $@

# -z now: a lazily bound call would touch the parent's thread storage. -z nodelete: a child may still run in it.
# -z defs: native/afork/core needs nothing of native/afork/forms. --wrap: see memory.c. The check afterwards: no other allocator may have slipped in.
$(PRELOAD_OUT)/libafork-preload.so: $(PRELOAD_OBJECTS) $(PRELOAD)/preload-$(TARGET_MACHINE).map
	$(check_arrows)
	$(CC) $(CFLAGS) -shared -pthread -Wl,-soname,libafork-preload.so -Wl,-z,defs -Wl,-z,now -Wl,-z,nodelete \
		-Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=free \
		-Wl,--version-script=$(PRELOAD)/preload-$(TARGET_MACHINE).map $(PRELOAD_OBJECTS) -ldl -o $@
	@test "$$($(NM) -D --defined-only $@ | sed -n 's/.* T \(.*\)@@.*/\1/p' | grep -v '^pidfd_' | tr '\n' ' ')" = \
		'fclose pclose popen posix_spawn posix_spawnp system ' || { echo '$@: exports other symbols' >&2; rm $@; exit 1; }
	@! $(NM) -D -u $@ | grep -wE 'malloc|calloc|realloc|free|strdup' || { rm $@; exit 1; }

clean: clean-preload
clean-preload:
	rm -rf $(PRELOAD_OUT)
.PHONY: clean-preload

# --- tests ---

PRELOAD_CONTRACT := $(PRELOAD)/test/contract

$(PRELOAD_OUT)/test/contract: $(wildcard $(PRELOAD_CONTRACT)/*.c) $(PRELOAD_CONTRACT)/contract.h $(PRELOAD)/preload.h
	@mkdir -p $(@D)
	$(CC) $(AFORK_CFLAGS) -D_GNU_SOURCE $(filter %.c,$^) -o $@

$(PRELOAD_OUT)/test/%: $(PRELOAD)/test/%.c $(PRELOAD)/preload.h
	@mkdir -p $(@D)
	$(CC) $(AFORK_CFLAGS) -D_GNU_SOURCE $< -o $@

$(PRELOAD_OUT)/test/libother-preload.so: $(PRELOAD)/test/other/other.c
	@mkdir -p $(@D)
	$(CC) $(AFORK_CFLAGS) -D_GNU_SOURCE -shared $< -o $@

PRELOAD_TEST_PROGRAMS := $(PRELOAD_OUT)/test/contract $(PRELOAD_TESTS:%=$(PRELOAD_OUT)/test/%)

test-programs: $(PRELOAD_TEST_PROGRAMS) $(PRELOAD_OUT)/test/libother-preload.so
test-preload: $(PRELOAD_OUT)/test/libother-preload.so
test-preload: $(PRELOAD_TEST_PROGRAMS) $(PRELOAD_OUT)/libafork-preload.so
	@failed=; for program in $(filter-out %.so,$^); do \
		timeout -k 5 $(AFORK_TEST_SECONDS) $$program >$$program.log 2>&1 || \
			{ failed=1; grep -v '^ok' $$program.log; echo "preload: $$program failed" >&2; }; \
	done; [ -z "$$failed" ] && \
		echo "preload: $$(cat $(PRELOAD_OUT)/test/*.log | grep -c '^ok') tests passed"
.PHONY: test-preload
