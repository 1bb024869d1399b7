/** One process: two members with the same operations, of which one has a damaged row; they are walked as members do. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSqliteStore } from '../../../src/engine/sqlite/store.ts';
import { formatStamp } from '../../../src/memory/clock/stamp.ts';
import { openMemoryStore } from '../../../src/memory/open-memory-store.ts';
import type { Memories } from '../../../src/memory/memories.ts';
import { formatOperation } from '../../../src/memory/operation.ts';
import { reconcile } from '../../../src/memory/replication/reconcile.ts';
import { hashOfRow } from '../../../src/memory/store/row-hash.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { invariant } from '../../../src/platform/errors.ts';
import { systemRandom } from '../../../src/platform/random.ts';
import { loadHashing } from '../../../src/redaction/hashing.ts';
import { CONVERSATION_POLICY } from '../../../src/redaction/policy.ts';
import { createRedactor } from '../../../src/redaction/redactor.ts';
import { Database } from '../../../src/storage/sqlite/database.ts';
import { answer, processInput } from '../../measured-process.ts';

export interface DifferenceInput {
  folder: string;
  rows: number;
}

export interface DifferenceFigures {
  /** Asked by one member and answered by the other. */
  messages: number;
}

const { folder, rows } = processInput<DifferenceInput>();
const ORIGIN = 'gggg.1';
const AT_ONCE = 1000;
const DAMAGED = 'a fact that one member has otherwise';
const redactor = createRedactor({
  hashing: await loadHashing(),
  salt: new Uint8Array(32),
  policy: CONVERSATION_POLICY,
});

interface Opened {
  db: Database;
  memories: Memories;
}

function open(member: string): Opened {
  const db = new Database(join(folder, `${member}.db`));
  const common = { clock: systemClock, random: systemRandom, cap_bytes: 2 ** 40 };
  openSqliteStore(db, common);
  return { db, memories: openMemoryStore(db, { ...common, member, incarnation: '1', device: member, redactor }) };
}

async function close({ memories, db }: Opened): Promise<void> {
  await memories.close();
  db.close();
}

/** Small rows, as the number of messages depends on how many there are and not on how long. */
function operation(sequence: number): string {
  const stamp = formatStamp({ ms: 1_772_000_000_000 + sequence, counter: 0, origin: ORIGIN });
  const fields = {
    ...{ title: `Fact ${sequence}`, content: 'known', namespace: `n${sequence % 1000}`, tier: 'long', tags: [] },
    ...{ priority: 5, confidence: 1, source: 'api', expires_at: null },
  };
  const id = `fact-${sequence}`;
  return formatOperation({ v: 1, stamp, by: { agent_id: 'a', device: 'd' }, kind: 'store', id, fields, metadata: {} });
}

async function fill({ memories }: Opened): Promise<void> {
  for (let first = 1; first <= rows; first += AT_ONCE) {
    const count = Math.min(AT_ONCE, rows - first + 1);
    const operations = Array.from({ length: count }, (_, i) => operation(first + i));
    const { stopped } = await memories.replica.apply({ origin: ORIGIN, first, operations });
    invariant(stopped === null, 'a member takes the operations of another');
  }
}

/** As a disk that lies would: no operation tells of it. */
function damage({ db }: Opened): void {
  const id = `fact-${Math.floor(rows / 2)}`;
  const state = db.value<string>('SELECT state FROM memory WHERE id = ?', id).replace('"known"', `"${DAMAGED}"`);
  db.run('UPDATE memory SET state = ?, hash = ? WHERE id = ?', state, hashOfRow('memory', id, state), id);
}

const first = open('aaaa');
await fill(first);
first.db.checkpoint();
copyFileSync(join(folder, 'aaaa.db'), join(folder, 'bbbb.db'));
const second = open('bbbb');
damage(second);
await close(second);
const damaged = open('bbbb');
const there = damaged.memories.replica;
invariant(there.root() !== first.memories.replica.root(), 'the two members differ');

let messages = 0;
const found = await reconcile(first.memories.replica, {
  digest: async (prefixes) => {
    messages++;
    return Promise.all(prefixes.map((prefix) => there.digest(prefix)));
  },
  states: async (keys) => {
    messages++;
    return there.states(keys);
  },
  repair: async (states) => {
    messages++;
    return (await there.repair(states)).length;
  },
});
invariant(found.rows === 1, 'one row differs and is found');
await close(first);
await close(damaged);
const figures: DifferenceFigures = { messages };
answer(figures);
