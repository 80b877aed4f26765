/**
 * The types of everything that bpftrace prints while it runs: every message of `bpftrace -f json` from 0.17 to 0.26, lines
 * that are not JSON, and stderr.
 */

/** A `number` if that is exact, or a `bigint` beyond ±(2^53 - 1). `Number(x)` and `BigInt(x)` take either. */
export type Integer = number | bigint;

/** A record, such as that of `@m = *(struct s *)p`, with its fields in order. */
export interface Fields {
  readonly fields: readonly (readonly [name: string, value: Value])[];
}

/** A value of a map or of `print(expression)`. A tuple and an array are both an array. */
export type Value = Integer | string | boolean | null | readonly Value[] | Fields;

/**
 * The entries of a map, in bpftrace's order (ascending values). A map without keys has one, whose key is ''. The parts of
 * a key of several parts are joined with ',': `splitKey()` takes them apart. From 0.24 on bpftrace removes all spaces
 * from keys, so that keys can occur twice here.
 */
export type Entries<V> = readonly (readonly [key: string, value: V])[];

/** This does not mean success: before 0.24, bpftrace writes it before it attaches. */
export interface AttachedMessage {
  readonly type: 'attached';
  readonly probes: number;
}
export interface MapMessage {
  readonly type: 'map';
  /** The name with its '@'. */
  readonly name: string;
  readonly entries: Entries<Value>;
}
/** Counts values from `min` to `max`, both inclusive. Without `min`, it counts all values below; without `max`, all above. Not cumulative. */
export interface Bucket {
  readonly min?: Integer;
  readonly max?: Integer;
  readonly count: Integer;
}
/** bpftrace calls both `hist`. The script shows which one it is. */
export interface HistogramMessage<Type extends 'hist' | 'lhist' = 'hist' | 'lhist'> {
  readonly type: Type;
  readonly name: string;
  /** The buckets from the first to the last that is not empty, without gaps. */
  readonly entries: Entries<readonly Bucket[]>;
}
export interface Stats {
  readonly count: Integer;
  /** The average of integers, rounded towards zero. */
  readonly average: Integer;
  readonly total: Integer;
}
export interface StatsMessage {
  readonly type: 'stats';
  readonly name: string;
  readonly entries: Entries<Stats>;
}
/** Exists from 0.24 on. */
export interface TimeSeriesMessage {
  readonly type: 'tseries';
  readonly name: string;
  readonly entries: Entries<readonly { readonly start: string; readonly value: Value }[]>;
}
/** The result of `print()` for something other than a map. */
export interface ValueMessage {
  readonly type: 'value';
  readonly value: Value;
}
export type TextType = 'printf' | 'time' | 'cat' | 'join' | 'syscall';
/** The text that the script wrote, with its newline if there is one. */
export interface TextMessage<Type extends TextType = TextType> {
  readonly type: Type;
  readonly text: string;
}
/** The number of events for which bpftrace's buffer had no room since the last such message. */
export interface LostMessage {
  readonly type: 'lost';
  readonly events: number;
}
/** A BPF helper failed in the script, for example because a map is full. Absent with `helperErrors: false`. */
export interface HelperErrorMessage {
  readonly type: 'helper-error';
  /** The name of the helper, such as `map_update_elem`. */
  readonly helper: string;
  /** A negative errno. */
  readonly returnCode: number;
  /** bpftrace's own text, from 0.20 on. */
  readonly text?: string;
  readonly line: number;
  readonly column: number;
}
/** After some errors, bpftrace goes on. `note` is neither a warning nor an error, such as quoted lines of the script. */
export interface LogMessage<Type extends 'note' | 'warning' | 'error' = 'note' | 'warning' | 'error'> {
  readonly type: Type;
  /** One line, at most 4 KiB. */
  readonly text: string;
  /** `script`: its `warnf()`, `errorf()`, or a runtime error in it. `wrapper`: this package itself. */
  readonly source: 'stderr' | 'stdout' | 'script' | 'wrapper';
  readonly line?: number;
  readonly column?: number;
}
/** The script runs and its output arrives. Present only with `heartbeats: true`. */
export interface HeartbeatMessage {
  readonly type: 'heartbeat';
  /** The number of the heartbeat from 1 on, if none is lost. */
  readonly beat: number;
}
/** A JSON message of an unknown type, for example from a newer bpftrace. */
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
