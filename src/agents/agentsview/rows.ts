import type { SQLInputValue } from 'node:sqlite';

/** What a read transaction offers; valid only inside it. Rows are of the shape that the caller's statement selects. */
export interface Rows {
  get<T extends object>(sql: string, ...parameters: SQLInputValue[]): T | undefined;
  all<T extends object>(sql: string, ...parameters: SQLInputValue[]): T[];
  /** Row by row, so that memory holds one at a time. */
  iterate<T extends object>(sql: string, ...parameters: SQLInputValue[]): Iterable<T>;
}

/**
 * A value as SQLite hands it over: any column may hold any type, whatever was declared. Integers arrive as bigint,
 * because node:sqlite refuses a row with an integer beyond 2^53, and modification times in nanoseconds are beyond.
 */
export type Stored = string | number | bigint | Uint8Array | null;

/**
 * Text of a column that should hold text. Bytes that are no UTF-8 become U+FFFD, NUL characters stay (rule A14); numbers
 * are written out, null stays null.
 */
export function textOf(value: Stored): string | null {
  if (value === null) return null;
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : String(value);
}

/** Like `textOf`, with '' for null: columns where agentsview itself does not tell the two apart. */
export function textOrEmpty(value: Stored): string {
  return textOf(value) ?? '';
}

/** Null for '' too: columns declared NOT NULL DEFAULT '' that mean "unknown" by it. */
export function nonEmpty(value: Stored): string | null {
  return textOf(value) || null;
}

/** A whole number, or null where the column holds none; beyond 2^53 the nearest that a number can hold. */
export function integerOf(value: Stored): number | null {
  if (value === null || value instanceof Uint8Array || value === '') return null;
  const number = Number(value);
  return Number.isFinite(number) ? Math.trunc(number) : null;
}

/** SQLite's booleans are 0 and 1. Null and everything else is false. */
export function isTrue(value: Stored): boolean {
  return integerOf(value) === 1;
}
