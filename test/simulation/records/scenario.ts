import { fieldOf } from '../../../src/records/model/generated.contract.ts';
import type { ConflictPolicy, Direction, ObjectMapping, Owner } from '../../../src/records/model/mapping.ts';
import { ACCOUNTS } from '../../support/records-rig.ts';
import { Draw } from '../draw.ts';

export interface RecordsScenario {
  seed: number;
  mapping: ObjectMapping;
  keys: string[];
  steps: number;
  /** What brings Salesforce's changes. */
  sources: readonly ('events' | 'poll')[];
  /** Probabilities: of an event that never comes, of one that comes later than its neighbours' poll. */
  dropped: number;
  late: number;
  /** Of one call that goes wrong, of one record of it that is refused for a while. */
  fault: number;
  row_fault: number;
  /** Of a person's edit between our reading and our writing. */
  meddling: number;
  crash: number;
  /** Of a worker that stands still between its intent and its call until another one took its keys. */
  frozen: number;
  deletes: number;
  workers: number;
}

/** Draws a whole world from a seed. */
export function recordsScenarioOf(seed: number): RecordsScenario {
  const draw = new Draw(seed, 'records scenario');
  const policy = draw.one<ConflictPolicy>(['manual', 'salesforce_wins', 'postgres_wins', 'newest_wins']);
  const owner = draw.one<Owner>(['shared', 'salesforce', 'postgres']);
  const direction = draw.one<Direction>(['both', 'salesforce_to_postgres', 'postgres_to_salesforce']);
  return {
    seed,
    mapping: mappingOf(policy, owner, direction),
    keys: ['k1', 'k2', 'k3', 'k4'].slice(0, draw.between(1, 4)),
    steps: draw.between(25, 45),
    sources: draw.one([['events'], ['poll'], ['events', 'poll']] as const),
    dropped: draw.one([0, 0, 0, 0.15]),
    late: draw.one([0, 0.3, 0.6]),
    fault: draw.one([0, 0.1, 0.3]),
    row_fault: draw.one([0, 0, 0.1]),
    meddling: draw.one([0, 0.15, 0.4]),
    crash: draw.one([0, 0.1, 0.25]),
    frozen: draw.one([0, 0, 0.15]),
    deletes: draw.one([0, 0, 0.5, 1]),
    workers: draw.between(1, 2),
  };
}

function mappingOf(policy: ConflictPolicy, owner: Owner, direction: Direction): ObjectMapping {
  return {
    ...ACCOUNTS,
    policy,
    brakes: { max_creates: 10_000, max_deletes: 10_000, max_changes_percent: 1_000_000 },
    fields: [
      fieldOf('text', { name: 'name', salesforce: 'Name', postgres: 'name' }),
      fieldOf('text', { name: 'phone', salesforce: 'Phone', postgres: 'phone', owner }),
      fieldOf('decimal', { name: 'revenue', salesforce: 'AnnualRevenue', postgres: 'revenue', scale: 0, direction }),
    ],
  };
}
