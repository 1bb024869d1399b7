/** Arbitrary items of telemetry out of a small world, so that they clash, repeat and move often. */
import fc from 'fast-check';
import type { AnyParsedBody } from '../../src/telemetry/wire/body.ts';
import type { WireEvent } from '../../src/telemetry/wire/event.ts';
import type { WireSession } from '../../src/telemetry/wire/session.ts';
import type { WireToolSpan } from '../../src/telemetry/wire/tool-span.ts';
import type { Principal } from '../../src/telemetry/store/principal.ts';

const small = fc.integer({ min: 0, max: 3 });
const count = fc.option(small, { nil: null });
const name = fc.constantFrom('a', 'b', 'c');
const optionalName = fc.option(name, { nil: null });
const place = { workspace: name, member: fc.constantFrom('ann', 'bob') };
const origin = { origin_id_hash: optionalName, owner_rank: optionalName, subagent_id_hash: optionalName };

const event: fc.Arbitrary<WireEvent> = fc.record({
  session_id_hash: name,
  event_seq: small,
  ts_ms: small,
  agent: fc.constant('claude'),
  model: fc.constantFrom('unknown', 'm'),
  kind: fc.constantFrom('message', 'tool_call', 'tool_result'),
  source: fc.constant('tail'),
  tool: optionalName,
  tool_call_id: optionalName,
  tokens_in: count,
  tokens_out: count,
  cost_usd_e6: count,
  price_date: fc.option(fc.constantFrom('2026-01-01', '2026-02-01'), { nil: null }),
  outcome: fc.option(fc.constantFrom('ok' as const, 'failed' as const, 'rejected' as const), { nil: null }),
  payload: fc.constantFrom<WireEvent['payload']>({}, null, { x: 1 }),
  ...origin,
});

const span: fc.Arbitrary<WireToolSpan> = fc.record({
  session_id_hash: name,
  span_id_hash: name,
  status: fc.constantFrom('done', 'orphaned', 'newer'),
  tool: optionalName,
  tool_call_id: optionalName,
  started_at_ms: count,
  ended_at_ms: count,
  lead_time_ms: count,
  tokens_in: count,
  tokens_out: count,
  cost_usd_e6: count,
  outcome: fc.option(fc.constantFrom('ok' as const, 'failed' as const, 'rejected' as const), { nil: null }),
  path_hashes: fc.array(name, { maxLength: 2 }),
  ...origin,
});

const session: fc.Arbitrary<WireSession> = fc.record({
  session_id_hash: name,
  agent: fc.constantFrom('claude', 'codex'),
  model: optionalName,
  started_at_ms: small,
  ended_at_ms: count,
  status: fc.constantFrom('running', 'done'),
  last_at_ms: count,
  title: optionalName,
  branch: optionalName,
});

export type Arrival = { workspace: string; member: string } & (
  | { kind: 'events'; item: WireEvent }
  | { kind: 'tool_spans'; item: WireToolSpan }
  | { kind: 'sessions'; item: WireSession }
);

export const arrival: fc.Arbitrary<Arrival> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('events' as const), item: event, ...place }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('tool_spans' as const), item: span, ...place }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sessions' as const), item: session, ...place }) },
);

/** Neighbours of one kind, workspace and member travel in one body. */
export function bodiesOf(arrivals: Arrival[]): { body: AnyParsedBody; principal: Principal }[] {
  const groups = Map.groupBy(arrivals, ({ kind, workspace, member }) => `${kind} ${workspace} ${member}`);
  return [...groups.values()].map((group) => {
    const { kind, workspace, member } = group[0]!;
    const items = group.map(({ item }) => item);
    const body = { kind, team_id: 't', workspace_hash: workspace, project_name: null, items } as AnyParsedBody;
    return { body, principal: { team_id: 't', member, device: 'd' } };
  });
}
