import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../platform/clock.ts';
import { examples } from '../../redaction/examples.ts';
import type { JsonValue } from '../../redaction/json.ts';
import { smallHashing } from '../../redaction/small-hashing.ts';
import { buildRecord, saltTag, type HookContext } from './build-record.ts';
import { spoolRecord } from './record.ts';

const salt = new Uint8Array(32).fill(1);
const context: HookContext = {
  declared: 'claude',
  clock: systemClock,
  hashing: smallHashing(),
  salt,
  content: 'redacted',
  private: false,
};
const positives = Object.values(examples).flatMap((example) => example.positive);
const members = `session_id conversation_id transcript_path cwd hook_event_name permission_mode prompt_id agent_id model
  tool_name tool_use_id tool_input tool_response prompt message title reason source error last_assistant_message command
  output file_path content edits text unheard_of`.split(/\s+/);
const events = ['PreToolUse', 'PostToolUse', 'UserPromptSubmit', 'SessionStart', 'afterFileEdit', 'NeverHeardOf'];

/** All strings of a value, keys included. */
function texts(value: JsonValue): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [key, ...texts(item)]);
}

describe('a spool record', () => {
  it('holds no byte of any positive example of any rule, in whatever member it comes', () => {
    const planted = fc.tuple(
      fc.constantFrom(...positives),
      fc.constantFrom(...members),
      fc.constantFrom(...events),
      fc.boolean(),
    );
    fc.assert(
      fc.property(planted, ([[before, secret, after], member, event, nested]) => {
        const text = before + secret + after;
        const value = nested ? { inner: [text, { [text]: text }] } : text;
        const payload = { hook_event_name: event, cwd: '/nowhere', tool_input: {}, [member]: value };
        const record = buildRecord({ payload, bytes: 1, truncated: false }, context);
        expect(texts(record as unknown as JsonValue).filter((found) => found.includes(secret))).toEqual([]);
      }),
      { numRuns: 4_000 },
    );
  });
  it('is what the reader takes, whatever the payload', () => {
    const payloads = fc.dictionary(
      fc.oneof(fc.constantFrom(...members), fc.string()),
      fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as JsonValue),
    );
    fc.assert(
      fc.property(payloads, fc.constantFrom('none' as const, 'redacted' as const), (payload, content) => {
        const record = buildRecord({ payload, bytes: 1, truncated: false }, { ...context, content });
        expect(spoolRecord.parse(JSON.parse(JSON.stringify(record)))).toEqual(JSON.parse(JSON.stringify(record)));
        if (content === 'none') expect(record.content).toBeNull();
      }),
      { numRuns: 2_000 },
    );
  });
  it('names its salt so that the holder of the salt can tell, and nobody else', () => {
    const { salt_tag } = buildRecord({ payload: {}, bytes: 2, truncated: false }, context);
    expect(salt_tag).toBe(saltTag(smallHashing(), salt));
    expect(salt_tag).not.toBe(saltTag(smallHashing(), new Uint8Array(32)));
  });
});
