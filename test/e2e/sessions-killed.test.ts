/** `kill -9` in the middle of the first reading: afterwards everything is there, once. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { seededRandom } from '../../src/platform/random.ts';
import { until } from '../support/condition.ts';
import { freePort } from '../support/free-port.ts';
import { readJournal } from '../support/journal.ts';
import { Machine } from '../support/machine.ts';
import { opened, sourceIn } from '../support/open-machine.ts';
import { MESSAGES_PER_TURN, speak } from '../support/spoken-session.ts';

const SESSIONS = 300;
const TURNS = 2;
const KILLS = 3;
const HOUR_MS = 3_600_000;

/** Conversations that the store has, counted past the program. */
function stored(machine: Machine): number {
  try {
    using db = new DatabaseSync(join(machine.state, 'session-store.db'), { readOnly: true, timeout: 1_000 });
    return Number(db.prepare('SELECT count(*) AS n FROM session').get()?.['n']);
  } catch {
    // Not made yet.
    return 0;
  }
}

test(
  'a daemon killed again and again during its first reading loses and doubles nothing',
  { timeout: 120_000 },
  async () => {
    await using machine = new Machine();
    const cwd = machine.checkout('github.com/acme/web');
    for (let i = 0; i < SESSIONS; i++)
      speak(machine, { id: `s-${i}`, cwd, at_ms: Date.now() - HOUR_MS, text: `osprey word${i}`, turns: TURNS });
    const random = seededRandom(Number(process.env['SYNCLINE_TEST_SEED'] ?? 7));
    const killed_at: number[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const up = machine.start(['up', '--port', String(await freePort()), '--json']);
      // Somewhere in the next part of what is to be read.
      const enough = stored(machine) + 1 + Math.floor(random.unit() * (SESSIONS / (KILLS + 1) - 20));
      await until('some are stored', () => stored(machine) >= enough || up.over, { within_ms: 60_000, every_ms: 2 });
      expect(up.over).toBe(false);
      await up.kill();
      killed_at.push(stored(machine));
    }
    expect(killed_at.every((count) => count > 0)).toBe(true);
    expect(killed_at[0]).toBeLessThan(SESSIONS);

    await opened(machine, async (open) => {
      expect(await open.flushed()).toMatchObject({ remaining: 0, dead_letters: 0 });
      const { conversations } = await open.status();
      expect(conversations).toMatchObject({ sessions: SESSIONS, messages: SESSIONS * TURNS * MESSAGES_PER_TURN });
      expect(sourceIn(await open.status())).toMatchObject({ sessions: SESSIONS, gone: 0, failing: 0, paused: null });
      const list = await open.listed();
      expect(new Set(list.map(({ native_id }) => native_id)).size).toBe(SESSIONS);
      expect([list.length, list.filter(({ arriving }) => arriving)]).toEqual([SESSIONS, []]);
      const page = { limit: 10, after: null };
      const search = { text: '"output of osprey"' };
      expect(await open.searchConversations({ search, page })).toMatchObject({ total: SESSIONS * TURNS });
    });
    const { broken, dead_letters } = await readJournal(join(machine.state, 'sessions.db'));
    expect({ broken, dead_letters }).toEqual({ broken: [], dead_letters: [] });
    using db = new DatabaseSync(join(machine.state, 'session-store.db'), { readOnly: true });
    expect(db.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
    expect(await machine.run(['doctor'])).toMatchObject({ exit: 0 });
  },
);
