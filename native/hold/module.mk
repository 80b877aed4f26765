# hold: static, so that no variable of the program that it becomes has any effect on it, and so that it starts fast.
all: native/hold/build/hold

native/hold/build/hold: native/hold/hold.c native/hold/module.mk
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(WARN) -std=gnu11 -D_GNU_SOURCE -static $(LDFLAGS) -o $@ $<

clean: clean-hold
clean-hold:
	rm -rf native/hold/build
.PHONY: clean-hold
