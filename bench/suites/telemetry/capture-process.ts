/** One process: reads all transcripts into the journal and delivers it to the store, as `syncline up` does. */
import { Wakeup } from '../../../src/engine/wakeup.ts';
import { invariant } from '../../../src/platform/errors.ts';
import type { DataDirectory } from '../../../src/runtime/data-directory.ts';
import { Database } from '../../../src/storage/sqlite/database.ts';
import { writeFileSync } from 'node:fs';
import { answer, processInput } from '../../measured-process.ts';
import { deliverAll, openBenchDirectory, type BenchHome } from './data-directory.ts';

export interface CaptureInput extends BenchHome {
  /** Where to write what was journaled, as the reference's input; null = nowhere. */
  export_to: string | null;
}

export interface CaptureFigures {
  /** Rows of the store's event table: what agents did, each once. */
  events: number;
  /** Those, the tool spans and the session accounts: everything that was journaled and delivered. */
  entries: number;
  seconds: number;
}

async function captureAndDeliver({ sweep, deliveries }: DataDirectory): Promise<number> {
  const [delivery] = deliveries.values();
  invariant(delivery, 'the local store is always a destination');
  const captured = new AbortController();
  const wakeup = new Wakeup();
  const delivering = delivery.run(captured.signal, wakeup);
  const { appended } = await sweep.sweep(new AbortController().signal, (what) => wakeup.notify(what));
  captured.abort();
  await delivering;
  await deliverAll(delivery);
  return appended;
}

/** The journaled items as JSON lines, each under an id by which a receiver can tell it from all others. */
function exportItems(engine_db: string, file: string): void {
  const journal = new Database(engine_db, { read_only: true });
  const rows = journal.all<{ entry_id: number; origin: string | null; payload: string }>(
    `SELECT entry_id, name || ' ' || (payload ->> 'origin_id_hash') AS origin, payload
     FROM entry JOIN partition USING (partition_id) ORDER BY entry_id`,
  );
  journal.close();
  const used = new Set<string>();
  const lines = rows.map(({ entry_id, origin, payload }) => {
    const id = origin === null || used.has(origin) ? `entry ${entry_id}` : origin;
    used.add(id);
    return `{"id":${JSON.stringify(id)},${payload.slice(1)}\n`;
  });
  writeFileSync(file, lines.join(''));
}

const input = processInput<CaptureInput>();
const directory = await openBenchDirectory(input);
const began_ms = performance.now();
const entries = await captureAndDeliver(directory);
const seconds = (performance.now() - began_ms) / 1000;
const { store_db, engine_db } = directory.options.paths;
await directory.close();

const store = new Database(store_db, { read_only: true });
const count = (table: string): number => store.value<number>(`SELECT count(*) FROM ${table}`);
const events = count('event');
const stored = events + count('tool_span');
store.close();
invariant(stored > 0 && stored <= entries, 'every stored row was journaled');
if (input.export_to !== null) exportItems(engine_db, input.export_to);
const figures: CaptureFigures = { events, entries, seconds };
answer(figures);
