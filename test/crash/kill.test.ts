/**
 * `kill -9` of the real process at random points (P1, P7, P10): whatever it was doing, everything is in the store
 * exactly once afterwards. `SYNCLINE_CRASH_KILLS=200` is the long run; `SYNCLINE_TEST_SEED` changes where it hits.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { seededRandom, type Random } from '../../src/platform/random.ts';
import { writeConversations, type Truth } from '../support/conversations.ts';
import { freePort } from '../support/free-port.ts';
import { Growth } from '../support/growth.ts';
import { bundleHook, runHook } from '../support/hook.ts';
import { readJournal } from '../support/journal.ts';
import { Machine } from '../support/machine.ts';
import type { Program } from '../support/program.ts';
import { differences, hookCounts } from '../support/store-oracle.ts';
import { TEAM_ID, TEAM_SALT, joinedSince, makeToken } from '../support/team.ts';

const KILLS = Number(process.env['SYNCLINE_CRASH_KILLS'] ?? 20);
const SEED = Number(process.env['SYNCLINE_TEST_SEED'] ?? 20261121);
/** A start, a life of up to half a second, and a margin for a machine with other things to do. */
const KILL_MS = 6_000;
const MINUTE_MS = 60_000;

beforeAll(bundleHook);

test(`a laptop killed ${KILLS} times has everything once`, { timeout: MINUTE_MS + KILLS * KILL_MS }, async () => {
  await using laptop = new Machine();
  const random = seededRandom(SEED);
  const world = worldOf(laptop, random, Date.now() - 10 * MINUTE_MS);
  // A hook keeps nothing before there is a salt to hash it with.
  expect(await laptop.run(['status'])).toMatchObject({ exit: 0 });

  for (let round = 1; round <= KILLS; round++) {
    const up = laptop.start(['up', '--port', String(await freePort()), '--json']);
    await Promise.all([liveAndDie([up], world.growth, round / (KILLS + 1), random), world.hooks.send()]);
  }

  await finish(laptop, world.growth);
  const store = { file: join(laptop.state, 'store.db'), salt: laptop.salt(), team_id: 'local' };
  expect(await differences(store, world.truth)).toEqual([]);
  expect(hookCounts(store)).toEqual(world.hooks.sent);
  await expectSoundJournal(laptop);
});

test(
  'a laptop and its team server, both killed, both have everything once',
  {
    timeout: MINUTE_MS + KILLS * KILL_MS,
  },
  async () => {
    await using office = new Machine();
    await using laptop = new Machine();
    const random = seededRandom(SEED + 1);
    const port = await freePort();
    const { token } = await makeToken(office);
    const joined_ms = await joinedSince(laptop, { url: `http://127.0.0.1:${port}`, token });
    const world = worldOf(laptop, random, joined_ms);

    const rounds = Math.ceil(KILLS / 2);
    for (let round = 1; round <= rounds; round++) {
      const server = office.start(['server', '--listen', `127.0.0.1:${port}`, '--json']);
      const up = laptop.start(['up', '--port', String(await freePort()), '--json']);
      await Promise.all([liveAndDie([server, up], world.growth, round / (rounds + 1), random), world.hooks.send()]);
    }

    const server = await office.server(port);
    await finish(laptop, world.growth);
    expect(await server.stop()).toMatchObject({ exit: 143 });
    const stores = [
      { file: join(laptop.state, 'store.db'), salt: TEAM_SALT, team_id: 'local' },
      { file: join(office.state, 'store.db'), salt: TEAM_SALT, team_id: TEAM_ID },
    ];
    for (const store of stores) {
      expect(await differences(store, world.truth)).toEqual([]);
      expect(hookCounts(store)).toEqual(world.hooks.sent);
    }
    await expectSoundJournal(laptop);
  },
);

function worldOf(laptop: Machine, random: Random, start_ms: number) {
  const cwds = [laptop.checkout('github.com/acme/web'), laptop.checkout('github.com/acme/api')];
  const conversations = { prefix: `s${SEED}`, cwds, conversations: 8, turns: 14, start_ms, span_ms: 2_000 };
  const { lines, truth } = writeConversations({ random, ...conversations });
  const growth = new Growth(laptop.projects, lines, random);
  // A hook is kept only for a session whose transcript is met within a minute, so some must be there from the start.
  growth.write(growth.total_bytes / 50);
  return { truth, growth, hooks: new Hooks(laptop, { truth, growth, cwd: cwds[0] ?? '' }, random) };
}

/** Hooks of calls that the transcripts tell of, too, while programs live and die; each was accepted when it exited. */
class Hooks {
  readonly sent: Record<string, number> = {};
  readonly #machine: Machine;
  readonly #calls: { id: string; session: string; tool: string | null }[];
  readonly #growth: Growth;
  readonly #cwd: string;
  readonly #random: Random;

  constructor(machine: Machine, { truth, growth, cwd }: { truth: Truth; growth: Growth; cwd: string }, random: Random) {
    this.#machine = machine;
    this.#growth = growth;
    this.#cwd = cwd;
    this.#random = random;
    this.#calls = [...truth.calls]
      .filter(([, outcome]) => outcome !== null)
      .map(([id]) => {
        const { session = '', tool = null } = truth.events.get(`claude:tool_use:${id}`) ?? {};
        return { id, session, tool };
      });
  }

  async send(): Promise<void> {
    const begun = [...this.#growth.begun].join('\n');
    const calls = this.#calls.filter(({ session }) => begun.includes(`/${session}.jsonl`));
    const call = calls[Math.floor(this.#random.unit() * calls.length)];
    for (const hook_event_name of ['PreToolUse', 'PostToolUse', 'Stop']) {
      await sleep(this.#random.unit() * 200);
      await runHook(this.#machine, {
        hook_event_name,
        session_id: call?.session,
        cwd: this.#cwd,
        ...(hook_event_name === 'Stop' ? {} : { tool_name: call?.tool, tool_use_id: call?.id, tool_input: {} }),
      });
      this.sent[hook_event_name] = (this.sent[hook_event_name] ?? 0) + 1;
    }
  }
}

/**
 * Lets the programs run while transcripts grow up to `share` of everything, and kills each at a moment of its own: half
 * of them while they start, half while they work.
 */
async function liveAndDie(programs: Program[], growth: Growth, share: number, random: Random): Promise<void> {
  const goal = growth.total_bytes * share;
  const writing = new AbortController();
  const deaths = programs.map(async (program) => {
    if (random.unit() < 0.5) await program.ready();
    await sleep(random.unit() * 500);
    const { signal, stderr } = await program.kill();
    expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: '' });
  });
  const written = (async () => {
    while (!writing.signal.aborted && growth.written_bytes < goal) {
      growth.write(200 + random.unit() * 4_000);
      await sleep(random.unit() * 20);
    }
    growth.write(goal - growth.written_bytes);
  })();
  await Promise.all(deaths).finally(() => writing.abort());
  await written;
}

/** The last life, which nobody cuts short: everything is delivered and the program ends by itself. */
async function finish(laptop: Machine, growth: Growth): Promise<void> {
  const up = await laptop.up();
  growth.writeAll();
  const flushed = await laptop.run(['flush', '--timeout', '50s', '--json']);
  // With what is known of the destinations, so that a failure tells its reason.
  const { destinations } = await laptop.status();
  expect({ exit: flushed.exit, destinations }).toEqual({
    exit: 0,
    destinations: destinations.map((destination) => ({ ...destination, waiting: 0, circuit: 'closed', held: [] })),
  });
  const doctor = await laptop.run(['doctor', '--json']);
  expect(JSON.parse(doctor.stdout)).toMatchObject({ healthy: true });
  expect(await up.stop()).toMatchObject({ exit: 143 });
}

async function expectSoundJournal(laptop: Machine): Promise<void> {
  const { broken, dead_letters, partitions, counters } = await readJournal(join(laptop.state, 'engine.db'));
  expect(broken).toEqual([]);
  expect(dead_letters).toEqual([]);
  expect(counters['entries_clash'] ?? {}).toEqual({});
  // A session whose folder was not found again would open a partition of its own.
  expect(new Set(partitions.map(({ header }) => header['project_name']))).toEqual(new Set(['web', 'api']));
}
