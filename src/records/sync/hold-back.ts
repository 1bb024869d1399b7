import type { ObjectMapping } from '../model/mapping.ts';
import type { Side } from '../model/value.ts';
import {
  applyBrakes,
  formatTrippedBrake,
  writesOf,
  type SideCounts as PlannedCounts,
  type TrippedBrake,
} from '../plan/brakes.ts';
import { brakeCounts, countChanges, type BrakeCounts, type SideCounts } from './brake-counts.ts';
import type { Decision } from './decision.ts';
import type { FlowDatabase } from './flow-database.ts';
import { pauseObject } from './mapping-states.ts';

/** Attempts at counting beside other workers. */
const ATTEMPTS = 5;

interface HoldingBack {
  database: FlowDatabase;
  mapping: ObjectMapping;
  stream: string;
  /** How many pairs are known, of which a share may change. */
  pairs: () => Promise<number>;
  now_ms: number;
}

/**
 * Counts what the plans of a claim would change, and holds back what is beyond the brakes of the hour (R17): the object pauses
 * then, and nothing of the excess is sent. Returns the limit that stopped it; null: everything may go.
 */
export async function holdBack(decisions: readonly Decision[], about: HoldingBack): Promise<TrippedBrake | null> {
  const { database, mapping, stream, now_ms } = about;
  const changing = decisions.filter(({ plan }) => writesOf(plan).length > 0);
  if (changing.length === 0) return null;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const counted = await brakeCounts(database, stream);
    const pairs = await about.pairs();
    const planned = changing.map(({ view, plan }) => ({ key: view.task.key, plan }));
    const braked = applyBrakes({ brakes: mapping.brakes, pairs, ...ofCounts(counted), planned });
    if (!(await count(about, counted, braked.used))) continue;
    const going = new Set(braked.go.map(({ key }) => key));
    for (const decision of changing) decision.held_back = !going.has(decision.view.task.key);
    const [tripped] = braked.tripped;
    if (tripped === undefined) return null;
    const message = formatTrippedBrake(tripped, mapping.name);
    await pauseObject(database, stream, { reason: 'brake', side: tripped.side, at_ms: now_ms, message });
    return tripped;
  }
  // Other workers change as fast as they can: this claim tries again.
  for (const decision of changing) decision.held_back = true;
  return null;
}

type CountedSides = Record<Side, BrakeCounts>;

function ofCounts({ salesforce, postgres }: CountedSides): { used: PlannedCounts; allowed: PlannedCounts } {
  const used = ({ creates, updates, deletes }: SideCounts) => ({ creates, changes: updates, deletes });
  const more = ({ allowed }: BrakeCounts) => used(allowed);
  return {
    used: { salesforce: used(salesforce), postgres: used(postgres) },
    allowed: { salesforce: more(salesforce), postgres: more(postgres) },
  };
}

/** False when another worker counted meanwhile: what may go is to be reckoned anew. */
async function count({ database, stream }: HoldingBack, before: CountedSides, after: PlannedCounts): Promise<boolean> {
  for (const side of ['salesforce', 'postgres'] as const) {
    const { creates, changes, deletes } = after[side];
    const to = { creates, updates: changes, deletes };
    if (!(await countChanges(database, stream, side, before[side], to))) return false;
  }
  return true;
}
