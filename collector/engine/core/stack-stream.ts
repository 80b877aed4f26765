/** Reads the ring of stacks while somebody is subscribed. */
import type { CallStack, StackLosses } from '../../model/call-stack.ts';
import type { StackOptions } from '../../model/options.ts';
import type { BpfObject } from '../../system/native.ts';
import { u32 } from '../shared/bytes.ts';
import { probeConstant } from '../shared/probe-constants.ts';
import { stackLossesReader, stackReader } from './decode.ts';

/** The ring of stacks in the kernel. */
export const STACKS = 'stacks';

/** A spawner may end soon, and its memory map with it. */
const DRAIN_MS = 1;
const DRAIN_RECORDS = 32;
const MOST_RING_BYTES = 64 << 20;

export const stackChunks = ({ bytes }: StackOptions): number => bytes / probeConstant('STACK_CHUNK_BYTES');

/** Gives the size of the ring: room for all stacks of a second, within bounds. A power of two. */
export function stackRingBytes({ bytes, perSecond }: StackOptions): number {
  const wanted = perSecond * (bytes + 1024);
  return Math.min(MOST_RING_BYTES, Math.max(1 << 20, 2 ** Math.ceil(Math.log2(wanted))));
}

export class StackStream {
  readonly #object: BpfObject;
  readonly #subscribers = new Set<(stacks: readonly CallStack[]) => void>();
  readonly #recordBytes: number;
  readonly #bytes: Buffer;
  readonly #read: (index: number) => CallStack;
  readonly #losses: Uint8Array;
  readonly #readLosses: () => StackLosses;
  readonly #passes: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(object: BpfObject, options: StackOptions) {
    const layout = object.layout('stack');
    const losses = object.layout('stack_losses');
    this.#object = object;
    this.#recordBytes = layout.size + options.bytes;
    this.#bytes = Buffer.alloc(DRAIN_RECORDS * this.#recordBytes);
    this.#read = stackReader(layout, this.#bytes, this.#recordBytes);
    this.#losses = new Uint8Array(losses.size);
    this.#readLosses = stackLossesReader(losses, this.#losses);
    this.#passes = Math.ceil(stackRingBytes(options) / this.#bytes.length) + 1;
    object.openRing(STACKS, this.#recordBytes);
  }

  subscribe(onStacks: (stacks: readonly CallStack[]) => void): () => void {
    const subscriber = (stacks: readonly CallStack[]) => onStacks(stacks);
    this.#subscribers.add(subscriber);
    if (this.#subscribers.size === 1) this.#start();
    return () => {
      if (!this.#subscribers.has(subscriber)) return;
      if (this.#subscribers.size === 1) this.#stop();
      this.#subscribers.delete(subscriber);
    };
  }

  losses(): StackLosses {
    this.#object.readGlobal('stack_losses', this.#losses);
    return this.#readLosses();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#subscribers.clear();
  }

  #start(): void {
    this.#object.writeGlobal('stacks_wanted', u32(1));
    this.#timer = setInterval(() => this.#drain(), DRAIN_MS);
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#object.writeGlobal('stacks_wanted', u32(0));
    this.#drain();
  }

  /** Reads what is in the ring, up to a limit: the spawners of a busy host never stop filling it. */
  #drain(): void {
    for (let pass = 0; pass < this.#passes; pass++) {
      const size = this.#object.drainRing(STACKS, this.#bytes);
      if (size === 0) return;
      const stacks = Array.from({ length: size / this.#recordBytes }, (_, index) => this.#read(index));
      for (const subscriber of this.#subscribers) subscriber(stacks);
    }
  }
}
