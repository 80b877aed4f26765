# make install [PREFIX=/usr/local] [DESTDIR=] [NODE=]: deploy/install says what goes where.
install: all
	@PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) NODE=$(NODE) deploy/install
.PHONY: install
