/** Pieces of statements on a customer's table that depend on the types of its columns. */
import type { Column } from './columns.ts';
import { quoteIdentifier } from './identifiers.ts';

/**
 * Types whose text depends on settings, or that have more than one text for a value: compared as themselves. All others are
 * compared by their text, byte by byte: `=` of citext, of a case-blind collation, takes for equal what a person changed, and
 * json has none.
 */
const COMPARED_AS_THEMSELVES =
  /^_?(?:bool|int2|int4|int8|numeric|float4|float8|money|date|time|timetz|timestamp|timestamptz|interval|uuid|bytea)$/;

/** SQL: whether the column holds what was read as this text; null equals null. `text` is SQL of type text. */
export function holds(column: Column, row: string, text: string): string {
  const stored = `${row}.${quoteIdentifier(column.name)}`;
  return COMPARED_AS_THEMSELVES.test(column.type)
    ? `${stored} IS NOT DISTINCT FROM ${text}::${column.declared}`
    : `${stored}::text COLLATE "C" IS NOT DISTINCT FROM ${text}`;
}

/** SQL: the text as a value of the column. */
export function cast(column: Column, text: string): string {
  return `${text}::${column.declared}`;
}

/** Types that compare with a text without a cast that could change it, or keep an index from being used. */
const TEXTUAL = new Set(['text', 'varchar', 'name']);

/** SQL: the text as something that the key column can be compared with, by its index. */
export function castKey(column: Column, text: string, array = false): string {
  const brackets = array ? '[]' : '';
  if (TEXTUAL.has(column.type)) return `${text}::text${brackets}`;
  // With its length, as `character(10)`, a longer text would be cut and then equal another key.
  return `${text}::${column.type === 'bpchar' ? 'bpchar' : column.declared}${brackets}`;
}

const INTEGER_BITS: Readonly<Record<string, number>> = { int2: 16, int4: 32, int8: 64 };
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** Whether a column of this type could hold the key at all: a cast of what it could not would be an error. */
export function couldHold(column: Column, key: string): boolean {
  if (key.includes('\0')) return false;
  const bits = INTEGER_BITS[column.type];
  if (bits !== undefined)
    return /^(?:0|-?[1-9]\d{0,18})$/.test(key) && BigInt.asIntN(bits, BigInt(key)) === BigInt(key);
  return column.type !== 'uuid' || UUID.test(key);
}

/** Whether a key of this type is looked up by its own value; others (numeric, enums) by their text, without an index. */
export function hasOwnLookup({ type }: Column): boolean {
  return TEXTUAL.has(type) || type === 'bpchar' || type === 'citext' || type === 'uuid' || type in INTEGER_BITS;
}
