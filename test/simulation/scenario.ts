import { Draw } from './draw.ts';

export type Weather = 'outage' | 'unreachable' | 'throttled' | 'forbidden' | 'refused_whole';

export interface DestinationScenario {
  id: string;
  required: boolean;
  window: number;
  max_items: number;
  /** Knows item ids, so that an effect happens once; else repeats may show. */
  exact: boolean;
  /** Names bad items by index. */
  indexes: boolean;
  /** Offers a probe; only then some items crash it, since nothing else could tell that from an outage. */
  probe: boolean;
  states_limits: boolean;
  /** Probability that an item is bad, too large by itself, or crashes the destination. */
  bad: number;
  huge: number;
  crashing: number;
  /** Partitions that it does not take. */
  declines: string[];
  /** Spells of bad weather, in virtual milliseconds since the start. */
  weather: { from_ms: number; to_ms: number; kind: Weather; partition: string }[];
}

export interface Scenario {
  seed: number;
  lines: number;
  partitions: string[];
  /** Half-way the source goes on in the successors (an upgrade). */
  upgrade: boolean;
  destinations: DestinationScenario[];
  /** How long the bad times last; then everything is well, and all must come to its end. */
  chaos_ms: number;
  crashes: number;
  /** Probability of a crash at a call of the store. */
  crash_rate: number;
  /** Probability of a fault of the network or a stray 5xx in a request. Low: eight in a row condemn an item. */
  fault_rate: number;
  /** Loops that deliver to each destination at once; only fences keep them apart. */
  senders: number;
  cap_bytes: number;
  retain_age_ms: number;
  retain_target_bytes: number | null;
  /** Probability, each minute or so, that the operator does something. */
  operator: number;
  /** Probability that an item is erased or rewritten just before the batch that holds it is claimed. */
  meddling: number;
}

const HOUR_MS = 3_600_000;
/** The journal's file before anything is in it: its tables and their indexes. */
const EMPTY_BYTES = 156 * 1024;

/** Draws a whole world from a seed. */
export function scenarioOf(seed: number): Scenario {
  const draw = new Draw(seed, 'scenario');
  const upgrade = draw.chance(0.4);
  const kinds = ['events', 'spans', 'facts'].slice(0, draw.between(1, 3));
  const partitions = [...kinds, ...(upgrade ? kinds.map((kind) => `${kind}/2`) : [])];
  const chaos_ms = draw.between(1, 4) * (HOUR_MS / 2);
  const small = draw.chance(0.2);
  return {
    seed,
    lines: draw.between(30, 130),
    partitions,
    upgrade,
    destinations: Array.from({ length: draw.between(1, 3) }, (_, i) =>
      destinationOf(draw, `d${i + 1}`, partitions, chaos_ms),
    ),
    chaos_ms,
    crashes: draw.between(0, 8),
    crash_rate: draw.one([0.002, 0.01, 0.03]),
    fault_rate: draw.one([0, 0.05, 0.15]),
    senders: draw.chance(0.2) ? 2 : 1,
    cap_bytes: small ? EMPTY_BYTES + draw.between(33, 68) * 1024 : 2 ** 30,
    retain_age_ms: draw.one([HOUR_MS / 4, HOUR_MS, 100 * HOUR_MS]),
    retain_target_bytes: small ? EMPTY_BYTES + 28 * 1024 : null,
    operator: draw.one([0, 0.1, 0.4]),
    meddling: draw.one([0, 0, 0.03]),
  };
}

function destinationOf(draw: Draw, id: string, partitions: string[], chaos_ms: number): DestinationScenario {
  const probe = draw.chance(0.5);
  const poison = draw.one([0, 0.02, 0.15]);
  return {
    id,
    required: draw.chance(0.8),
    window: draw.one([1, 1, 4]),
    max_items: draw.one([1, 4, 10, 25]),
    exact: draw.chance(0.8),
    indexes: draw.chance(0.5),
    probe,
    states_limits: draw.chance(0.5),
    bad: poison,
    huge: poison / 3,
    crashing: probe ? poison / 5 : 0,
    declines: draw.chance(0.2) ? [draw.one(partitions)] : [],
    weather: Array.from({ length: draw.between(0, 5) }, () => {
      const from_ms = draw.between(0, chaos_ms);
      const kind = draw.one([
        'outage',
        'outage',
        'unreachable',
        'throttled',
        'throttled',
        'forbidden',
        'refused_whole',
      ] as const);
      return { from_ms, to_ms: from_ms + draw.between(1000, HOUR_MS), kind, partition: draw.one(partitions) };
    }),
  };
}
