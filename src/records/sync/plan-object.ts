import type { CustomPolicy } from '../plan/merge.ts';
import { PlanSummariser, type PlanSummary } from '../plan/summary.ts';
import { comparedPairs } from './compared-pairs.ts';
import { markPlanned } from './mapping-states.ts';
import type { TableWrites } from './table-writes.ts';
import type { WalkedOptions } from './walked-pairs.ts';
import { endWalk, walkSalesforce, type WalkOptions } from './walk.ts';

/** What `records plan` shows and `records apply` takes: what would be written, and until when that counts. */
export interface ObjectPlan {
  object: string;
  stream: string;
  version: string;
  walk_id: string;
  made_ms: number;
  summary: PlanSummary;
  /** One side misses the record and nobody told of a deletion: a person is asked, nothing is written. */
  missing: { salesforce: number; postgres: number };
  /** Several records have one external id. */
  ambiguous: number;
  /** Records in Salesforce without an external id. */
  unkeyed: number;
  /** Settings of the mapping that nothing in this version acts upon. */
  ignored: string[];
  /** Changes that this plan would make, on both sides together. */
  changes: number;
  /** Records that may have changed since, before `apply` refuses. */
  most_moved: number;
}

export type PlanObjectOptions = WalkOptions & WalkedOptions & { table: TableWrites; custom?: CustomPolicy };

/** Of the records, how many may have moved before a plan no longer counts; at least ten. */
const MOVED_SHARE = 0.01;
const LEAST_MOVED = 10;

/** Reads both sides whole and says what bringing them into step would write. Writes to neither. */
export async function planObject(options: PlanObjectOptions, signal: AbortSignal): Promise<ObjectPlan> {
  const { database, mapping, stream, clock } = options;
  const walk = await walkSalesforce('plan', options, signal);
  const summariser = new PlanSummariser(mapping);
  const missing = { salesforce: 0, postgres: 0 };
  let ambiguous = 0;
  for await (const page of comparedPairs(walk, options, signal))
    for (const { pair, view, plan, missing: gone } of page) {
      if (gone !== null) missing[gone.side]++;
      if (view.ambiguous !== null) ambiguous++;
      const { salesforce, postgres } = view;
      const only_on =
        salesforce.presence === 'present' && postgres.presence === 'absent'
          ? ('salesforce' as const)
          : salesforce.presence === 'absent' && postgres.presence === 'present'
            ? ('postgres' as const)
            : null;
      summariser.add(pair.key, plan, only_on);
    }
  const summary = summariser.finish();
  const { salesforce, postgres } = summary;
  const changes = [salesforce, postgres].reduce((sum, one) => sum + one.creates + one.updates + one.deletes, 0);
  const object_plan: ObjectPlan = {
    ...{ object: mapping.name, stream: stream.stream, version: mapping.version, walk_id: walk.walk_id },
    ...{ made_ms: clock.now_ms(), summary, missing, ambiguous, unkeyed: walk.unkeyed, changes },
    ignored: mapping.natural_keys.length === 0 ? [] : ['natural_keys'],
    most_moved: Math.max(LEAST_MOVED, Math.ceil(summary.records * MOVED_SHARE)),
  };
  const { samples: _, ...counts } = summary;
  await endWalk(database, walk, counts, true);
  await markPlanned(database, stream.stream, mapping.version);
  return object_plan;
}
