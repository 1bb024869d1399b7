/**
 * The statements by which a settlement writes the flow's own tables, one for all keys of a transaction. PostgreSQL's rows
 * of the customer come from `postgres/`; they go first, so that a row that moved leaves nothing of its key behind.
 */
import type { RowWrite, RowWriter } from '../../engine/transaction.ts';
import type { Document } from '../model/value.ts';
import type { Conflict, HistoryRow, Intent, Link } from './rows.ts';

/** Lower goes first; the customer's tables use 0 to 99. */
const ORDER = { link: 100, intent: 110, intentState: 120, conflict: 130, conflictEnd: 140, history: 150, wish: 160 };

const LINK_COLUMNS = [
  ['stream', 'text'],
  ['key', 'text'],
  ['salesforce_id', 'text'],
  ['salesforce_presence', 'text'],
  ['salesforce', 'jsonb'],
  ['salesforce_whole', 'boolean'],
  ['salesforce_modified_ms', 'bigint'],
  ['salesforce_as_of_ms', 'bigint'],
  ['salesforce_offset', 'bigint'],
  ['postgres_offset', 'bigint'],
  ['base', 'jsonb'],
  ['had_salesforce', 'text'],
  ['had_postgres', 'text'],
  ['mapping_version', 'text'],
  ['version', 'bigint'],
] as const;

const linkNames = LINK_COLUMNS.map(([name]) => name);

const LINK: RowWriter = {
  name: 'records.link',
  order: ORDER.link,
  columns: LINK_COLUMNS.map(([, type]) => type),
  sql: `
    WITH input (i, ${linkNames.join(', ')}) AS (SELECT * FROM $rows),
    written AS (
      INSERT INTO syncline.link AS l (${linkNames.join(', ')})
      SELECT ${linkNames.map((name) => (name === 'version' ? 'version + 1' : name)).join(', ')} FROM input ORDER BY stream, key
      ON CONFLICT (stream, key) DO UPDATE
         SET ${linkNames
           .slice(2)
           .map((name) => `${name} = excluded.${name}`)
           .join(', ')}, updated_at = now()
       WHERE l.version = excluded.version - 1
      RETURNING l.stream, l.key)
    SELECT i FROM input JOIN written USING (stream, key)`,
};

const INTENT: RowWriter = {
  name: 'records.intent',
  order: ORDER.intent,
  columns: ['uuid', 'text', 'text', 'text', 'jsonb', 'jsonb', 'jsonb'],
  sql: `
    WITH input (i, intent_id, stream, key, operation, fields, before, carried) AS (SELECT * FROM $rows),
    written AS (
      INSERT INTO syncline.intent (intent_id, stream, key, operation, fields, before, carried, state)
      SELECT intent_id, stream, key, operation, fields, before, carried, 'sent' FROM input
      RETURNING intent_id)
    SELECT i FROM input JOIN written USING (intent_id)`,
};

const INTENT_STATE: RowWriter = {
  name: 'records.intent_state',
  order: ORDER.intentState,
  columns: ['uuid', 'text', 'boolean'],
  // The row may have been removed by age meanwhile; nothing hangs on it then.
  sql: `
    WITH input (i, intent_id, state, seen) AS (SELECT * FROM $rows),
    written AS (
      UPDATE syncline.intent t SET state = input.state, seen = input.seen
        FROM input WHERE t.intent_id = input.intent_id)
    SELECT i FROM input`,
};

const CONFLICT: RowWriter = {
  name: 'records.conflict',
  order: ORDER.conflict,
  columns: ['uuid', 'text', 'text', 'text', 'jsonb', 'jsonb', 'jsonb', 'boolean'],
  sql: `
    WITH input (i, conflict_id, stream, key, field, base, salesforce, postgres, overwritten) AS (SELECT * FROM $rows),
    written AS (
      INSERT INTO syncline.conflict (conflict_id, stream, key, field, base, salesforce, postgres, overwritten, state)
      SELECT conflict_id, stream, key, field, base, salesforce, postgres, overwritten, 'open' FROM input
      ON CONFLICT (stream, key, coalesce(field, '')) WHERE state = 'open' DO UPDATE
         SET base = excluded.base, salesforce = excluded.salesforce, postgres = excluded.postgres,
             overwritten = excluded.overwritten)
    SELECT i FROM input`,
};

const CONFLICT_END: RowWriter = {
  name: 'records.conflict_end',
  order: ORDER.conflictEnd,
  columns: ['uuid'],
  // An open one that the sides no longer have is superseded; a resolved one is carried out.
  sql: `
    WITH input (i, conflict_id) AS (SELECT * FROM $rows),
    written AS (
      UPDATE syncline.conflict t
         SET state = CASE t.state WHEN 'open' THEN 'superseded' ELSE t.state END, closed_at = clock_timestamp()
        FROM input WHERE t.conflict_id = input.conflict_id AND t.closed_at IS NULL)
    SELECT i FROM input`,
};

const HISTORY: RowWriter = {
  name: 'records.history',
  order: ORDER.history,
  columns: ['text', 'text', 'text', 'text', 'uuid', 'text', 'text', 'text', 'jsonb'],
  sql: `
    WITH input (i, stream, key, side, operation, batch_id, cause, actor, session, changes) AS (SELECT * FROM $rows),
    written AS (
      INSERT INTO syncline.history (stream, key, side, operation, batch_id, cause, actor, session, changes)
      SELECT stream, key, side, operation, batch_id, cause, actor, session, changes FROM input)
    SELECT i FROM input`,
};

const WISH_DONE: RowWriter = {
  name: 'records.wish_done',
  order: ORDER.wish,
  columns: ['text', 'text', 'jsonb'],
  // A newer wish stays.
  sql: `
    WITH input (i, stream, key, fields) AS (SELECT * FROM $rows),
    written AS (
      DELETE FROM syncline.wish t USING input
       WHERE t.stream = input.stream AND t.key = input.key AND t.fields = input.fields)
    SELECT i FROM input`,
};

/** To be given to the engine's store when it is opened, beside those of each mapping's table. */
export const RECORD_ROW_WRITERS: readonly RowWriter[] = [
  LINK,
  INTENT,
  INTENT_STATE,
  CONFLICT,
  CONFLICT_END,
  HISTORY,
  WISH_DONE,
];

const json = (value: unknown): string => JSON.stringify(value);

/** Writes a link over the version that was read; 0: there was none. */
export function linkRow(link: Link): RowWrite {
  const { stream, key, salesforce, postgres_offset, agreed, mapping_version, version } = link;
  const { id, presence, document, whole, modified_ms, as_of_ms, folded } = salesforce;
  const offset = Math.max(0, ...Object.values(folded));
  const told = [id, presence, json(document), whole, modified_ms, as_of_ms, offset];
  const had = agreed === null ? [null, null, null] : [json(agreed.base), agreed.had.salesforce, agreed.had.postgres];
  const row = [stream, key, ...told, postgres_offset, ...had, mapping_version, version];
  return { writer: LINK.name, row };
}

/** Notes what is about to be sent. */
export function intentRow(intent: Omit<Intent, 'state' | 'seen'>): RowWrite {
  const { intent_id, stream, key, operation, fields, before, carried } = intent;
  return { writer: INTENT.name, row: [intent_id, stream, key, operation, json(fields), json(before), json(carried)] };
}

/** What became of it. */
export function intentStateRow(intent_id: string, state: Intent['state'], seen: boolean): RowWrite {
  return { writer: INTENT_STATE.name, row: [intent_id, state, seen] };
}

/** Opens a conflict, or brings the values of the open one up to date. */
export function conflictRow(conflict: Conflict): RowWrite {
  const { conflict_id, stream, key, field, base, salesforce, postgres, overwritten } = conflict;
  const values = [json(base), json(salesforce), json(postgres)];
  return { writer: CONFLICT.name, row: [conflict_id, stream, key, field, ...values, overwritten] };
}

/** An open conflict is no conflict any more, or a resolved one was carried out. */
export function conflictEndRow(conflict_id: string): RowWrite {
  return { writer: CONFLICT_END.name, row: [conflict_id] };
}

export function historyRow(history: HistoryRow): RowWrite {
  const { stream, key, side, operation, batch_id, cause, actor, session, changes } = history;
  return { writer: HISTORY.name, row: [stream, key, side, operation, batch_id, cause, actor, session, json(changes)] };
}

/** A wish was carried out. */
export function wishDoneRow(stream: string, key: string, fields: Document): RowWrite {
  return { writer: WISH_DONE.name, row: [stream, key, json(fields)] };
}
