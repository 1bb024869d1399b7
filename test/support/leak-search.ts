/** Looks for bytes that must not be there: in files as they lie on the disk, in databases row by row, in texts. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { examples } from '../../src/redaction/examples.ts';

/** What `examples.ts` builds every token of: a piece of one that comes through shows even where the whole does not. */
const CORES = ['a7Kq2ZbX9mR4', '3f9a1c7e5b2d', 'Q7ZK2M9XW4B6'];
/** Shorter secrets are words of any text; they are looked for with what stands before them. */
const TELLING_CHARS = 7;

export interface Planted {
  rule: string;
  text: string;
  needle: string;
}

/** Every positive example of the rule set, as text to plant and as what must be gone afterwards. */
export const PLANTED: readonly Planted[] = Object.entries(examples).flatMap(([rule, { positive }]) =>
  positive.map(([before, secret, after]) => ({
    rule,
    text: before + secret + after,
    needle: secret.length >= TELLING_CHARS ? secret : before + secret,
  })),
);

const NEEDLES = [...new Set([...CORES, ...PLANTED.map(({ needle }) => needle)])].flatMap((needle) => {
  const escaped = JSON.stringify(needle).slice(1, -1);
  return escaped === needle ? [needle] : [needle, escaped, JSON.stringify(escaped).slice(1, -1)];
});

/** What of the planted a text holds; `where` stands before each. */
export function leaksIn(where: string, text: string): string[] {
  return NEEDLES.filter((needle) => text.includes(needle)).map((needle) => `${where}: ${needle}`);
}

/** Every file below a folder, as bytes. */
export function leaksInFiles(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .flatMap(({ parentPath, name }) => {
      const file = join(parentPath, name);
      return leaksIn(file.slice(folder.length + 1), readFileSync(file).toString('latin1'));
    });
}

/** Every text of every table: a value that spans several pages is not in one piece in the file. */
export function leaksInDatabase(file: string): string[] {
  using db = new DatabaseSync(file, { readOnly: true });
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  return tables.flatMap(({ name }) =>
    leaksIn(`${file.split('/').at(-1)} ${String(name)}`, rowsOf(db, String(name)).map(rowText).join('\n')),
  );
}

/** As bigint: our ids and hashes use all 64 bits. */
function rowsOf(db: DatabaseSync, table: string): Record<string, unknown>[] {
  const statement = db.prepare(`SELECT * FROM "${table}"`);
  statement.setReadBigInts(true);
  return statement.all();
}

function rowText(row: Record<string, unknown>): string {
  return Object.values(row)
    .map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value)))
    .join('\n');
}
