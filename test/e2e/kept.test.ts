/** R12, R22, R28: an agent's cleaning up deletes nothing here, and a full journal loses nothing. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { seededRandom } from '../../src/platform/random.ts';
import type { Report } from '../../src/runtime/operator.ts';
import { until } from '../support/condition.ts';
import { writeConversations } from '../support/conversations.ts';
import { FaultServer } from '../support/fault-server.ts';
import { Growth } from '../support/growth.ts';
import { readJournal } from '../support/journal.ts';
import { Machine } from '../support/machine.ts';
import { differences } from '../support/store-oracle.ts';
import { TEAM_SALT, joinTeam } from '../support/team.ts';
import { WORKED_EXAMPLE_TOTAL, placeWorkedExample } from '../support/worked-example.ts';

test('what the agent deletes is kept, and counts once when it comes back', { timeout: 60_000 }, async () => {
  await using machine = new Machine();
  const total = async (): Promise<object> =>
    (await machine.json<Report>(['telemetry', 'report', '--by', 'session', '--since', '3650d'])).total;
  placeWorkedExample(machine);
  expect(await machine.run(['flush'])).toMatchObject({ exit: 0 });
  rmSync(machine.projects, { recursive: true });
  expect(await machine.run(['flush'])).toMatchObject({ exit: 0 });
  expect(await total()).toEqual(WORKED_EXAMPLE_TOTAL);
  // Restored from a backup: other inodes, other births, the same conversations.
  placeWorkedExample(machine);
  expect(await machine.run(['flush'])).toMatchObject({ exit: 0 });
  expect(await total()).toEqual(WORKED_EXAMPLE_TOTAL);
});

/** Half of it is the journal's and too small for what follows; the other half is the store's and just large enough. */
const CAP_BYTES = 12 * 1024 ** 2;

test('a full journal makes capture wait; nothing is lost', { timeout: 120_000 }, async () => {
  await using machine = new Machine();
  await using team = await FaultServer.start(() => ({ status: 503, headers: { 'retry-after': '1' } }));
  joinTeam(machine, {
    url: team.url,
    token: 't-secret',
    more: `[storage]\nmax_bytes = ${CAP_BYTES}\n[sessions]\nkeep = false`,
  });
  const random = seededRandom(5);
  const cwds = [machine.checkout('github.com/acme/web')];
  const start_ms = Date.now() + 60_000;
  const { lines, truth } = writeConversations({
    ...{ random, prefix: 'full', cwds, conversations: 48, turns: 9 },
    ...{ start_ms, span_ms: 60_000 },
  });
  const growth = new Growth(machine.projects, lines, random);
  growth.writeAll();

  const up = await machine.up();
  const full = await until(
    'the journal is full',
    async () => {
      const status = await machine.status();
      return status.storage.full && status;
    },
    { within_ms: 60_000, every_ms: 100 },
  );
  const [source] = full.sources.filter(({ files }) => files > 0);
  expect(source?.read_bytes).toBeLessThan(source?.bytes ?? 0);

  team.script = () => null;
  await until(
    'everything is delivered',
    async () => {
      const { sources, destinations } = await machine.status();
      const read = sources.every(({ bytes, read_bytes }) => read_bytes === bytes);
      return read && destinations.every(({ waiting }) => waiting === 0);
    },
    { within_ms: 90_000, every_ms: 200 },
  );
  expect(await up.stop()).toMatchObject({ exit: 143, stderr: '' });
  const store = { file: join(machine.state, 'store.db'), salt: TEAM_SALT, team_id: 'local' };
  expect(await differences(store, truth)).toEqual([]);
  expect(team.violations).toEqual([]);
  const { broken, dead_letters } = await readJournal(join(machine.state, 'engine.db'));
  expect({ broken, dead_letters }).toEqual({ broken: [], dead_letters: [] });
});

test(
  'a full store says what is full and what to do; with a higher cap everything goes on',
  { timeout: 120_000 },
  async () => {
    await using machine = new Machine();
    machine.configure('[storage]\nmax_bytes = 1048576\n[sessions]\nkeep = false\n');
    const random = seededRandom(5);
    const cwds = [machine.checkout('github.com/acme/web')];
    const { lines, truth } = writeConversations({
      ...{ random, prefix: 'full', cwds, conversations: 60, turns: 9 },
      ...{ start_ms: Date.now() - 60_000, span_ms: 60_000 },
    });
    new Growth(machine.projects, lines, random).writeAll();
    const up = await machine.up();
    const full = await until(
      'store and journal are full',
      async () => {
        const status = await machine.status();
        return status.storage.full && status.warnings.length > 0 && status;
      },
      { within_ms: 60_000, every_ms: 100 },
    );
    expect(full.warnings).toEqual([expect.stringMatching(/^store\.db is full: .*Raise storage\.max_bytes/)]);
    expect(full.sources.some(({ bytes, read_bytes }) => read_bytes < bytes)).toBe(true);
    expect((await machine.run(['status'])).stdout).toContain('! store.db is full');
    expect(await up.stop()).toMatchObject({ exit: 143, stderr: '' });

    machine.configure('[storage]\nmax_bytes = 104857600\n');
    await machine.up();
    const well = await until(
      'everything is in the store',
      async () => {
        const status = await machine.status();
        const read = status.sources.every(({ bytes, read_bytes }) => read_bytes === bytes);
        return read && status.destinations.every(({ waiting }) => waiting === 0) && status;
      },
      { within_ms: 60_000, every_ms: 100 },
    );
    expect(well).toMatchObject({ warnings: [], storage: { full: false } });
    expect(await machine.run(['stop'])).toMatchObject({ exit: 0 });
    const store = { file: join(machine.state, 'store.db'), salt: machine.salt(), team_id: 'local' };
    expect(await differences(store, truth)).toEqual([]);
  },
);
