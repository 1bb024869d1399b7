/** One process: writers that insert rows into a bare table, all that wait in one transaction. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { answer, processInput } from '../../measured-process.ts';
import { memoryRows } from './rows.ts';

export interface InsertsInput {
  folder: string;
  writers: number;
  warm_up_ms: number;
  measured_ms: number;
}

export interface InsertsFigures {
  rows_per_second: number;
}

interface Waiting {
  id: string;
  body: string;
  done: () => void;
}

const { folder, writers, warm_up_ms, measured_ms } = processInput<InsertsInput>();
const db = new DatabaseSync(join(folder, 'inserts.db'));
db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL');
db.exec('CREATE TABLE row (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT');
const insert = db.prepare('INSERT INTO row (id, body) VALUES (?, ?)');
let waiting: Waiting[] = [];

function commit(): void {
  const group = waiting;
  waiting = [];
  db.exec('BEGIN IMMEDIATE');
  for (const { id, body } of group) insert.run(id, body);
  db.exec('COMMIT');
  for (const { done } of group) done();
}

function write(id: string, body: string): Promise<void> {
  return new Promise((done) => {
    if (waiting.length === 0) setImmediate(commit);
    waiting.push({ id, body, done });
  });
}

const rowOf = memoryRows();
let rows = 0;
let counted = 0;
const begins_ms = performance.now() + warm_up_ms;
const ends_ms = begins_ms + measured_ms;

async function writeUntilTheEnd(): Promise<void> {
  while (performance.now() < ends_ms) {
    const number = rows++;
    await write(number.toString(16).padStart(32, '0'), JSON.stringify(rowOf(number)));
    const now_ms = performance.now();
    if (now_ms >= begins_ms && now_ms < ends_ms) counted++;
  }
}

await Promise.all(Array.from({ length: writers }, writeUntilTheEnd));
db.close();
const figures: InsertsFigures = { rows_per_second: counted / (measured_ms / 1000) };
answer(figures);
