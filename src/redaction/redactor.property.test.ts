import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { examples } from './examples.ts';
import { loadHashing } from './hashing.ts';
import type { JsonValue } from './json.ts';
import { createRedactor } from './redactor.ts';

const redactor = createRedactor({ hashing: await loadHashing(), salt: new Uint8Array(32).fill(7), workspace: '/proj' });
const positives = Object.values(examples).flatMap((example) => example.positive);
const runs = { numRuns: 2_000 };

const planted = fc.constantFrom(...positives);
const words = fc.stringMatching(/^[a-z ]{0,200}$/);
const plainJson = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as JsonValue);

/** Ways to hide a text in JSON; each keeps the blanks that make it a word of its own. */
const wrappings: readonly ((text: string, other: JsonValue) => JsonValue)[] = [
  (text) => text,
  (text, other) => ({ note: text, other }),
  (text, other) => ({ [text]: other }),
  (text, other) => [other, [text], other],
  (text, other) => JSON.stringify({ deep: [other, { text }] }),
  (text) => JSON.stringify({ [text]: JSON.stringify([text]) }),
  (text, other) => ({ tool_args: { command: text, other } }),
  (text) => ({ command: ['bash', '-lc', text] }),
  (text, other) => ({ __proto__: null, list: [{ a: { b: { c: [text, other] } } }] }),
];
const hidden = fc
  .tuple(planted, words, words, fc.array(fc.constantFrom(...wrappings), { minLength: 1, maxLength: 3 }), plainJson)
  .map(([[before, secret, after], head, tail, wraps, other]) => {
    const text = `${head}\n${before}${secret}${after}\n${tail}`;
    const value = wraps.reduce<JsonValue>(
      (inner, wrap) => wrap(typeof inner === 'string' ? inner : JSON.stringify(inner), other),
      text,
    );
    return { secret, value };
  });

/** Every text a reader could find in the value: raw, and with nested JSON taken apart. */
function texts(value: JsonValue): string[] {
  if (typeof value === 'string') {
    try {
      const inner: unknown = JSON.parse(value);
      return typeof inner === 'object' ? [value, ...texts(inner as JsonValue)] : [value];
    } catch {
      return [value];
    }
  }
  if (typeof value !== 'object' || value === null) return [String(value)];
  return Object.entries(value).flatMap(([key, item]) => [...texts(key), ...texts(item)]);
}

describe('for every positive example of every rule, planted anywhere in JSON', () => {
  it('no byte of it comes out', () => {
    fc.assert(
      fc.property(hidden, ({ secret, value }) => {
        expect(texts(value).some((text) => text.includes(secret))).toBe(true);
        expect(texts(redactor.redactValue(value)).filter((text) => text.includes(secret))).toEqual([]);
      }),
      runs,
    );
  });
  it('redacting twice changes nothing, and redacting is deterministic', () => {
    fc.assert(
      fc.property(hidden, ({ value }) => {
        const once = redactor.redactValue(value);
        expect(redactor.redactValue(once)).toEqual(once);
        expect(redactor.redactValue(value)).toEqual(once);
      }),
      runs,
    );
  });
});

describe('for any JSON', () => {
  const pieces = fc.array(
    fc.oneof(
      fc.constantFrom(...positives.flat(), '<REDACTED:token>', '[REDACTED:jwt:', '\\"', '"', "'", ':', '=', '@', '/'),
      fc.string({ maxLength: 8 }),
    ),
    { maxLength: 8 },
  );
  const text = pieces.map((parts) => parts.join(''));
  const anyJson = fc.letrec<{ json: JsonValue }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 4 },
      text,
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n || 0),
      fc.constantFrom(null, true, false),
      fc.array(tie('json'), { maxLength: 4 }),
      fc.dictionary(fc.oneof(text, fc.constantFrom('command', 'user', 'token', 'env', '__proto__')), tie('json'), {
        maxKeys: 4,
      }),
      tie('json').map((value) => JSON.stringify(value)),
    ),
  })).json;

  it('never throws, never changes its input, keeps JSON valid, and settles in one run', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        const before = JSON.stringify(value);
        const once = redactor.redactValue(value);
        expect(JSON.stringify(value)).toBe(before);
        expect(JSON.parse(JSON.stringify(once))).toEqual(once);
        expect(redactor.redactValue(once)).toEqual(once);
      }),
      runs,
    );
  });
  it('text as well, however the pieces meet', () => {
    fc.assert(
      fc.property(text, (value) => {
        const once = redactor.redactText(value);
        expect(redactor.redactText(once)).toBe(once);
      }),
      runs,
    );
  });
});
