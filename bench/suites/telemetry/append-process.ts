/** One process: the same rows into an empty file, through the engine's append or through plain inserts. */
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { openSqliteStore } from '../../../src/engine/sqlite/store.ts';
import { TRANSACTION_LIMITS, type NewEntry } from '../../../src/engine/store.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { seededRandom, systemRandom } from '../../../src/platform/random.ts';
import { Database } from '../../../src/storage/sqlite/database.ts';
import { answer, processInput } from '../../measured-process.ts';
import { Draw } from './words.ts';

export interface AppendInput {
  folder: string;
  rows: number;
  by: 'engine' | 'inserts';
}

export interface AppendFigures {
  seconds: number;
}

const TRANSACTION_ROWS = TRANSACTION_LIMITS.max_rows;
const PAYLOAD_CHARS = 600;
/** Sessions follow each other: a transaction holds the lines of one or two transcripts. */
const ROWS_PER_SESSION = 1500;

interface Row extends Omit<NewEntry, 'partition_id'> {
  /** Ascending and unique, as a client would make it that keeps order. */
  id: string;
}

function makeRows(count: number): Row[][] {
  const draw = new Draw(seededRandom(1));
  const transactions: Row[][] = [];
  for (let i = 0; i < count; i++) {
    if (i % TRANSACTION_ROWS === 0) transactions.push([]);
    transactions.at(-1)?.push({
      id: i.toString(16).padStart(32, '0'),
      cursor: `${i * 2048}:0`,
      subject: `blake3:${Math.floor(i / ROWS_PER_SESSION)
        .toString(16)
        .padStart(64, '0')}`,
      observed_ms: 1_772_000_000_000 + i * 1000,
      payload: JSON.stringify({ event_seq: i, payload: { text: draw.prose(PAYLOAD_CHARS - 50) } }),
    });
  }
  return transactions;
}

async function appendAll(folder: string, transactions: readonly Row[][]): Promise<void> {
  const db = new Database(join(folder, 'engine.db'));
  const store = openSqliteStore(db, { clock: systemClock, random: systemRandom, cap_bytes: 2 ** 40 });
  const header = { kind: 'events', workspace_hash: 'w' };
  const { partition_id } = await store.openPartition({ stream: 'telemetry', name: 'bench', header });
  const { source_id } = await store.openSource('telemetry', 'bench', 0);
  for (const rows of transactions) {
    const entries = rows.map(({ cursor, subject, observed_ms, payload }) => ({
      partition_id,
      cursor,
      subject,
      observed_ms,
      payload,
    }));
    await store.append({ source_id, entries, checkpoint: rows.at(-1)?.cursor ?? null, now_ms: 0 });
  }
  await store.close();
}

function insertAll(folder: string, transactions: readonly Row[][]): void {
  const db = new DatabaseSync(join(folder, 'inserts.db'));
  db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL');
  db.exec(
    'CREATE TABLE row (id TEXT PRIMARY KEY, cursor TEXT, subject TEXT, observed_ms INTEGER, payload TEXT) STRICT',
  );
  const insert = db.prepare('INSERT INTO row (id, cursor, subject, observed_ms, payload) VALUES (?, ?, ?, ?, ?)');
  for (const rows of transactions) {
    db.exec('BEGIN IMMEDIATE');
    for (const { id, cursor, subject, observed_ms, payload } of rows)
      insert.run(id, cursor, subject, observed_ms, payload);
    db.exec('COMMIT');
  }
  db.close();
}

const input = processInput<AppendInput>();
const transactions = makeRows(input.rows);
const began_ms = performance.now();
if (input.by === 'engine') await appendAll(input.folder, transactions);
else insertAll(input.folder, transactions);
const figures: AppendFigures = { seconds: (performance.now() - began_ms) / 1000 };
answer(figures);
