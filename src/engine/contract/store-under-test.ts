import type { EngineStore, RowWriter } from '../store.ts';

export interface StoreOptions {
  cap_bytes?: number;
  /** For back-ends that take rows (`takes_rows`); others leave them aside. */
  writers?: readonly RowWriter[];
}

/** A back-end of the engine with the handles that its contract needs. */
export interface StoreUnderTest {
  /** The store as it is open now. */
  readonly store: EngineStore;
  /** Lets go of the store as a crash would, and opens what was committed. */
  reopen(): Promise<EngineStore>;
  /** From now on the n-th statement and all after it fail until `reopen`; `after`: the n-th still has its effect. */
  crashAt(statement: number, side: 'before' | 'after'): void;
  /** A statement of a flow, written with `?` and bare names of tables, in the back-end's dialect (`FlowWrite`). */
  flowSql(sql: string): string;
  /** Every row of every table, in a fixed order. */
  dump(): Promise<unknown>;
  /** Whether a text stands anywhere in the files that the store keeps. */
  holds(text: string): Promise<boolean>;
  close(): Promise<void>;
}

/** Opens an empty store; each call another one, with the same ids in the same order. */
export interface OpenStore {
  (options?: StoreOptions): Promise<StoreUnderTest>;
  /** Whether the back-end has row writers. */
  takes_rows?: boolean;
}
