import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { VirtualTime } from '../../../test/support/virtual-time.ts';
import { systemClock } from '../../platform/clock.ts';
import { systemTimers } from '../../platform/timers.ts';
import { HintGatherer, isOfSessions, watchSessions } from './session-watch.ts';

function gatherer(): { time: VirtualTime; event: () => void; hints: number[]; stop: () => void } {
  const time = new VirtualTime();
  const abort = new AbortController();
  const hints: number[] = [];
  const hint = (): void => void hints.push(time.monotonic_ms());
  const own = new HintGatherer({ clock: time, timers: time, signal: abort.signal, hint });
  return { time, hints, event: () => own.event(), stop: () => abort.abort() };
}

it('a burst becomes one hint, half a second after its last event', async () => {
  const { time, event, hints } = gatherer();
  event();
  for (let i = 0; i < 5; i++) {
    await time.pass(300);
    event();
  }
  await time.pass(10_000);
  expect(hints).toEqual([2_000]);
  event();
  await time.pass(10_000);
  expect(hints).toHaveLength(2);
});

it('a writer that never rests cannot starve it: a hint every five seconds', async () => {
  const { time, event, hints } = gatherer();
  for (let i = 0; i < 200; i++) {
    event();
    await time.pass(100);
  }
  expect(hints.length).toBeGreaterThanOrEqual(3);
  for (const [i, at_ms] of hints.entries()) expect(at_ms - (hints[i - 1] ?? 0)).toBeLessThanOrEqual(5_200);
});

it('tells nothing after its end', async () => {
  const { time, event, hints, stop } = gatherer();
  event();
  stop();
  await time.pass(10_000);
  expect(hints).toEqual([]);
});

it('polls beside it, more often where nothing can be watched, until its end', async () => {
  const time = new VirtualTime();
  const abort = new AbortController();
  let polls = 0;
  watchSessions([], {
    ...{ clock: time, timers: time, signal: abort.signal, hint: () => undefined },
    ...{ poll: () => polls++, report: () => undefined },
  });
  await time.pass(61_000);
  expect(polls).toBe(12);
  abort.abort();
  await time.pass(60_000);
  expect(polls).toBe(12);
});

it.each([
  ['a file that is written', (folder: string, i: number) => writeFileSync(join(folder, 'sessions.db'), `${i}`)],
  ['the log beside it', (folder: string, i: number) => writeFileSync(join(folder, 'sessions.db-wal'), `${i}`)],
  [
    'a file that replaces another',
    (folder: string, i: number) => {
      writeFileSync(join(folder, 'sessions.db-resync'), `${i}`);
      renameSync(join(folder, 'sessions.db-resync'), join(folder, 'sessions.db'));
    },
  ],
  [
    'a new transcript deep below',
    (folder: string, i: number) => {
      mkdirSync(join(folder, 'project', 'S1', 'subagents'), { recursive: true });
      writeFileSync(join(folder, 'project', 'S1', 'subagents', `agent-${i}.jsonl`), '{}');
    },
  ],
])(
  'hears of %s',
  async (_name, change) => {
    const scratch = scratchDirectory();
    const abort = new AbortController();
    onTestFinished(() => {
      abort.abort();
      scratch.remove();
    });
    let is_heard = false;
    watchSessions([scratch.path], {
      clock: systemClock,
      timers: systemTimers,
      ...{ signal: abort.signal, hint: () => (is_heard = true), poll: () => undefined, report: () => undefined },
    });
    // A watch takes a while to begin, and nothing else is ever written here: so it is written until it is heard of.
    for (let i = 0; !is_heard; i++) {
      change(scratch.path, i);
      await systemTimers.sleep(50);
    }
  },
  30_000,
);

it.each([
  ['sessions.db', true],
  ['sessions.db-wal', true],
  ['S1.jsonl', true],
  ['sessions.db-shm', false],
  ['serve.log', false],
  ['db.write.lock', false],
])('%s is of sessions: %s; what our own reading touches is not, or each look would cause the next', (name, is) => {
  expect(isOfSessions(join('/folder.db', name))).toBe(is);
});
