# The page at /, bundled for browsers.
all: collector/page/build/page.js

collector/page/build/page.js: $(wildcard collector/page/*.ts collector/page/*.css collector/page/*.html) \
		collector/model/histogram.ts collector/model/frames.ts collector/terminal/format.ts collector/terminal/text.ts $(wildcard deploy/bundle/*page.ts)
	scripts/node deploy/bundle/make-page.ts

clean: clean-page
clean-page:
	rm -rf collector/page/build
.PHONY: clean-page
