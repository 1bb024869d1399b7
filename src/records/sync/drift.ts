import type { EngineStore } from '../../engine/store.ts';
import type { Clock } from '../../platform/clock.ts';
import type { RecordChange } from '../change.ts';
import { isNothing } from '../plan/plan-record.ts';
import { comparedPairs, type ComparedPair } from './compared-pairs.ts';
import type { TableWrites } from './table-writes.ts';
import type { WalkedOptions } from './walked-pairs.ts';
import { endWalk, walkSalesforce, type WalkOptions } from './walk.ts';

/** What a comparison of both real sides found. Counts only; no key and no value. */
export interface DriftReport {
  stream: string;
  version: string;
  checked_ms: number;
  /** Keys that either side or a link has. */
  keys: number;
  /** Nothing is to be done for them. */
  in_step: number;
  /** A change of theirs is on its way: looked at again the next time. */
  waiting: number;
  /** One side would be written although nothing told of a change. */
  drifted: { salesforce: number; postgres: number };
  drifted_fields: Record<string, number>;
  /** One side misses the record and nobody told of a deletion. */
  missing: { salesforce: number; postgres: number };
  /** Keys with an open conflict. */
  conflicts: number;
  /** Several records have one external id. */
  ambiguous: number;
  /** Records in Salesforce without an external id. */
  unkeyed: number;
  /** Keys that were marked for repair. */
  repairing: number;
}

export interface DriftOptions extends WalkOptions, WalkedOptions {
  store: EngineStore;
  table: TableWrites;
  clock: Clock;
  repair: boolean;
}

/**
 * Compares both real sides: a full read of each, in pages. What drifted was missed by a source, or changed while nobody
 * listened. `repair` has those keys looked at by the pair, under the same merge, brakes and conflicts as any change.
 */
export async function findDrift(options: DriftOptions, signal: AbortSignal): Promise<DriftReport> {
  const { database, stream, mapping, clock, repair } = options;
  const walk = await walkSalesforce('drift', options, signal);
  const report: DriftReport = {
    stream: stream.stream,
    version: mapping.version,
    checked_ms: clock.now_ms(),
    keys: 0,
    in_step: 0,
    waiting: 0,
    drifted: { salesforce: 0, postgres: 0 },
    drifted_fields: {},
    missing: { salesforce: 0, postgres: 0 },
    conflicts: 0,
    ambiguous: 0,
    unkeyed: walk.unkeyed,
    repairing: 0,
  };
  for await (const page of comparedPairs(walk, options, signal)) {
    const drifted = page.filter((one) => count(report, one));
    if (repair) report.repairing += await touch(options, walk.walk_id, drifted);
  }
  await endWalk(database, walk, report, false);
  return report;
}

/** Whether a repair is due for it. */
function count(report: DriftReport, { pair, plan, missing, view }: ComparedPair): boolean {
  report.keys++;
  if (pair.is_waiting) {
    report.waiting++;
    return false;
  }
  if (view.ambiguous !== null) report.ambiguous++;
  if (plan.conflicts.length > 0 || plan.delete_conflict !== null) report.conflicts++;
  if (missing !== null) {
    const is_known = view.state.conflicts.some(({ field }) => field === null);
    report.missing[missing.side]++;
    return !is_known;
  }
  if (isNothing(plan)) {
    report.in_step++;
    return false;
  }
  if (plan.salesforce !== null) report.drifted.salesforce++;
  if (plan.postgres !== null) report.drifted.postgres++;
  for (const { field } of plan.fields) report.drifted_fields[field] = (report.drifted_fields[field] ?? 0) + 1;
  return true;
}

const TOUCHED: RecordChange = {
  side: 'salesforce',
  operation: 'touched',
  fields: {},
  whole: false,
  salesforce_id: null,
  committed_ms: null,
  ours: false,
  actor: null,
  session: null,
};

async function touch(
  { store, stream, clock }: DriftOptions,
  walk_id: string,
  drifted: readonly ComparedPair[],
): Promise<number> {
  if (drifted.length === 0) return 0;
  const now_ms = clock.now_ms();
  const { source_id } = await store.openSource(stream.stream, 'drift', now_ms);
  const { partition_id } = stream.salesforce;
  const payload = JSON.stringify(TOUCHED);
  const entries = drifted.map(({ pair: { key } }) => ({
    ...{ partition_id, key, cursor: `${walk_id}:${key}`, subject: null, observed_ms: now_ms, payload },
  }));
  const { appended } = await store.append({ source_id, entries, checkpoint: null, now_ms });
  return appended;
}
