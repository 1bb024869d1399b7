/** A word that comes after something was shared is heard with the next round: of a person, a repository, a restored store. */
import { copyFileSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { bundleHook, runHook } from '../support/hook.ts';
import { Machine } from '../support/machine.ts';
import { opened } from '../support/open-machine.ts';
import { speak, spokenLines, transcriptPath, type SpokenSession } from '../support/spoken-session.ts';
import { joinTeam } from '../support/team.ts';
import { TeamServer } from '../support/team-server.ts';

const TIMEOUT = { timeout: 90_000 };
const MINUTE_MS = 60_000;

let team: TeamServer;
let machine: Machine;
let token: string;
let turn = 0;

beforeAll(async () => {
  await bundleHook();
  team = await TeamServer.start();
}, 60_000);
afterAll(() => team[Symbol.asyncDispose]());
beforeEach(async () => {
  machine = new Machine();
  token = await team.token('ida', `device-${++turn}`);
  return () => machine[Symbol.asyncDispose]();
});

function configure({ projects = ['github.com/acme/*'], hold = '0s', capture = '' } = {}): void {
  const more = `[sessions]\nshare = "all"\nhold = "${hold}"\n${capture}`;
  joinTeam(machine, { url: team.url, token, projects, more });
}

const session = (name: string, cwd: string, over: Partial<SpokenSession> = {}): SpokenSession => ({
  ...{ id: `${name}-${turn}`, cwd, at_ms: Date.now(), text: `${name}${turn}`, turns: 2, apart_ms: 1_000 },
  ...over,
});
const flush = (ahead_ms = 0): Promise<unknown> => opened(machine, ({ flushed }) => flushed(), { ahead_ms });
const is_there = async (name: string): Promise<boolean> => (await team.search(`${name}${turn}`)).length > 0;
const CAPTURE_OFF = '[capture]\nenabled = false\n';

test.each([
  ['', false],
  [', also with capture off', true],
])('SYNCLINE_PRIVATE that is said of a session after it was shared takes it back%s', TIMEOUT, async (_, is_off) => {
  configure();
  await opened(machine, async () => undefined);
  const cwd = machine.checkout('github.com/acme/web');
  for (const name of ['secret', 'open']) speak(machine, session(name, cwd));
  await flush();
  expect([await is_there('secret'), await is_there('open')]).toEqual([true, true]);
  if (is_off) configure({ capture: CAPTURE_OFF });
  const event = { session_id: `secret-${turn}`, cwd, hook_event_name: 'SessionStart', source: 'resume' };
  await runHook(machine, event, { SYNCLINE_PRIVATE: '1' });
  await flush();
  expect([await is_there('secret'), await is_there('open')]).toEqual([false, true]);
  await opened(machine, async (open) => {
    expect((await open.conversation(`secret-${turn}`)).shared).toMatchObject([{ state: 'not_shared' }]);
    expect(await open.listed()).toHaveLength(2);
    // A person's own word goes before it.
    await open.shareConversations({ ids: [`secret-${turn}`], share: true });
    await open.flushed();
    await open.flushed();
  });
  expect(await is_there('secret')).toBe(!is_off);
});

test('a repository that says none takes back at once, whatever waits for its hold', TIMEOUT, async () => {
  configure({ hold: '15m' });
  await opened(machine, async () => undefined);
  const cwd = machine.checkout('github.com/acme/web');
  const said = session('held', cwd, { turns: 2, apart_ms: 20 * MINUTE_MS });
  speak(machine, said);
  // The first turn is old enough, the second is on hold.
  await flush(21 * MINUTE_MS);
  expect(await is_there('held')).toBe(true);
  writeFileSync(join(cwd, '.syncline.toml'), 'share = "none"\n');
  await flush(22 * MINUTE_MS);
  expect(await is_there('held')).toBe(false);
});

test('a folder without a remote is heard, too, with capture off and its rules narrowed', TIMEOUT, async () => {
  for (const [name, narrow] of [
    ['ruled', (cwd: string) => writeFileSync(join(cwd, '.syncline.toml'), 'share = "none"\n')],
    ['listed', () => configure({ projects: ['github.com/acme/*'], capture: CAPTURE_OFF })],
  ] as const) {
    const cwd = machine.folder(`${name}-folder`);
    configure({ projects: [`${machine.home}/**`] });
    await opened(machine, async () => undefined);
    speak(machine, session(name, cwd));
    await flush();
    expect(await is_there(name)).toBe(true);
    // Nothing of it changes, and nothing takes it back.
    configure({ projects: [`${machine.home}/**`], capture: CAPTURE_OFF });
    await flush();
    expect(await is_there(name)).toBe(true);
    narrow(cwd);
    await flush();
    expect(await is_there(name), name).toBe(false);
  }
});

test(
  "a team's store that was restored from before gets what it lost, and gives up again what was taken back",
  TIMEOUT,
  async () => {
    await using own = await TeamServer.start();
    const { state } = own.machine;
    const backup = join(own.machine.home, 'backup.db');
    joinTeam(machine, {
      ...{ url: own.url, token: await own.token('ida', 'attic') },
      more: '[sessions]\nshare = "all"\nhold = "0s"\n',
    });
    await opened(machine, async () => undefined);
    const cwd = machine.checkout('github.com/acme/web');
    const grown = session('grown', cwd);
    for (const one of [grown, session('withdrawn', cwd), session('erased', cwd)]) speak(machine, one);
    await flush();
    await own.whileStopped(() => copyFileSync(join(state, 'session-store.db'), backup));

    machine.write(transcriptPath(grown), spokenLines({ ...grown, turns: 3 }));
    speak(machine, session('late', cwd));
    await opened(machine, async (open) => {
      await open.shareConversations({ ids: [`withdrawn-${turn}`], share: false });
      await open.erase({
        ...{ session: `erased-${turn}`, project: null, before_ms: null, match: null },
        ...{ everywhere: true, timeout_ms: 30_000, dry_run: false },
      });
      await open.flushed();
    });
    const there = async (): Promise<boolean[]> =>
      Promise.all(
        [`"answer about grown${turn} turn 2"`, `late${turn}`, `withdrawn${turn}`, `erased${turn}`].map(
          async (text) => (await own.search(text)).length > 0,
        ),
      );
    expect(await there()).toEqual([true, true, false, false]);

    await own.whileStopped(() => {
      for (const name of readdirSync(state)) if (name.startsWith('session-store.db')) rmSync(join(state, name));
      copyFileSync(backup, join(state, 'session-store.db'));
    });
    expect(existsSync(join(state, 'session-store.db'))).toBe(true);
    expect(await there()).toEqual([false, false, true, true]);
    await flush();
    expect(await there()).toEqual([true, true, false, false]);
    // Once: from then on it is believed.
    const since = own.proxy.exchanges.length;
    await flush();
    expect(own.proxy.transcripts(null, since)).toEqual([]);
  },
);
