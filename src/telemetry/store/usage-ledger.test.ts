/** The usage table is what one would get by counting all events, calls and spans anew. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arrival, bodiesOf, type Arrival } from '../../../test/telemetry/arrivals.ts';
import { Database } from '../../storage/sqlite/database.ts';
import { TelemetryStore } from './telemetry-store.ts';

const FROM_EVENTS = `SELECT s.session_id_hash, count(*) AS events,
    total(e.tokens_in) AS tokens_in, count(e.tokens_in) AS tokens_in_known,
    total(e.tokens_out) AS tokens_out, count(e.tokens_out) AS tokens_out_known,
    total(e.cost_usd_e6) AS cost_usd_e6, count(e.cost_usd_e6) AS cost_known,
    count(CASE WHEN e.tokens_out IS NOT NULL AND e.cost_usd_e6 IS NULL THEN 1 END) AS unpriced
  FROM event e JOIN session s USING (session_key) GROUP BY 1 ORDER BY 1`;

const FROM_USAGE = `SELECT s.session_id_hash, sum(u.events) AS events,
    total(u.tokens_in) AS tokens_in, sum(u.tokens_in_known) AS tokens_in_known,
    total(u.tokens_out) AS tokens_out, sum(u.tokens_out_known) AS tokens_out_known,
    total(u.cost_usd_e6) AS cost_usd_e6, sum(u.cost_known) AS cost_known, sum(u.unpriced) AS unpriced
  FROM usage u JOIN session s USING (session_key) GROUP BY 1 HAVING sum(u.events) > 0 ORDER BY 1`;

/** A call is an event of its kind or a span, one per session and id; without an id, each for itself. */
const CALLS = `SELECT s.session_id_hash,
    (SELECT count(DISTINCT call_id) FROM (
       SELECT tool_call_id AS call_id FROM event e WHERE e.session_key = s.session_key AND kind = 'tool_call'
       UNION ALL SELECT tool_call_id FROM tool_span t WHERE t.session_key = s.session_key))
    + (SELECT count(*) FROM event e WHERE e.session_key = s.session_key AND kind = 'tool_call' AND tool_call_id IS NULL)
    + (SELECT count(*) FROM tool_span t WHERE t.session_key = s.session_key AND tool_call_id IS NULL
         AND NOT EXISTS (SELECT 1 FROM event e WHERE e.session_key = s.session_key AND kind = 'tool_call'))
      AS tool_calls,
    (SELECT count(DISTINCT call_id) FROM (
       SELECT tool_call_id AS call_id FROM event e
         WHERE e.session_key = s.session_key AND kind = 'tool_result' AND outcome = 'failed'
       UNION ALL SELECT tool_call_id FROM tool_span t WHERE t.session_key = s.session_key AND outcome = 'failed'))
    + (SELECT count(*) FROM event e WHERE e.session_key = s.session_key AND kind = 'tool_result' AND outcome = 'failed'
         AND tool_call_id IS NULL)
    + (SELECT count(*) FROM tool_span t WHERE t.session_key = s.session_key AND tool_call_id IS NULL
         AND outcome = 'failed'
         AND NOT EXISTS (SELECT 1 FROM event e WHERE e.session_key = s.session_key AND kind = 'tool_call'))
      AS tool_failures
  FROM session s ORDER BY 1`;

test('usage and calls equal a count from scratch after any arrivals', () => {
  fc.assert(
    fc.property(fc.array(arrival, { minLength: 1, maxLength: 25 }), (arrivals: Arrival[]) => {
      const db = new Database(':memory:');
      const store = new TelemetryStore(db, { clock: { now_ms: () => 1, monotonic_ms: () => 1 } });
      try {
        for (const item of arrivals)
          for (const { body, principal } of bodiesOf([item])) store.ingest(body, principal, null);
        expect(db.all(FROM_USAGE)).toEqual(db.all(FROM_EVENTS));
        const reader = { team_id: 't', time_zone: 'UTC', price_date: '' };
        const listed = store.sessions(reader, { since_ms: null, project: null, agent: null, limit: 100 });
        const counted = db.all<{ session_id_hash: string }>(CALLS);
        expect(
          listed
            .map(({ session, tool_calls, tool_failures }) => ({ session_id_hash: session, tool_calls, tool_failures }))
            .sort((a, b) => (a.session_id_hash < b.session_id_hash ? -1 : 1)),
        ).toEqual(counted.map((row) => ({ ...row })));
      } finally {
        store.close();
      }
    }),
    { numRuns: 500 },
  );
});
