import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { inTurn, quantile, type Comparison, type Round, type SuiteOptions } from '../../harness.ts';
import { measureInProcess, programFlags } from '../../measured-process.ts';
import type { SearchFigures, SearchInput } from './search-process.ts';

const SCRIPT = new URL('./search-process.ts', import.meta.url);
const MESSAGES = 200_000;
const QUERIES = 100;

type Milliseconds = SearchFigures['milliseconds'];
interface Side {
  ours: Milliseconds;
  reference: Milliseconds;
}

/**
 * Searches of a large store on SQLite by the daemon's own road, threads and all: a page of results with snippets, copies
 * joined, an exact total. Beside it what FTS5 alone needs for the numbers of the best rows, in the same file with the same
 * page cache. Words that hardly occur stand apart: there the results cost more than finding them, so the goal is a time.
 */
export function searchComparisons(options: SuiteOptions): Comparison[] {
  const measure = searchSides(options);
  const p95 = ({ ours, reference }: Side, kind?: Milliseconds[number]['kind']): Round => {
    const of = (side: Milliseconds): number =>
      quantile(
        side.filter((query) => kind === undefined || query.kind === kind).map(({ ms }) => ms),
        0.95,
      );
    return { ours: of(ours), reference: of(reference) };
  };
  const common = {
    unit: 'ms',
    referenceName: `bare MATCH, ORDER BY rank LIMIT 20, over the same index`,
    rounds: options.quick ? 1 : 3,
  };
  const size = MESSAGES.toLocaleString('en-US');
  return [
    {
      ...common,
      name: `search of ${size} messages, p95 of ${QUERIES} queries: words of all frequencies, phrases, names, filters`,
      goal: { at_most: 3, of: 'ratio' },
      measure: async (round) => p95(await measure(round)),
    },
    {
      ...common,
      name: `search of ${size} messages, p95 of its queries for a rare word`,
      goal: { at_most: 5, of: 'difference' },
      measure: async (round) => p95(await measure(round), 'rare'),
    },
  ];
}

/** The times of both sides in each round; the comparisons look at the same ones. The store is filled before the first. */
function searchSides({ folder, quick, progress }: SuiteOptions): (round: number) => Promise<Side> {
  const home = mkdtempSync(join(folder, 'search-'));
  const input = { path: join(home, 'store.db'), messages: quick ? 1_000 : MESSAGES, queries: quick ? 20 : QUERIES };
  const run = (work: SearchInput['work']): Promise<SearchFigures> =>
    measureInProcess({ script: SCRIPT, input: { ...input, work }, home, node_flags: programFlags() });
  let filled: Promise<unknown> | null = null;
  const rounds = new Map<number, Promise<Side>>();
  const measure = async (round: number): Promise<Side> => {
    if (!filled) progress('writing the conversations that are searched');
    await (filled ??= run('fill'));
    const side: Partial<Side> = {};
    const ask = (name: keyof Side, work: SearchInput['work']) => async () => {
      side[name] = (await run(work)).milliseconds;
      return 0;
    };
    await inTurn(ask('ours', 'store'), ask('reference', 'index'))(round);
    return { ours: [], reference: [], ...side };
  };
  return (round) => {
    const measured = rounds.get(round) ?? measure(round);
    rounds.set(round, measured);
    return measured;
  };
}
