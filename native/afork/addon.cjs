'use strict';
// CommonJS, because it is the one way to say "beside this file" that is the same in the sources and in dist/.
exports.loadAddon = () => require('./build/afork.node');
