import { expect, test } from 'vitest';
import { VirtualTime } from '../../test/support/virtual-time.ts';
import { InvariantError } from '../platform/errors.ts';
import { seededRandom } from '../platform/random.ts';
import { defaultRetryPolicy } from './retry.ts';
import { Supervisor } from './supervisor.ts';

function supervised(): { time: VirtualTime; supervisor: Supervisor; reports: string[] } {
  const time = new VirtualTime();
  const reports: string[] = [];
  const report = (loop: string, error: unknown): void => void reports.push(`${loop}: ${(error as Error).message}`);
  return { time, reports, supervisor: new Supervisor({ clock: time, timers: time, random: seededRandom(1), report }) };
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

test('a loop that throws is reported and started again after a back-off; the others go on', async () => {
  const { time, supervisor, reports } = supervised();
  let runs = 0;
  supervisor.start({ name: 'steady', run: untilAborted });
  supervisor.start({
    name: 'shaky',
    run: async (signal) => {
      if (++runs < 3) throw new Error(`failure ${runs}`);
      await untilAborted(signal);
    },
  });
  await time.settle();
  expect(supervisor.status()).toMatchObject([
    { name: 'steady', state: 'running', restarts: 0, last_error: null },
    { name: 'shaky', state: 'restarting', restarts: 1, last_error: 'failure 1' },
  ]);
  await time.until(() => runs === 3);
  expect(reports).toEqual(['shaky: failure 1', 'shaky: failure 2']);
  expect(supervisor.status()[1]).toMatchObject({ state: 'running', restarts: 2, since_ms: time.now_ms() });
  expect(await supervisor.stop(1000)).toEqual([]);
  expect(supervisor.status().map(({ state }) => state)).toEqual(['ended', 'ended']);
});

test('a loop that throws at once, not as a promise, is treated alike', async () => {
  const { time, supervisor, reports } = supervised();
  supervisor.start({
    name: 'defect',
    run: () => {
      throw new Error('at once');
    },
  });
  await time.settle();
  expect(reports).toEqual(['defect: at once']);
  await supervisor.stop(1000);
});

test('back-offs grow while failures follow one another, and begin anew after a long good run', async () => {
  const { time, supervisor } = supervised();
  const starts: number[] = [];
  supervisor.start({
    name: 'shaky',
    run: async (signal) => {
      starts.push(time.monotonic_ms());
      // The twelfth run is a good one of an hour.
      if (starts.length === 12) await time.sleep(3_600_000, signal);
      throw new Error('again');
    },
  });
  await time.until(() => starts.length === 13);
  const waits = starts.slice(1).map((at, i) => at - starts[i]!);
  expect(waits[10]).toBeGreaterThanOrEqual(defaultRetryPolicy.cap_ms / 10);
  expect(waits[11]! - 3_600_000).toBeLessThanOrEqual(defaultRetryPolicy.base_ms);
  await supervisor.stop(1000);
});

test('a loop whose work is done has ended', async () => {
  const { time, supervisor } = supervised();
  supervisor.start({ name: 'once', run: async () => {} });
  await time.settle();
  expect(supervisor.status()).toMatchObject([{ state: 'ended', restarts: 0 }]);
});

test('stop ends a loop in the middle of a back-off at once, and keeps no timer', async () => {
  const { time, supervisor } = supervised();
  supervisor.start({
    name: 'shaky',
    run: async () => {
      throw new Error('no');
    },
  });
  await time.settle();
  expect(await supervisor.stop(10_000)).toEqual([]);
  expect([time.monotonic_ms(), time.pending]).toEqual([0, 0]);
});

test('stop waits no longer than its bound, and names the loops that did not end', async () => {
  const { time, supervisor, reports } = supervised();
  supervisor.start({ name: 'deaf', run: () => new Promise(() => {}) });
  supervisor.start({ name: 'good', run: untilAborted });
  let late: string[] | undefined;
  void supervisor.stop(5000).then((names) => (late = names));
  await time.until(() => late !== undefined);
  expect([late, time.monotonic_ms()]).toEqual([['deaf'], 5000]);
  expect(reports).toEqual([]);
});

test('an error while stopping is no failure', async () => {
  const { supervisor, reports } = supervised();
  supervisor.start({
    name: 'cut',
    run: async (signal) => {
      await untilAborted(signal);
      throw new Error('aborted');
    },
  });
  expect(await supervisor.stop(1000)).toEqual([]);
  expect(reports).toEqual([]);
});

test('two loops of one name are refused', () => {
  const { supervisor } = supervised();
  supervisor.start({ name: 'a', run: untilAborted });
  expect(() => supervisor.start({ name: 'a', run: untilAborted })).toThrow(InvariantError);
});
