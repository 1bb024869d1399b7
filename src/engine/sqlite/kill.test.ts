import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { seededRandom } from '../../platform/random.ts';
import { Database } from '../../storage/sqlite/database.ts';
import { NOW } from '../contract/scene.ts';
import { openSqliteStore } from './store.ts';

const KILLS = 12;
const clock = { now_ms: () => NOW, monotonic_ms: () => 0 };

/**
 * Appends, sends and removes until it is killed. After each commit it prints the offset of the last entry that is
 * promised to be durable, and the last that is settled.
 */
const PROGRAM = `
  const [{ Database }, { openSqliteStore }, { systemRandom }] = await Promise.all(
    ['${new URL('../../storage/sqlite/database.ts', import.meta.url).href}', '${new URL('./store.ts', import.meta.url).href}',
     '${new URL('../../platform/random.ts', import.meta.url).href}'].map((url) => import(url)));
  const now_ms = ${NOW};
  const store = openSqliteStore(new Database(process.argv[1]), { clock: { now_ms: () => now_ms }, random: systemRandom, cap_bytes: 2 ** 30 });
  const { partition_id, last_offset } = await store.openPartition({ stream: 'telemetry', name: 'a', header: {} });
  const source = await store.openSource('telemetry', 'file', now_ms);
  await store.configureDestination({ destination_id: 'd', stream: 'telemetry', required: true, start: 'earliest' }, now_ms);
  let ids = 0;
  const newBatchId = () => process.pid + '-' + ++ids;
  for (let n = Number(source.checkpoint ?? 0); ; n += 3) {
    const entries = [1, 2, 3].map((i) => ({ partition_id, cursor: String(n + i), subject: 's' + (n % 7), observed_ms: now_ms - 1, payload: '{"n":' + (n + i) + '}' }));
    await store.append({ source_id: source.source_id, entries, checkpoint: String(n + 3), now_ms });
    process.stdout.write('appended ' + (n + 3) + '\\n');
    await store.backlog('d', () => true);
    const plan = await store.plan({ destination_id: 'd', partition_id, limits: { max_items: 4, max_body_bytes: 1e6 }, envelope_bytes: 2, window: 2, now_ms, newBatchId });
    const batch = plan.open[0];
    const fence = await store.claim(batch.batch_id, 'hash', newBatchId(), now_ms);
    await store.settle({ kind: 'accepted', items: batch.items, received: null, deduped: null, batch_id: batch.batch_id, fence, now_ms });
    process.stdout.write('settled ' + batch.last_offset + '\\n');
    if (n % 30 === 0) await store.retain({ before_ms: now_ms, target_bytes: null, now_ms });
  }`;

/** Runs the program until it has made some progress, kills it at a random moment, and returns what it said last. */
async function runAndKill(file: string, lines: number): Promise<{ appended: number; settled: number }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = { appended: 0, settled: 0 };
  let rest = '';
  let count = 0;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const whole = (rest + chunk).split('\n');
    rest = whole.pop() ?? '';
    for (const line of whole) {
      const [what, offset] = line.split(' ');
      said[what as keyof typeof said] = Number(offset);
      if (++count === lines) child.kill('SIGKILL');
    }
  });
  await once(child, 'close');
  return said;
}

test('kill -9 at any moment loses nothing that was committed and breaks no invariant', async () => {
  const { path, remove } = scratchDirectory();
  const file = join(path, 'engine.db');
  const random = seededRandom(7);
  for (let kill = 0; kill < KILLS; kill++) {
    const said = await runAndKill(file, 5 + Math.floor(random.unit() * 60));
    const store = openSqliteStore(new Database(file), { clock, random, cap_bytes: 2 ** 30 });
    expect(await store.verify()).toEqual([]);
    const [partition] = await store.partitions();
    const [source] = await store.sources('telemetry');
    const [progress] = await store.progress();
    // What was said is there; entries and checkpoint moved together, so nothing is read twice either.
    expect(partition!.last_offset).toBeGreaterThanOrEqual(said.appended);
    expect(Number(source!.checkpoint)).toBe(partition!.last_offset);
    expect(progress!.acked_offset).toBeGreaterThanOrEqual(said.settled);
    expect(await store.counters()).not.toHaveProperty('entries_duplicate');
    await store.close();
  }
  remove();
});
