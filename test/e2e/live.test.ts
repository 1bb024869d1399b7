/** A line that an agent writes while `up` runs is in the journal and the store within a second. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { loadHashing } from '../../src/redaction/hashing.ts';
import { promptLine } from '../support/claude-transcripts.ts';
import { until } from '../support/condition.ts';
import { Machine } from '../support/machine.ts';
import { WORKED_EXAMPLE_FILES, placeWorkedExample } from '../support/worked-example.ts';

const LINES = 7;
/** The promise, and what a machine with other things to do may take for it. */
const PROMISED_MS = 1_000;
const TOLERATED_MS = 10_000;

test('a new line is in journal and store within a second', { timeout: 120_000 }, async () => {
  await using machine = new Machine();
  placeWorkedExample(machine);
  const up = await machine.up();
  const store = (): DatabaseSync => new DatabaseSync(join(machine.state, 'store.db'), { readOnly: true });
  await until('the history is in the store', () => {
    using db = store();
    return db.prepare('SELECT count(*) AS events FROM event').get()?.['events'] === 15;
  });

  const hashing = await loadHashing();
  const file = join(machine.projects, WORKED_EXAMPLE_FILES[0] ?? '');
  const times_ms: { journal: number; store: number }[] = [];
  for (let i = 0; i < LINES; i++) {
    const uuid = `live-${i}`;
    const origin = hashing.hashWithSalt(machine.salt(), `claude:prompt:${uuid}`);
    const written = performance.now();
    appendFileSync(file, promptLine(uuid, `prompt ${i}`, { timestamp: new Date().toISOString() }));
    const within = { within_ms: TOLERATED_MS, every_ms: 5 };
    await until(
      'the line is in the journal',
      () => {
        using db = new DatabaseSync(join(machine.state, 'engine.db'), { readOnly: true });
        return db.prepare('SELECT 1 FROM entry WHERE payload LIKE ?').get(`%${origin}%`) !== undefined;
      },
      within,
    );
    const journal = performance.now() - written;
    await until(
      'the line is in the store',
      () => {
        using db = store();
        return db.prepare('SELECT 1 FROM event WHERE origin_id_hash = ?').get(origin) !== undefined;
      },
      within,
    );
    times_ms.push({ journal, store: performance.now() - written });
  }
  const median = (of: number[]): number => of.sort((a, b) => a - b)[Math.floor(LINES / 2)] ?? Infinity;
  expect(median(times_ms.map(({ journal }) => journal))).toBeLessThan(PROMISED_MS);
  expect(median(times_ms.map(({ store: stored }) => stored))).toBeLessThan(PROMISED_MS);
  expect(await up.stop()).toMatchObject({ exit: 143, stderr: '' });
});
