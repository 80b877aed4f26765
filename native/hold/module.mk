# hold is linked statically: it starts fast, and the variables of the program that it executes do not affect it.
all: native/hold/build/hold

native/hold/build/hold: native/hold/hold.c native/hold/module.mk
	@mkdir -p $(@D)
	$(STATIC_CC) $(CFLAGS) $(WARN) -std=gnu11 -D_GNU_SOURCE -static $(LDFLAGS) -o $@ $<

clean: clean-hold
clean-hold:
	rm -rf native/hold/build
.PHONY: clean-hold
