import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LATER_MS, TranscriptFolder, TranscriptTail, fixture } from '../../../test/support/claude-transcripts.ts';
import type { AgentEvent } from '../event.ts';
import { mergeByIdentity } from '../merge.ts';
import { priceOf } from '../pricing/price.ts';
import type { TranscriptFile } from '../source.ts';
import { CLAUDE_READ_LIMITS } from './index.ts';

/** The worked example of specification §2.11: a session, its subagent and a later fork. */
const NAMES = ['S1.jsonl', 'S1/subagents/agent-ag1.jsonl', 'S2.jsonl'] as const;
type Name = (typeof NAMES)[number];
const CONTENT = new Map(NAMES.map((name) => [name, fixture(`worked-example/-home-ada-shop/${name}`)]));
const PLACE: Record<Name, Partial<TranscriptFile>> = {
  'S1.jsonl': { birth_ms: 1000 },
  'S1/subagents/agent-ag1.jsonl': { session_id: 'S1', subagent_id: 'ag1', birth_ms: 2000 },
  'S2.jsonl': { birth_ms: 3000 },
};

let folder: TranscriptFolder;
beforeEach(() => (folder = new TranscriptFolder()));
afterEach(() => folder.remove());

function tailOf(name: Name): TranscriptTail {
  return new TranscriptTail(() => folder.file(name, PLACE[name]));
}

type Totals = [input: number, output: number, write_5m: number, write_1h: number, read: number];

function totals(events: AgentEvent[]): Totals {
  const sum: Totals = [0, 0, 0, 0, 0];
  for (const { usage } of events) {
    if (usage === null) continue;
    const parts = [usage.input, usage.output, usage.cache_write_5m, usage.cache_write_1h, usage.cache_read];
    parts.forEach((part, index) => (sum[index] = (sum[index] ?? 0) + part));
  }
  return sum;
}

/** The table of §2.11, from merged events. */
function figures(occurrences: AgentEvent[]): Record<string, unknown> {
  const events = [...mergeByIdentity(occurrences).values()];
  const of = (kind: string): AgentEvent[] => events.filter((event) => event.kind === kind);
  const responses = of('message').filter((event) => event.facts['role'] === 'assistant');
  const answered = new Map(of('tool_result').map((event) => [event.tool_call_id, event]));
  const owned = (session: string, subagent: string | null): AgentEvent[] =>
    responses.filter((event) => event.session_id === session && event.subagent_id === subagent);
  const price = responses.reduce(
    (sum, { usage, model, ts_ms }) => sum + (priceOf(usage, model, ts_ms).micro_usd ?? 0),
    0,
  );
  return {
    responses: responses.map((event) => event.identity).sort(),
    errors: of('error').length,
    machine: totals(responses),
    s1: totals(owned('S1', null)),
    s1_subagent: totals(owned('S1', 'ag1')),
    s2: totals(owned('S2', null)),
    calls: of('tool_call').length,
    failed: of('tool_result')
      .filter((event) => event.outcome === 'failed')
      .map((event) => event.tool_call_id),
    pending: of('tool_call')
      .map((event) => event.tool_call_id)
      .filter((id) => !answered.has(id)),
    t2_subagent: answered.get('toolu_t2')?.facts['subagent_id'],
    prompts: of('message')
      .filter((event) => event.facts['role'] === 'user')
      .map((event) => event.content),
    compactions: of('lifecycle').filter((event) => event.facts['type'] === 'compaction').length,
    price,
    models: [...new Set(responses.map((event) => event.model))].sort(),
  };
}

const EXPECTED = {
  responses: ['A', 'B', 'C', 'D', 'E'].map((id) => `claude:message:msg_${id}`),
  errors: 1,
  machine: [29, 255, 900, 600, 4400],
  s1: [22, 220, 900, 600, 2900],
  s1_subagent: [4, 20, 0, 0, 100],
  s2: [3, 15, 0, 0, 1400],
  calls: 3,
  failed: ['toolu_t1'],
  pending: ['toolu_t3'],
  t2_subagent: 'ag1',
  prompts: ['fix the test', 'try again', 'other way'],
  compactions: 1,
  price: 19_889,
  models: ['claude-haiku-4-5', 'claude-opus-5'],
};

const PERMUTATIONS: Name[][] = NAMES.flatMap((first) =>
  NAMES.filter((name) => name !== first).flatMap((second) => [
    [first, second, ...NAMES.filter((name) => name !== first && name !== second)],
  ]),
);

describe('worked example (specification §2.11)', () => {
  it.each(PERMUTATIONS)('has the figures of the table, read in the order %s, %s, %s', async (...order) => {
    for (const [name, content] of CONTENT) folder.write(name, content);
    const events: AgentEvent[] = [];
    for (const name of order) events.push(...(await tailOf(name).toEnd()));
    expect(figures(events)).toEqual(EXPECTED);
  });

  it.each(PERMUTATIONS)('has them when every file grows line by line, in the order %s, %s, %s', async (...order) => {
    const events: AgentEvent[] = [];
    for (const name of order) {
      folder.write(name, '');
      const tail = tailOf(name);
      for (const line of String(CONTENT.get(name)).split(/(?<=\n)/)) {
        folder.append(name, line);
        await tail.toEnd();
      }
      expect(tail.restarts).toBe(0);
      expect(new Set(tail.positioned.map(({ cursor }) => cursor)).size).toBe(tail.positioned.length);
      events.push(...tail.events);
    }
    expect(figures(events)).toEqual(EXPECTED);
  });

  it('emits each response once when a file is read whole', async () => {
    for (const [name, content] of CONTENT) folder.write(name, content);
    const messages = (await tailOf('S1.jsonl').toEnd()).filter((event) => event.usage !== null);
    expect(messages.map((event) => event.usage?.output).sort()).toEqual([120, 40, 60].sort());
  });

  it('gives equal merged events however the bytes arrive and the steps are cut', async () => {
    const whole = await readInPortions([], CLAUDE_READ_LIMITS.max_bytes, [LATER_MS]);
    const cuts = fc.array(fc.record({ name: fc.constantFrom(...NAMES), bytes: fc.integer({ min: 1, max: 900 }) }), {
      maxLength: 30,
    });
    // Early: nothing is old enough to be emitted for its age. Late: everything is, after each portion.
    const clocks = fc.array(fc.constantFrom(Date.parse('2026-10-20T09:00:30Z'), LATER_MS), {
      minLength: 1,
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(cuts, fc.constantFrom(1, 700, 5000, 4_194_304), clocks, async (portions, max_bytes, times) => {
        expect(await readInPortions(portions, max_bytes, times)).toEqual(whole);
      }),
      { numRuns: 150 },
    );
  });
});

/** Appends `portions` in turn, reading after each, then what is left; returns the merged events. */
async function readInPortions(
  portions: readonly { name: Name; bytes: number }[],
  max_bytes: number,
  times: readonly number[],
): Promise<Record<string, AgentEvent>> {
  const limits = { ...CLAUDE_READ_LIMITS, max_bytes };
  const written = new Map<Name, number>(NAMES.map((name) => [name, 0]));
  const tails = new Map(NAMES.map((name) => [name, tailOf(name)]));
  for (const name of NAMES) folder.write(name, '');
  const rest = NAMES.map((name) => ({ name, bytes: Infinity }));
  for (const [index, { name, bytes }] of [...portions, ...rest].entries()) {
    const from = written.get(name) ?? 0;
    const to = from + bytes;
    folder.append(name, CONTENT.get(name)!.subarray(from, to));
    written.set(name, to);
    await tails.get(name)!.toEnd(times[index % times.length], limits);
  }
  for (const tail of tails.values()) await tail.toEnd(LATER_MS, limits);
  const events = [...tails.values()].flatMap((tail) => tail.events);
  return Object.fromEntries([...mergeByIdentity(events)].sort(([a], [b]) => (a < b ? -1 : 1)));
}
