/** Names of the customer's schemas, tables and columns on their way into SQL: nothing of a mapping gets there unquoted. */
import { createHash } from 'node:crypto';
import { UsageError } from '../../platform/errors.ts';

/** Longest identifier that PostgreSQL keeps whole (NAMEDATALEN - 1); what is longer it would cut in silence. */
const MOST_BYTES = 63;

/** A table, its parts as they are written in the catalogue. */
export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/**
 * `"name"`, whatever is in it.
 * @throws UsageError `records.identifier` when PostgreSQL cannot have such a name: empty, with NUL, or above 63 bytes
 */
export function quoteIdentifier(name: string): string {
  if (name === '' || name.includes('\0') || Buffer.byteLength(name) > MOST_BYTES)
    throw new UsageError(
      'records.identifier',
      'A schema, table or column of a mapping has no name PostgreSQL can have',
      {
        hint: `Names have 1 to ${MOST_BYTES} bytes.`,
      },
    );
  return `"${name.replaceAll('"', '""')}"`;
}

/** `'text'`, also with backslashes and whatever `standard_conforming_strings` says. */
export function quoteText(text: string): string {
  const quoted = text.replaceAll("'", "''");
  return text.includes('\\') ? `E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`;
}

/** The parts of `schema.table` as mappings write it; without a point the schema is `public`. */
export function tableName(written: string): TableName {
  const point = written.indexOf('.');
  if (point < 0) return { schema: 'public', table: written };
  return { schema: written.slice(0, point), table: written.slice(point + 1) };
}

/** `"schema"."table"` */
export function quoteTable({ schema, table }: TableName): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
}

/** `name` if PostgreSQL keeps it whole; else its beginning and a hash of all of it, so that two long names stay two. */
export function shortName(name: string): string {
  if (Buffer.byteLength(name) <= MOST_BYTES) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 12);
  return `${Buffer.from(name).subarray(0, 48).toString().replaceAll('\ufffd', '')}_${hash}`;
}
