/** Opens an engine, drops all capabilities, and says so. At the end of stdin, reads the table and closes. */
import { openCoreEngine } from '../../../engine/core/engine.ts';
import { DEFAULT_ENGINE_OPTIONS } from '../../../model/options.ts';
import { dropCapabilities } from '../../../system/native.ts';

const engine = openCoreEngine(DEFAULT_ENGINE_OPTIONS);
const { keptCapBpf } = dropCapabilities(() => engine.snapshot());
console.log(`dropped${keptCapBpf ? ' all but CAP_BPF' : ''}`);
for await (const _ of process.stdin);
engine.snapshot();
engine.close();
