import type { ObjectMapping } from '../model/mapping.ts';
import type { Side } from '../model/value.ts';
import { brakeCounts, countChanges, type BrakeCounts, type SideCounts } from './brake-counts.ts';
import type { Decision } from './decision.ts';
import type { FlowDatabase } from './flow-database.ts';
import { pauseObject } from './mapping-states.ts';

/** Updates that are always allowed, however few pairs are known. */
const LEAST_UPDATES = 100;
/** Attempts at counting beside other workers. */
const ATTEMPTS = 5;

type Kind = keyof SideCounts;

/**
 * Counts what the plans of a claim would change, and holds back what is beyond the brakes of the hour (R17): the object pauses
 * then, and nothing of the excess is sent. Returns the side and kind at fault; null: everything may go.
 */
export async function holdBack(
  decisions: readonly Decision[],
  {
    database,
    mapping,
    stream,
    now_ms,
  }: { database: FlowDatabase; mapping: ObjectMapping; stream: string; now_ms: number },
): Promise<{ side: Side; kind: Kind } | null> {
  if (decisions.every(({ plan }) => plan.salesforce === null && plan.postgres === null)) return null;
  for (const side of ['salesforce', 'postgres'] as const) {
    const kind = await holdBackOn(side, decisions, database, mapping, stream);
    if (kind === null) continue;
    await pauseObject(database, stream, {
      reason: 'brake',
      side,
      at_ms: now_ms,
      message: messageOf(side, kind, mapping),
    });
    return { side, kind };
  }
  return null;
}

async function holdBackOn(
  side: Side,
  decisions: readonly Decision[],
  database: FlowDatabase,
  mapping: ObjectMapping,
  stream: string,
): Promise<Kind | null> {
  const changing = decisions.filter((decision) => !decision.held_back && kindOf(decision, side) !== null);
  if (changing.length === 0) return null;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { pairs, ...counts } = await brakeCounts(database, stream);
    const most = limitsOf(mapping, pairs);
    const { passing, over } = share(changing, side, counts[side], most);
    if (!(await countChanges(database, stream, side, countsOf(passing, side), most))) continue;
    for (const decision of changing) decision.held_back ||= !passing.includes(decision);
    return over;
  }
  // Other workers change as fast as they can: this claim tries again.
  for (const decision of changing) decision.held_back = true;
  return null;
}

/** Those that fit, in their order; the kind that does not. */
function share(changing: readonly Decision[], side: Side, counted: BrakeCounts, most: SideCounts) {
  const left: SideCounts = {
    creates: most.creates + counted.allowed - counted.creates,
    updates: most.updates + counted.allowed - counted.updates,
    deletes: most.deletes + counted.allowed - counted.deletes,
  };
  const passing: Decision[] = [];
  let over: Kind | null = null;
  for (const decision of changing) {
    const kind = kindOf(decision, side);
    if (kind === null) continue;
    if (left[kind]-- > 0) passing.push(decision);
    else over ??= kind;
  }
  return { passing, over };
}

function kindOf({ plan }: Decision, side: Side): Kind | null {
  if (side === 'postgres') {
    if (plan.postgres === null) return null;
    return ({ insert: 'creates', update: 'updates', delete: 'deletes' } as const)[plan.postgres.operation];
  }
  if (plan.salesforce === null) return null;
  return ({ upsert: 'creates', update: 'updates', delete: 'deletes', undelete: 'creates' } as const)[
    plan.salesforce.operation
  ];
}

function countsOf(decisions: readonly Decision[], side: Side): SideCounts {
  const counts: SideCounts = { creates: 0, updates: 0, deletes: 0 };
  for (const decision of decisions) {
    const kind = kindOf(decision, side);
    if (kind !== null) counts[kind]++;
  }
  return counts;
}

function limitsOf({ brakes }: ObjectMapping, pairs: number): SideCounts {
  const share_of_pairs = Math.floor((pairs * brakes.max_changes_percent) / 100);
  return {
    creates: brakes.max_creates,
    updates: Math.max(LEAST_UPDATES, share_of_pairs),
    deletes: brakes.max_deletes,
  };
}

function messageOf(side: Side, kind: Kind, { name, brakes }: ObjectMapping): string {
  const where = side === 'salesforce' ? 'Salesforce' : 'PostgreSQL';
  const limit = {
    creates: `max_creates = ${brakes.max_creates}`,
    updates: `max_changes_percent = ${brakes.max_changes_percent}`,
    deletes: `max_deletes = ${brakes.max_deletes}`,
  }[kind];
  return `${name} would pass its limit of ${kind} in ${where} within an hour (${limit})`;
}
