/** What both sides of the comparison write beside their queue: the link of each key, compare-and-set, one statement for many. */

export const STREAM = 'records';

/** In a schema of its own, so that the statement is the same for all. */
export const LINK_TABLE = `
  CREATE SCHEMA bench;
  CREATE TABLE bench.link (
    stream text NOT NULL, key text COLLATE "C" NOT NULL, base bigint NOT NULL, doc text NOT NULL,
    PRIMARY KEY (stream, key)
  ) WITH (fillfactor = 50);`;

export const LINK_COLUMNS = ['text', 'text', 'bigint', 'bigint', 'text'] as const;

/** `rows` stands for the unnest of an index and the columns. */
export const setLinks = (rows: string): string => `
  UPDATE bench.link l SET base = r.next, doc = r.doc FROM ${rows} AS r (i, stream, key, base, next, doc)
  WHERE l.stream = r.stream AND l.key = r.key AND l.base = r.base RETURNING r.i`;

export const keyOf = (n: number): string => `acme/Contact/${String(n).padStart(9, '0')}`;

/** A document of about 300 bytes, as the fields of a contact are. */
export const docOf = (key: string): string =>
  JSON.stringify({
    key,
    name: `Name of ${key}`,
    mail: `${key}@example.com`,
    phone: '+49 30 123456',
    note: 'x'.repeat(180),
  });

/** The links of one key, in the order of the columns. */
export const linkOf = (key: string): [string, string, number, number, string] => [STREAM, key, 0, 1, docOf(key)];

export const LINKS = `INSERT INTO bench.link SELECT stream, key, 0, '' FROM unnest($1::text[], $2::text[]) AS k (stream, key)`;
