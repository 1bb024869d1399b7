/**
 * What `records plan` shows of one object (R16): counts by side, field and reason, calls, and ten sample rows. Plans are added one by
 * one; memory is bounded by the number of fields and reasons, not of records. Only `samples` hold values and keys.
 */
import type { ObjectMapping } from '../model/mapping.ts';
import type { Side, Value } from '../model/value.ts';
import { writesOf } from './brakes.ts';
import { estimateCalls, LANE_SIZES, type CallEstimate, type LaneSizes } from './estimate-calls.ts';
import type { LeftAlone } from './first-sync.ts';
import type { RecordPlan } from './plan-record.ts';

/** The JSON of `records plan --json`; members are added in later versions, never renamed. */
export interface PlanSummary {
  readonly object: string;
  readonly version: string;
  readonly records: number;
  /** Need nothing. */
  readonly in_step: number;
  readonly salesforce: SideSummary;
  readonly postgres: SideSummary;
  readonly conflicts: {
    readonly records: number;
    readonly by_field: Readonly<Record<string, number>>;
    /** Deleted on this side, changed on the other. */
    readonly deleted_on: Readonly<Record<Side, number>>;
  };
  /** Records that only the target of a one-way mapping has, or whose deletion is not carried over. */
  readonly unmatched: Readonly<Record<Side, number>>;
  readonly left_alone: Readonly<Record<LeftAlone['reason'], number>>;
  readonly skipped: readonly SkippedCount[];
  readonly api_calls: CallEstimate;
  readonly samples: readonly SampleRow[];
}

export interface SideSummary {
  readonly creates: number;
  readonly updates: number;
  readonly deletes: number;
  readonly updates_by_field: Readonly<Record<string, number>>;
  /** Of the updates by field: changes at the target of a one-way field that are put back. */
  readonly put_back: number;
}

export interface SkippedCount {
  /** Null: the record. */
  readonly field: string | null;
  readonly reason: string;
  /** Of the problem, where there is one. */
  readonly code: string | null;
  readonly count: number;
}

export interface SampleRow {
  readonly key: string;
  readonly side: Side | null;
  readonly operation: string;
  readonly changes: readonly { readonly field: string; readonly before: Value; readonly after: Value }[];
}

const MOST_SAMPLES = 10;
const SIDES = ['salesforce', 'postgres'] as const;

interface Tally {
  creates: number;
  updates: number;
  deletes: number;
  put_back: number;
  by_field: Map<string, number>;
}

/** Collects the plans of one object. */
export class PlanSummariser {
  readonly #mapping: ObjectMapping;
  #records = 0;
  #in_step = 0;
  readonly #sides: Record<Side, Tally> = { salesforce: emptyTally(), postgres: emptyTally() };
  #conflict_records = 0;
  readonly #conflicts = new Map<string, number>();
  readonly #deleted_on: Record<Side, number> = { salesforce: 0, postgres: 0 };
  readonly #unmatched: Record<Side, number> = { salesforce: 0, postgres: 0 };
  readonly #left_alone = { duplicate: 0, ambiguous: 0, other_external_id: 0, no_external_id: 0 };
  readonly #skipped = new Map<string, { field: string | null; reason: string; code: string | null; count: number }>();
  /** The first rows of each kind, so that one kind does not push the others out. */
  readonly #samples = new Map<string, SampleRow[]>();

  constructor(mapping: ObjectMapping) {
    this.#mapping = mapping;
  }

  /** `only_on`: the side that has the record where the other has none. */
  add(key: string, plan: RecordPlan, only_on: Side | null = null): void {
    this.#records++;
    if (isInStep(plan)) this.#in_step++;
    for (const { side, kind } of writesOf(plan)) {
      const tally = this.#sides[side];
      if (kind === 'creates') tally.creates++;
      else if (kind === 'deletes') tally.deletes++;
      else tally.updates++;
      this.#sample(sampleOfWrite(key, side, plan));
    }
    if (plan.existence === 'merge') this.#addFields(plan);
    this.#addConflicts(key, plan);
    if (plan.existence === 'apart' && only_on !== null) this.#unmatched[only_on]++;
    for (const { field, reason, problem } of plan.skipped) this.#addSkipped(field, reason, problem?.code ?? null);
  }

  /** Records that the first matching left alone, counted on both sides. */
  addLeftAlone({ reason, salesforce, postgres }: LeftAlone): void {
    this.#left_alone[reason] += salesforce.length + postgres.length;
  }

  /** `reads`: records that are still to be read for an apply. */
  finish(reads = 0, sizes: LaneSizes = LANE_SIZES): PlanSummary {
    const { creates, updates, deletes } = this.#sides.salesforce;
    return {
      object: this.#mapping.name,
      version: this.#mapping.version,
      records: this.#records,
      in_step: this.#in_step,
      salesforce: sideSummary(this.#sides.salesforce),
      postgres: sideSummary(this.#sides.postgres),
      conflicts: {
        records: this.#conflict_records,
        by_field: sortedCounts(this.#conflicts),
        deleted_on: { ...this.#deleted_on },
      },
      unmatched: { ...this.#unmatched },
      left_alone: { ...this.#left_alone },
      skipped: [...this.#skipped.values()].sort((a, b) => b.count - a.count || compare(skippedKey(a), skippedKey(b))),
      api_calls: estimateCalls([creates, updates, deletes], reads, sizes),
      samples: takeInTurn([...this.#samples.values()], MOST_SAMPLES),
    };
  }

  #addFields({ fields }: RecordPlan): void {
    for (const { field, writes, why } of fields)
      for (const side of SIDES) {
        if (!writes[side]) continue;
        const tally = this.#sides[side];
        count(tally.by_field, field);
        if (why === 'put_back') tally.put_back++;
      }
  }

  #addConflicts(key: string, { conflicts, delete_conflict }: RecordPlan): void {
    if (conflicts.length === 0 && delete_conflict === null) return;
    this.#conflict_records++;
    for (const { field } of conflicts) count(this.#conflicts, field);
    if (delete_conflict !== null) this.#deleted_on[delete_conflict.deleted_on]++;
    const changes = conflicts.map(({ field, salesforce, postgres }) => ({
      field,
      before: postgres,
      after: salesforce,
    }));
    this.#sample({ key, side: null, operation: 'conflict', changes });
  }

  #addSkipped(field: string | null, reason: string, code: string | null): void {
    const key = skippedKey({ field, reason, code });
    const entry = this.#skipped.get(key) ?? { field, reason, code, count: 0 };
    entry.count++;
    this.#skipped.set(key, entry);
  }

  #sample(row: SampleRow): void {
    const kind = `${row.side ?? ''} ${row.operation}`;
    const rows = this.#samples.get(kind) ?? [];
    if (rows.length < MOST_SAMPLES) rows.push(row);
    this.#samples.set(kind, rows);
  }
}

/** Whether an apply would write anything or leave a conflict: exit 1 of `records plan`. */
export function hasChanges({ salesforce, postgres, conflicts }: PlanSummary): boolean {
  const writes = [salesforce, postgres].some(({ creates, updates, deletes }) => creates + updates + deletes > 0);
  return writes || conflicts.records > 0;
}

function isInStep({ salesforce, postgres, conflicts, delete_conflict, skipped }: RecordPlan): boolean {
  const writes_nothing = salesforce === null && postgres === null;
  return writes_nothing && conflicts.length === 0 && delete_conflict === null && skipped.length === 0;
}

function sampleOfWrite(key: string, side: Side, plan: RecordPlan): SampleRow {
  const { operation = '', fields = {}, before = {} } = plan[side] ?? {};
  const names = Object.keys(operation === 'delete' ? before : fields).sort(compare);
  const changes = names.map((field) => ({ field, before: before[field] ?? null, after: fields[field] ?? null }));
  return { key, side, operation, changes };
}

function emptyTally(): Tally {
  return { creates: 0, updates: 0, deletes: 0, put_back: 0, by_field: new Map() };
}

function sideSummary({ creates, updates, deletes, put_back, by_field }: Tally): SideSummary {
  return { creates, updates, deletes, updates_by_field: sortedCounts(by_field), put_back };
}

function sortedCounts(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a], [b]) => compare(a, b)));
}

/** One of each kind, then the second of each, until there are enough. */
function takeInTurn<Row>(kinds: readonly (readonly Row[])[], most: number): Row[] {
  const rows: Row[] = [];
  for (let round = 0; round < most; round++)
    for (const kind of kinds) {
      const row = kind[round];
      if (row !== undefined && rows.length < most) rows.push(row);
    }
  return rows;
}

function skippedKey({ field, reason, code }: { field: string | null; reason: string; code: string | null }): string {
  return JSON.stringify([field, reason, code]);
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
