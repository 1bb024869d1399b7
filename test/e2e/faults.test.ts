/**
 * Each row of telemetry specification §5.4 and each scope of design rule 6, by the real program against a server that
 * fails on demand. What is asserted is what the server saw and what the user is told.
 */
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/platform/random.ts';
import { loadHashing } from '../../src/redaction/hashing.ts';
import type { FlushResult } from '../../src/runtime/operator.ts';
import { until } from '../support/condition.ts';
import { writeConversations, type Truth } from '../support/conversations.ts';
import { FaultServer, identityOf, type Fault, type Recorded, type Script } from '../support/fault-server.ts';
import { Growth } from '../support/growth.ts';
import { Machine } from '../support/machine.ts';
import { TEAM_SALT, joinTeam } from '../support/team.ts';

const TIMEOUT = { timeout: 60_000 };
const MINUTE_MS = 60_000;

/** A machine that joined just now, with conversations of the next minutes, and its server. */
interface FlushesResult {
  last: FlushResult;
  flushes: number;
}

class World implements AsyncDisposable {
  readonly machine = new Machine();
  readonly team: FaultServer;
  readonly truth: Truth;

  constructor(team: FaultServer, turns: number) {
    this.team = team;
    joinTeam(this.machine, { url: team.url, token: 't-secret' });
    const random = seededRandom(7);
    const { lines, truth } = writeConversations({
      random,
      prefix: 'f',
      cwds: [this.machine.checkout('github.com/acme/web')],
      conversations: 1,
      turns,
      start_ms: Date.now() + MINUTE_MS,
      span_ms: MINUTE_MS,
    });
    this.truth = truth;
    new Growth(this.machine.projects, lines, random).writeAll();
  }

  static async open(script: Script, turns = 2): Promise<World> {
    return new World(await FaultServer.start(script), turns);
  }

  async flush(exit: number, timeout = '20s'): Promise<FlushResult> {
    return this.machine.json<FlushResult>(['flush', '--timeout', timeout], exit);
  }

  /** Flushes of two seconds until everything was read, which takes several on a machine that is busy, and `enough` holds. */
  async flushUntil(what: string, enough: (flushed: FlushResult) => boolean | Promise<boolean>): Promise<FlushesResult> {
    let flushes = 0;
    return until(what, async () => {
      const last = await this.flush(1, '2s');
      flushes++;
      return !last.unread && (await enough(last)) && { last, flushes };
    });
  }

  async teamStatus(): Promise<Record<string, unknown> | undefined> {
    const status = await this.machine.json<{ destinations: Record<string, unknown>[] }>(['status']);
    return status.destinations.find(({ destination }) => destination === 'team');
  }

  /** Events of the truth that the server has not, or has not exactly once. */
  async wrong(): Promise<string[]> {
    const hashing = await loadHashing();
    const effects = this.team.effects;
    return [...this.truth.events.keys()].filter(
      (identity) => effects.get(hashing.hashWithSalt(TEAM_SALT, identity)) !== 1,
    );
  }

  async expectDelivered(): Promise<void> {
    expect(await this.wrong()).toEqual([]);
    expect(this.team.violations).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.machine[Symbol.asyncDispose]();
    await this.team[Symbol.asyncDispose]();
  }
}

/** The first request for events meets the fault, everything else does not. */
const firstOnly = (fault: Fault): Script => {
  let met = false;
  return ({ path }) => {
    if (met || path !== '/v1/events') return null;
    met = true;
    return fault;
  };
};

const keysOf = (requests: readonly Recorded[]): string[] => [...new Set(requests.map(({ key }) => key))];

describe.concurrent('settled: nothing is sent again', TIMEOUT, () => {
  test.each<[string, Fault]>([
    ['202 with counts', {}],
    ['202 with words instead of counts', { body: 'thank you' }],
    ['202 without a body', { body: '' }],
    ['202 with a torn body', { torn: true }],
    ['200', { status: 200, stored: true }],
    ['204', { status: 204, stored: true, body: '' }],
    ['409', { status: 409, stored: true }],
  ])('%s', async (_name, fault) => {
    await using world = await World.open(() => fault);
    expect(await world.flush(0)).toMatchObject({ remaining: 0, dead_letters: 0 });
    await world.expectDelivered();
    expect(world.team.requests).toHaveLength(keysOf(world.team.requests).length);
  });
});

describe.concurrent('the destination: the same batch goes again under the same key', TIMEOUT, () => {
  const soon = (): string => new Date(Date.now() + 1500).toUTCString();
  test.each<[string, () => Fault]>([
    ['429 with seconds', () => ({ status: 429, headers: { 'retry-after': '1' } })],
    ['429 with a date', () => ({ status: 429, headers: { 'retry-after': soon() } })],
    ['429 with a fraction', () => ({ status: 429, headers: { 'retry-after': '0.7' } })],
    ['429 without a time', () => ({ status: 429 })],
    ['401', () => ({ status: 401 })],
    ['500', () => ({ status: 500 })],
    ['502 with a page of a proxy', () => ({ status: 502, body: '<html>bad gateway</html>' })],
    ['503 with a time', () => ({ status: 503, headers: { 'retry-after': '1' } })],
    ['507', () => ({ status: 507 })],
    ['302, which is not followed', () => ({ status: 302, headers: { location: '/elsewhere' } })],
    ['a reset before the effect', () => ({ reset: true })],
    ['a reset after the effect', () => ({ reset: true, stored: true })],
    ['500 after the effect', () => ({ status: 500, stored: true })],
  ])('%s', async (_name, fault) => {
    await using world = await World.open(firstOnly(fault()));
    expect(await world.flush(0)).toMatchObject({ remaining: 0, dead_letters: 0 });
    await world.expectDelivered();
    const [first] = world.team.of('/v1/events');
    const again = world.team.of('/v1/events').filter(({ key }) => key === first?.key);
    expect(again).toHaveLength(2);
    expect(again[1]?.body).toBe(first?.body);
  });

  // After its time a circuit lets one request through: on a slow machine the status is asked that late.
  test.each<[string, Fault, RegExp]>([
    ['401 for good', { status: 401 }, /^(half-)?open$/],
    ['429 for hours', { status: 429, headers: { 'retry-after': '7200' } }, /^open$/],
    ['503 for good', { status: 503 }, /^(half-)?open$/],
  ])('%s: waits without a hot loop, loses nothing, says so', async (_name, fault, circuit) => {
    await using world = await World.open(() => fault);
    const { last, flushes } = await world.flushUntil('home is served all the same', async ({ destinations }) => {
      const team = await world.teamStatus();
      const at_home = destinations.find(({ destination }) => destination === 'local');
      return circuit.test(String(team?.['circuit'])) && at_home?.remaining === 0;
    });
    expect(world.team.requests.length).toBeLessThan(12 * flushes);
    const team = await world.teamStatus();
    expect(team).toMatchObject({ state: 'active', dead_letters: 0, held: [] });
    expect(team?.['circuit']).toMatch(circuit);
    expect(team?.['offline_since_ms']).toBeTypeOf('number');
    expect(team?.['waiting']).toBe(last.remaining);
    expect(last.remaining).toBeGreaterThanOrEqual(world.truth.events.size);
  });

  test('nobody listens: waits, then delivers', async () => {
    await using world = await World.open(() => null);
    const port = Number(new URL(world.team.url).port);
    await world.team[Symbol.asyncDispose]();
    const flushed = await world.flush(1, '1s');
    expect(flushed.dead_letters).toBe(0);
    await using later = await FaultServer.start(() => null, port);
    expect(await world.flush(0)).toMatchObject({ remaining: 0, dead_letters: 0 });
    expect(later.effects.size).toBeGreaterThanOrEqual(world.truth.events.size);
  });
});

describe.concurrent('the partition: held, nothing dead-lettered, others go on', TIMEOUT, () => {
  test.each([403, 404, 426, 400])('%i for every span', async (status) => {
    const refusing: Script = ({ path }) => (path === '/v1/tool-spans' ? { status } : null);
    await using world = await World.open(refusing);
    const held = [expect.objectContaining({ partition: expect.stringMatching(/^tool_spans\//) as string })];
    const { last } = await world.flushUntil('all is there but the spans', async () => {
      const team = await world.teamStatus();
      return (team?.['held'] as unknown[]).length > 0 && (await world.wrong()).length === 0;
    });
    expect(last.dead_letters).toBe(0);
    await world.expectDelivered();
    expect(world.team.of('/v1/sessions').map(({ status: answered }) => answered)).toContain(202);
    expect(await world.teamStatus()).toMatchObject({ circuit: 'closed', held });

    world.team.script = () => null;
    expect(await world.flush(0)).toMatchObject({ remaining: 0, dead_letters: 0 });
    const answered = [...world.truth.calls.values()].filter((outcome) => outcome !== null).length;
    expect(new Set(world.team.of('/v1/tool-spans').flatMap(({ items }) => items.map(identityOf))).size).toBe(answered);
  });
});

describe.concurrent('the item: only what is bad is set aside', TIMEOUT, () => {
  const isBad = (item: string): boolean => item.includes('"kind":"error"') || item.includes('"kind":"lifecycle"');
  const withIndexes: Script = ({ path, items }) => {
    const errors = items.flatMap((item, index) =>
      isBad(item) ? [{ index, code: 'no_such_kind', message: 'unknown kind', field: 'kind' }] : [],
    );
    return path !== '/v1/events' || errors.length === 0
      ? null
      : { status: 422, body: JSON.stringify({ code: 'invalid', errors }) };
  };
  const withoutIndexes: Script = ({ path, items }) =>
    path === '/v1/events' && items.some(isBad) ? { status: 400, body: 'bad request' } : null;

  test.each<[string, Script]>([
    ['422 with indexes', withIndexes],
    ['400 without', withoutIndexes],
  ])('%s', async (_name, script) => {
    await using world = await World.open(script, 14);
    const bad = [...world.truth.events.values()].filter(({ kind }) => kind === 'error' || kind === 'lifecycle').length;
    const total = world.truth.events.size;
    expect(bad).toBeGreaterThan(0);
    expect(await world.flush(0)).toMatchObject({ remaining: 0, dead_letters: bad });
    expect(await world.wrong()).toHaveLength(bad);
    expect(world.team.violations).toEqual([]);
    // P4: k bad items in a batch of n cost at most 2k⌈log₂ n⌉ + 1 requests more.
    const most = 2 * bad * Math.ceil(Math.log2(total)) + 1 + Math.ceil(total / 500);
    expect(world.team.of('/v1/events').length).toBeLessThanOrEqual(most);

    const listed = await world.machine.json<{ dead_letters: Record<string, string>[] }>(['dead-letters', 'list']);
    expect(listed.dead_letters).toHaveLength(bad);
    world.team.script = () => null;
    expect(await world.machine.run(['dead-letters', 'retry', '--to', 'team', '--yes'])).toMatchObject({ exit: 0 });
    expect(await world.flush(0)).toMatchObject({ remaining: 0 });
    await world.expectDelivered();
  });
});

describe.concurrent('the size: split under new keys', TIMEOUT, () => {
  test('413 above a limit', async () => {
    await using world = await World.open(({ body }) => (body.length > 4_000 ? { status: 413 } : null), 4);
    expect(await world.flush(0)).toMatchObject({ remaining: 0, dead_letters: 0 });
    await world.expectDelivered();
    const refused = world.team.requests.filter(({ status }) => status === 413);
    expect(refused.length).toBeGreaterThan(0);
    expect(world.team.requests).toHaveLength(keysOf(world.team.requests).length);
  });

  test('413 for a single item', async () => {
    const isLarge = (item: string): boolean => item.includes('"kind":"error"');
    await using world = await World.open(({ items }) => (items.some(isLarge) ? { status: 413 } : null), 14);
    const large = [...world.truth.events.values()].filter(({ kind }) => kind === 'error').length;
    expect(large).toBeGreaterThan(0);
    expect(await world.flush(0)).toMatchObject({ remaining: 0, dead_letters: large });
    expect(await world.wrong()).toHaveLength(large);
  });
});

test('a key that stands for another body there is renewed', TIMEOUT, async () => {
  const used = { status: 422, body: JSON.stringify({ code: 'idempotency_key_reused', message: 'used' }) };
  await using world = await World.open(firstOnly(used));
  expect(await world.flush(0)).toMatchObject({ remaining: 0, dead_letters: 0 });
  await world.expectDelivered();
  const [first, second] = world.team.of('/v1/events');
  expect(second?.body).toBe(first?.body);
  expect(second?.key).not.toBe(first?.key);
});
