import { afterEach, beforeEach, expect, it } from 'vitest';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { CaptureRig, keyOf } from '../../../test/support/session-capture.ts';
import { InvalidInputError, StaleError, UnreachableError } from '../../platform/errors.ts';
import { seededRandom } from '../../platform/random.ts';
import { CapturedSessions } from './captured-sessions.ts';
import type { Absence, SessionSource } from './session-source.ts';

const KEY = keyOf('claude', 'S1');
const { signal } = new AbortController();
let scratch: ReturnType<typeof scratchDirectory>;
let rig: CaptureRig;
let ids: string[];
let fails: Error | null;
let sessions: CapturedSessions;

/** A source of `ids`, whose reading fails as `fails` says. */
const source: SessionSource = {
  name: 'scripted',
  label: 'scripted',
  exists: () => true,
  isQuiet: () => false,
  watched: () => [],
  async round() {
    const marks = ids.map((native_id) => ({ native_id, archive: 'claude', mark: 'm', group: 'g' }));
    const fatesOf = (absent: readonly { native_id: string; archive: string }[]): Absence[] =>
      absent.map((one) => ({ ...one, fate: one.native_id === 'S2' ? 'deleted' : 'vanished' }));
    return { restarted: false, marks, complete: true, fatesOf, checkpoint: 'c', close: () => undefined };
  },
  async read() {
    if (fails) throw fails;
    return null;
  },
};

beforeEach(async () => {
  scratch = scratchDirectory();
  ids = ['S1', 'S2'];
  fails = null;
  rig = new CaptureRig(scratch.path, [source]);
  await rig.look();
  const { known } = rig.sweep;
  sessions = new CapturedSessions({ known, sources: [source], clock: rig.clock, random: seededRandom(1) });
});
afterEach(() => {
  rig[Symbol.dispose]();
  scratch.remove();
});

const read = (): Promise<unknown> => sessions.find(KEY)!.source.read('S1', 'claude', () => true, signal);
const failure = (): unknown => rig.sweep.known.find(KEY)!.failure;

it('tells where a session is read and what became of it', async () => {
  const began_ms = rig.now_ms;
  expect(sessions.find(KEY)).toMatchObject({ native_id: 'S1', archive: 'claude', fate: 'present', since_ms: began_ms });
  ids = [];
  await rig.look();
  expect(sessions.find(KEY)).toMatchObject({ fate: 'vanished', since_ms: rig.now_ms });
  expect(sessions.find(keyOf('claude', 'S2'))).toMatchObject({ fate: 'deleted' });
  expect(sessions.find('0'.repeat(32))).toBeNull();
});

it('sets a session aside that cannot be read, for longer and longer, and notices it again', async () => {
  fails = new InvalidInputError('agentsview.damaged', "agentsview's database is damaged");
  rig.noticed();
  let wait_ms = 0;
  for (let failures = 1; failures <= 3; failures++) {
    await expect(read()).rejects.toMatchObject({ code: 'sessions.unreadable' });
    const { retry_ms } = failure() as { retry_ms: number };
    expect(failure()).toMatchObject({ code: 'agentsview.damaged', failures });
    expect(retry_ms - rig.now_ms).toBeLessThanOrEqual(60_000 * 2 ** (failures - 1));
    wait_ms = retry_ms - rig.now_ms;
    rig.now_ms += wait_ms;
    await rig.look();
    expect(rig.noticed()).toEqual([KEY]);
  }
  fails = null;
  expect(await read()).toBeNull();
  expect(failure()).toBeNull();
});

it.each([
  ['the place cannot be reached', new UnreachableError('agentsview.locked', 'locked')],
  ['it changed meanwhile', new StaleError('agentsview.session_changed', 'changed')],
])('nothing is wrong with a session when %s', async (_name, error) => {
  fails = error;
  await expect(read()).rejects.toBe(error);
  expect(failure()).toBeNull();
});

it('keeps no word of what a defect says: it may quote the conversation', async () => {
  fails = new TypeError('my password is hunter2');
  await expect(read()).rejects.toMatchObject({ code: 'sessions.unreadable' });
  expect(JSON.stringify(failure())).not.toContain('hunter2');
});
