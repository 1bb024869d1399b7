/** What can go wrong on purpose (records.md §12.11). */

/** Which requests or rows a fault is for; what is not given is any. */
export interface FaultMatch {
  /** `PATCH` */
  method?: string;
  /** Of the whole address with its query; a star stands for anything. */
  path?: string;
  /** Of rows and of addresses under `/sobjects/`. */
  object?: string;
  record_id?: string;
  /** Of rows: fields and the values that they would have. */
  values?: Readonly<Record<string, string | number | boolean>>;
}

export type FaultEffect =
  /** Answered so instead of doing anything. */
  | {
      kind: 'reply';
      status: number;
      error_code?: string;
      message?: string;
      headers?: Record<string, string>;
      body?: string;
    }
  /** Waits before the request is looked at, or before its reply is sent. */
  | { kind: 'delay'; delay_ms: number; when?: 'before' | 'after' }
  /** The connection ends before anything is done. */
  | { kind: 'drop_before_commit' }
  /** Everything is done, and the reply is lost. */
  | { kind: 'drop_after_commit' }
  /** All access tokens end before the request is looked at. */
  | { kind: 'expire_tokens' }
  /** A row is refused: a lock, a duplicate rule, a partial failure. */
  | { kind: 'row'; status_code: string; message?: string; fields?: readonly string[] }
  /** What becomes of a bulk job when it is processed. */
  | { kind: 'bulk'; outcome: BulkOutcome; after_rows?: number; message?: string };

/** `stalled` stays in progress until the fault is removed; the other two end after `after_rows` rows. */
export type BulkOutcome = 'Failed' | 'Aborted' | 'stalled';

export interface Fault {
  match?: FaultMatch;
  effect: FaultEffect;
  /** How often it strikes; none: until it is removed. */
  times?: number;
  /** So many that match go well first. */
  after?: number;
}

/** What a fault is asked about. */
export interface Occasion {
  method?: string;
  target?: string;
  object?: string;
  record_id?: string | null;
  values?: Readonly<Record<string, unknown>>;
}
