import type { Column, Table } from './known-columns.ts';
import { integerOf, textOf, type Stored } from './rows.ts';
import type { Schema } from './schema.ts';

/** A row with the texts `C` cut to the limit, and beside each the bytes that it has whole. */
export type CutRow<C extends string> = Record<C | `${C}_bytes`, Stored>;

/**
 * The select list of texts of which only the first `max_bytes` bytes are taken (design §5 rule 12): a row may hold 1 GB
 * (rule A14), twice what a string of this runtime can. `octet_length` knows the size without reading the text.
 */
export function cutColumns<T extends Table>(
  schema: Schema,
  table: T,
  columns: readonly Column<T>[],
  max_bytes: number,
): string {
  return columns
    .map((column) => {
      const text = schema.expression(
        table,
        column,
        (name) =>
          `CASE WHEN octet_length(${name}) > ${max_bytes} THEN substr(CAST(${name} AS BLOB), 1, ${max_bytes}) ELSE ${name} END`,
      );
      const bytes = schema.has(table, column) ? `octet_length("${column}")` : 'NULL';
      return `${text}, ${bytes} AS "${column}_bytes"`;
    })
    .join(', ');
}

/** The text, cut before the character that the limit falls into, and how many bytes are missing from it. */
export function cutText(value: Stored, whole_bytes: Stored): { text: string | null; cut_bytes: number } {
  const bytes = integerOf(whole_bytes) ?? 0;
  if (!(value instanceof Uint8Array) || value.length >= bytes) return { text: textOf(value), cut_bytes: 0 };
  // `stream` holds back the bytes of an unfinished character instead of making U+FFFD of them.
  return { text: new TextDecoder().decode(value, { stream: true }), cut_bytes: bytes - value.length };
}
