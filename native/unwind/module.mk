# The program that unwinds copied stacks. It needs libdw and libiberty: without them nothing is built here, and `forktax sites`
# says so.
#   make unwind-sanitized SAN=address   the same under AddressSanitizer and UBSan, in build/address; SAN=thread and others too
UNWIND_LIBRARIES ?= $(and $(wildcard /usr/include/libiberty/demangle.h),$(shell pkg-config --libs libdw 2>/dev/null && echo -liberty))
UNWIND := native/unwind
UNWIND_OUT := $(UNWIND)/build$(if $(SAN),/$(SAN))
UNWIND_OBJECTS := $(patsubst $(UNWIND)/%.cc,$(UNWIND_OUT)/%.o,$(wildcard $(UNWIND)/*.cc))
UNWIND_SANITIZE := $(if $(SAN),-fsanitize=$(SAN) -fsanitize=undefined -fno-sanitize-recover=all)
UNWIND_CXXFLAGS = $(CXXFLAGS) $(WARN) -std=c++20 -fno-exceptions -fno-rtti $(UNWIND_SANITIZE)

ifneq ($(UNWIND_LIBRARIES),)
all: $(UNWIND_OUT)/unwind
endif
unwind-sanitized: $(UNWIND_OUT)/unwind

$(UNWIND_OUT)/%.o: $(UNWIND)/%.cc $(wildcard $(UNWIND)/*.h) $(UNWIND)/module.mk
	@mkdir -p $(@D)
	$(CXX) $(UNWIND_CXXFLAGS) -c $< -o $@

$(UNWIND_OUT)/unwind: $(UNWIND_OBJECTS)
	$(CXX) $(UNWIND_SANITIZE) $(LDFLAGS) -o $@ $^ $(UNWIND_LIBRARIES)

# --- tests ---

# catch: shows what the probe copies of a program's stack, without the probe. map: maps files as code.
UNWIND_TEST_PROGRAMS := $(UNWIND)/build/test/catch $(UNWIND)/build/test/map
test-programs test: $(UNWIND_TEST_PROGRAMS)
$(UNWIND)/build/test/%: $(UNWIND)/test/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(WARN) -std=gnu11 -D_GNU_SOURCE -o $@ $<

clean: clean-unwind
clean-unwind:
	rm -rf $(UNWIND)/build
.PHONY: clean-unwind unwind-sanitized
