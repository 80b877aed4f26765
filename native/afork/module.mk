# The C library, and its tests.
#   make test                      as it is shipped (AFORK_TEST_SPAWNS=100000: the long run of the leak test)
#   make test-afork SAN=address    under AddressSanitizer and UBSan; SAN=thread under ThreadSanitizer
#   make test-afork-sanitizers     under both, one after the other
#   make test-afork-valgrind       under valgrind
#   make install-afork PREFIX=/usr
AFORK := native/afork
AFORK_OUT := $(AFORK)/build
AFORK_CORE := afork child clone donor hold job mechanism plan popen registry slot spawn
AFORK_FORMS := avfork emulated worker
AFORK_TESTS := $(notdir $(basename $(wildcard $(AFORK)/test/*.c)))
AFORK_CFLAGS = $(CFLAGS) $(WARN) -std=gnu11 -fPIC -fvisibility=hidden -pthread -I$(AFORK)
ifdef SAN
AFORK_OUT := $(AFORK)/build/$(SAN)
AFORK_TESTS := $(filter-out shared,$(AFORK_TESTS)) # whose point is how the library is shipped
AFORK_SAN := -fsanitize=$(SAN:address=address,undefined) -fno-sanitize-recover=all
endif
AFORK_CORE_OBJECTS := $(AFORK_CORE:%=$(AFORK_OUT)/core/%.o)
AFORK_OBJECTS := $(AFORK_CORE_OBJECTS) $(AFORK_FORMS:%=$(AFORK_OUT)/forms/%.o)
AFORK_HEADERS := $(AFORK)/afork.h $(wildcard $(AFORK)/core/*.h $(AFORK)/forms/*.h)

all: $(AFORK_OUT)/libafork.a $(AFORK_OUT)/libafork.so.0 $(AFORK_OUT)/afork.pc

$(AFORK_OUT)/%.o: $(AFORK)/%.c $(AFORK_HEADERS) $(AFORK)/module.mk
	@mkdir -p $(@D)
	$(CC) $(AFORK_CFLAGS) $(AFORK_SAN) -c $< -o $@

# It runs in the parent's memory on the parent's thread pointer: nothing in it may be instrumented or call libc.
$(AFORK_OUT)/core/child.o: $(AFORK)/core/child.c $(AFORK_HEADERS) $(AFORK)/module.mk
	@mkdir -p $(@D)
	$(CC) $(AFORK_CFLAGS) -O2 -fno-stack-protector -fno-sanitize=all -fno-profile-arcs -fno-tree-loop-distribute-patterns -c $< -o $@
	@! $(NM) -u $@ | grep . || { echo 'child.c must not need symbols from outside' >&2; exit 1; }

# No two files may need each other, directly or by way of others: tsort names those that do, and fails.
define check_arrows
	@$(NM) -A $(filter %.o,$^) | awk -f $(AFORK)/arrows.awk | tsort >/dev/null
endef

$(AFORK_OUT)/libafork.a: $(AFORK_OBJECTS)
	$(check_arrows)
	rm -f $@
	$(AR) rcs $@ $^

# -z now: a lazily bound call would touch the parent's thread storage. -z nodelete: a child may still run in it.
$(AFORK_OUT)/libafork.so: $(AFORK_OBJECTS) $(AFORK)/libafork.map
	$(CC) $(CFLAGS) $(AFORK_SAN) -shared -pthread -Wl,-soname,libafork.so.0 -Wl,-z,now -Wl,-z,nodelete \
		-Wl,-Bsymbolic-functions -Wl,--version-script=$(AFORK)/libafork.map $(AFORK_OBJECTS) -o $@

$(AFORK_OUT)/libafork.so.0: $(AFORK_OUT)/libafork.so
	ln -sf $(<F) $@

$(AFORK_OUT)/afork.pc: $(AFORK)/module.mk $(AFORK)/afork.h
	@mkdir -p $(@D)
	@printf '%s\n' 'includedir=$${pcfiledir}/..' 'libdir=$${pcfiledir}' '' 'Name: afork' \
		'Description: An asynchronous vfork' \
		"Version: $$(sed -n 's/^#define AFORK_VERSION "\(.*\)"/\1/p' $(AFORK)/afork.h)" \
		'Cflags: -I$${includedir}' 'Libs: -L$${libdir} -lafork -pthread' >$@

PREFIX ?= /usr/local
install-afork: all
	install -d $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/share/man/man3
	install -m 644 $(AFORK)/afork.h $(DESTDIR)$(PREFIX)/include
	install -m 644 $(AFORK_OUT)/libafork.a $(DESTDIR)$(PREFIX)/lib
	install -m 755 $(AFORK_OUT)/libafork.so $(DESTDIR)$(PREFIX)/lib/libafork.so.0
	ln -sf libafork.so.0 $(DESTDIR)$(PREFIX)/lib/libafork.so
	sed 's|^includedir=.*|includedir=$(PREFIX)/include|;s|^libdir=.*|libdir=$(PREFIX)/lib|' $(AFORK_OUT)/afork.pc \
		>$(DESTDIR)$(PREFIX)/lib/pkgconfig/afork.pc
	install -m 644 $(AFORK)/man/*.3 $(DESTDIR)$(PREFIX)/share/man/man3
.PHONY: install-afork

clean: clean-afork
clean-afork:
	rm -rf $(AFORK)/build
.PHONY: clean-afork

# --- tests ---

$(AFORK_OUT)/test/%: $(AFORK)/test/%.c $(AFORK)/test/test.h $(AFORK_HEADERS) $(AFORK_OUT)/libafork.a
	@mkdir -p $(@D)
	$(CC) $(AFORK_CFLAGS) $(AFORK_SAN) $< $(filter %.a,$^) -o $@

# As a program outside uses it: by pkg-config, with the shared library.
$(AFORK_OUT)/test/shared: $(AFORK)/test/shared.c $(AFORK)/test/test.h $(AFORK_OUT)/libafork.so.0 $(AFORK_OUT)/afork.pc
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(WARN) $(AFORK_SAN) $< \
		$$(PKG_CONFIG_PATH=$(AFORK_OUT) pkg-config --cflags --libs afork) -Wl,-rpath,'$$ORIGIN/..' -o $@

# For the tests of the Node package.
$(AFORK_OUT)/test/refuse $(AFORK_OUT)/test/lease: $(AFORK_OUT)/test/%: $(AFORK)/test/tools/%.c
	@mkdir -p $(@D)
	$(CC) $(AFORK_CFLAGS) $< -o $@
ifndef SAN
all: $(AFORK_OUT)/test/refuse $(AFORK_OUT)/test/lease
endif

AFORK_TEST_PROGRAMS := $(AFORK_TESTS:%=$(AFORK_OUT)/test/%)
# For each program.
AFORK_TEST_SECONDS ?= 120

test-programs: $(AFORK_TEST_PROGRAMS)
test: test-afork
# With every mechanism as the best one: what falls back must do the same, only slower.
test-afork: $(AFORK_TEST_PROGRAMS)
	@rm -f $(^:%=%.*.log); failed=; for program in $^; do for mechanism in best clone vfork fork; do \
		log=$$program.$$mechanism.log; AFORK_MECHANISM=$$mechanism timeout -k 5 $(AFORK_TEST_SECONDS) $$program >$$log 2>&1 || \
			{ failed=1; cat $$log; echo "afork: $$program failed, with $$mechanism" >&2; }; \
	done; done; [ -z "$$failed" ] && echo "afork: $$(cat $(^:%=%.*.log) | grep -c '^ok') C tests passed"

test-afork-sanitizers:
	$(MAKE) -s test-afork SAN=address
	$(MAKE) -s test-afork SAN=thread

# It follows fork() only, so this is about the parent's side. Overlap is about shared memory, and long there.
test-afork-valgrind: $(filter-out %/overlap,$(AFORK_TESTS:%=$(AFORK_OUT)/test/%))
	@for program in $^; do \
		valgrind -q --leak-check=full --errors-for-leak-kinds=definite --show-leak-kinds=definite --error-exitcode=9 \
			$$program >$$program.valgrind 2>&1 || { cat $$program.valgrind; echo "afork: $$program failed" >&2; exit 1; }; \
	done; echo 'afork: valgrind found nothing'
.PHONY: test-afork test-afork-sanitizers test-afork-valgrind

include $(AFORK)/addon/addon.mk
