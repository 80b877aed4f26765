# make install [PREFIX=/usr/local] [DESTDIR=] [NODE_BINARY=]: deploy/install says what goes where.
install: all
	@PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" NODE_BINARY="$(NODE_BINARY)" NODE_SHIPPED="$(NODE_SHIPPED)" \
		NODE_RUNNER="$(NODE_RUNNER)" STRIP="$(STRIP)" deploy/install
.PHONY: install
