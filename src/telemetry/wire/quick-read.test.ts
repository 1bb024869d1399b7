import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wireEvent } from './event.ts';
import { isPlainEvent, isPlainToolSpan } from './quick-read.ts';
import { wireToolSpan } from './tool-span.ts';

const SMALLEST = {
  event: {
    session_id_hash: 's',
    event_seq: 1,
    ts_ms: 2,
    agent: 'a',
    model: 'm',
    kind: 'k',
    source: 'tail',
    payload: {},
  },
  span: { session_id_hash: 's', span_id_hash: 'x', status: 'done', path_hashes: ['p'] },
};

/** Values at and beyond every bound of the wire. */
const anyValue = fc.oneof(
  fc.constantFrom(undefined, null, '', 'ok', 'failed', 'lost', 'x'.repeat(1024), 'x'.repeat(1025), true, false),
  fc.constantFrom(0, -0, -1, 0.5, 0xffff_ffff, 2 ** 32, 2 ** 53 - 1, 2 ** 53, -(2 ** 53), NaN, Infinity),
  fc.constantFrom([], ['p', 'q'], ['p', 1], [null], {}, { a: 1 }),
  fc.constant(Array.from({ length: 10_001 }, () => 'p')),
);

describe.each([
  ['event', wireEvent, isPlainEvent, SMALLEST.event],
  ['tool span', wireToolSpan, isPlainToolSpan, SMALLEST.span],
] as const)('an %s', (_name, schema, isPlain, smallest) => {
  const fields = Object.keys(schema.shape);

  test('is never accepted where the schema refuses it', () => {
    const changes = fc.dictionary(fc.constantFrom(...fields), anyValue, { maxKeys: 4 });
    fc.assert(
      fc.property(changes, (changed) => {
        const item = { ...smallest, ...changed };
        expect(isPlain(item)).toBe(schema.safeParse(item).success);
      }),
      { numRuns: 2000 },
    );
  });

  test.each(fields)('is checked in its %s', (field) => {
    for (const wrong of [Symbol('wrong'), -1, 'x'.repeat(1025), 2 ** 53, ['p', 1], undefined]) {
      const item = { ...smallest, [field]: wrong };
      expect(isPlain(item), typeof wrong).toBe(schema.safeParse(item).success);
    }
  });

  test.each([null, undefined, 1, 'text', [], {}])('is no %j', (value) => {
    expect(isPlain(value)).toBe(false);
  });
});
