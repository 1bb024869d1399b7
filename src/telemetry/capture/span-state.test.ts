import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CapturedSpan } from './span-item.ts';
import { decodeSpan, encodeSpan } from './span-state.ts';

const time = fc.option(fc.nat());
const span: fc.Arbitrary<CapturedSpan> = fc
  .record({
    key: fc.string(),
    opened: fc.nat(),
    tool: fc.option(fc.string()),
    has_call: fc.boolean(),
    call_ms: time,
    call_exact: fc.boolean(),
    result_ms: time,
    result_exact: fc.boolean(),
    hook_start_ms: time,
    hook_end_ms: time,
    outcome: fc.constantFrom(null, 'ok', 'failed', 'rejected'),
    path_hashes: fc.array(fc.string(), { maxLength: 3 }),
    span_id_hash: fc.string(),
    origin_id_hash: fc.option(fc.string()),
    subagent_id_hash: fc.option(fc.string()),
    owner_rank: fc.string(),
    called: fc.boolean(),
  })
  .map(({ called, ...fields }) => ({ ...fields, call_id: called ? fields.key : null }));

test('a span is remembered as it is', () => {
  fc.assert(
    fc.property(span, fc.nat(), (remembered, partition_id) => {
      const row = { span_key: remembered.key, state: encodeSpan(remembered, partition_id) };
      expect(decodeSpan(row)).toEqual({ partition_id, span: remembered });
    }),
  );
});

test('a row of an earlier version is read, too', () => {
  fc.assert(
    fc.property(span, fc.nat(), (remembered, partition_id) => {
      const row = { span_key: remembered.key, state: JSON.stringify({ partition_id, span: remembered }) };
      expect(decodeSpan(row)).toEqual({ partition_id, span: remembered });
    }),
  );
});
