/** `SYNCLINE_PRIVATE=1 claude`: nothing of the session leaves, neither what was said nor what was done. */
import { expect, test } from 'vitest';
import { bundleHook, runHook } from '../support/hook.ts';
import { Machine } from '../support/machine.ts';
import { opened } from '../support/open-machine.ts';
import { speak, spokenLines, transcriptPath } from '../support/spoken-session.ts';
import { joinTeam } from '../support/team.ts';
import { TeamServer } from '../support/team-server.ts';

const TIMEOUT = { timeout: 90_000 };

test('a session that was started to be private stays here, until its person shares it', TIMEOUT, async () => {
  await bundleHook();
  await using team = await TeamServer.start();
  await using machine = new Machine();
  const more = '[sessions]\nshare = "all"\nhold = "0s"\n';
  joinTeam(machine, { url: team.url, token: await team.token('gil', 'den'), more });
  await opened(machine, async () => undefined);
  const cwd = machine.checkout('github.com/acme/web');
  const at_ms = Date.now();
  for (const [id, env] of [
    ['secret', { SYNCLINE_PRIVATE: '1' }],
    ['open', {}],
  ] as const) {
    // As an agent does it: the hook first, then the transcript.
    await runHook(machine, { session_id: id, cwd, hook_event_name: 'SessionStart', source: 'startup' }, env);
    speak(machine, { id, cwd, at_ms, text: `${id} heron`, turns: 2, apart_ms: 1 });
  }
  const there = async (): Promise<boolean[]> =>
    Promise.all(['secret', 'open'].map(async (id) => (await team.search(`"answer about ${id} heron"`)).length > 0));
  const flush = (): Promise<unknown> => opened(machine, (open) => open.flush({ stream: null, timeout_ms: 30_000 }));
  await flush();
  expect(await there()).toEqual([false, true]);
  await opened(machine, async (open) => {
    // Kept here, and said to be kept out.
    expect((await open.listed()).map(({ native_id }) => native_id).sort()).toEqual(['open', 'secret']);
    expect((await open.conversation('secret')).shared).toMatchObject([
      { state: 'not_shared', reason: 'you took it out' },
    ]);
    const preview = await open.previewSessions({ project: null, session: 'secret', limit: 10 });
    expect(preview?.sessions).toMatchObject([{ stays: 'unshared', requests: [] }]);
    // Of what it did nothing is kept, as before of its hooks.
    const rows = await open.sessions({ since_ms: null, project: null, agent: null, limit: 10 });
    expect(rows.map(({ session }) => session)).toEqual(['open']);
  });
  // Also what it says later, and in another process.
  machine.write(
    transcriptPath({ id: 'secret', cwd }),
    spokenLines({ id: 'secret', cwd, at_ms, text: 'secret heron', turns: 4 }),
  );
  await flush();
  expect(await there()).toEqual([false, true]);
  const hash_of = team.proxy.exchanges.map(({ body }) => body).join('\n');
  expect(hash_of).not.toContain('secret heron');

  await opened(machine, async (open) => {
    await open.shareConversations({ ids: ['secret'], share: true });
    await open.flushed();
  });
  expect(await there()).toEqual([true, true]);
});
