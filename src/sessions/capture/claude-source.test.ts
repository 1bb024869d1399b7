import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  TranscriptFolder,
  assistantLine,
  fixture,
  promptLine,
  resultLine,
  toolUse,
  transcriptLine,
} from '../../../test/support/claude-transcripts.ts';
import type { ConversationHead, ConversationMessage } from '../../agents/conversation.ts';
import { claudePlaces } from '../../agents/claude/places.ts';
import type { StampedTranscript } from '../../agents/claude/conversations.ts';
import { CLAUDE_ARCHIVE } from '../conversation-key.ts';
import { ClaudeActivity } from './claude-activity.ts';
import { ClaudeSource } from './claude-source.ts';
import type { SourceRound } from './session-source.ts';

let folder: TranscriptFolder;
let source: ClaudeSource;
/** Far enough behind what the tests write that a further write would bear another time. */
let now_ms: number;
beforeEach(() => {
  folder = new TranscriptFolder();
  now_ms = Date.now() + 60_000;
  for (const name of ['S1.jsonl', 'S1/subagents/agent-ag1.jsonl', 'S2.jsonl'])
    folder.write(`projects/-home-ada-shop/${name}`, fixture(`worked-example/-home-ada-shop/${name}`));
  source = open();
});
afterEach(() => {
  source[Symbol.dispose]();
  folder.remove();
});

const signal = new AbortController().signal;
const shop = (name: string): string => `projects/-home-ada-shop/${name}`;

function open(config_dir: string = folder.path): ClaudeSource {
  const places = (): ReturnType<typeof claudePlaces> => claudePlaces({ CLAUDE_CONFIG_DIR: config_dir });
  // What is kept for the next reading is kept until the end of the test.
  return new ClaudeSource({
    places,
    timers: { sleep: (delay_ms) => (delay_ms === 0 ? Promise.resolve() : new Promise(() => undefined)) },
  });
}

interface Told {
  ids: string[];
  marks: Record<string, string>;
  groups: Record<string, string>;
  complete: boolean;
  checkpoint: string;
  round: SourceRound;
}

async function look(checkpoint: string | null, whole = false): Promise<Told> {
  const round = await source.round(checkpoint, now_ms, signal, whole);
  const marks = [...round.marks];
  expect(marks.every(({ archive, mark }) => archive === CLAUDE_ARCHIVE && mark.length <= 64)).toBe(true);
  round.close();
  return {
    ids: marks.map(({ native_id }) => native_id).sort(),
    marks: Object.fromEntries(marks.map(({ native_id, mark }) => [native_id, mark])),
    groups: Object.fromEntries(marks.map(({ native_id, group }) => [native_id, group])),
    complete: round.complete,
    checkpoint: round.checkpoint,
    round,
  };
}

/** Looks until nothing happens any more, as the sweep does. */
async function settle(checkpoint: string | null = null): Promise<string> {
  let { checkpoint: taken } = await look(checkpoint);
  for (let rounds = 0; !source.isQuiet(taken, now_ms); rounds++) {
    expect(rounds).toBeLessThan(3);
    taken = (await look(taken)).checkpoint;
  }
  return taken;
}

function makeOld(name: string): void {
  const days_ago = new Date(now_ms - 2 * 86_400_000);
  utimesSync(join(folder.path, name), days_ago, days_ago);
}

async function read(native_id: string): Promise<{ head: ConversationHead; messages: ConversationMessage[] } | null> {
  const messages: ConversationMessage[] = [];
  const heads = new Set<ConversationHead>();
  const visit = (segment: { messages: ConversationMessage[] }, head: ConversationHead): boolean => {
    heads.add(head);
    return messages.push(...segment.messages) > 0;
  };
  const reading = await source.read(native_id, CLAUDE_ARCHIVE, visit, signal);
  if (reading === null) return null;
  expect([...heads]).toEqual([reading.head]);
  return { head: reading.head, messages };
}

describe('rounds', () => {
  it('lists every session, and subagents by the names that agentsview gives them', async () => {
    const first = await look(null);
    expect(first).toMatchObject({ ids: ['S1', 'S2', 'agent-ag1'], complete: true });
    expect(first.round.restarted).toBe(false);
    expect(new Set(Object.values(first.groups)).size).toBe(1);
    expect(`${source.name}${first.checkpoint}${JSON.stringify(first.groups)}`).not.toContain(folder.path);
    expect(open(`${folder.path}/elsewhere`).name).not.toBe(source.name);
  });

  it('is quiet until something grows, and then tells that session alone', async () => {
    const taken = await settle();
    expect(source.isQuiet(taken, now_ms + 60_000)).toBe(true);
    const before = (await look(null)).marks;
    const again = await settle(taken);
    folder.append(shop('S1.jsonl'), promptLine('u9', 'more'));
    expect(source.isQuiet(again, now_ms)).toBe(false);
    const round = await look(again);
    expect(round).toMatchObject({ ids: ['S1'], complete: false });
    expect(round.marks['S1']).not.toBe(before['S1']);
    expect(source.isQuiet(round.checkpoint, now_ms)).toBe(true);
  });

  it.each([
    ['a new session', shop('S3.jsonl'), ['S3']],
    ['a new subagent', shop('S1/subagents/agent-ag2.jsonl'), ['agent-ag2']],
    ['the first subagent of a session', shop('S2/subagents/agent-ag3.jsonl'), ['agent-ag3']],
    ['a workflow’s subagent', shop('S1/subagents/workflows/w/agent-deep.jsonl'), ['agent-deep']],
  ])('sees %s where something happened lately', async (_what, name, expected) => {
    const taken = await settle();
    folder.write(name, promptLine('u1', 'go', { sessionId: 'S1' }));
    expect(source.isQuiet(taken, now_ms)).toBe(false);
    expect(await look(taken)).toMatchObject({ ids: expected, complete: false });
  });

  it('lists everything when a project comes, and a rewritten file of equal size is another', async () => {
    const taken = await settle();
    folder.write('projects/other/S4.jsonl', promptLine('u1', 'go'));
    const round = await look(taken);
    expect(round).toMatchObject({ ids: ['S1', 'S2', 'S4', 'agent-ag1'], complete: true });
    expect(round.groups['S4']).not.toBe(round.groups['S1']);
    // Pitfall 10: same size, same time, other content.
    const settled = await settle(round.checkpoint);
    const copy = folder.write('copy', promptLine('u1', 'no'));
    const path = join(folder.path, 'projects/other/S4.jsonl');
    const time = new Date(now_ms - 100_000);
    utimesSync(path, time, time);
    const old = (await look(settled, true)).marks['S4'];
    utimesSync(copy, time, time);
    renameSync(copy, path);
    expect((await look(settled, true)).marks['S4']).not.toBe(old);
  });

  it('looks again while a further change could bear the same time', async () => {
    now_ms = Date.now();
    const { checkpoint } = await look(null);
    expect(source.isQuiet(checkpoint, now_ms)).toBe(false);
    now_ms += 60_000;
    const again = await look(checkpoint);
    expect(source.isQuiet(again.checkpoint, now_ms)).toBe(true);
  });

  it('tells again what a round that was not taken in had told', async () => {
    const taken = await settle();
    folder.append(shop('S1.jsonl'), promptLine('u9', 'more'));
    expect((await look(taken)).ids).toEqual(['S1']);
    folder.append(shop('S2.jsonl'), promptLine('u9', 'more'));
    const second = await look(taken);
    expect(second.ids).toEqual(['S1', 'S2']);
    expect((await look(second.checkpoint)).ids).toEqual([]);
    // A checkpoint of another process says nothing about what this one knows.
    source[Symbol.dispose]();
    source = open();
    expect(source.isQuiet(second.checkpoint, now_ms)).toBe(false);
    expect(await look(second.checkpoint)).toMatchObject({ ids: ['S1', 'S2', 'agent-ag1'], complete: true });
  });

  it('finds an old session that is taken up again by the watcher’s hint, or within ten minutes', async () => {
    for (const name of ['S1.jsonl', 'S1/subagents/agent-ag1.jsonl', 'S2.jsonl']) makeOld(shop(name));
    const taken = await settle();
    folder.append(shop('S2.jsonl'), promptLine('u9', 'back again'));
    expect(source.isQuiet(taken, now_ms)).toBe(true);
    // The first hint comes at once behind a listing: it is kept, and everything is listed a little later.
    const hinted = await look(taken);
    expect(hinted).toMatchObject({ ids: [], complete: false });
    expect(source.isQuiet(hinted.checkpoint, now_ms)).toBe(true);
    now_ms += 2_000;
    expect(source.isQuiet(hinted.checkpoint, now_ms)).toBe(false);
    expect(await look(hinted.checkpoint)).toMatchObject({ complete: true });
    const settled = await settle();
    expect(source.isQuiet(settled, now_ms + 10 * 60_000 - 1)).toBe(true);
    expect(source.isQuiet(settled, now_ms + 10 * 60_000)).toBe(false);
    expect(source.isQuiet(settled, now_ms - 1)).toBe(false);
  });

  it('looks at as many places with 100,000 sessions as with 1,000', () => {
    const placesWith = (sessions: number): number => {
      const files = Array.from({ length: sessions }, (_none, index): StampedTranscript => {
        const project = `/none/p${index % 2000}`;
        const path = `${project}/S${index}.jsonl`;
        const figures = { size: 1, birth_ms: 1, mtime_ms: now_ms - index, stamp: '1:1', subagent_id: null };
        return { agent: 'claude', path, project, session_id: `S${index}`, ...figures };
      });
      const projects = [...new Set(files.map(({ project }) => project))];
      return new ClaudeActivity({ roots: ['/none'], projects }, files, now_ms).places;
    };
    expect(placesWith(100_000)).toBe(placesWith(1_000));
    expect(placesWith(100_000)).toBeLessThan(1_500);
  });
});

describe('what is not there', () => {
  it('vanished when a complete listing does not have it, and is never deleted', async () => {
    const taken = await settle();
    rmSync(join(folder.path, shop('S2.jsonl')));
    expect(source.isQuiet(taken, now_ms)).toBe(false);
    expect(await look(taken)).toMatchObject({ ids: [], complete: false });
    const round = await look(taken, true);
    expect(round).toMatchObject({ ids: ['S1', 'agent-ag1'], complete: true });
    const absent = [{ native_id: 'S2', archive: CLAUDE_ARCHIVE }];
    expect(round.round.fatesOf(absent)).toEqual([{ ...absent[0], fate: 'vanished' }]);
    expect(await read('S2')).toBeNull();
  });

  it('says nothing about the sessions of a folder that is missing, also in the next process', async () => {
    folder.write('second/projects/p/S9.jsonl', promptLine('u1', 'go'));
    source = open(`${folder.path},${folder.path}/second`);
    const { checkpoint, complete } = await look(null);
    expect(complete).toBe(true);
    renameSync(join(folder.path, 'second'), join(folder.path, 'unmounted'));
    const without = await look(checkpoint, true);
    expect(without).toMatchObject({ ids: ['S1', 'S2', 'agent-ag1'], complete: false });
    source = open(`${folder.path},${folder.path}/second`);
    const later = await look(without.checkpoint);
    expect(later.complete).toBe(false);
    renameSync(join(folder.path, 'unmounted'), join(folder.path, 'second'));
    expect(await look(later.checkpoint, true)).toMatchObject({ ids: ['S1', 'S2', 'S9', 'agent-ag1'], complete: true });
  });

  it('cannot be read when no folder is there', async () => {
    const taken = await settle();
    rmSync(join(folder.path, 'projects'), { recursive: true });
    expect(source.exists()).toBe(false);
    expect(source.isQuiet(taken, now_ms)).toBe(false);
    await expect(look(taken)).rejects.toMatchObject({ code: 'claude.unreadable' });
  });

  it('is not complete without a folder that cannot be read', async () => {
    // A link to itself: unreadable for everybody, also where tests run as root.
    mkdirSync(join(folder.path, shop('S2')));
    symlinkSync('subagents', join(folder.path, shop('S2/subagents')));
    expect(await look(null)).toMatchObject({ ids: ['S1', 'S2', 'agent-ag1'], complete: false });
  });
});

describe('reading', () => {
  it('tells a session, and null for one that is not there or not its own', async () => {
    await look(null);
    const { head, messages } = (await read('S1'))!;
    expect(head).toMatchObject({ native_id: 'S1', relationship: '', first_message: 'fix the test' });
    expect(messages.map(({ source_uuid }) => source_uuid)).toEqual(['u1', 'a1', 'c1', 'u3', 'e1', 'd1']);
    expect((await read('agent-ag1'))?.head).toMatchObject({ parent_native_id: 'S1', relationship: 'subagent' });
    expect(await read('S7')).toBeNull();
    expect(await source.read('S1', 'another', () => true, signal)).toBeNull();
    folder.write(shop('S5.jsonl'), transcriptLine({ type: 'ai-title', aiTitle: 'nothing but a title' }));
    await look(null);
    expect(await read('S5')).toBeNull();
  });

  it('tells before the first round what is there', async () => {
    expect((await read('S1'))?.messages).toHaveLength(6);
  });

  it('reads on from a segment, and what grew meanwhile', async () => {
    const lines = Array.from({ length: 200 }, (_none, index) =>
      promptLine(`u${index}`, `go ${index}`, { parentUuid: index === 0 ? null : `u${index - 1}` }),
    );
    folder.write(shop('S6.jsonl'), lines.join(''));
    await look(null);
    const told: [number, number][] = [];
    const visit = (enough: number) => (segment: { index: number; messages: unknown[] }) => {
      told.push([segment.index, segment.messages.length]);
      return segment.index < enough;
    };
    await source.read('S6', CLAUDE_ARCHIVE, visit(1), signal);
    folder.append(shop('S6.jsonl'), promptLine('u200', 'more', { parentUuid: 'u199' }));
    await source.read('S6', CLAUDE_ARCHIVE, visit(9), signal, 2);
    expect(told).toEqual([
      [0, 64],
      [1, 64],
      [2, 64],
      [3, 9],
    ]);
  });

  it('a fork is the fork of the session that had its lines first, whichever is read first', async () => {
    const turn = (session: string, fields = {}): string =>
      promptLine('f1', 'go', { sessionId: session, ...fields }) +
      assistantLine({ uuid: 'f2', id: 'msg_f', fields: { parentUuid: 'f1', sessionId: session, ...fields } });
    const own = (uuid: string, session: string): string =>
      promptLine(uuid, 'on', { parentUuid: 'f2', sessionId: session });
    const snapshot = '{"type":"file-history-snapshot","messageId":"m"}\n';
    const [first, second] = turn('Z-original').split(/(?<=\n)/);
    // Born last, but a line stands in it that no fork copies.
    folder.write(shop('B-fork.jsonl'), turn('B-fork') + own('f3', 'B-fork') + snapshot);
    folder.write(shop('C-background.jsonl'), turn('C-background', { sessionKind: 'bg' }));
    folder.write(shop('D-resumed.jsonl'), turn('Z-original') + own('f5', 'D-resumed'));
    folder.write(shop('Z-original.jsonl'), `${first}${snapshot}${second}${own('f4', 'Z-original')}`);
    await look(null);
    const originOf = async (id: string): Promise<unknown[]> => {
      const { head } = (await read(id))!;
      return [head.relationship, head.parent_native_id];
    };
    expect(await originOf('B-fork')).toEqual(['fork', 'Z-original']);
    expect(await originOf('C-background')).toEqual(['fork', 'Z-original']);
    expect(await originOf('D-resumed')).toEqual(['continuation', 'Z-original']);
    expect(await originOf('Z-original')).toEqual(['', null]);
    expect(await originOf('S1')).toEqual(['', null]);
    // Without such a line, copies that kept another's id tell.
    folder.write(shop('X-resumed.jsonl'), promptLine('g1', 'go', { sessionId: 'Y-old' }) + own('g2', 'X-resumed'));
    folder.write(shop('Y-old.jsonl'), promptLine('g1', 'go', { sessionId: 'Y-old' }));
    await look(null);
    expect(await originOf('X-resumed')).toEqual(['continuation', 'Y-old']);
    expect(await originOf('Y-old')).toEqual(['', null]);
    // R25: the copied lines have the same source_uuid in all of them.
    expect((await read('B-fork'))?.messages.map(({ source_uuid }) => source_uuid)).toEqual(['f1', 'f2', 'f3']);
  });

  it('keeps subagents of two sessions with one short id apart, also when the first has vanished', async () => {
    const path = shop('S2/subagents/agent-ag1.jsonl');
    const other = promptLine('o1', 'another task', { sessionId: 'S2', isSidechain: true, agentId: 'ag1' });
    await look(null);
    folder.write(path, other);
    const round = await look(null);
    expect(round.ids).toEqual(['S1', 'S2', 'agent-ag1', 'agent-ag1:S2']);
    const second = (await read('agent-ag1:S2'))!;
    expect(second.head).toMatchObject({ native_id: 'agent-ag1:S2', parent_native_id: 'S2' });
    expect(second.messages[0]?.content).toBe('another task');
    expect((await read('agent-ag1'))?.head.parent_native_id).toBe('S1');
    rmSync(join(folder.path, shop('S1/subagents/agent-ag1.jsonl')));
    source = open();
    expect((await look(round.checkpoint)).ids).toEqual(['S1', 'S2', 'agent-ag1:S2']);
  });

  it('takes up a late result by the session’s mark', async () => {
    folder.write(
      shop('S8.jsonl'),
      promptLine('u1', 'go') +
        assistantLine({ uuid: 'a1', id: 'msg_1', content: [toolUse('toolu_1')], fields: { parentUuid: 'u1' } }),
    );
    const taken = await settle();
    folder.append(shop('S8.jsonl'), resultLine('r1', 'toolu_1', { parentUuid: 'a1' }));
    expect((await look(taken)).ids).toEqual(['S8']);
    expect((await read('S8'))?.messages[1]?.tool_calls[0]?.result).toBe('done');
  });
});
