'use strict';
// `node --require afork/sites app.js`: tells a running `forktax sites` which line of JavaScript started each child. Nobody
// else is told, and nothing else changes: the stack is only taken while somebody listens, no descriptor stays open, and no
// error leaves this file. It needs no other file, so that it can be copied and required anywhere. docs/afork.md has the format.
const childProcess = require('node:child_process');
const { closeSync, constants, openSync, statSync, writeSync } = require('node:fs');
const { isMainThread } = require('node:worker_threads');

/** A FIFO that the listener has made. */
const LISTENER = process.env.FORKTAX_SITES || '/run/forktax/sites';
const VERSION = 1;
/** A write of so many bytes to a pipe is done as a whole or not at all (PIPE_BUF). */
const MOST_BYTES = 4096;
const MOST_FRAMES = 24;
const MOST_CHARACTERS = 500;
/** On the functions that are replaced, so that a second copy of this file sees it. */
const OBSERVED = Symbol.for('forktax.sites');
const OWN_FILES = [__filename, `${__dirname}/dist/`, `file://${__dirname}/dist/`];
const { O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;
const now = process.hrtime.bigint;
const userId = process.geteuid?.();

let isForbidden = false;
/** Within an observed call: afork may have put one of its own functions between two of ours. */
let isBusy = false;
let lost = 0;

/** Call this again after another library has replaced functions of child_process. */
exports.observe = function observe() {
  try {
    replace(childProcess.ChildProcess.prototype, 'spawn', (child) => child.pid);
    const binding = syncBinding();
    if (binding) replace(binding, 'spawn', (_binding, result) => result.pid);
  } catch {
    // Somebody has frozen them.
  }
};

function replace(owner, name, pidOf) {
  const original = owner[name];
  if (typeof original !== 'function' || OBSERVED in original) return;
  const observed = function (...args) {
    const site = isBusy ? undefined : takeSite();
    if (!site) return Reflect.apply(original, this, args);
    isBusy = true;
    let pid;
    try {
      const result = Reflect.apply(original, this, args);
      pid = pidOf(this, result);
      return result;
    } finally {
      isBusy = false;
      tell(site, Number(pid) || 0);
    }
  };
  for (const key of ['name', 'length'])
    Object.defineProperty(observed, key, Object.getOwnPropertyDescriptor(original, key));
  for (const key of Object.getOwnPropertySymbols(original)) observed[key] = original[key];
  observed[OBSERVED] = true;
  owner[name] = observed;
}

/** spawnSync(), execSync() and execFileSync() have this one function in common, and only it knows the pid of a child. */
function syncBinding() {
  const { noDeprecation } = process;
  try {
    // Without a warning of --pending-deprecation.
    if (!noDeprecation) process.noDeprecation = true;
    return process.binding('spawn_sync');
  } catch {
    return undefined; // the permission model forbids it
  } finally {
    if (!noDeprecation) delete process.noDeprecation;
  }
}

/** Undefined: nobody listens. */
function takeSite() {
  try {
    if (isForbidden || !isListener(statSync(LISTENER, { throwIfNoEntry: false }))) return undefined;
    return { frames: takeFrames(), beginNs: now() };
  } catch (error) {
    isForbidden = error?.code === 'ERR_ACCESS_DENIED';
    return undefined;
  }
}

function isListener(status) {
  return status !== undefined && status.isFIFO() && (status.uid === 0 || status.uid === userId);
}

function takeFrames() {
  const restore = ['stackTraceLimit', 'prepareStackTrace'].map(keep);
  try {
    set('stackTraceLimit', MOST_FRAMES);
    set('prepareStackTrace', (_error, sites) => framesOf(sites));
    const holder = {};
    Error.captureStackTrace(holder, takeSite);
    return holder.stack;
  } finally {
    for (const each of restore) each();
  }
}

function keep(name) {
  const before = Object.getOwnPropertyDescriptor(Error, name);
  return () => {
    if (before) Object.defineProperty(Error, name, before);
    else delete Error[name];
  };
}

function set(name, value) {
  Object.defineProperty(Error, name, { value, configurable: true, enumerable: true, writable: true });
}

/** For each frame of the user [function, file, line, column], and 1 if the function waits there for what is called. */
function framesOf(sites) {
  const frames = [];
  for (const site of sites) {
    const file = site.getFileName() ?? site.getEvalOrigin() ?? '';
    if (
      file === '' ||
      file.startsWith('node:') ||
      file.startsWith(OWN_FILES[0]) ||
      file.startsWith(OWN_FILES[1]) ||
      file.startsWith(OWN_FILES[2])
    )
      continue;
    const frame = [nameOf(site), file.slice(-MOST_CHARACTERS), site.getLineNumber() ?? 0, site.getColumnNumber() ?? 0];
    if (site.isAsync()) frame.push(1);
    frames.push(frame);
  }
  return frames;
}

/** As in the stack of an error. */
function nameOf(site) {
  const name = (site.getFunctionName() ?? '').slice(0, MOST_CHARACTERS);
  if (name === '' || site.isToplevel()) return name;
  if (site.isConstructor()) return `new ${name}`;
  const type = site.getTypeName();
  return !type || type === 'Object' || name.includes('.') ? name : `${type}.${name}`;
}

/** `pid` 0: there is no child. */
function tell({ frames, beginNs }, pid) {
  const { pid: ownPid } = process;
  const head = [VERSION, ownPid, isMainThread ? ownPid : 0, pid, Number(beginNs), Number(now()), lost];
  let fd;
  try {
    fd = openSync(LISTENER, O_WRONLY | O_NONBLOCK | O_NOFOLLOW);
    writeSync(fd, encode(head, frames));
    lost = 0;
  } catch (error) {
    if (error?.code === 'EAGAIN') lost++;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Leaves out the outermost frames that find no room. */
function encode(head, frames) {
  const bytes = Buffer.from(`${JSON.stringify([...head, frames])}\n`);
  return bytes.length <= MOST_BYTES ? bytes : encode(head, frames.slice(0, -1));
}

exports.observe();
