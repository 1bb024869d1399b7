import { Draw } from '../draw.ts';

/**
 * `restored`: an older copy, and the program sees that it is one · `rolled_back`: it does not · `cloned`: a copy runs beside the
 * original and knows that it is one · `twin`: it does not, and both go on numbering from the same place.
 */
export type DiskEvent = 'wiped' | 'restored' | 'rolled_back' | 'cloned' | 'twin';

export interface MemoryScenario {
  seed: number;
  members: number;
  /** `mesh`: everybody dials everybody. `star`: the first one is dialled, the others only dial out, and it relays. */
  topology: 'mesh' | 'star' | 'one_way';
  /** The last member joins only when the bad times are half over. */
  late: boolean;
  /** The last but one is taken out before they end. */
  leaves: boolean;
  chaos_ms: number;
  /** Steps of the clients. */
  steps: number;
  loss: number;
  duplication: number;
  /** Longest that a message is on its way; with it, order is lost. */
  latency_ms: number;
  /** Times during which these members reach each other, and nobody else. */
  partitions: { from_ms: number; to_ms: number; inside: number[] }[];
  /** Probability of a crash at a step: at any await, or in the middle of a transaction. */
  crash_rate: number;
  crashes: number;
  disks: { at_ms: number; member: number; event: DiskEvent }[];
  /** Of each member's wall clock. */
  skews_ms: number[];
  clock_steps: number;
  upkeep_ms: number;
  keep_operations_ms: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Draws a whole world from a seed. */
export function memoryScenarioOf(seed: number): MemoryScenario {
  const draw = new Draw(seed, 'memory scenario');
  const members = draw.one([2, 3, 3, 3, 4, 5]);
  const chaos_ms = draw.between(2, 10) * MINUTE_MS;
  const within = (): number => draw.between(0, chaos_ms);
  const disks = draw.chance(0.5) ? draw.between(1, 2) : 0;
  return {
    seed,
    members,
    topology: draw.one(['mesh', 'mesh', 'star', 'one_way']),
    late: members > 2 && draw.chance(0.3),
    leaves: members > 3 && draw.chance(0.3),
    chaos_ms,
    steps: draw.between(20, 80),
    loss: draw.one([0, 0.05, 0.2]),
    duplication: draw.one([0, 0.05, 0.2]),
    latency_ms: draw.one([5, 200, 5000]),
    partitions: Array.from({ length: draw.between(0, 3) }, () => {
      const from_ms = within();
      const inside = Array.from({ length: members }, (_, i) => i).filter(() => draw.chance(0.5));
      return { from_ms, to_ms: from_ms + draw.between(1000, chaos_ms / 2), inside };
    }),
    crash_rate: draw.one([0, 0.05, 0.15]),
    crashes: draw.between(0, 6),
    disks: Array.from({ length: disks }, () => ({
      at_ms: within(),
      member: draw.between(0, members - 1),
      event: draw.one<DiskEvent>(['wiped', 'restored', 'restored', 'rolled_back', 'cloned', 'twin', 'twin']),
    })),
    skews_ms: Array.from({ length: members }, () => draw.one([0, 0, draw.between(-HOUR_MS, HOUR_MS)])),
    clock_steps: draw.one([0, 0.05]),
    upkeep_ms: draw.one([20_000, MINUTE_MS, 5 * MINUTE_MS]),
    keep_operations_ms: draw.one([MINUTE_MS, 5 * MINUTE_MS, 24 * HOUR_MS]),
  };
}
