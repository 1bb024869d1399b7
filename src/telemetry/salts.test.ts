import { expect, test } from 'vitest';
import { Database } from '../storage/sqlite/database.ts';
import { migrateFlowTables } from './capture/flow-tables.ts';
import { Salts, saltOf, type Beginning, type KeptBeginning } from './salts.ts';

const machine = saltOf(new Uint8Array(32).fill(1));
const team = saltOf(new Uint8Array(32).fill(2));
const other = saltOf(new Uint8Array(32).fill(3));

function journal(): Database {
  const db = new Database(':memory:');
  migrateFlowTables(db, 0);
  return db;
}

function keeper(): KeptBeginning {
  let kept: Beginning | null = null;
  return { read: () => kept, write: (beginning) => void (kept = beginning) };
}

/** The first moment, of those probed, whose events are the team's. */
const begins = (salts: Salts): number | undefined => [50, 100, 200, 300].find((ts_ms) => salts.at(ts_ms) === team);

test("the team's beginning outlives the journal's file, and the file what is kept beside it", () => {
  const kept = keeper();
  const db = journal();
  expect(begins(new Salts(db, machine, team, 100, kept))).toBe(100);
  expect(begins(new Salts(journal(), machine, team, 200, kept))).toBe(100);
  expect(begins(new Salts(db, machine, team, 300, keeper()))).toBe(100);
});

test('who leaves and comes back joins anew, also when one of the two remembers the first time', () => {
  const kept = keeper();
  const db = journal();
  const backup = journal();
  for (const journal_then of [db, backup]) void new Salts(journal_then, machine, team, 100, kept);
  void new Salts(db, machine, null, 200, kept);
  expect(begins(new Salts(db, machine, team, 300, kept))).toBe(300);
  expect(begins(new Salts(backup, machine, team, 400, kept))).toBe(300);
});

test("another team's beginning says nothing of this one's", () => {
  const kept = keeper();
  void new Salts(journal(), machine, other, 50, kept);
  expect(begins(new Salts(journal(), machine, team, 200, kept))).toBe(200);
  expect(kept.read()).toEqual({ salt_id: team.salt_id, began_ms: 200 });
});
