/** Links of sessions to commits and requests that a person sets and takes away by hand. */
import { expect, test } from 'vitest';
import { Machine } from '../support/machine.ts';
import { opened, type OpenMachine } from '../support/open-machine.ts';
import { assistantLine, promptLine, resultLine, toolUse } from '../support/claude-transcripts.ts';
import { transcriptPath } from '../support/spoken-session.ts';

const TIMEOUT = { timeout: 60_000 };
const MADE = '0123456789abcdef0123456789abcdef01234567';
const OTHER = 'fedcba9876543210fedcba9876543210fedcba98';
const REQUEST = 'https://github.com/acme/web/pull/12';

/** A session that commits once; `turns` of it. */
function commits(machine: Machine, id: string, turns = 1): void {
  const cwd = machine.checkout('github.com/acme/web');
  const lines: string[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const fields = { sessionId: id, cwd, timestamp: new Date(Date.now() - 60_000 + turn * 1_000).toISOString() };
    const call = toolUse(`t-${id}-${turn}`, 'Bash', { command: 'git commit -m x && git rev-parse HEAD' });
    lines.push(
      promptLine(`u-${id}-${turn}`, `commit it ${turn}`, { ...fields, parentUuid: null }),
      assistantLine({
        uuid: `a-${id}-${turn}`,
        id: `m-${id}-${turn}`,
        content: [call],
        stop_reason: 'tool_use',
        fields,
      }),
      resultLine(
        `r-${id}-${turn}`,
        `t-${id}-${turn}`,
        { ...fields, parentUuid: `a-${id}-${turn}` },
        {
          content: `[main ${MADE.slice(0, 7)}] x\n 1 file changed, 1 insertion(+)\n${MADE}`,
        },
      ),
    );
  }
  machine.write(transcriptPath({ id, cwd }), lines.join(''));
}

const idsFor = async (
  open: OpenMachine,
  link: { sha?: string; url?: string; repository?: string },
): Promise<string[]> => (await open.conversationsFor({ link, limit: 10 })).map(({ session }) => session.native_id);

test('a link set or taken away by hand outlives every new reading of the session', TIMEOUT, async () => {
  await using machine = new Machine();
  machine.configure('');
  commits(machine, 'maker');
  commits(machine, 'copyist');
  await opened(machine, async (open) => {
    await open.flushed();
    expect((await idsFor(open, { sha: MADE })).sort()).toEqual(['copyist', 'maker']);
    const say = (id: string, target: string, linked: boolean): Promise<unknown> =>
      open.linkConversation({ id, target, linked });
    expect(await say('copyist', MADE.slice(0, 9), false)).toMatchObject({ result: 'unlinked', kind: 'commit' });
    expect(await say('copyist', MADE, false)).toMatchObject({ result: 'unchanged' });
    expect(await say('maker', OTHER, true)).toMatchObject({ result: 'linked', target: OTHER });
    expect(await say('maker', OTHER.slice(0, 8), true)).toMatchObject({ result: 'unchanged' });
    expect(await say('copyist', '#12', true)).toMatchObject({ kind: 'pull_request', target: REQUEST });
    await expect(say('maker', 'HEAD', true)).rejects.toMatchObject({ code: 'link.target' });
    await expect(say('nobody', MADE, true)).rejects.toMatchObject({ code: 'session.unknown' });
  });
  // Everything is derived anew, in another process, of a session that went on.
  commits(machine, 'copyist', 70);
  await opened(machine, async (open) => {
    await open.replaySessions({ confirm_vanished: false });
    await open.flushed();
    expect(await idsFor(open, { sha: MADE })).toEqual(['maker']);
    expect(await idsFor(open, { sha: OTHER.slice(0, 7) })).toEqual(['maker']);
    expect(await idsFor(open, { url: `${REQUEST}/files` })).toEqual(['copyist']);
    expect(await idsFor(open, { url: REQUEST, repository: 'github.com/acme/other' })).toEqual([]);
    const { links } = await open.conversation('maker');
    expect(links[0]).toMatchObject({ sha: OTHER, confidence: 'high', asserted_at_ms: expect.any(Number) as number });
    expect(links.slice(1).every(({ asserted_at_ms }) => asserted_at_ms === undefined)).toBe(true);
    // What was only said is unsaid; what the text shows comes back when it is linked again.
    expect(await open.linkConversation({ id: 'maker', target: OTHER, linked: false })).toMatchObject({
      result: 'unlinked',
    });
    await open.linkConversation({ id: 'copyist', target: MADE, linked: true });
    expect(await idsFor(open, { sha: OTHER })).toEqual([]);
    expect(await idsFor(open, { sha: MADE })).toEqual(['copyist', 'maker']);
    await open.linkConversation({ id: 'maker', target: OTHER, linked: true });
  });

  const shown = await machine.run(['sessions', 'show', 'maker']);
  expect(shown.stdout).toMatch(new RegExp(`commit +${OTHER} {2}\\(set by hand\\)`));
  const linked = await machine.run(['sessions', 'for', OTHER]);
  expect(linked.stdout).toMatch(/– +commit +by hand/);
  const unlinked = await machine.run(['sessions', 'unlink', 'maker', OTHER.slice(0, 10)]);
  expect([unlinked.exit, unlinked.stderr]).toEqual([
    0,
    expect.stringContaining('no longer linked to commit fedcba9876'),
  ]);
  expect(await machine.run(['sessions', 'for', OTHER])).toMatchObject({ exit: 1 });

  // An erased session leaves no word about it.
  await opened(machine, async (open) => {
    const query = { project: null, before_ms: null, match: null, everywhere: false, timeout_ms: 1_000, dry_run: false };
    await open.erase({ ...query, session: 'copyist' });
    expect(await idsFor(open, { url: REQUEST })).toEqual([]);
  });
});
