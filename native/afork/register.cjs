'use strict';
// `node --require afork/register app.js`, `--import`, or either in NODE_OPTIONS, where every Node process meets it: so it
// must never keep a program from starting, not even under a permission model that forbids reading the next file.
try {
  if (Number.parseInt(process.versions.node) < 22)
    throw new Error(`this Node.js (${process.version}) is not known to it`);
  require('./dist/hook.js').register();
  require('./sites.cjs').observe();
} catch ({ message }) {
  process.emitWarning(`afork leaves child_process as it is: ${message}`, 'AforkWarning');
}
