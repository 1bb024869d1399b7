/** A6: whatever agentsview writes meanwhile, a reading is a state that the session had at one moment. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { AgentsviewWriter } from '../../../test/support/agentsview-databases.ts';
import { LIVE_SESSIONS, liveMessages } from '../../../test/support/agentsview-live-writer.ts';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import type { AgentsviewMessage } from './message.ts';
import { readSession } from './messages.ts';
import { openAgentsview } from './open.ts';
import { allSessions } from './sessions.ts';

const READINGS = 200;

test('a writer in another process: every reading is of one revision, and the reader never holds it up', async () => {
  const scratch = scratchDirectory();
  const path = join(scratch.path, 'sessions.db');
  {
    using writer = new AgentsviewWriter(path);
    for (const id of LIVE_SESSIONS) writer.session(id);
  }
  const script = fileURLToPath(new URL('../../../test/support/agentsview-live-writer.ts', import.meta.url));
  const child = spawn(process.execPath, [script, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
    scratch.remove();
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  expect(await lines.next()).toMatchObject({ value: 'begun' });

  const seen = new Set<string>();
  for (let i = 0; i < READINGS; i++) {
    // Opened anew each time as between rounds, which is also when SQLite recovers a WAL index.
    using database = openAgentsview(path);
    for (const id of LIVE_SESSIONS) seen.add(expectOneRevision(database, id));
    expect([...allSessions(database)].map((mark) => mark.id)).toEqual(LIVE_SESSIONS);
  }
  expect(seen.size).toBeGreaterThan(1);

  child.stdin.end();
  const { value: last } = (await lines.next()) as { value: string };
  expect(await once(child, 'exit')).toEqual([0, null]);
  using database = openAgentsview(path);
  expect(expectOneRevision(database, 'L1')).toBe(last);
});

function expectOneRevision(database: ReturnType<typeof openAgentsview>, id: string): string {
  const texts = new Set<string | null>();
  const reading = readSession(database, id, ({ messages }) => {
    for (const { content, tool_calls } of messages) {
      texts.add(content);
      for (const call of tool_calls)
        for (const text of [call.input_json, ...call.result.events.map((event) => event.content)]) texts.add(text);
    }
  })!;
  const revision = reading.session.transcript_revision!;
  expect([...texts]).toEqual([`revision ${revision}`]);
  expect(reading).toMatchObject({
    messages: liveMessages(Number(revision)),
    tool_calls: liveMessages(Number(revision)),
    unmatched_results: 0,
    session: { message_count: liveMessages(Number(revision)), first_message: `revision ${revision}` },
  });
  return revision;
}

/** What agentsview does to a stored transcript (§2.5, §3.5 E3 to E5). */
type Change =
  | { kind: 'append'; gap: number }
  | { kind: 'late result'; place: number }
  | { kind: 'edit'; place: number }
  | { kind: 'truncate'; keep: number }
  | { kind: 'renumber' };

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('append' as const), gap: fc.integer({ min: 1, max: 40 }) }) },
  fc.record({ kind: fc.constant('late result' as const), place: fc.nat(1_000) }),
  fc.record({ kind: fc.constant('edit' as const), place: fc.nat(1_000) }),
  fc.record({ kind: fc.constant('truncate' as const), keep: fc.nat(10) }),
  fc.record({ kind: fc.constant('renumber' as const) }),
);

/** A message as far as the changes concern it. */
type Stored = [ordinal: number, content: string, result: string | null];

/** agentsview's side: what it stored, kept as it was after every change by the session's revision. */
class Transcript {
  readonly history = new Map<string, Stored[]>();
  #messages: Stored[] = [];
  #revision = 0;
  readonly #writer: AgentsviewWriter;

  constructor(writer: AgentsviewWriter) {
    this.#writer = writer;
    writer.session('S1');
    this.#store();
  }

  apply(next: Change): void {
    this.#messages = changed(this.#messages, next, `text ${this.#revision}`);
    this.#revision++;
    this.#store();
  }

  #store(): void {
    this.history.set(String(this.#revision), this.#messages);
    this.#writer.transaction(() => {
      this.#writer.run("DELETE FROM tool_calls WHERE session_id = 'S1'");
      this.#writer.run("DELETE FROM messages WHERE session_id = 'S1'");
      for (const [ordinal, content, result_content] of this.#messages) {
        const id = this.#writer.insert('messages', { session_id: 'S1', ordinal, role: 'user', content });
        this.#writer.call('S1', id, { result_content });
      }
      this.#writer.run("UPDATE sessions SET transcript_revision = ? WHERE id = 'S1'", String(this.#revision));
    });
  }
}

function changed(messages: readonly Stored[], next: Change, text: string): Stored[] {
  const at = (place: number): number => place % Math.max(1, messages.length);
  switch (next.kind) {
    case 'append':
      return [...messages, [(messages.at(-1)?.[0] ?? -next.gap) + next.gap, text, null]];
    case 'late result':
      return messages.map(([ordinal, content, result], i) => [ordinal, content, i === at(next.place) ? text : result]);
    case 'edit':
      return messages.map(([ordinal, content, result], i) => [ordinal, i === at(next.place) ? text : content, result]);
    case 'truncate':
      return messages.slice(0, next.keep);
    case 'renumber':
      return messages.map(([, content, result], i) => [i, content, result]);
  }
}

const stored = ({ ordinal, content, tool_calls }: AgentsviewMessage): Stored => [
  ordinal,
  content,
  tool_calls[0]?.result.content ?? null,
];

test('changes between and during readings: each reading is the state of its revision', () => {
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 40 }),
      fc.array(fc.array(change, { maxLength: 3 }), { maxLength: 12 }),
      (before, during) => {
        const scratch = scratchDirectory();
        const path = join(scratch.path, 'sessions.db');
        try {
          using writer = new AgentsviewWriter(path);
          const transcript = new Transcript(writer);
          for (const each of before) transcript.apply(each);
          using database = openAgentsview(path);
          const waiting = [...during];
          do {
            const read: Stored[] = [];
            const reading = readSession(database, 'S1', ({ index, messages }) => {
              expect(messages.map(({ ordinal }) => Math.floor(ordinal / 64))).toEqual(messages.map(() => index));
              read.push(...messages.map(stored));
              for (const each of waiting.shift() ?? []) transcript.apply(each);
            })!;
            expect(read).toEqual(transcript.history.get(reading.session.transcript_revision!));
            for (const each of waiting.shift() ?? []) transcript.apply(each);
          } while (waiting.length > 0);
        } finally {
          scratch.remove();
        }
      },
    ),
    { numRuns: 40 },
  );
});
