import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  LATER_MS,
  TranscriptFolder,
  TranscriptTail,
  assistantLine,
  promptLine,
  resultLine,
  toolUse,
  transcriptLine,
} from '../../../test/support/claude-transcripts.ts';
import type { AgentEvent } from '../event.ts';
import { mergeByIdentity } from '../merge.ts';
import { CLAUDE_READ_LIMITS } from './index.ts';

/**
 * Whatever lines a transcript holds, and however it grows: the merged events, the counts and the session are those of
 * reading it whole. Few ids, so that pieces, copies, gateways and searches meet in every way.
 */

let folder: TranscriptFolder;
beforeEach(() => (folder = new TranscriptFolder()));
afterEach(() => folder.remove());

const SECRET = 'only-said-never-kept';
const id = fc.constantFrom('msg_1', 'msg_2', 'msg_3', 'chatcmpl-1', undefined);
const uuid = fc.integer({ min: 1, max: 30 }).map((number) => `uuid${number}`);
const call_id = fc.constantFrom('toolu_1', 'toolu_2', 'call_1');
const block = fc.oneof(
  fc.constantFrom('Let', 'Let me', `Let me say ${SECRET}`).map((said) => ({ type: 'text', text: said })),
  fc.constant({ type: 'thinking', thinking: 'hm', signature: 's' }),
  call_id.map((call) => toolUse(call, 'WebSearch', { path: '/x' })),
);
const fields = fc.record({
  parentUuid: fc.option(uuid),
  sessionId: fc.constantFrom('S1', 'S1', 'S0'),
  isSidechain: fc.constantFrom(false, false, true),
  timestamp: fc.constantFrom('2026-10-20T09:00:00.000Z', '2026-10-20T09:00:20.000Z', undefined),
});

const assistant = fc
  .record({
    uuid,
    id,
    output: fc.integer({ min: 0, max: 5 }),
    content: fc.array(block, { maxLength: 2 }),
    stop_reason: fc.constantFrom(null, null, 'tool_use', 'end_turn'),
    fields,
  })
  .map(assistantLine);
const result = fc
  .tuple(uuid, call_id, fields, fc.integer({ min: 0, max: 2 }))
  .map(([line, call, common, searchCount]) => resultLine(line, call, { ...common, toolUseResult: { searchCount } }));
const other = fc.oneof(
  fc.tuple(uuid, fields).map(([line, common]) => promptLine(line, SECRET, common)),
  fc.constantFrom(
    'not json\n',
    '\n',
    `{"type":"new-thing","content":"${SECRET}"}\n`,
    '{"type":"mode","mode":"plan"}\n',
    `{"type":"ai-title","aiTitle":"${SECRET}"}\n`,
    `{"type":"custom-title","customTitle":"${SECRET}!"}\n`,
    `${'z'.repeat(3000)}\n`,
    transcriptLine({ type: 'system', uuid: 'c1', subtype: 'compact_boundary', compactMetadata: { trigger: 'auto' } }),
    promptLine('s1', SECRET, { isCompactSummary: true }),
  ),
);
const transcript = fc.array(fc.oneof({ weight: 4, arbitrary: assistant }, { weight: 2, arbitrary: result }, other), {
  maxLength: 60,
});

interface Outcome {
  events: Record<string, AgentEvent>;
  skipped: Record<string, number>;
  session: unknown;
}

async function grow(
  text: Buffer,
  cuts: readonly number[],
  max_bytes: number,
  times: readonly number[],
): Promise<Outcome> {
  folder.write('S1.jsonl', '');
  const tail = new TranscriptTail(() => folder.file('S1.jsonl'));
  const limits = { max_bytes, max_line_bytes: 2500 };
  const ends = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
  let written = 0;
  for (const [index, end] of [...ends, text.length].entries()) {
    folder.append('S1.jsonl', text.subarray(written, end));
    written = end;
    await tail.toEnd(times[index % times.length], limits);
    expect(tail.checkpoint).not.toContain(SECRET);
  }
  await tail.toEnd(LATER_MS, limits);
  expect(tail.restarts).toBe(0);
  expect(new Set(tail.positioned.map(({ cursor }) => cursor)).size).toBe(tail.positioned.length);
  const events = [...mergeByIdentity(tail.events)].sort(([a], [b]) => (a < b ? -1 : 1));
  return { events: Object.fromEntries(events), skipped: tail.skipped, session: tail.session };
}

it('does not depend on how a transcript grows, and keeps nothing that was said in a checkpoint', async () => {
  const clock = fc.constantFrom(Date.parse('2026-10-20T09:00:30Z'), Date.parse('2026-10-20T09:01:10Z'), LATER_MS);
  await fc.assert(
    fc.asyncProperty(
      transcript,
      fc.array(fc.nat(), { maxLength: 12 }),
      fc.constantFrom(1, 300, 2000, CLAUDE_READ_LIMITS.max_bytes),
      fc.array(clock, { minLength: 1, maxLength: 4 }),
      async (lines, cuts, max_bytes, times) => {
        const text = Buffer.from(lines.join(''));
        const whole = await grow(text, [], CLAUDE_READ_LIMITS.max_bytes, [LATER_MS]);
        expect(await grow(text, cuts, max_bytes, times)).toEqual(whole);
      },
    ),
    { numRuns: 300 },
  );
});
