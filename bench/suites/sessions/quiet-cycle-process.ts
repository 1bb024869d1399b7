/** One process: takes in a database of agentsview once, then makes rounds of it while nothing happens. */
import { join } from 'node:path';
import { utimesSync } from 'node:fs';
import { openSqliteStore } from '../../../src/engine/sqlite/store.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { invariant } from '../../../src/platform/errors.ts';
import { systemRandom } from '../../../src/platform/random.ts';
import { systemTimers } from '../../../src/platform/timers.ts';
import { loadHashing } from '../../../src/redaction/hashing.ts';
import { AgentsviewSource } from '../../../src/sessions/capture/agentsview-source.ts';
import { SessionSweep } from '../../../src/sessions/capture/session-sweep.ts';
import { migrateSessionTables } from '../../../src/sessions/flow-tables.ts';
import { Database } from '../../../src/storage/sqlite/database.ts';
import { AgentsviewWriter } from '../../../test/support/agentsview-databases.ts';
import { answer, processInput } from '../../measured-process.ts';
import { median } from '../../harness.ts';

export interface QuietCycleInput {
  folder: string;
  sessions: number;
  cycles: number;
}

export interface QuietCycleFigures {
  /** Of one cycle, the median. */
  microseconds: number;
}

function writeDatabase(path: string, sessions: number): void {
  using writer = new AgentsviewWriter(path);
  writer.transaction(() => {
    for (let i = 0; i < sessions; i++) {
      const id = `00000000-0000-4000-8000-${i.toString(16).padStart(12, '0')}`;
      writer.session(id, { agent: 'claude', file_size: i, message_count: 2, cwd: `/home/ada/project-${i % 40}` });
    }
  });
  // Long ago: what was written within the last seconds is looked at again whatever its time says.
  utimesSync(path, 1_772_000_000, 1_772_000_000);
}

const { folder, sessions, cycles } = processInput<QuietCycleInput>();
const path = join(folder, 'sessions.db');
writeDatabase(path, sessions);
const db = new Database(join(folder, 'journal.db'));
const store = openSqliteStore(db, { clock: systemClock, random: systemRandom, cap_bytes: 2 ** 40 });
migrateSessionTables(db, 0);
const source = new AgentsviewSource({
  places: () => [{ path, because: 'bench', exists: true }],
  timers: systemTimers,
});
const common = { db, store, clock: systemClock, timers: systemTimers, hashing: await loadHashing(), device: 'bench' };
const sweep = new SessionSweep({ ...common, sources: [source] });
const { signal } = new AbortController();
const first = await sweep.sweep(signal);
invariant(first.kind === 'done' && first.appended === sessions, 'the first round takes in every session');
for (let settled = false; !settled;) settled = (await sweep.sweep(signal)).kind === 'quiet';

const times: number[] = [];
for (let cycle = 0; cycle < cycles; cycle++) {
  const began_ms = performance.now();
  const { kind } = await sweep.sweep(signal);
  times.push((performance.now() - began_ms) * 1000);
  invariant(kind === 'quiet', 'nothing happened, so nothing is found');
}
await store.close();
const figures: QuietCycleFigures = { microseconds: median(times) };
answer(figures);
