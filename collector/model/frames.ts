/** Call stacks after unwinding. */

/** Why an unwound stack ends where it does. */
export const STACK_ENDS = {
  complete: 'the outermost frame of the thread was reached',
  'stack-too-short': 'the stack goes on beyond the bytes that were copied',
  'no-unwind-info': 'a frame of unknown code: nothing tells where its caller is',
  'unreadable-memory': 'the unwind information leads to memory that is no part of the stack',
  'too-many-frames': 'the stack has more frames than are looked at',
  'process-gone': 'the process ended before its memory map was read',
  loop: 'the unwind information leads in a circle',
  unsupported: 'no unwinder for this kind of process, such as a 32-bit one',
  'time-limit': 'the unwinder took too long for it',
  failed: 'the unwinder could not read the program or its libraries',
  busy: 'too many stacks waited for the unwinder',
} as const;
export type StackEnd = keyof typeof STACK_ENDS;

export interface Frame {
  /** The instruction that runs next when control returns to this frame. */
  readonly address: bigint;
  /**
   * How the frame was found: `registers` for the first; `cfi`: by call frame information; `frame-pointer`; or
   * `return-address`: on top of the stack, or in a register, in libc's wrapper of a system call.
   */
  readonly how: string;
  /** The path of the file that is mapped there, as the process sees it. Deleted files have ` (deleted)` behind it. */
  readonly module?: string;
  /** In hexadecimal. */
  readonly buildId?: string;
  /** `address` as the module's file numbers it, and as addr2line takes it: less the load bias. */
  readonly offset?: number;
  /** The name of the function, demangled. */
  readonly symbol?: string;
  /** The function was inlined into that of the next frame, which has the same address. */
  readonly inlined?: boolean;
  /** The source file; absent if DWARF does not say. */
  readonly file?: string;
  /** The line of the call. */
  readonly line?: number;
}

/** The name of the function; without one its module and the place in it. */
export function frameName({ symbol, module, offset }: Pick<Frame, 'symbol' | 'module' | 'offset'>): string {
  if (symbol !== undefined && symbol !== '') return symbol;
  if (module !== undefined && offset !== undefined) return `${fileName(module)}+0x${offset.toString(16)}`;
  return '[unknown code]';
}

/** Where in the source, or in which file, the frame is; empty if nothing tells more than its name. */
export function framePlace({ file, line, module, symbol }: Pick<Frame, 'file' | 'line' | 'module' | 'symbol'>): string {
  if (file !== undefined) return line === undefined ? fileName(file) : `${fileName(file)}:${line}`;
  return symbol === undefined || module === undefined ? '' : fileName(module);
}

const LIBC = /^(libc|libpthread|ld-linux|ld-musl|libc\.musl)[-.]/;
/** The functions of libc that call main, or the function of a thread. */
const STARTS = /^(__libc_start_call_main|__libc_start_main|start_thread)(@|$)/;

type Code = Pick<Frame, 'module' | 'symbol'>;

const isLibc = ({ module }: Code): boolean => module !== undefined && LIBC.test(fileName(module));
const isStart = (frame: Code): boolean => isLibc(frame) && STARTS.test(frame.symbol ?? '');

/** Leaves out what libc does below the function that was called, and what it does before main. */
export function interestingFrames<F extends Code>(frames: readonly F[]): readonly F[] {
  const firstOwn = frames.findIndex((frame) => !isLibc(frame));
  const inner = firstOwn > 1 ? frames.slice(firstOwn - 1) : frames;
  const start = inner.findIndex(isStart);
  return start > 0 ? inner.slice(0, start) : inner;
}

const fileName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

export interface Unwound {
  /** The innermost first. */
  readonly frames: readonly Frame[];
  readonly end: StackEnd;
}
