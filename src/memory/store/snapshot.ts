/** Whole rows instead of operations: snapshots, repair, the leaves of the digest tree, the canonical export. */
import { InvalidInputError } from '../../platform/errors.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import type { Stamp } from '../clock/stamp.ts';
import { PAGE_LIMITS } from '../limits.ts';
import { parseStateText } from '../merge/parse-state.ts';
import type { Row } from '../merge/row.ts';
import type { RowKind } from '../operation.ts';
import type { OriginId } from '../origin.ts';
import type { DigestEntry, PageLimits, RowState, SnapshotPage, SnapshotRange } from '../replica.ts';

const ALL_ROWS = `SELECT place, 'memory' AS row, id AS key, hash, state FROM memory
  UNION ALL SELECT place, 'link', key, hash, state FROM link
  UNION ALL SELECT place, row, key, hash, state FROM coordination`;

interface PlacedRow extends RowState {
  place: number;
}

/** Memories before links, so that a link is seldom seen without its ends. */
const TABLES = {
  m: `SELECT place, 'memory' AS row, id AS key, state FROM memory`,
  n: 'SELECT place, row, key, state FROM coordination',
  p: `SELECT place, 'link' AS row, key, state FROM link`,
} as const;
type Table = keyof typeof TABLES;
const ORDER: readonly Table[] = ['m', 'n', 'p'];

/**
 * Rows after a place, table by table, in order of places; `next` is null at the end. Rows of one place stay together.
 * @throws InvalidInputError `memory.place`
 */
export function snapshotPage(db: Database, after: string, limits: PageLimits = {}): SnapshotPage {
  const [table, from] = placeOf(after);
  const most = Math.max(1, Math.min(limits.max_items ?? PAGE_LIMITS.max_items, PAGE_LIMITS.max_items));
  const max_bytes = Math.min(limits.max_bytes ?? PAGE_LIMITS.max_bytes, PAGE_LIMITS.max_bytes);
  const sql = TABLES[table];
  const found = db.all<PlacedRow>(`${sql} WHERE place > ? ORDER BY place LIMIT ?`, from, most + 1);
  const rows = within(found, most, max_bytes);
  const last = rows.at(-1);
  const following = ORDER[ORDER.indexOf(table) + 1] ?? null;
  if (!last) return { rows: [], next: following };
  const ties = db.all<PlacedRow>(`${sql} WHERE place = ?`, last.place);
  const whole = [...rows.filter(({ place }) => place !== last.place), ...ties];
  return {
    rows: whole.map(({ row, key, state }) => ({ row, key, state })),
    next: rows.length < found.length ? table + last.place.toString(16).padStart(12, '0') : following,
  };
}

function within(rows: readonly PlacedRow[], most: number, max_bytes: number): PlacedRow[] {
  const taken: PlacedRow[] = [];
  let bytes = 0;
  for (const row of rows.slice(0, most)) {
    bytes += Buffer.byteLength(row.state) + row.key.length;
    if (taken.length > 0 && bytes > max_bytes) break;
    taken.push(row);
  }
  return taken;
}

/**
 * Rows of this member in the range of another's page that the page does not have, but for those that this origin has changed:
 * of these the other may not have heard.
 */
export function unlisted(
  db: Database,
  { after, next }: Pick<SnapshotRange, 'after' | 'next'>,
  listed: readonly RowState[],
  origin: OriginId,
): RowState[] {
  const [table, from] = placeOf(after);
  const [end, to] = next === null ? [null, -1] : placeOf(next);
  const there = new Set(listed.map(({ row, key }) => `${row} ${key}`));
  return db
    .all<RowState>(`${TABLES[table]} WHERE place > ? AND place <= ?`, from, end === table ? to : 2 ** 48)
    .filter(({ row, key, state }) => row !== 'floor' && !there.has(`${row} ${key}`) && !state.includes(origin));
}

/** @throws InvalidInputError `memory.place` */
function placeOf(text: string): [Table, number] {
  if (!/^([mnp]([0-9a-f]{12})?)?$/.test(text)) throw new InvalidInputError('memory.place', 'Not a place of a snapshot');
  return [(text[0] ?? 'm') as Table, text.length > 1 ? Number.parseInt(text.slice(1), 16) : -1];
}

export function statesOf(db: Database, keys: readonly { row: RowKind; key: string }[]): RowState[] {
  const pick = (row: RowKind): string =>
    JSON.stringify(keys.filter((given) => given.row === row).map(({ key }) => key));
  const coordination = JSON.stringify(keys.map(({ row, key }) => [row, key]));
  return [
    ...db.all<RowState>(
      `SELECT 'memory' AS row, id AS key, state FROM memory WHERE id IN (SELECT value FROM json_each(?))`,
      pick('memory'),
    ),
    ...db.all<RowState>(
      `SELECT 'link' AS row, key, state FROM link WHERE key IN (SELECT value FROM json_each(?))`,
      pick('link'),
    ),
    ...db.all<RowState>(
      `SELECT c.row, c.key, c.state FROM json_each(?) g JOIN coordination c
         ON c.row = json_extract(g.value, '$[0]') AND c.key = json_extract(g.value, '$[1]')`,
      coordination,
    ),
  ];
}

/** Row keys and hashes of a range of places. */
export function entriesOf(db: Database, first: number, last: number): DigestEntry[] {
  return db
    .all<{ row: RowKind; key: string; hash: Uint8Array }>(
      `SELECT row, key, hash FROM (${ALL_ROWS}) WHERE place BETWEEN ? AND ? ORDER BY place, row, key`,
      first,
      last,
    )
    .map(({ row, key, hash }) => ({ row, key, hash: Buffer.from(hash).toString('hex') }));
}

/** Place and hash of every row, from covering indexes alone. */
export function allHashes(db: Database): { place: number; hash: Uint8Array }[] {
  return db.all(
    `SELECT place, hash FROM memory UNION ALL SELECT place, hash FROM link UNION ALL SELECT place, hash FROM coordination`,
  );
}

/** @throws InvalidInputError `memory.invalid`, `memory.json` */
export function parseRow({ row, key, state }: RowState): Row {
  return parseStateText(row, key, state);
}

/** The greatest stamp in a state: what its owner's clock has seen. */
export function newestStamp({ row, state }: Row): Stamp {
  const stamps: Stamp[] = [];
  if (row === 'memory') {
    const { dead, life, registers } = state;
    stamps.push(dead, life, ...Object.values(registers).map(({ stamp }) => stamp));
  } else if (row === 'pending') {
    const { asked, votes, decision, cleared } = state;
    stamps.push(
      cleared ?? '',
      asked?.stamp ?? '',
      decision?.stamp ?? '',
      ...Object.values(votes).map(({ stamp }) => stamp),
    );
  } else if ('stamp' in state) stamps.push(state.stamp);
  return stamps.reduce((latest, stamp) => (stamp > latest ? stamp : latest), '');
}

const LINES = 500;

/** One line a row: kind, key and state as JSON, by kind and key. Equal on members with equal vectors (P6). */
export function* canonicalLines(db: Database): Generator<string> {
  const tables = [
    { row: 'link', sql: 'SELECT key, state FROM link WHERE key > ? ORDER BY key LIMIT ?' },
    { row: 'memory', sql: 'SELECT id AS key, state FROM memory WHERE id > ? ORDER BY id LIMIT ?' },
  ];
  for (const row of ['floor', 'namespace', 'pending'])
    tables.push({
      row,
      sql: `SELECT key, state FROM coordination WHERE row = '${row}' AND key > ? ORDER BY key LIMIT ?`,
    });
  for (const { row, sql } of tables) {
    let after = '';
    for (;;) {
      const page = db.all<{ key: string; state: string }>(sql, after, LINES);
      for (const { key, state } of page) yield `[${JSON.stringify(row)},${JSON.stringify(key)},${state}]`;
      if (page.length < LINES) break;
      after = page.at(-1)?.key ?? '';
    }
  }
}
