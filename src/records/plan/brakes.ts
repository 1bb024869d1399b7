/** The brakes of an object (R17): what may be written this hour on each side, and what makes the object pause. */
import type { Brakes } from '../model/mapping.ts';
import type { Side } from '../model/value.ts';
import type { RecordPlan } from './plan-record.ts';

export type BrakedKind = 'creates' | 'changes' | 'deletes';
export type Counts = Readonly<Record<BrakedKind, number>>;
export type SideCounts = Readonly<Record<Side, Counts>>;

export interface PlannedKey {
  readonly key: string;
  readonly plan: RecordPlan;
}

export interface BrakeInput {
  readonly brakes: Brakes;
  /** Pairs that are known, for the share of changes. */
  readonly pairs: number;
  /** What was written this hour already. */
  readonly used: SideCounts;
  /** What an operator allowed beyond the limits: `resume --allow N`, or an applied plan. */
  readonly allowed?: SideCounts;
  readonly planned: readonly PlannedKey[];
}

/** A limit that some keys would have passed. */
export interface TrippedBrake {
  readonly side: Side;
  readonly kind: BrakedKind;
  readonly limit: number;
  /** Written this hour, with what goes now. */
  readonly used: number;
  /** How many more were wanted. */
  readonly excess: number;
  /** The first keys that were held; record values: for the operator only. */
  readonly sample: readonly string[];
}

export interface Braked {
  /** In their order; with these nothing is beyond a limit. */
  readonly go: readonly PlannedKey[];
  readonly held: readonly PlannedKey[];
  /** Not empty: the object pauses. */
  readonly tripped: readonly TrippedBrake[];
  /** What was written this hour once `go` is. */
  readonly used: SideCounts;
}

/** Changes of small objects are always allowed up to this many. */
const LEAST_CHANGES = 100;
const MOST_SAMPLES = 10;
const SIDES = ['salesforce', 'postgres'] as const;
const KINDS = ['creates', 'changes', 'deletes'] as const;

export const NO_COUNTS: SideCounts = {
  salesforce: { creates: 0, changes: 0, deletes: 0 },
  postgres: { creates: 0, changes: 0, deletes: 0 },
};

/**
 * Lets keys go in their order as long as no limit is passed. A key that would pass one is held whole, on both sides, and
 * later keys of kinds that are within their limits still go: they are not the excess.
 */
export function applyBrakes(input: BrakeInput): Braked {
  const used = { salesforce: { ...input.used.salesforce }, postgres: { ...input.used.postgres } };
  const limits = limitsOf(input);
  const excess = new Map<string, { side: Side; kind: BrakedKind; keys: string[]; count: number }>();
  const go: PlannedKey[] = [];
  const held: PlannedKey[] = [];
  for (const planned of input.planned) {
    const writes = writesOf(planned.plan);
    const beyond = writes.filter(({ side, kind }) => used[side][kind] + 1 > limits[side][kind]);
    if (beyond.length === 0) {
      for (const { side, kind } of writes) used[side][kind]++;
      go.push(planned);
      continue;
    }
    held.push(planned);
    for (const { side, kind } of beyond) {
      const entry = excess.get(`${side} ${kind}`) ?? { side, kind, keys: [], count: 0 };
      entry.count++;
      if (entry.keys.length < MOST_SAMPLES) entry.keys.push(planned.key);
      excess.set(`${side} ${kind}`, entry);
    }
  }
  const tripped = [...excess.values()].map(({ side, kind, keys, count }) => ({
    side,
    kind,
    limit: limits[side][kind],
    used: used[side][kind],
    excess: count,
    sample: keys,
  }));
  return { go, held, tripped, used };
}

/** Why the object paused, without any value of a record. */
export function formatTrippedBrake({ side, kind, limit, used, excess }: TrippedBrake, object: string): string {
  const where = side === 'salesforce' ? 'Salesforce' : 'PostgreSQL';
  return `${excess} more ${kind} in ${where} than the ${limit} of an hour (${used} written). Look at them, then \`syncline resume records/${object} --allow ${excess}\`.`;
}

/** What a plan writes, by side and kind. */
export function writesOf(plan: RecordPlan): { side: Side; kind: BrakedKind }[] {
  return SIDES.flatMap((side) => {
    const operation = plan[side]?.operation;
    if (operation === undefined) return [];
    const kind = operation === 'delete' ? 'deletes' : operation === 'update' ? 'changes' : 'creates';
    return [{ side, kind }];
  });
}

function limitsOf({ brakes, pairs, allowed }: BrakeInput): Record<Side, Record<BrakedKind, number>> {
  const changes = Math.max(LEAST_CHANGES, Math.floor((pairs * brakes.max_changes_percent) / 100));
  const own = { creates: brakes.max_creates, changes, deletes: brakes.max_deletes };
  const of = (side: Side) => {
    const more = allowed?.[side];
    const limits = { ...own };
    for (const kind of KINDS) limits[kind] += more?.[kind] ?? 0;
    return limits;
  };
  return { salesforce: of('salesforce'), postgres: of('postgres') };
}
