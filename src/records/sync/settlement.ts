import type { KeyedFailure, KeyedOutcome } from '../../engine/keyed/destination.ts';
import type { RowWrite } from '../../engine/transaction.ts';
import type { Clock } from '../../platform/clock.ts';
import { uuidv7, type Random } from '../../platform/random.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import type { Document, Side, Value } from '../model/value.ts';
import type { SalesforceState } from '../plan/fold.ts';
import { flowsFrom } from '../plan/merge.ts';
import { afterWrites, isNothing } from '../plan/plan-record.ts';
import type { FieldProblem } from '../sides.ts';
import type { Decision } from './decision.ts';
import { conflictEndRow, conflictRow, historyRow, intentStateRow, linkRow, wishDoneRow } from './row-writers.ts';
import type { Cause, Changes, Conflict, HistoryRow, Link } from './rows.ts';
import { salesforceFailure } from './salesforce-failure.ts';
import type { RecordStream } from './streams.ts';
import type { TableWrites } from './table-writes.ts';

export interface SettlementOptions {
  mapping: ObjectMapping;
  stream: RecordStream;
  table: TableWrites;
  clock: Clock;
  random: Random;
  /** Of the keys that were written together. */
  batch_id: string;
}

/** How long a key waits when the claim was lost, or its object was paused meanwhile. */
const PAUSED_MS = 60_000;

/** What becomes of a key after its attempt, with all that is written with it. */
export function settlementOf(decision: Decision, options: SettlementOptions): KeyedOutcome {
  const { view, lost, held_back } = decision;
  const now_ms = options.clock.now_ms();
  if (lost) return { kind: 'later', until_ms: now_ms };
  if (held_back) return { kind: 'later', until_ms: now_ms + PAUSED_MS };
  if (view.ambiguous !== null) return { kind: 'failed', failure: ambiguous(view.ambiguous) };
  const failure = decision.result?.kind === 'failed' ? decision.result.failure : null;
  const { wish, link } = view.state;
  const rows = [
    ...tableRows(decision, options),
    linkRow(linkAfter(decision, options)),
    ...intentRows(decision),
    ...conflictRows(decision, options, failure === null),
    ...historyRows(decision, options),
    ...(wish !== null && failure === null ? [wishDoneRow(link.stream, link.key, wish.fields)] : []),
  ];
  if (failure !== null) return { ...salesforceFailure(failure, now_ms), rows };
  const problem = decision.plan.skipped.find((skipped) => skipped.problem !== null)?.problem ?? null;
  if (problem !== null) return { kind: 'failed', failure: unusable(problem), rows };
  if (leavesFields(decision, options.mapping)) return { kind: 'later', until_ms: now_ms, rows };
  return { kind: isNothing(decision.plan) ? 'nothing' : 'done', rows };
}

/**
 * The record was made on one side from the other, which has a value in a field that only goes the opposite way: it is looked at
 * once more, as nothing else tells of a record that we made ourselves.
 */
function leavesFields({ plan, view }: Decision, { fields }: ObjectMapping): boolean {
  if (plan.existence !== 'create' || (plan.salesforce !== null && plan.postgres !== null)) return false;
  const from = plan.salesforce === null ? 'salesforce' : 'postgres';
  const state = from === 'salesforce' ? view.salesforce : view.postgres;
  if (state.presence !== 'present') return false;
  const { document } = state;
  return fields.some((field) => !flowsFrom(field, from) && (document[field.name] ?? null) !== null);
}

function ambiguous(side: Side): KeyedFailure {
  const where = side === 'salesforce' ? 'Salesforce' : 'PostgreSQL';
  return {
    scope: 'key_for_good',
    class: 'refused',
    code: 'records.ambiguous',
    message: `Several records in ${where} have this external id; give each its own, then retry`,
  };
}

/** The other fields of the key were written; this one cannot be, until somebody changes it. */
function unusable({ field, code, message }: FieldProblem): KeyedFailure {
  return { scope: 'key_for_good', class: 'refused', code: `records.${code}`, message, field };
}

function tableRows({ view, plan, result }: Decision, { table }: SettlementOptions): RowWrite[] {
  const { postgres_record: seen, salesforce, task } = view;
  const salesforce_id = result?.kind === 'done' ? result.id : salesforce.id;
  const written =
    plan.postgres === null
      ? []
      : table.write(view.salesforce_external_id ?? task.key, seen, plan.postgres, salesforce_id);
  if (seen === null || salesforce_id === null || plan.postgres?.operation === 'delete') return written;
  return [...written, ...table.salesforceId(seen, salesforce_id)];
}

function linkAfter(decision: Decision, { mapping, stream }: SettlementOptions): Link {
  const { view, plan, result } = decision;
  const { link } = view.state;
  return {
    ...link,
    salesforce: salesforceAfter(decision, stream.salesforce.partition_id),
    postgres_offset: view.changes.postgres.at(-1)?.offset ?? link.postgres_offset,
    agreed:
      decision.missing === null
        ? afterWrites(plan, { salesforce: result?.kind !== 'failed', postgres: true })
        : link.agreed,
    mapping_version: mapping.version,
  };
}

/** What Salesforce has now: what was taken is in the document; where that is unsure, the next plan looks first. */
function salesforceAfter({ view, plan, result }: Decision, partition_id: number): SalesforceState {
  const offset = view.changes.salesforce.at(-1)?.offset;
  const folded = offset === undefined ? view.salesforce.folded : { [partition_id]: offset };
  const before = { ...view.salesforce, folded };
  if (plan.salesforce === null || result === null) return before;
  const { operation, fields } = plan.salesforce;
  switch (result.kind) {
    case 'failed':
      return ['unknown', 'identity'].includes(result.failure.class) ? { ...before, presence: 'unknown' } : before;
    case 'gone':
      return { ...before, presence: 'absent', document: {}, whole: true };
    case 'done': {
      if (operation === 'delete') return { ...before, presence: 'absent', document: {}, whole: true };
      const document = { ...before.document, ...fields };
      // A record that we made has what we gave it; its other fields, defaults among them, are to be looked at.
      const whole = before.presence === 'present' && before.whole;
      return { ...before, id: result.id, presence: 'present', document, whole };
    }
  }
}

function intentRows({ view, intent, result }: Decision): RowWrite[] {
  const seen = view.state.intents
    .filter(({ intent_id }) => view.seen.has(intent_id))
    .map(({ intent_id, state }) => intentStateRow(intent_id, state === 'sent' ? 'unknown' : state, true));
  if (intent === null || result === null) return seen;
  if (result.kind !== 'failed') return [...seen, intentStateRow(intent.intent_id, 'settled', false)];
  // One whose answer never came stays as it was noted: the record is looked at before it is written again.
  return result.failure.class === 'unknown' ? seen : [...seen, intentStateRow(intent.intent_id, 'refused', true)];
}

function conflictRows(decision: Decision, { clock, random }: SettlementOptions, done: boolean): RowWrite[] {
  const { conflicts, link } = decision.view.state;
  const open = new Map(conflicts.filter(({ resolution }) => resolution === null).map((one) => [one.field, one]));
  const rows: RowWrite[] = [];
  for (const found of conflictsOf(decision)) {
    const known = open.get(found.field);
    open.delete(found.field);
    if (known !== undefined && isSame(known, found)) continue;
    const conflict_id = known?.conflict_id ?? uuidv7(clock.now_ms(), random);
    rows.push(conflictRow({ ...found, conflict_id, stream: link.stream, key: link.key }));
  }
  const carried = done ? conflicts.filter(({ resolution }) => resolution !== null) : [];
  return [...rows, ...[...open.values(), ...carried].map(({ conflict_id }) => conflictEndRow(conflict_id))];
}

type FoundConflict = Omit<Conflict, 'conflict_id' | 'stream' | 'key'>;

/** Fields that both sides changed; the record, where it is deleted on one side and changed on the other, or merely missing. */
function conflictsOf({ plan, missing, view }: Decision): FoundConflict[] {
  const fields = plan.conflicts.map(({ field, base = null, salesforce, postgres }) => {
    const overwritten =
      field in view.overwritten || view.state.conflicts.some((one) => one.field === field && one.overwritten);
    return { field, base, salesforce, postgres, overwritten };
  });
  const gone = plan.delete_conflict?.deleted_on ?? missing?.side ?? null;
  if (gone === null) return fields;
  // Whether each side has it, not values.
  const record = { field: null, base: true, salesforce: gone !== 'salesforce', postgres: gone !== 'postgres' };
  return [...fields, { ...record, overwritten: false }];
}

type Values = Record<'base' | 'salesforce' | 'postgres', Value>;

function isSame(one: Values, other: Values): boolean {
  return one.base === other.base && one.salesforce === other.salesforce && one.postgres === other.postgres;
}

function historyRows(decision: Decision, { batch_id }: SettlementOptions): RowWrite[] {
  const { view, plan, result } = decision;
  const { link, wish } = view.state;
  const cause = causeOf(decision);
  const row = (side: Side, operation: HistoryRow['operation'], { fields, before }: Written): RowWrite => {
    // Who made the change that is carried: the last to be heard of on the other side.
    const from = view.changes[side === 'salesforce' ? 'postgres' : 'salesforce'].at(-1);
    const who = { actor: wish?.actor ?? from?.actor ?? null, session: from?.session ?? null };
    const changes = changesOf(operation === 'delete' ? before : fields, before, operation === 'delete');
    return historyRow({ stream: link.stream, key: link.key, side, operation, batch_id, cause, ...who, changes });
  };
  const rows: RowWrite[] = [];
  if (plan.postgres !== null) {
    const { operation } = plan.postgres;
    rows.push(row('postgres', operation === 'insert' ? 'create' : operation, plan.postgres));
  }
  if (plan.salesforce === null || result === null || result.kind === 'failed') return rows;
  const { operation } = plan.salesforce;
  return [...rows, row('salesforce', operation === 'upsert' ? 'create' : operation, plan.salesforce)];
}

type Written = { fields: Document; before: Document };

function causeOf({ view }: Decision): Cause {
  if (view.state.wish !== null) return view.state.wish.cause;
  if (view.state.conflicts.some(({ resolution }) => resolution !== null)) return 'conflict';
  return view.state.link.agreed === null ? 'first-sync' : 'change';
}

function changesOf(fields: Document, before: Document, deleted: boolean): Changes {
  return Object.fromEntries(
    Object.entries(fields).map(([field, value]) => [field, [before[field] ?? null, deleted ? null : value] as const]),
  );
}
