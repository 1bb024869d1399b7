/** S1: whatever happens to a source and to the process, the store ends with what masking its source gives. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { callMessage, head, KEY, message, NOW_MS, SessionRig, type Fault } from '../../../test/support/session-rig.ts';
import { MemoryTranscriptWriter } from '../../../test/support/memory-transcript-writer.ts';
import type { ConversationMessage } from '../../agents/conversation.ts';
import type { TranscriptWriter } from '../store/session-store.ts';
import { SqliteSessionStore } from '../store/sqlite/sqlite-session-store.ts';
import type { PutResult, SourceGone, TranscriptPut } from '../store/transcript.ts';

type Step =
  | { kind: 'append'; count: number; gap: number; text: string }
  | { kind: 'edit' | 'late_result'; at: number; text: string }
  | { kind: 'truncate' | 'rewind'; at: number }
  | { kind: 'renumber'; by: number }
  | { kind: 'title'; text: string }
  | { kind: 'vanish' | 'return' | 'rules' | 'unshare' | 'share' | 'lose_store' | 'lose_links' }
  | { kind: 'attempt'; fault: Fault | null };

const text = fc.constantFrom(
  'a word',
  'mail ada@example.com',
  'password=hunter2hunter2',
  '/home/ada/shop/x.ts',
  '{"a":1}',
  '',
);
const place = fc.nat({ max: 400 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('append'),
      count: fc.integer({ min: 1, max: 5 }),
      gap: fc.integer({ min: 1, max: 40 }),
      text,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('edit', 'late_result'), at: place, text }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('truncate', 'rewind'), at: place }) },
  fc.record({ kind: fc.constant('renumber'), by: fc.integer({ min: 1, max: 70 }) }) as fc.Arbitrary<Step>,
  fc.record({ kind: fc.constant('title'), text }) as fc.Arbitrary<Step>,
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('vanish', 'return', 'rules', 'unshare', 'share', 'lose_store', 'lose_links'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('attempt'),
      fault: fc.constantFrom<Fault | null>(
        null,
        null,
        'reading',
        'after_first_segment',
        'proceed',
        'lost_request',
        'lost_answer',
        'settle',
      ),
    }),
  },
);

/** Lets one thing happen to the source, to what a person wants, or to the machine. */
async function take(rig: SessionRig, told: Step): Promise<void> {
  const { messages } = rig;
  const at = 'at' in told && messages.length > 0 ? told.at % messages.length : 0;
  const next = (messages.at(-1)?.ordinal ?? -1) + 1;
  switch (told.kind) {
    case 'append':
      for (let i = 0; i < told.count; i++) {
        const ordinal = next + i * told.gap;
        messages.push(i % 2 === 0 ? message(ordinal, told.text) : callMessage(ordinal, null));
      }
      return;
    case 'edit':
      if (messages[at]) messages[at] = { ...messages[at], content: told.text };
      return;
    case 'late_result':
      if (messages[at]) messages[at] = callMessage(messages[at].ordinal, told.text, NOW_MS - 1);
      return;
    case 'truncate':
      messages.length = at;
      return;
    case 'rewind':
      messages.splice(at, messages.length, message(messages[at]?.ordinal ?? 0, 'another way'));
      return;
    case 'renumber':
      rig.messages = messages.map((one) => ({ ...one, ordinal: one.ordinal + told.by }));
      return;
    case 'title':
      if (rig.head) rig.head = { ...rig.head, title: told.text };
      return;
    case 'vanish':
      Object.assign(rig, { state: 'gone', head: null });
      return;
    case 'return':
      Object.assign(rig, { state: 'present', head: rig.head ?? head() });
      return;
    case 'rules':
      rig.changeRules();
      return;
    case 'unshare':
      rig.choices.unshare([KEY], NOW_MS);
      return;
    case 'share':
      rig.choices.share([KEY]);
      return;
    case 'lose_store':
      rig.store.held.clear();
      return;
    case 'lose_links':
      rig.db.run('DELETE FROM session_link');
      return;
    case 'attempt':
      await rig.attempt(told.fault);
  }
}

const ALL = {
  decide: ({ unshared }: { unshared: boolean }) =>
    unshared ? ({ kind: 'not_shared', reason: 'unshared' } as const) : ({ kind: 'send', hold_ms: 0 } as const),
};

it('ends with what masking the source gives, and a quiet cycle sends nothing', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const rig = new SessionRig({ sharing: ALL, limits: { put_bytes: 1_500, put_segments: 2 } });
      rig.messages = [message(0, 'the first')];
      for (const one of steps) await take(rig, one);
      await take(rig, { kind: 'return' });
      // A title that nothing had, so that whatever was lost at the store is found out: the journal would notice a change.
      if (rig.head) rig.head = { ...rig.head, title: 'the last title' };
      rig.choices.share([KEY]);
      await rig.deliver();
      expect(rig.store.messages(KEY)).toEqual(rig.expected());
      expect(rig.store.held.get(KEY)).toMatchObject({
        arriving: false,
        head: { title: 'the last title', message_count: rig.messages.length, presence: { kind: 'present' } },
      });
      expect(await rig.deliver()).toBe(0);
    }),
    { numRuns: 300 },
  );
});

/** The mark of a vanished source is there, and the process died before it wrote that down; then the source is back. */
const ANSWER_TO_MARK_LOST: Step[] = [
  { kind: 'attempt', fault: null },
  { kind: 'vanish' },
  { kind: 'attempt', fault: 'settle' },
];

/** So is a put, and the source goes back to what it was before. */
const ANSWER_TO_PUT_LOST: Step[] = [
  { kind: 'attempt', fault: null },
  { kind: 'append', count: 1, gap: 1, text: 'a word' },
  { kind: 'attempt', fault: 'lost_answer' },
  { kind: 'truncate', at: 1 },
];

it(
  'does so over the store of this machine, which answers as the one in memory does',
  { timeout: 120_000 },
  async () => {
    // A store that loses a session without a trace cannot be made of the real one.
    const kept = step.filter(({ kind }) => kind !== 'lose_store');
    await fc.assert(
      fc.asyncProperty(fc.array(kept, { minLength: 5, maxLength: 30 }), async (steps) => {
        const real = new SqliteSessionStore(':memory:', { clock: { now_ms: () => NOW_MS, monotonic_ms: () => 0 } });
        const rig = new SessionRig({
          sharing: ALL,
          limits: { put_bytes: 1_500, put_segments: 2 },
          writer: new Mirrored(real),
        });
        rig.messages = [message(0, 'the first')];
        for (const one of steps) await take(rig, one);
        await take(rig, { kind: 'return' });
        rig.choices.share([KEY]);
        await rig.deliver();
        expect(await real.messages({ team_id: 'acme' }, KEY, 0, 10_000)).toEqual(rig.expected());
        expect(await real.find({ team_id: 'acme' }, KEY)).toMatchObject({
          arriving: false,
          presence: { kind: 'present' },
        });
        await real.close();
      }),
      { numRuns: 60, examples: [[ANSWER_TO_MARK_LOST], [ANSWER_TO_PUT_LOST]] },
    );
  },
);

/** Does everything in a real store as well, and compares the answers. */
class Mirrored extends MemoryTranscriptWriter {
  readonly #real: TranscriptWriter;

  constructor(real: TranscriptWriter) {
    super();
    this.#real = real;
  }

  override put(team_id: string, put: TranscriptPut): Promise<PutResult> {
    return this.#both(
      () => this.#real.put(team_id, structuredClone(put)),
      () => super.put(team_id, put),
    );
  }

  override markGone(team_id: string, gone: SourceGone): Promise<PutResult> {
    return this.#both(
      () => this.#real.markGone(team_id, gone),
      () => super.markGone(team_id, gone),
    );
  }

  override remove(
    ...[team_id, key, owner, reason]: Parameters<MemoryTranscriptWriter['remove']>
  ): ReturnType<MemoryTranscriptWriter['remove']> {
    return this.#both(
      () => this.#real.remove(team_id, key, owner, reason),
      () => super.remove(team_id, key, owner, reason),
    );
  }

  async #both<T>(real: () => Promise<T>, own: () => Promise<T>): Promise<T> {
    const answer = this.fault?.when === 'before' ? null : await real();
    const result = await own();
    expect(result).toEqual(answer);
    return result;
  }
}

it(
  'with a hold: nothing younger than it ever leaves, and in the end everything has left',
  { timeout: 120_000 },
  async () => {
    const hold_ms = 15 * 60_000;
    const appended = fc.record({
      after_ms: fc.integer({ min: 0, max: 10 * 60_000 }),
      late: fc.boolean(),
      attempts: fc.nat({ max: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(appended, { minLength: 1, maxLength: 30 }), async (turns) => {
        const rig = new SessionRig({ sharing: { decide: () => ({ kind: 'send', hold_ms }) } });
        for (const [ordinal, { after_ms, late, attempts }] of turns.entries()) {
          rig.now_ms += after_ms;
          const sent: ConversationMessage = late
            ? callMessage(ordinal, 'done', rig.now_ms)
            : message(ordinal, 'a turn');
          rig.messages.push({ ...sent, timestamp_ms: rig.now_ms - (late ? 60_000 : 0) });
          for (let i = 0; i < attempts; i++) {
            const puts = rig.store.puts.length;
            await rig.attempt();
            for (const { segments } of rig.store.puts.slice(puts)) {
              const ages = segments.flatMap(({ messages }) => messages.map((one) => rig.now_ms - timeOf(one)));
              expect(Math.min(...ages)).toBeGreaterThanOrEqual(hold_ms);
            }
          }
        }
        await rig.deliver();
        expect(rig.store.messages(KEY)).toEqual(rig.expected());
        expect(rig.now_ms - Math.max(...rig.messages.map(timeOf))).toBeLessThan(hold_ms + 2 * 60_000);
      }),
      { numRuns: 200 },
    );
  },
);

function timeOf({ timestamp_ms, tool_calls }: ConversationMessage): number {
  return Math.max(timestamp_ms ?? 0, ...tool_calls.map(({ result_at_ms }) => result_at_ms ?? 0));
}
