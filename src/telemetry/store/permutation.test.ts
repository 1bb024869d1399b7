/** What is stored does not depend on the order, the batching or the repetition of what arrives. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Database } from '../../storage/sqlite/database.ts';
import type { AnyParsedBody } from '../wire/body.ts';
import type { WireEvent } from '../wire/event.ts';
import type { WireSession } from '../wire/session.ts';
import type { WireToolSpan } from '../wire/tool-span.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TelemetryStore } from './telemetry-store.ts';

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
  kind: fc.constantFrom('message', 'tool_call'),
  source: fc.constant('tail'),
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

type Arrival = { workspace: string; member: string } & (
  | { kind: 'events'; item: WireEvent }
  | { kind: 'tool_spans'; item: WireToolSpan }
  | { kind: 'sessions'; item: WireSession }
);

const arrival: fc.Arbitrary<Arrival> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('events' as const), item: event, ...place }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('tool_spans' as const), item: span, ...place }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sessions' as const), item: session, ...place }) },
);

/** All rows, with hashes in the place of the keys that depend on who came first. */
const DUMPS = [
  `SELECT w.workspace_hash, s.session_id_hash, e.* FROM event e JOIN workspace w USING (workspace_key) JOIN session s USING (session_key)`,
  `SELECT w.workspace_hash, s.session_id_hash, t.* FROM tool_span t JOIN workspace w USING (workspace_key) JOIN session s USING (session_key)`,
  `SELECT a.workspace_hash AS by_account, b.workspace_hash AS by_event, s.* FROM session s
     LEFT JOIN workspace a ON a.workspace_key = s.account_workspace LEFT JOIN workspace b ON b.workspace_key = s.event_workspace`,
  `SELECT team_id, workspace_hash, project_name FROM workspace`,
];
const KEYS = /_key$|^(account|event)_workspace$/;

function rowsAfter(arrivals: Arrival[], batch_sizes: number[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'permutation-'));
  const path = join(folder, 'store.db');
  const store = new TelemetryStore(path, { clock: { now_ms: () => 1000, monotonic_ms: () => 0 } });
  try {
    let next = 0;
    for (let round = 0; next < arrivals.length; round++) {
      const size = batch_sizes[round % batch_sizes.length]!;
      const taken = arrivals.slice(next, next + size);
      next += size;
      for (const body of bodiesOf(taken)) store.ingest(body.body, body.principal, null);
    }
    store.close();
    const db = new Database(path, { read_only: true });
    const rows = DUMPS.flatMap((sql) =>
      db
        .all<Record<string, unknown>>(sql)
        .map((row) => JSON.stringify(Object.entries(row).filter(([column]) => !KEYS.test(column)))),
    );
    db.close();
    return rows.sort();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Neighbours of one kind, workspace and member travel in one body. */
function bodiesOf(arrivals: Arrival[]) {
  const groups = Map.groupBy(arrivals, ({ kind, workspace, member }) => `${kind} ${workspace} ${member}`);
  return [...groups.values()].map((group) => {
    const { kind, workspace, member } = group[0]!;
    const items = group.map(({ item }) => item);
    const body = { kind, team_id: 't', workspace_hash: workspace, project_name: null, items } as AnyParsedBody;
    return { body, principal: { team_id: 't', member, device: 'd' } };
  });
}

test('any order, batching and repetition of the same items gives the same rows', () => {
  fc.assert(
    fc.property(
      fc.array(arrival, { minLength: 1, maxLength: 14 }).chain((items) =>
        fc.tuple(
          fc.constant(items),
          fc
            .shuffledSubarray(
              items.map((_, index) => index),
              { minLength: items.length },
            )
            .chain((order) =>
              fc.tuple(fc.constant(order), fc.array(fc.nat({ max: items.length - 1 }), { maxLength: 6 })),
            ),
        ),
      ),
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
      ([items, [order, repeats]], batch_sizes) => {
        const shuffled = [...order, ...repeats].map((index) => items[index]!);
        expect(rowsAfter(shuffled, batch_sizes)).toEqual(rowsAfter(items, [items.length]));
      },
    ),
    { numRuns: 150 },
  );
});
