/**
 * Call sites as a profile of pprof: the numbers of fields are those of
 * https://github.com/google/pprof/blob/main/proto/profile.proto. The file is gzipped.
 */
import { gzipSync } from 'node:zlib';
import { ProtobufWriter } from '../encoding/protobuf-writer.ts';
import type { CallSite } from '../model/call-sites.ts';
import { frameName, type Frame } from '../model/frames.ts';
import { unknownCaller } from '../profile/names.ts';
import { WEIGHT_NAMES, WEIGHTS } from '../profile/weights.ts';

const PROFILE = {
  sampleType: 1,
  sample: 2,
  mapping: 3,
  location: 4,
  function: 5,
  string: 6,
  timeNanos: 9,
  durationNanos: 10,
  comment: 13,
  defaultSampleType: 14,
} as const;
const VALUE_TYPE = { type: 1, unit: 2 } as const;
const SAMPLE = { location: 1, value: 2 } as const;
const MAPPING = { id: 1, file: 5, buildId: 6, hasFunctions: 7 } as const;
const LOCATION = { id: 1, mapping: 2, address: 3, line: 4 } as const;
const LINE = { function: 1, line: 2 } as const;
const FUNCTION = { id: 1, name: 2, systemName: 3, file: 4 } as const;

export interface ProfileTimes {
  /** When the measurement began, in milliseconds since the epoch. */
  readonly startMs: number;
  readonly durationNs: number;
}

export function pprof(sites: readonly CallSite[], times: ProfileTimes, comments: readonly string[]): Buffer {
  return gzipSync(new Profile(sites, times, comments).bytes);
}

/** Messages refer to each other by ids above 0, and to strings by index; the string 0 is empty. */
class Profile {
  readonly #writer = new ProtobufWriter();
  readonly #strings = new Map([['', 0]]);
  readonly #functions = new Map<string, number>();
  readonly #mappings = new Map<string, number>();
  readonly #locations = new Map<string, number>();

  constructor(sites: readonly CallSite[], { startMs, durationNs }: ProfileTimes, comments: readonly string[]) {
    for (const name of WEIGHT_NAMES)
      this.#message(PROFILE.sampleType, () => {
        this.#writer.varintField(VALUE_TYPE.type, this.#string(name));
        this.#writer.varintField(VALUE_TYPE.unit, this.#string(WEIGHTS[name].unit));
      });
    for (const site of sites) this.#sample(site);
    this.#writer.varintField(PROFILE.timeNanos, Math.round(startMs * 1e6));
    this.#writer.varintField(PROFILE.durationNanos, Math.round(durationNs));
    this.#writer.varintField(PROFILE.defaultSampleType, this.#string('stall'));
    for (const comment of comments) this.#writer.varintField(PROFILE.comment, this.#string(comment));
    // Every message above may have added a string.
    for (const text of this.#strings.keys()) this.#writer.textField(PROFILE.string, text);
  }

  get bytes(): Uint8Array {
    return this.#writer.written;
  }

  #sample(site: CallSite): void {
    const unknown = unknownCaller(site);
    const locations = [
      ...groupInlined(site.frames).map((frames) => this.#location(frames)),
      ...(unknown === undefined ? [] : [this.#named(unknown)]),
      this.#named(site.comm),
    ];
    this.#message(PROFILE.sample, () => {
      for (const location of locations) this.#writer.varintField(SAMPLE.location, location);
      for (const name of WEIGHT_NAMES) this.#writer.varintField(SAMPLE.value, WEIGHTS[name].of(site));
    });
  }

  /** A location that is only a name: the spawner, or why its stack is not complete. */
  #named(name: string): number {
    return this.#once(this.#locations, `name ${name}`, (id) => {
      const called = this.#function(name, '');
      this.#message(PROFILE.location, () => {
        this.#writer.varintField(LOCATION.id, id);
        this.#message(LOCATION.line, () => this.#writer.varintField(LINE.function, called));
      });
    });
  }

  /** Functions that were inlined into one another are one location, the innermost first. */
  #location(frames: readonly Frame[]): number {
    const names = frames.map((frame) => `${frameName(frame)} ${frame.file}:${frame.line}`);
    const [{ module, buildId, offset, address }] = [frames.at(-1) ?? NO_FRAME];
    return this.#once(this.#locations, [module, buildId, offset ?? address, ...names].join('\n'), (id) => {
      const mapping = module === undefined ? 0 : this.#mapping(module, buildId ?? '');
      const lines = frames.map((frame) => [this.#function(frameName(frame), frame.file ?? ''), frame.line] as const);
      this.#message(PROFILE.location, () => {
        this.#writer.varintField(LOCATION.id, id);
        if (mapping > 0) this.#writer.varintField(LOCATION.mapping, mapping);
        this.#writer.varintField(LOCATION.address, offset ?? Number(address));
        for (const [called, line] of lines)
          this.#message(LOCATION.line, () => {
            this.#writer.varintField(LINE.function, called);
            if (line !== undefined) this.#writer.varintField(LINE.line, line);
          });
      });
    });
  }

  #function(name: string, file: string): number {
    return this.#once(this.#functions, `${name}\n${file}`, (id) => {
      this.#message(PROFILE.function, () => {
        this.#writer.varintField(FUNCTION.id, id);
        this.#writer.varintField(FUNCTION.name, this.#string(name));
        this.#writer.varintField(FUNCTION.systemName, this.#string(name));
        this.#writer.varintField(FUNCTION.file, this.#string(file));
      });
    });
  }

  /** Addresses are those of the file, so a mapping begins at 0. Names are given, so no tool has to look them up. */
  #mapping(file: string, buildId: string): number {
    return this.#once(this.#mappings, `${file}\n${buildId}`, (id) => {
      this.#message(PROFILE.mapping, () => {
        this.#writer.varintField(MAPPING.id, id);
        this.#writer.varintField(MAPPING.file, this.#string(file));
        this.#writer.varintField(MAPPING.buildId, this.#string(buildId));
        this.#writer.varintField(MAPPING.hasFunctions, 1);
      });
    });
  }

  #string(text: string): number {
    const known = this.#strings.get(text);
    if (known !== undefined) return known;
    this.#strings.set(text, this.#strings.size);
    return this.#strings.size - 1;
  }

  #once(ids: Map<string, number>, key: string, write: (id: number) => void): number {
    const known = ids.get(key);
    if (known !== undefined) return known;
    const id = ids.size + 1;
    ids.set(key, id);
    write(id);
    return id;
  }

  #message(field: number, fill: () => void): void {
    const at = this.#writer.open(field);
    fill();
    this.#writer.close(at);
  }
}

const NO_FRAME: Frame = { address: 0n, how: '' };

/** Each group ends with the function that has machine code of its own. */
export function groupInlined(frames: readonly Frame[]): readonly (readonly Frame[])[] {
  const groups: Frame[][] = [];
  let open: Frame[] = [];
  for (const frame of frames) {
    open.push(frame);
    if (frame.inlined) continue;
    groups.push(open);
    open = [];
  }
  return open.length > 0 ? [...groups, open] : groups;
}
