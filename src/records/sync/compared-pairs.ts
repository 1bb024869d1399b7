import type { CustomPolicy } from '../plan/merge.ts';
import { planRecord, type RecordPlan } from '../plan/plan-record.ts';
import { planInputOf, type Missing } from './plan-input.ts';
import type { TableWrites } from './table-writes.ts';
import { postgresState, type KeyView } from './view.ts';
import { walkedPairs, type WalkedOptions, type WalkedPair } from './walked-pairs.ts';
import type { Walk } from './walk.ts';

/** A key that a walk met, and what would be done about it. */
export interface ComparedPair {
  pair: WalkedPair;
  view: KeyView;
  plan: RecordPlan;
  missing: Missing | null;
}

/** Plans every key as if it were claimed now, and does nothing. Pages of bounded size. */
export async function* comparedPairs(
  walk: Walk,
  options: WalkedOptions & { table: TableWrites; custom?: CustomPolicy },
  signal: AbortSignal,
): AsyncGenerator<ComparedPair[]> {
  const { mapping, table, custom = null } = options;
  for await (const page of walkedPairs(walk, options, signal))
    yield page.map((pair) => {
      const view = viewOf(pair, options.stream.postgres.partition_id);
      const { input, missing } = planInputOf(view, mapping, table, custom);
      return { pair, view, plan: planRecord(input), missing };
    });
}

function viewOf({ key, state, salesforce, salesforce_copies, postgres }: WalkedPair, partition_id: number): KeyView {
  const changes = { salesforce: [], postgres: [] };
  const is_copied = salesforce_copies > 1;
  return {
    task: { ...NO_TASK, key, partition_id, destination_id: state.link.stream },
    state,
    changes,
    postgres: postgresState(postgres, state, changes),
    postgres_record: postgres.kind === 'record' ? postgres.record : null,
    salesforce: is_copied ? { ...salesforce, presence: 'unknown' } : salesforce,
    salesforce_problems: [],
    salesforce_external_id: null,
    needs_fetch: false,
    fetched: true,
    seen: new Set(),
    echoed: new Set(),
    overwritten: {},
    ambiguous: is_copied ? 'salesforce' : postgres.kind === 'ambiguous' ? 'postgres' : null,
  };
}

const NO_TASK: Omit<KeyView['task'], 'key' | 'partition_id' | 'destination_id'> = {
  fence: 0,
  group: '',
  subject: null,
  priority: 0,
  since_ms: 0,
  lease_until_ms: 0,
  attempts: 0,
  failures: 0,
  destination_accepted_since: false,
  holds: 0,
};
