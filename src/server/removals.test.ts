import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { scratchDirectory } from '../../test/support/scratch-directory.ts';
import { VirtualTime } from '../../test/support/virtual-time.ts';
import { StaleError } from '../platform/errors.ts';
import { Removals, type ScrubbedStore } from './removals.ts';

let scratch: ReturnType<typeof scratchDirectory>;
let time: VirtualTime;
/** Store and time of each scrub. */
let scrubbed: [ScrubbedStore, number][];
let reported: [ScrubbedStore, string][];
let work: (store: ScrubbedStore) => Promise<void>;
const running: { over: AbortController; ended: Promise<void> }[] = [];

beforeEach(() => {
  scratch = scratchDirectory();
  time = new VirtualTime();
  scrubbed = [];
  reported = [];
  work = async () => undefined;
});
afterEach(async () => {
  for (const { over, ended } of running.splice(0)) {
    over.abort();
    await ended;
  }
  scratch.remove();
});

function start(): Removals {
  const scrub = async (store: ScrubbedStore): Promise<void> => {
    scrubbed.push([store, time.monotonic_ms()]);
    await work(store);
  };
  const removals = new Removals({
    file: join(scratch.path, 'scrub-due'),
    scrub: { sessions: () => scrub('sessions'), telemetry: () => scrub('telemetry') },
    ...{ clock: time, timers: time },
    report: (store, code) => void reported.push([store, code]),
  });
  const over = new AbortController();
  running.push({ over, ended: removals.run(over.signal) });
  return removals;
}

test('many removals cost one scrub, after some quiet; a store without any is left alone', async () => {
  const removals = start();
  for (let i = 0; i < 50; i++) {
    removals.note('sessions');
    await time.pass(100);
  }
  expect(scrubbed).toEqual([]);
  await time.pass(10_000);
  expect(scrubbed.map(([store]) => store)).toEqual(['sessions']);
  expect([removals.due(), existsSync(join(scratch.path, 'scrub-due'))]).toEqual([[], false]);
  await time.pass(3_600_000);
  expect(scrubbed).toHaveLength(1);
});

test('who goes on removing does not put it off for ever, and one that comes meanwhile is not forgotten', async () => {
  const removals = start();
  let meanwhile = true;
  work = async () => {
    if (meanwhile) removals.note('telemetry');
    meanwhile = false;
  };
  for (let i = 0; i < 400; i++) {
    removals.note('telemetry');
    await time.pass(1_000);
  }
  expect(scrubbed.length).toBeGreaterThanOrEqual(1);
  expect(scrubbed[0]?.[1]).toBeLessThanOrEqual(301_000);
  const before = scrubbed.length;
  await time.pass(600_000);
  expect(scrubbed.length).toBeGreaterThan(before);
  expect(removals.due()).toEqual([]);
});

test('what is due outlives the process', () => {
  start().note('sessions');
  expect(start().due()).toEqual(['sessions']);
});

test('a scrub that fails is told by its code and made again', async () => {
  const removals = start();
  let failures = 1;
  work = async () => {
    if (failures-- > 0) throw new StaleError('storage.readers', 'a reader holds the pages');
  };
  removals.note('sessions');
  await time.until(() => scrubbed.length === 2);
  expect(reported).toEqual([['sessions', 'storage.readers']]);
  await time.settle();
  expect(removals.due()).toEqual([]);
});

test('a scrub that takes long is made seldom', async () => {
  const removals = start();
  work = () => time.sleep(60_000);
  removals.note('sessions');
  await time.until(() => removals.due().length === 0);
  removals.note('sessions');
  await time.until(() => scrubbed.length === 2);
  expect((scrubbed[1]?.[1] ?? 0) - (scrubbed[0]?.[1] ?? 0)).toBeGreaterThanOrEqual(20 * 60_000);
  await time.pass(60_000);
});

test('the store that is being written anew takes no writer, the other one does', async () => {
  const removals = start();
  const { promise, resolve } = Promise.withResolvers<void>();
  work = () => promise;
  removals.note('sessions');
  await time.until(() => scrubbed.length === 1);
  expect(() => removals.requireWritable('sessions')).toThrow(expect.objectContaining({ status: 503, code: 'busy' }));
  removals.requireWritable('telemetry');
  resolve();
  await time.settle();
  removals.requireWritable('sessions');
});
