/** The plan for one record: what each side is to get so that both agree, and what they will have agreed on then. */
import type { FieldMapping } from '../model/mapping.ts';
import { checkForSalesforce } from '../model/salesforce-value.ts';
import type { Document, Side, Value } from '../model/value.ts';
import type { FieldProblem } from '../sides.ts';
import { existenceOf, modifiedOf, NEVER_HAD, type DeleteConflict, type Existence } from './existence.ts';
import {
  flowsFrom,
  mergeField,
  otherSide,
  type FieldConflict,
  type FieldOutcome,
  type FieldVersions,
  type Why,
} from './merge.ts';
import type { Agreement, Had, OverwrittenEdit, PairInput, SideState } from './pair.ts';

/** A write on one side. */
export interface PlannedWrite<Operation> {
  readonly operation: Operation;
  /** Only what is to change; empty for a delete. */
  readonly fields: Document;
  /** What the plan saw there: of an update, the fields that it changes; of a delete, all. For compare-and-set and history. */
  readonly before: Document;
}

/** A field whose value both sides are to have, and which of them get it. */
export interface PlannedField {
  readonly field: string;
  readonly value: Value;
  readonly why: Why;
  readonly writes: Readonly<Record<Side, boolean>>;
  /** What each side has now; undefined: it has no record. */
  readonly now: Readonly<Record<Side, Value | undefined>>;
}

/**
 * Why nothing was planned for a field, or (field null) for the record. `unknown`: a side must be fetched first, or has several
 * records with this key · `not_told`: the side's document lacks the field · `unreadable`, `unwritable`: see `problem` ·
 * `one_way`: only the target has the record · `ignored`: the other side deleted it, and deletes are not carried over ·
 * `no_revert`: a one-way field cannot be reverted at its target.
 */
export interface Skipped {
  readonly field: string | null;
  readonly reason: 'unknown' | 'not_told' | 'unreadable' | 'unwritable' | 'one_way' | 'ignored' | 'no_revert';
  readonly problem: FieldProblem | null;
}

export interface RecordPlan {
  readonly existence: Existence['kind'];
  readonly salesforce: PlannedWrite<'upsert' | 'update' | 'delete'> | null;
  readonly postgres: PlannedWrite<'insert' | 'update' | 'delete'> | null;
  readonly fields: readonly PlannedField[];
  readonly conflicts: readonly FieldConflict[];
  readonly delete_conflict: DeleteConflict | null;
  readonly skipped: readonly Skipped[];
  /** What both sides agree on already, before any write. */
  readonly agreed: Agreement;
  /** What they will agree on when all writes succeeded; `afterWrites` says it for every outcome. */
  readonly next: Agreement;
}

/** Makes the plan. Pure; the same input gives the same plan. */
export function planRecord(input: PairInput): RecordPlan {
  const existence = existenceOf(input);
  const before: Agreement = { base: knownBase(input), had: input.link?.had ?? NEVER_HAD };
  switch (existence.kind) {
    case 'unknown':
      return withoutWrites(existence, before, [recordSkipped('unknown')]);
    case 'none':
      if (input.restore === true) return planRestore(input);
      return withoutWrites(existence, { base: {}, had: NEVER_HAD }, []);
    case 'conflict':
      return { ...withoutWrites(existence, before, []), delete_conflict: existence.conflict };
    case 'apart': {
      const agreed = existence.why === 'ignored' ? { base: {}, had: presences(input) } : before;
      return withoutWrites(existence, agreed, [recordSkipped(existence.why)]);
    }
    case 'delete':
      return planDelete(input, existence, before);
    case 'create':
      return planCreate(input, existence, before);
    case 'merge':
      return planMerge(input, existence, before);
  }
}

/** Which writes of a plan succeeded. A side that got none counts as succeeded. */
export type WriteOutcome = Readonly<Record<Side, boolean>>;

/**
 * What both sides agree on after the writes. A side that failed keeps its difference, so that the next plan writes it again; where
 * the other side took a decided value in the meantime, the failed side's own value becomes the base, so that the
 * decision is not made anew.
 */
export function afterWrites(plan: RecordPlan, succeeded: WriteOutcome): Agreement {
  const { existence, agreed, next } = plan;
  if (existence !== 'merge') return failedAny(plan, succeeded) ? agreed : next;
  const base: Record<string, Value> = { ...agreed.base };
  for (const { field, value, writes, now } of plan.fields) {
    const failed = SIDES.filter((side) => writes[side] && !succeeded[side]);
    if (failed.length === 0) base[field] = value;
    const [one, another] = failed;
    if (one === undefined || another !== undefined || !writes[otherSide(one)]) continue;
    const kept = now[one];
    if (kept !== undefined) base[field] = kept;
  }
  return { base, had: next.had };
}

/** Whether the plan writes anything on either side. */
export function isNothing(plan: RecordPlan): boolean {
  return plan.salesforce === null && plan.postgres === null;
}

const SIDES = ['salesforce', 'postgres'] as const;
const BOTH_HAVE: Had = { salesforce: 'present', postgres: 'present' };

function failedAny(plan: RecordPlan, succeeded: WriteOutcome): boolean {
  return SIDES.some((side) => plan[side] !== null && !succeeded[side]);
}

function planDelete(input: PairInput, existence: Existence & { kind: 'delete' }, agreed: Agreement): RecordPlan {
  const write = { operation: 'delete' as const, fields: {}, before: documentOf(input[existence.on]) };
  const next = { base: {}, had: NEVER_HAD };
  return { ...withoutWrites(existence, agreed, []), [existence.on]: write, next };
}

function planCreate(input: PairInput, existence: Existence & { kind: 'create' }, agreed: Agreement): RecordPlan {
  const from = otherSide(existence.on);
  const document = documentOf(input[from]);
  const why = existence.put_back ? 'put_back' : 'changed';
  const fields: PlannedField[] = [];
  const skipped: Skipped[] = [];
  for (const field of input.mapping.fields) {
    if (!flowsFrom(field, from)) continue;
    const value = document[field.name];
    if (value === undefined) {
      skipped.push(missing(field.name, input[from]));
      continue;
    }
    const writes = { salesforce: existence.on === 'salesforce', postgres: existence.on === 'postgres' };
    const problem = problemOf(field, value, writes, input);
    if (problem !== null) skipped.push({ field: field.name, reason: 'unwritable', problem });
    else fields.push({ field: field.name, value, why, writes, now: nowOf(from, value) });
  }
  const created = Object.fromEntries(fields.map(({ field, value }) => [field, value]));
  const operation = existence.on === 'salesforce' ? 'upsert' : 'insert';
  const write = { operation, fields: created, before: {} };
  const next = { base: created, had: BOTH_HAVE };
  return { ...withoutWrites(existence, agreed, skipped), [existence.on]: write, fields, next };
}

/** A deleted record is made again on both sides; what one of them refuses, neither gets. */
function planRestore(input: PairInput): RecordPlan {
  const agreed = { base: {}, had: NEVER_HAD };
  if (input.mapping.direction !== 'both') return withoutWrites({ kind: 'none' }, agreed, [recordSkipped('no_revert')]);
  const writes = { salesforce: true, postgres: true };
  const now = { salesforce: undefined, postgres: undefined };
  const fields: PlannedField[] = [];
  const skipped: Skipped[] = [];
  for (const field of input.mapping.fields) {
    const value = input.wanted?.[field.name];
    if (value === undefined || field.direction !== 'both') continue;
    const problem = problemOf(field, value, writes, input);
    if (problem !== null) skipped.push({ field: field.name, reason: 'unwritable', problem });
    else fields.push({ field: field.name, value, why: 'revert', writes, now });
  }
  const made = Object.fromEntries(fields.map(({ field, value }) => [field, value]));
  return {
    ...withoutWrites({ kind: 'none' }, agreed, skipped),
    existence: 'create',
    salesforce: { operation: 'upsert', fields: made, before: {} },
    postgres: { operation: 'insert', fields: made, before: {} },
    fields,
    next: { base: made, had: BOTH_HAVE },
  };
}

function planMerge(input: PairInput, existence: Existence, before: Agreement): RecordPlan {
  const merged = mergeFields(input, before.base);
  const agreed = { base: merged.base, had: BOTH_HAVE };
  const taken = Object.fromEntries(merged.fields.map(({ field, value }) => [field, value]));
  return {
    ...withoutWrites(existence, agreed, merged.skipped),
    salesforce: updateOf('salesforce', merged.fields),
    postgres: updateOf('postgres', merged.fields),
    fields: merged.fields,
    conflicts: merged.conflicts,
    next: { base: { ...merged.base, ...taken }, had: BOTH_HAVE },
  };
}

interface Merged {
  /** Of the fields that are agreed, unknown or in conflict. */
  base: Record<string, Value>;
  fields: PlannedField[];
  conflicts: FieldConflict[];
  skipped: Skipped[];
}

function mergeFields(input: PairInput, base: Document): Merged {
  const { mapping, salesforce, postgres } = input;
  const modified = { salesforce: modifiedOf(salesforce), postgres: modifiedOf(postgres) };
  const rules = { mapping, modified, custom: input.custom ?? null };
  const merged: Merged = { base: { ...base }, fields: [], conflicts: [], skipped: [] };
  for (const field of mapping.fields) {
    const { name } = field;
    const now = { salesforce: documentOf(salesforce)[name], postgres: documentOf(postgres)[name] };
    if (now.salesforce === undefined) merged.skipped.push(missing(name, salesforce));
    if (now.postgres === undefined) merged.skipped.push(missing(name, postgres));
    if (now.salesforce === undefined || now.postgres === undefined) continue;

    const known = { salesforce: now.salesforce, postgres: now.postgres };
    const versions = withOverwritten({ base: base[name], ...known }, input.overwritten?.[name]);
    const outcome = mergeField(field, versions, input.resolutions?.fields[name], rules);
    note(merged, input, field, known, withWanted(merged, field, input.wanted?.[name], outcome));
  }
  return merged;
}

/** As long as our write still stands in Salesforce, the edit that it replaced counts there; a later edit makes it moot. */
function withOverwritten(versions: FieldVersions, edit: OverwrittenEdit | undefined): FieldVersions {
  if (edit === undefined) return versions;
  const ours = edit.ours === undefined ? versions.base : edit.ours;
  if (versions.salesforce !== ours) return versions;
  return { base: edit.base, salesforce: edit.salesforce, postgres: versions.postgres };
}

/** A revert goes before any merge; at the target of a one-way field the source would at once undo it. */
function withWanted(
  merged: Merged,
  field: FieldMapping,
  wanted: Value | undefined,
  outcome: FieldOutcome,
): FieldOutcome {
  if (wanted === undefined) return outcome;
  if (field.direction === 'both') return { kind: 'take', value: wanted, why: 'revert' };
  merged.skipped.push({ field: field.name, reason: 'no_revert', problem: null });
  return outcome;
}

function note(
  merged: Merged,
  input: PairInput,
  field: FieldMapping,
  now: { salesforce: Value; postgres: Value },
  outcome: FieldOutcome,
): void {
  const { name } = field;
  if (outcome.kind === 'conflict') {
    merged.conflicts.push(outcome.conflict);
    return;
  }
  const { value } = outcome;
  const why = outcome.kind === 'agreed' ? 'changed' : outcome.why;
  const writes = { salesforce: now.salesforce !== value, postgres: now.postgres !== value };
  if (!writes.salesforce && !writes.postgres) {
    merged.base[name] = value;
    return;
  }
  const problem = problemOf(field, value, writes, input);
  if (problem !== null) merged.skipped.push({ field: name, reason: 'unwritable', problem });
  else merged.fields.push({ field: name, value, why, writes, now });
}

function problemOf(
  field: FieldMapping,
  value: Value,
  writes: Readonly<Record<Side, boolean>>,
  { checkPostgres }: PairInput,
): FieldProblem | null {
  if (writes.salesforce) {
    const checked = checkForSalesforce(field, value);
    if (!checked.ok) return checked.problem;
  }
  return writes.postgres ? (checkPostgres?.(field, value) ?? null) : null;
}

function updateOf(side: Side, fields: readonly PlannedField[]): PlannedWrite<'update'> | null {
  const written = fields.filter(({ writes }) => writes[side]);
  if (written.length === 0) return null;
  return {
    operation: 'update',
    fields: Object.fromEntries(written.map(({ field, value }) => [field, value])),
    before: Object.fromEntries(
      written.flatMap(({ field, now }) => (now[side] === undefined ? [] : [[field, now[side]]])),
    ),
  };
}

function withoutWrites(existence: Existence, agreed: Agreement, skipped: readonly Skipped[]): RecordPlan {
  return {
    existence: existence.kind,
    salesforce: null,
    postgres: null,
    fields: [],
    conflicts: [],
    delete_conflict: null,
    skipped,
    agreed,
    next: agreed,
  };
}

/** The base of fields that are mapped; without a pair there is none. */
function knownBase({ mapping, link }: PairInput): Document {
  if (link === null) return {};
  const base: Record<string, Value> = {};
  for (const { name } of mapping.fields) setBase(base, name, link.base[name]);
  return base;
}

function setBase(base: Record<string, Value>, field: string, value: Value | undefined): void {
  if (value === undefined) delete base[field];
  else base[field] = value;
}

function documentOf(state: SideState): Document {
  return state.presence === 'present' ? state.document : {};
}

function presences({ salesforce, postgres }: PairInput): Had {
  return { salesforce: salesforce.presence, postgres: postgres.presence };
}

function nowOf(from: Side, value: Value): PlannedField['now'] {
  return from === 'salesforce'
    ? { salesforce: value, postgres: undefined }
    : { salesforce: undefined, postgres: value };
}

function missing(field: string, state: SideState): Skipped {
  const problem = state.presence === 'present' ? (state.problems?.find((one) => one.field === field) ?? null) : null;
  return { field, reason: problem === null ? 'not_told' : 'unreadable', problem };
}

function recordSkipped(reason: 'unknown' | 'one_way' | 'ignored' | 'no_revert'): Skipped {
  return { field: null, reason, problem: null };
}
