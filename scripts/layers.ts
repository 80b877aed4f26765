// oxlint-disable max-lines -- one table of folders
/**
 * The folders of the project, lowest first, and which folders each may import from. This is the only place that says so:
 * `scripts/check-layers.ts` compares it with every import, and the picture and the tables of folders in
 * docs/architecture.md are made from it. A folder imports only from folders before it, so there can be no circle.
 *
 * A new folder needs one line here, and then `scripts/node scripts/generate-docs.ts`.
 */
export interface Folder {
  /** From the root. `name/**` also stands for the folders below that have no line of their own. */
  readonly path: string;
  readonly holds: string;
  /** Folders of lines before this one. `name/**` also allows the folders below `name`. */
  readonly imports?: readonly string[];
  /** The npm package that is compiled from this folder into a folder `dist` beside it. */
  readonly package?: string;
}

export const FOLDERS: readonly { readonly title: string; readonly folders: readonly Folder[] }[] = [
  {
    title: 'Below the collector',
    folders: [
      { path: 'probes', holds: 'BPF programs and bpftrace scripts. `kernel.h`: the kernel fields that are read' },
      {
        path: 'probes/bpftrace-wrapper/lib',
        holds: 'npm package: runs a bpftrace script and gives typed messages',
        package: 'bpftrace-wrapper',
      },
      { path: 'native/bpf', holds: 'addon: loads and reads the BPF programs with libbpf; capabilities' },
      { path: 'native/unwind', holds: 'program: unwinds copied stacks with libdw; names of functions' },
      { path: 'native/hold', holds: 'program: has a pid before it becomes the program that `relaunch` starts' },
      { path: 'native/spawnload', holds: 'program: makes known spawns, for tests and benchmarks' },
      { path: 'native/afork', holds: 'the public header of the library, and the face of the npm package' },
      { path: 'native/afork/core', holds: 'the library: `afork()`, `afork_spawn()`', imports: ['native/afork'] },
      { path: 'native/afork/forms', holds: "the essay's other forms", imports: ['native/afork/core'] },
      { path: 'native/afork/addon', holds: 'the addon of the npm package', imports: ['native/afork'] },
      { path: 'native/afork/node', holds: 'the npm package', imports: ['native/afork'], package: 'afork' },
      { path: 'native/preload', holds: 'the library for LD_PRELOAD', imports: ['native/afork/core'] },
      { path: 'deploy/**', holds: 'data for a host, an image, Kubernetes, Prometheus and Grafana' },
    ],
  },
  {
    title: 'The model',
    folders: [
      { path: 'collector/model', holds: 'columns, rows, histograms, hooks, options, errors; what an engine is' },
    ],
  },
  {
    title: 'System and terminal',
    folders: [
      { path: 'collector/encoding', holds: 'protobuf, for metrics and for timelines' },
      {
        path: 'collector/system',
        holds: 'procfs, cgroups, tracefs, BTF, file descriptors, the addon',
        imports: ['collector/model'],
      },
      {
        path: 'collector/terminal',
        holds: 'text for people: tables, histograms, figures, output, Ctrl-C',
        imports: ['collector/model'],
      },
    ],
  },
  {
    title: 'Engines',
    folders: [
      {
        path: 'collector/engine/shared',
        holds: "what both engines use: the probes' constants, eviction, facts about the kernel",
        imports: ['collector/model', 'collector/system'],
      },
      {
        path: 'collector/engine/core',
        holds: 'the engine on libbpf',
        imports: ['collector/model', 'collector/system', 'collector/engine/shared'],
      },
      {
        path: 'collector/engine/bpftrace',
        holds: 'the engine on bpftrace, and the scripts for people',
        imports: ['collector/model', 'collector/system', 'collector/engine/shared', 'probes/bpftrace-wrapper/lib'],
      },
      {
        path: 'collector/engine',
        holds: '`open.ts` chooses an engine. Nothing above knows which one runs',
        imports: ['collector/model', 'collector/engine/core', 'collector/engine/bpftrace'],
      },
    ],
  },
  {
    title: 'What commands share',
    folders: [
      {
        path: 'collector/measuring',
        holds: 'flags and opening of an engine for commands that measure',
        imports: ['collector/model', 'collector/system', 'collector/terminal', 'collector/engine'],
      },
      {
        path: 'collector/profile',
        holds: 'spawns by the call stacks that made them: collected, folded, written',
        imports: ['collector/model', 'collector/terminal', 'collector/measuring'],
      },
      {
        path: 'collector/recording',
        holds: 'the file of a recording: written, read, and replayed as an engine',
        imports: ['collector/model', 'collector/system'],
      },
      {
        path: 'collector/remote',
        holds: 'asks a running collector, or a kubelet',
        imports: ['collector/model', 'collector/terminal'],
      },
      {
        path: 'collector/relaunch/choose',
        holds: 'what a program is, and how it can be made to spawn cheaply',
        imports: ['collector/model', 'collector/system', 'collector/terminal'],
      },
      {
        path: 'collector/relaunch/running',
        holds: 'what a running process was started with, and whether it can be replaced',
        imports: ['collector/model', 'collector/system'],
      },
      {
        path: 'collector/advice',
        holds: 'ranks spawners by avoidable stall, and says what to do about each',
        imports: ['collector/model', 'collector/terminal', 'collector/relaunch/choose', 'collector/relaunch/running'],
      },
    ],
  },
  {
    title: 'Commands',
    folders: [
      {
        path: 'collector/completion',
        holds: '`forktax completion`',
        imports: ['collector/terminal'],
      },
      {
        path: 'collector/health',
        holds: '`forktax health`',
        imports: ['collector/model', 'collector/terminal', 'collector/remote'],
      },
      {
        path: 'collector/export',
        holds: '`forktax export`: timelines for trace viewers',
        imports: [
          'collector/encoding',
          'collector/model',
          'collector/system',
          'collector/terminal',
          'collector/measuring',
        ],
      },
      {
        path: 'collector/hist',
        holds: '`forktax hist`',
        imports: ['collector/model', 'collector/system', 'collector/terminal', 'collector/measuring'],
      },
      {
        path: 'collector/record',
        holds: '`forktax record`',
        imports: [
          'collector/model',
          'collector/system',
          'collector/terminal',
          'collector/measuring',
          'collector/profile',
          'collector/recording',
        ],
      },
      {
        path: 'collector/sites',
        holds: '`forktax sites`: which code spawns',
        imports: [
          'collector/encoding',
          'collector/model',
          'collector/system',
          'collector/terminal',
          'collector/measuring',
          'collector/profile',
        ],
      },
      {
        path: 'collector/snoop',
        holds: '`forktax snoop`',
        imports: ['collector/model', 'collector/system', 'collector/terminal', 'collector/measuring'],
      },
      {
        path: 'collector/top',
        holds: '`forktax top`',
        imports: [
          'collector/model',
          'collector/system',
          'collector/terminal',
          'collector/measuring',
          'collector/remote',
          'collector/advice',
        ],
      },
      {
        path: 'collector/tree',
        holds: '`forktax tree`',
        imports: ['collector/model', 'collector/system', 'collector/terminal', 'collector/measuring'],
      },
      {
        path: 'collector/probes',
        holds: '`forktax probes`',
        imports: ['collector/terminal', 'collector/engine/bpftrace', 'probes/bpftrace-wrapper/lib'],
      },
      {
        path: 'collector/doctor',
        holds: '`forktax doctor`',
        imports: [
          'collector/model',
          'collector/system',
          'collector/terminal',
          'collector/engine/core',
          'collector/engine/bpftrace',
          'probes/bpftrace-wrapper/lib',
        ],
      },
      {
        path: 'collector/serve/config',
        holds: 'settings: flags, environment, files',
        imports: ['collector/model', 'collector/system'],
      },
      {
        path: 'collector/serve/metrics',
        holds: 'the metrics, as text or protobuf for Prometheus',
        imports: ['collector/encoding', 'collector/model', 'collector/system'],
      },
      {
        path: 'collector/serve/history',
        holds: 'the last minutes of spawn costs, in a bounded ring',
        imports: ['collector/model', 'collector/system'],
      },
      { path: 'collector/serve/api', holds: 'schemas of what the API answers', imports: ['collector/model'] },
      {
        path: 'collector/page',
        holds: 'the page at `/`: runs in a browser, bundled by deploy/bundle/page.ts',
        imports: ['collector/model', 'collector/terminal', 'collector/serve/api'],
      },
      {
        path: 'collector/serve/http',
        holds: 'the HTTP server',
        imports: [
          'collector/model',
          'collector/system',
          'collector/profile',
          'collector/serve/config',
          'collector/serve/metrics',
          'collector/serve/history',
          'collector/serve/api',
        ],
      },
      {
        path: 'collector/serve',
        holds: '`forktax serve`',
        imports: [
          'collector/model',
          'collector/system',
          'collector/terminal',
          'collector/measuring',
          'collector/profile',
          'collector/remote',
          'collector/engine',
          'collector/serve/**',
        ],
      },
      {
        path: 'collector/relaunch/plan',
        holds: 'the variables and the command line that do it',
        imports: ['collector/model', 'collector/system', 'collector/terminal', 'collector/relaunch/choose'],
      },
      {
        path: 'collector/relaunch/measure',
        holds: 'what the spawns of a process and its descendants cost',
        imports: ['collector/model', 'collector/system', 'collector/measuring', 'collector/engine/core'],
      },
      {
        path: 'collector/relaunch/run',
        holds: 'runs the program',
        imports: ['collector/model', 'collector/system', 'collector/relaunch/plan', 'collector/relaunch/measure'],
      },
      {
        path: 'collector/relaunch/report',
        holds: 'says what a run cost',
        imports: [
          'collector/model',
          'collector/terminal',
          'collector/relaunch/choose',
          'collector/relaunch/plan',
          'collector/relaunch/measure',
          'collector/relaunch/run',
        ],
      },
      {
        path: 'collector/relaunch/compare',
        holds: 'runs a program with and without, and judges',
        imports: ['collector/model', 'collector/system', 'collector/terminal', 'collector/relaunch/**'],
      },
      {
        path: 'collector/relaunch/process',
        holds: 'inspects and replaces a running process',
        imports: [
          'collector/model',
          'collector/system',
          'collector/terminal',
          'collector/relaunch/choose',
          'collector/relaunch/running',
          'collector/relaunch/plan',
          'collector/relaunch/run',
          'collector/relaunch/report',
        ],
      },
      {
        path: 'collector/relaunch',
        holds: '`forktax relaunch`',
        imports: ['collector/model', 'collector/system', 'collector/terminal', 'collector/relaunch/**'],
      },
      {
        path: 'collector/advise',
        holds: '`forktax advise`: advice on this host, or on what a collector counted',
        imports: [
          'collector/model',
          'collector/system',
          'collector/terminal',
          'collector/measuring',
          'collector/remote',
          'collector/advice',
        ],
      },
    ],
  },
  {
    title: 'The program',
    folders: [
      {
        path: 'collector/replay',
        holds: '`forktax replay`: other commands, on a recording',
        imports: [
          'collector/model',
          'collector/terminal',
          'collector/measuring',
          'collector/recording',
          'collector/advise',
          'collector/export',
          'collector/hist',
          'collector/serve',
          'collector/sites',
          'collector/snoop',
          'collector/top',
          'collector/tree',
        ],
      },
      {
        path: 'collector',
        holds: '`program.ts` has every command. `cli.ts` is the only file that prints errors and exits',
        imports: [
          'collector/model',
          'collector/system',
          'collector/terminal',
          'collector/completion',
          'collector/health',
          'collector/hist',
          'collector/sites',
          'collector/snoop',
          'collector/top',
          'collector/tree',
          'collector/record',
          'collector/replay',
          'collector/export',
          'collector/probes',
          'collector/doctor',
          'collector/serve',
          'collector/serve/http',
          'collector/relaunch',
          'collector/advise',
        ],
      },
      {
        path: 'collector/reference',
        holds: 'pages of docs/ and the man page, made from the code',
        imports: [
          'collector',
          'collector/model',
          'collector/system',
          'collector/terminal',
          'collector/profile',
          'collector/serve/api',
          'collector/serve/config',
          'collector/serve/metrics',
        ],
      },
    ],
  },
  {
    title: 'Around the collector',
    folders: [
      {
        path: 'testing',
        holds: 'what tests and benchmarks share: a fake engine, a Prometheus, hosts, running the CLI',
        imports: ['collector/**', 'native/spawnload'],
      },
      {
        path: 'dashboards/shared',
        holds: 'queries on the metrics',
        imports: ['collector/serve/metrics'],
      },
      { path: 'dashboards/panels', holds: 'kinds of panels' },
      {
        path: 'dashboards/rules',
        holds: 'recording rules, alerts, thresholds',
        imports: ['collector/serve/metrics', 'dashboards/shared'],
      },
      {
        path: 'dashboards/boards',
        holds: 'the dashboards',
        imports: ['dashboards/shared', 'dashboards/panels', 'dashboards/rules'],
      },
      {
        path: 'dashboards',
        holds: '`generate.ts` writes what `generated/` has',
        imports: ['testing', 'dashboards/boards', 'dashboards/rules'],
      },
      { path: 'dashboards/generated', holds: 'what Grafana and Prometheus load; committed' },
      {
        path: 'dashboards/lint',
        holds: 'what all boards and rules must keep to',
        imports: ['collector/serve/metrics', 'dashboards', 'dashboards/rules'],
      },
      {
        path: 'dashboards/render',
        holds: 'pictures of the dashboards for docs/',
        imports: ['collector/system', 'native/spawnload', 'testing', 'dashboards/lint'],
      },
      {
        path: 'bench/**',
        holds: 'benchmarks',
        imports: ['collector/**', 'native/spawnload', 'native/afork/**', 'probes/bpftrace-wrapper/lib', 'testing'],
      },
      {
        path: 'scripts/**',
        holds: 'setting up, checking, testing; this list',
        imports: ['collector/**', 'native/spawnload', 'testing'],
      },
      { path: 'probes/bpftrace-wrapper/test/**', holds: 'tests', imports: ['probes/bpftrace-wrapper/lib'] },
      { path: 'native/spawnload/test/**', holds: 'tests', imports: ['native/spawnload'] },
      { path: 'native/unwind/test/**', holds: 'tests', imports: ['collector/**'] },
      { path: 'native/preload/test/**', holds: 'tests', imports: ['native/preload'] },
      { path: 'native/afork/test/**', holds: 'tests', imports: ['native/afork/**', 'testing'] },
      { path: 'collector/test/**', holds: 'tests', imports: ['collector/**', 'native/spawnload', 'testing'] },
      { path: 'dashboards/test/**', holds: 'tests', imports: ['dashboards/**', 'native/spawnload', 'testing'] },
      { path: 'deploy/test/**', holds: 'tests', imports: ['collector/**', 'testing'] },
    ],
  },
];
