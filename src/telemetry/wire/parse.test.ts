import { describe, expect, test } from 'vitest';
import { MAX_REPORTED_ERRORS, parseBody } from './parse.ts';

const event = {
  session_id_hash: 's',
  event_seq: 1,
  ts_ms: 2,
  agent: 'claude',
  model: 'unknown',
  kind: 'message',
  source: 'tail',
  payload: { a: 1 },
};
const body = (item: object, more: object = {}): string =>
  JSON.stringify({ team_id: 't', workspace_hash: 'w', events: [item], ...more });

function errorsOf(text: string): [number, string, string][] {
  const parsed = parseBody('events', text);
  if (parsed.ok || parsed.reason !== 'schema') throw new Error('expected a schema refusal');
  return parsed.errors.map(({ index, field, code }) => [index, field, code]);
}

test('the smallest event the original sends', () => {
  expect(parseBody('events', body(event))).toEqual({
    ok: true,
    body: { kind: 'events', team_id: 't', workspace_hash: 'w', project_name: null, items: [event] },
  });
});

test('null and absent are alike, unknown fields are ignored', () => {
  const item = { ...event, tool: null, tokens_in: null, cost_usd_e6: null, outcome: null, brand_new: { x: 1 } };
  const parsed = parseBody('events', body(item, { project_name: null, newer: 1 }));
  expect(parsed.ok && parsed.body.items[0]).toMatchObject({
    ...event,
    tool: null,
    tokens_in: null,
    cost_usd_e6: null,
    outcome: null,
  });
});

test.each([null, 1, 'text', [], { deep: [{}] }, false])('payload may be any JSON: %j', (payload) => {
  const parsed = parseBody('events', body({ ...event, payload }));
  expect(parsed.ok && parsed.body.items[0]).toMatchObject({ payload });
});

describe('what is refused', () => {
  test.each<[string, object, string]>([
    ['u32 of 2^32', { tokens_in: 2 ** 32 }, 'too_big'],
    ['negative u32', { tokens_out: -1 }, 'too_small'],
    ['text for a number', { ts_ms: '2' }, 'invalid_type'],
    ['beyond the safe integers', { event_seq: 2 ** 53 }, 'too_big'],
    ['a half', { ts_ms: 1.5 }, 'invalid_type'],
    ['an outcome of ours that is none', { outcome: 'perhaps' }, 'invalid_value'],
    ['text beyond its limit', { agent: 'x'.repeat(2000) }, 'too_big'],
    ['null where a value must be', { model: null }, 'invalid_type'],
  ])('%s', (_name, wrong, code) => {
    const [field = ''] = Object.keys(wrong);
    expect(errorsOf(body({ ...event, ...wrong }))).toEqual([[0, `events.0.${field}`, code]]);
  });

  test('what is missing is called required', () => {
    const { payload: _payload, kind: _kind, ...rest } = event;
    expect(errorsOf(body(rest))).toEqual([
      [0, 'events.0.kind', 'required'],
      [0, 'events.0.payload', 'required'],
    ]);
    expect(errorsOf('{"events":[]}')).toEqual([
      [-1, 'team_id', 'required'],
      [-1, 'workspace_hash', 'required'],
    ]);
    expect(errorsOf('{"team_id":"t","workspace_hash":"w"}')).toEqual([[-1, 'events', 'required']]);
  });

  test('integers written as fractions or with exponents, in fields but not in payloads', () => {
    const text = body({ ...event, tokens_in: 7, payload: { ts_ms: 1 } });
    expect(errorsOf(text.replace('"tokens_in":7', '"tokens_in": 7.0'))).toEqual([
      [0, 'events.0.tokens_in', 'not_an_integer'],
    ]);
    expect(errorsOf(text.replace('"ts_ms":2', '"ts_ms":2e0'))).toEqual([[0, 'events.0.ts_ms', 'not_an_integer']]);
    expect(parseBody('events', text.replace('"ts_ms":1', '"ts_ms":1.0')).ok).toBe(true);
    const session =
      '{"team_id":"t","workspace_hash":"w","session_id_hash":"s","agent":"a","model":"m","started_at_ms":1.0,"ended_at_ms":null,"status":"x"}';
    expect(parseBody('sessions', session)).toMatchObject({
      ok: false,
      errors: [{ index: -1, field: 'started_at_ms' }],
    });
  });

  test('a body of nothing but errors lists the first hundred', () => {
    const items = Array.from({ length: 5000 }, () => ({}));
    expect(errorsOf(JSON.stringify({ team_id: 't', workspace_hash: 'w', events: items }))).toHaveLength(
      MAX_REPORTED_ERRORS,
    );
  });

  test('no message repeats what was sent', () => {
    const secret = 'sk-ant-secret';
    const texts = [
      body({ ...event, ts_ms: secret, outcome: secret, tool: { [secret]: 1 } }),
      `{"team_id": ${secret}}`,
      `[${secret}`,
      JSON.stringify(secret),
    ];
    for (const text of texts) expect(JSON.stringify(parseBody('events', text))).not.toContain(secret);
  });
});
