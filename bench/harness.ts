/**
 * What every suite shares: how ours and a reference are measured in turn, and what a result is. A result without a goal
 * is an error, because a figure nobody promised anything about cannot be missed.
 */
import { SynclineError } from '../src/platform/errors.ts';

/**
 * What is compared with the goal, and from which side. `difference` is ours minus the reference, in the unit; `figure` is
 * ours alone, for counts that are the same on every machine.
 */
export type Goal =
  | { at_least: number; of: 'ratio' }
  | { at_most: number; of: 'ratio' }
  | { at_most: number; of: 'difference' }
  | { at_most: number; of: 'figure' };

export interface Round {
  ours: number;
  reference: number;
}

/** One thing that is measured beside a reference. */
export interface Comparison {
  /** Says what is counted, so that the figure can be read alone. */
  name: string;
  unit: string;
  referenceName: string;
  goal: Goal;
  rounds: number;
  /** Measures both, one after the other; `round` counts from 0, so that they can take turns in going first. */
  measure: (round: number) => Promise<Round>;
}

/** What a suite is told. */
export interface SuiteOptions {
  /** A folder of its own that is removed at the end. */
  folder: string;
  /** Small and fast, to see that everything runs; the figures mean nothing. */
  quick: boolean;
  progress: (message: string) => void;
}

export interface Suite {
  name: string;
  /** Prepares what is measured (a corpus, a journal) and says what to compare. */
  comparisons: (options: SuiteOptions) => Promise<Comparison[]>;
}

/**
 * The one shape of all suites: medians over the rounds. The ratio is that of the typical round, not of the two medians:
 * what else the machine did then slowed both sides of a round alike.
 */
export interface Result {
  name: string;
  ours: number;
  unit: string;
  reference: number;
  referenceName: string;
  /** Ours divided by the reference, within each round. */
  ratio: number;
  goal: number;
  direction: 'at least' | 'at most';
  /** What stands against the goal. */
  compares: Goal['of'];
  holds: boolean;
  rounds: Round[];
}

/** Measures the comparisons, one after the other. @throws SynclineError `bench.goal`, `bench.figure` */
export async function runComparisons(
  comparisons: readonly Comparison[],
  progress: SuiteOptions['progress'],
): Promise<Result[]> {
  for (const comparison of comparisons) requireGoal(comparison);
  const results: Result[] = [];
  for (const comparison of comparisons) {
    const rounds: Round[] = [];
    for (let round = 0; round < comparison.rounds; round++) {
      const measured = await comparison.measure(round);
      rounds.push(measured);
      progress(
        `${comparison.name}, ${round + 1}/${comparison.rounds}: ${format(measured.ours)} against ${format(measured.reference)} ${comparison.unit}`,
      );
    }
    results.push(judge(comparison, rounds));
  }
  return results;
}

/** Runs ours and the reference one after the other; in every second round the reference goes first. */
export function inTurn(
  ours: () => Promise<number>,
  reference: () => Promise<number>,
): (round: number) => Promise<Round> {
  return async (round) => {
    if (round % 2 === 0) return { ours: await ours(), reference: await reference() };
    const first = await reference();
    return { ours: await ours(), reference: first };
  };
}

/** The medians of the rounds, judged by the goal. */
export function judge(comparison: Omit<Comparison, 'measure' | 'rounds'>, rounds: readonly Round[]): Result {
  const goal = requireGoal(comparison);
  const ours = median(rounds.map((round) => round.ours));
  const reference = median(rounds.map((round) => round.reference));
  if (!Number.isFinite(ours) || !(reference > 0))
    throw new SynclineError('bench.figure', `"${comparison.name}" measured ${ours} against ${reference}`, {
      hint: 'A measurement returned no figure; this is a defect of the bench.',
    });
  const ratio = median(rounds.map((round) => round.ours / round.reference));
  const difference = median(rounds.map((round) => round.ours - round.reference));
  const compared = { ratio, difference, figure: ours }[comparison.goal.of];
  return {
    name: comparison.name,
    ours: rounded(ours),
    unit: comparison.unit,
    reference: rounded(reference),
    referenceName: comparison.referenceName,
    ratio: rounded(ratio),
    goal,
    direction: 'at_least' in comparison.goal ? 'at least' : 'at most',
    compares: comparison.goal.of,
    holds: 'at_least' in comparison.goal ? compared >= goal : compared <= goal,
    rounds: rounds.map((round) => ({ ours: rounded(round.ours), reference: rounded(round.reference) })),
  };
}

function requireGoal({ name, goal }: Pick<Comparison, 'name' | 'goal'>): number {
  const figure = 'at_least' in goal ? goal.at_least : goal.at_most;
  if (Number.isFinite(figure)) return figure;
  throw new SynclineError('bench.goal', `"${name}" has no goal`, {
    hint: 'Say what the figure must reach; without that nobody can tell a good run from a bad one.',
  });
}

export function median(figures: readonly number[]): number {
  return quantile(figures, 0.5);
}

/** The figure below which the share `q` of them lies, between the two nearest; NaN of none. */
export function quantile(figures: readonly number[], q: number): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const place = (sorted.length - 1) * q;
  const below = sorted[Math.floor(place)] ?? NaN;
  const above = sorted[Math.ceil(place)] ?? NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/** Four digits say all that a measurement can. */
function rounded(figure: number): number {
  return Number(figure.toPrecision(4));
}

export function format(figure: number): string {
  return figure >= 1000 ? Math.round(figure).toLocaleString('en-US') : String(rounded(figure));
}
