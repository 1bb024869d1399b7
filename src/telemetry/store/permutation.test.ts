/** What is stored does not depend on the order, the batching or the repetition of what arrives. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arrival, bodiesOf, type Arrival } from '../../../test/telemetry/arrivals.ts';
import { Database } from '../../storage/sqlite/database.ts';
import { TelemetryStore } from './telemetry-store.ts';

/** All rows, with hashes in the place of the keys that depend on who came first. */
const DUMPS = [
  `SELECT w.workspace_hash, s.session_id_hash, e.* FROM event e JOIN workspace w USING (workspace_key) JOIN session s USING (session_key)`,
  `SELECT w.workspace_hash, s.session_id_hash, t.* FROM tool_span t JOIN workspace w USING (workspace_key) JOIN session s USING (session_key)`,
  `SELECT a.workspace_hash AS by_account, b.workspace_hash AS by_event, s.* FROM session s
     LEFT JOIN workspace a ON a.workspace_key = s.account_workspace LEFT JOIN workspace b ON b.workspace_key = s.event_workspace`,
  `SELECT w.workspace_hash, s.session_id_hash, c.* FROM tool_call c JOIN workspace w USING (workspace_key) JOIN session s USING (session_key)`,
  `SELECT w.workspace_hash, s.session_id_hash, u.* FROM usage u JOIN workspace w USING (workspace_key) JOIN session s USING (session_key)`,
  `SELECT team_id, workspace_hash, project_name FROM workspace`,
];
const KEYS = /_key$|^(account|event)_workspace$/;

function rowsAfter(arrivals: Arrival[], batch_sizes: number[]): string[] {
  const db = new Database(':memory:');
  const store = new TelemetryStore(db, { clock: { now_ms: () => 1000, monotonic_ms: () => 0 } });
  try {
    let next = 0;
    for (let round = 0; next < arrivals.length; round++) {
      const size = batch_sizes[round % batch_sizes.length]!;
      const taken = arrivals.slice(next, next + size);
      next += size;
      for (const body of bodiesOf(taken)) store.ingest(body.body, body.principal, null);
    }
    const rows = DUMPS.flatMap((sql) =>
      db
        .all<Record<string, unknown>>(sql)
        .map((row) => JSON.stringify(Object.entries(row).filter(([column]) => !KEYS.test(column)))),
    );
    return rows.sort();
  } finally {
    store.close();
  }
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
    { numRuns: 500 },
  );
});
