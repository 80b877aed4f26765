# The addon of the Node package, and its JavaScript, which is built because Node strips no types inside node_modules.
# CommonJS: --require takes it in every Node, and it starts faster than a graph of ES modules.
AFORK_ADDON_SOURCES := addon children closing request sync
AFORK_ADDON_OBJECTS := $(AFORK_ADDON_SOURCES:%=$(AFORK_OUT)/addon/%.o) $(AFORK_OUT)/addon/look.o

ifndef SAN
all: $(AFORK_OUT)/afork.node $(AFORK)/dist/package.json
endif

$(AFORK_OUT)/addon/%.o: $(AFORK)/addon/%.cc $(wildcard $(AFORK)/addon/*.h) $(AFORK)/afork.h $(AFORK)/addon/addon.mk
	@mkdir -p $(@D)
	$(CXX) $(ADDON_CXXFLAGS) -I$(AFORK) -c $< -o $@

$(AFORK_OUT)/addon/look.o: $(AFORK)/addon/look.c $(AFORK)/addon/look.h $(AFORK)/addon/addon.mk
	@mkdir -p $(@D)
	$(CC) $(AFORK_CFLAGS) -c $< -o $@

# -z now and -z nodelete as for libafork.so: Node unloads the addon with a worker thread.
$(AFORK_OUT)/afork.node: $(AFORK_ADDON_OBJECTS) $(AFORK_OUT)/libafork.a
	$(CXX) $(CXXFLAGS) -shared -pthread -Wl,-z,now -Wl,-z,nodelete -Wl,--exclude-libs,ALL $^ -o $@

$(AFORK)/dist/package.json: $(wildcard $(AFORK)/node/*.ts) $(AFORK)/tsconfig.json $(AFORK)/addon/addon.mk
	rm -rf $(@D)
	node_modules/.bin/tsc -p $(AFORK)/tsconfig.json
	echo '{ "type": "commonjs" }' >$@

clean: clean-afork-addon
clean-afork-addon:
	rm -rf $(AFORK)/dist
.PHONY: clean-afork-addon
