import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, test } from 'node:test';
import type { Frame, Unwound } from '../../../collector/model/frames.ts';
import { OPTIMIZED, unwindSpawn, Workshop } from './catch.ts';

const workshop = new Workshop();
after(() => workshop[Symbol.dispose]());

const own = ({ frames }: Unwound): Frame[] =>
  frames.filter(({ module }) => module?.startsWith(workshop.folder) === true);

const shown = ({ symbol = '?', inlined, file, line }: Frame): string =>
  `${symbol}${inlined === true ? ' (inlined)' : ''}${file === undefined ? '' : ` ${file.replace(/.*\//, '')}:${line}`}`;

const missing = (program: string): string | false =>
  spawnSync(program, ['--version']).status === 0 ? false : `${program} is not installed`;

test('C++: demangled names of templates, lambdas and virtual functions, lines and inlined functions', async () => {
  const program = workshop.compile('cc', 'g++', ...OPTIMIZED, '-g', 'chain.cc');
  const unwound = await unwindSpawn([program]);
  assert.equal(unwound.end, 'complete');
  const ours = own(unwound).filter(({ file }) => file?.endsWith('chain.cc'));
  assert.deepEqual(
    ours.map((frame) =>
      shown(frame)
        .replace(/ \[clone.*?\]/, '')
        .replace(/\(std::function<.*\)/, '(…)'),
    ),
    [
      'inlined (inlined) chain.cc:12',
      'void shop::spawn<long>(long) chain.cc:33',
      'operator() (inlined) chain.cc:40',
      'shop::Counter::serve(…) chain.cc:26',
      'shop::open(shop::Counter*) chain.cc:39',
      'main chain.cc:52',
    ],
  );
});

test('Rust: names without hashes, as they are written', { skip: missing('rustc') }, async () => {
  const flags = ['-C', 'opt-level=2', '-C', 'force-frame-pointers=no'];
  const program = workshop.compile('rs', 'rustc', ...flags, 'chain.rs');
  const unwound = await unwindSpawn([program]);
  assert.equal(unwound.end, 'complete');
  const ours = own(unwound).map(shown);
  const first = ours.indexOf('chain::Shop::serve');
  assert.deepEqual(ours.slice(first, first + 5), [
    'chain::Shop::serve',
    'chain::outer',
    'chain::main',
    'std::sys::backtrace::__rust_begin_short_backtrace',
    'std::rt::lang_start::{{closure}}',
  ]);
  assert.deepEqual(ours.slice(-2), ['main', '_start']);
  assert.deepEqual(
    ours.filter((name) => /^_[RZ]/.test(name)),
    [],
  );
});
