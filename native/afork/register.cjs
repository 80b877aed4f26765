'use strict';
// `node --require afork/register app.js`, `--import`, or either in NODE_OPTIONS, where every Node process meets it: so it
// must never keep a program from starting, not even under a permission model that forbids reading the next file.
try {
  require('./dist/hook.js').register();
} catch ({ message }) {
  process.emitWarning(`afork leaves child_process as it is: ${message}`, 'AforkWarning');
}
