/**
 * What bpftrace says while it runs, typed. Every message of `bpftrace -f json` from 0.17 to 0.26 has its place here, and
 * so have the lines that are no JSON and what stands on stderr.
 */

/** A `number` as long as that is exact, a `bigint` beyond ±(2^53 - 1). `Number(x)` and `BigInt(x)` take either. */
export type Integer = number | bigint;

/** A record, of `@m = *(struct s *)p`; its fields in their order. */
export interface Fields {
  readonly fields: readonly (readonly [name: string, value: Value])[];
}

/** What a map, or `print(expression)`, can hold. A tuple and an array are both an array. */
export type Value = Integer | string | boolean | null | readonly Value[] | Fields;

/**
 * The entries of a map, in bpftrace's order (ascending values). A map without keys has one, whose key is ''. The parts of
 * a key of several parts are joined with ',': `splitKey()` takes them apart. From 0.24 on bpftrace removes all spaces
 * from keys, so that keys can occur twice here.
 */
export type Entries<V> = readonly (readonly [key: string, value: V])[];

/** Says nothing of success: before 0.24 bpftrace writes it before it attaches. */
export interface AttachedMessage {
  readonly type: 'attached';
  readonly probes: number;
}
export interface MapMessage {
  readonly type: 'map';
  /** With its '@'. */
  readonly name: string;
  readonly entries: Entries<Value>;
}
/** Counts values from `min` to `max`, both inclusive; without `min` all below, without `max` all above. Not cumulative. */
export interface Bucket {
  readonly min?: Integer;
  readonly max?: Integer;
  readonly count: Integer;
}
/** bpftrace calls both `hist`; which it is, the script says. */
export interface HistogramMessage<Type extends 'hist' | 'lhist' = 'hist' | 'lhist'> {
  readonly type: Type;
  readonly name: string;
  /** From the first bucket that is not empty to the last, without gaps. */
  readonly entries: Entries<readonly Bucket[]>;
}
export interface Stats {
  readonly count: Integer;
  /** Of integers, rounded towards zero. */
  readonly average: Integer;
  readonly total: Integer;
}
export interface StatsMessage {
  readonly type: 'stats';
  readonly name: string;
  readonly entries: Entries<Stats>;
}
/** From 0.24 on. */
export interface TimeSeriesMessage {
  readonly type: 'tseries';
  readonly name: string;
  readonly entries: Entries<readonly { readonly start: string; readonly value: Value }[]>;
}
/** `print()` of something that is no map. */
export interface ValueMessage {
  readonly type: 'value';
  readonly value: Value;
}
export type TextType = 'printf' | 'time' | 'cat' | 'join' | 'syscall';
/** The text as the script wrote it, with its newline if it has one. */
export interface TextMessage<Type extends TextType = TextType> {
  readonly type: Type;
  readonly text: string;
}
/** Events that bpftrace's buffer had no room for, since the last such message. */
export interface LostMessage {
  readonly type: 'lost';
  readonly events: number;
}
/** A BPF helper failed in the script: the map is full, say. Not with `helperErrors: false`. */
export interface HelperErrorMessage {
  readonly type: 'helper-error';
  /** `map_update_elem`, say. */
  readonly helper: string;
  /** Negative errno. */
  readonly returnCode: number;
  /** In the words of bpftrace; from 0.20 on. */
  readonly text?: string;
  readonly line: number;
  readonly column: number;
}
/** `error` need not be the end: bpftrace goes on after some. `note`: what is neither, such as quoted lines of the script. */
export interface LogMessage<Type extends 'note' | 'warning' | 'error' = 'note' | 'warning' | 'error'> {
  readonly type: Type;
  /** One line, at most 4 KiB. */
  readonly text: string;
  /** `script`: its `warnf()`, `errorf()`, or a runtime error in it. `wrapper`: this package itself. */
  readonly source: 'stderr' | 'stdout' | 'script' | 'wrapper';
  readonly line?: number;
  readonly column?: number;
}
/** The script runs, and its output arrives. Only with `heartbeats: true`. */
export interface HeartbeatMessage {
  readonly type: 'heartbeat';
  /** Counts from 1, as far as none is lost. */
  readonly beat: number;
}
/** A JSON message of a type that this package does not know, of a newer bpftrace say. */
export interface UnknownMessage {
  readonly type: 'unknown';
  readonly json: string;
}

export type Message =
  | AttachedMessage
  | MapMessage
  | HistogramMessage<'hist'>
  | HistogramMessage<'lhist'>
  | StatsMessage
  | TimeSeriesMessage
  | ValueMessage
  | TextMessage<'printf'>
  | TextMessage<'time'>
  | TextMessage<'cat'>
  | TextMessage<'join'>
  | TextMessage<'syscall'>
  | LostMessage
  | HelperErrorMessage
  | LogMessage<'note'>
  | LogMessage<'warning'>
  | LogMessage<'error'>
  | HeartbeatMessage
  | UnknownMessage;
