import { Draw } from '../draw.ts';

export type KeyedWeather = 'outage' | 'unreachable' | 'throttled' | 'unauthorized' | 'forbidden' | 'refused_whole';

export interface OtherSideScenario {
  id: string;
  /** Configured when the bad times are half over; it must learn of all known keys. */
  late: boolean;
  required: boolean;
  /** Takes several keys in one call. */
  batches: boolean;
  probe: boolean;
  /** Partitions that it never takes, and one that it does not take for a while. */
  declines: string[];
  declines_meanwhile: { partition: string; from_ms: number; to_ms: number } | null;
  weather: { from_ms: number; to_ms: number; kind: KeyedWeather; group: string }[];
}

export interface KeyedScenario {
  seed: number;
  partitions: string[];
  groups: string[];
  /** Keys of each partition and group. */
  keys: number;
  changes: number;
  /** Probability that a key is refused, too large, or crashes the other side. */
  bad: number;
  huge: number;
  crashing: number;
  others: OtherSideScenario[];
  chaos_ms: number;
  crashes: number;
  crash_rate: number;
  fault_rate: number;
  /** Loops that deliver to each destination at once; only fences keep them apart. */
  senders: number;
  /** Longest a request is on its way; a slow one sees its key change, and clocks step. */
  latency_ms: number;
  /** Probability that a key changes again while it is sent. */
  changes_meanwhile: number;
  operator: number;
  /** Probability that somebody else moves the link of a key while it is sent. */
  meddling: number;
  retain_age_ms: number;
}

const HOUR_MS = 3_600_000;

/** Draws a whole world from a seed. */
export function keyedScenarioOf(seed: number): KeyedScenario {
  const draw = new Draw(seed, 'keyed scenario');
  const partitions = ['epoch 1', 'epoch 2'].slice(0, draw.between(1, 2));
  const groups = ['web', 'api', 'infra'].slice(0, draw.between(1, 3));
  const chaos_ms = draw.between(1, 4) * (HOUR_MS / 2);
  const poison = draw.one([0, 0.05, 0.2]);
  return {
    seed,
    partitions,
    groups,
    keys: draw.between(1, 4),
    changes: draw.between(20, 120),
    bad: poison,
    huge: poison / 3,
    crashing: poison / 3,
    others: Array.from({ length: draw.between(1, 3) }, (_, i) => otherSide(draw, i, { partitions, groups, chaos_ms })),
    chaos_ms,
    crashes: draw.between(0, 8),
    crash_rate: draw.one([0.002, 0.01, 0.03]),
    fault_rate: draw.one([0, 0.05, 0.15]),
    senders: draw.chance(0.25) ? 2 : 1,
    latency_ms: draw.one([500, 5000, 20_000]),
    changes_meanwhile: draw.one([0, 0.1, 0.3]),
    operator: draw.one([0, 0.1, 0.4]),
    meddling: draw.one([0, 0, 0.05]),
    retain_age_ms: draw.one([HOUR_MS / 4, HOUR_MS, 100 * HOUR_MS]),
  };
}

function otherSide(
  draw: Draw,
  i: number,
  world: Pick<KeyedScenario, 'partitions' | 'groups' | 'chaos_ms'>,
): OtherSideScenario {
  const spell = (): { from_ms: number; to_ms: number } => {
    const from_ms = draw.between(0, world.chaos_ms);
    return { from_ms, to_ms: from_ms + draw.between(1000, HOUR_MS) };
  };
  const kinds = [
    'outage',
    'outage',
    'unreachable',
    'throttled',
    'unauthorized',
    'forbidden',
    'forbidden',
    'refused_whole',
  ] as const;
  return {
    id: `side ${i + 1}`,
    late: i > 0 && draw.chance(0.4),
    required: draw.chance(0.8),
    batches: draw.chance(0.3),
    probe: draw.chance(0.5),
    declines: world.partitions.length > 1 && draw.chance(0.15) ? [draw.one(world.partitions)] : [],
    declines_meanwhile: draw.chance(0.25) ? { partition: draw.one(world.partitions), ...spell() } : null,
    weather: Array.from({ length: draw.between(0, 5) }, () => ({
      ...spell(),
      kind: draw.one(kinds),
      group: draw.one(world.groups),
    })),
  };
}
