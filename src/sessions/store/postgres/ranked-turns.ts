import type { Part } from '../message-texts.ts';
import type { BlockSearch, Match } from './matching.ts';

/** Where a block stands, as far as results and their order need it. */
export interface BlockPlace {
  session_id: number;
  key: string;
  tree: bigint;
  started_at_ms: number | null;
  /** It continues, forks from and works for nothing. */
  is_first: boolean;
  /** Of its segment; null: the block of a title. */
  first_ordinal: number | null;
}

/** One result: a turn, whatever the number of its copies. */
export interface FoundTurn {
  /** The same for copies of one turn: a turn whose id is the agent's own has copies anywhere, another one within its tree. */
  group: bigint;
  turn: bigint;
  place: TurnPlace;
}

interface TurnPlace {
  session_id: number;
  ordinal: number | null;
  part: Part;
  block: BlockPlace;
}

interface Candidate extends FoundTurn {
  at_ms: number;
  /** Of its best copy, by phrase: what remains of BM25 when the rarity of the phrases, known at the end, is taken out. */
  scores: Float64Array;
  sum: number;
}

/** Of BM25, as SQLite's FTS5 has them. */
const SATURATION = 1.2;
const LENGTH_SHARE = 0.75;
/** Ranks closer than about 5 % count as equal; then the newer one comes first. */
const RANK_STEPS = 20;

/** Collects what was found, turn by turn, and orders it. Memory grows with the results, not with their copies. */
export class RankedTurns {
  readonly #blocks: BlockSearch;
  readonly #sizes: { documents: number; length: number };
  readonly #turns = new Map<bigint, Candidate>();

  /** `sizes`: the number of documents there are, and their average length. */
  constructor(blocks: BlockSearch, sizes: { documents: number; length: number }) {
    this.#blocks = blocks;
    this.#sizes = sizes;
  }

  get total(): number {
    return this.#turns.size;
  }

  add(block: BlockPlace, matches: readonly Match[]): void {
    for (const { document, weighted } of matches) {
      const { turn, part, at_ms, length } = document;
      const group = document.in_tree ? turn + block.tree : turn;
      const ordinal = block.first_ordinal === null ? null : block.first_ordinal + document.ordinal;
      const place: TurnPlace = { session_id: block.session_id, ordinal, part, block };
      const damping = SATURATION * (1 - LENGTH_SHARE + (LENGTH_SHARE * length) / this.#sizes.length);
      const scores = weighted.map((times) => (times * (SATURATION + 1)) / (times + damping));
      const sum = scores.reduce((all, score) => all + score, 0);
      const known = this.#turns.get(group);
      if (!known) {
        this.#turns.set(group, { group, turn, place, at_ms, scores, sum });
        continue;
      }
      known.at_ms = Math.max(known.at_ms, at_ms);
      if (sum > known.sum) Object.assign(known, { scores, sum });
      if (comesBefore(place, known.place)) known.place = place;
    }
  }

  /** Some of the results, best first. */
  page(from: number, limit: number): FoundTurn[] {
    const { documents } = this.#sizes;
    // Never nothing: a phrase that most texts have still counts a little.
    const rarity = this.#blocks.frequencies.map((having) =>
      Math.max(1e-6, Math.log((documents - having + 0.5) / (having + 0.5))),
    );
    const ranked = [...this.#turns.values()].map((turn) => {
      const rank = turn.scores.reduce((sum, score, p) => sum + score * (rarity[p] ?? 0), 0);
      return { turn, step: Math.trunc(Math.log(Math.max(rank, 1e-9)) * RANK_STEPS) };
    });
    ranked.sort((a, b) => b.step - a.step || b.turn.at_ms - a.turn.at_ms || (a.turn.group < b.turn.group ? -1 : 1));
    return ranked.slice(from, from + limit).map(({ turn }) => turn);
  }
}

/** Of sessions with copies of a turn, the one that had it first; of those that begin together, what others come from. */
function comesBefore(one: TurnPlace, other: TurnPlace): boolean {
  const [a, b] = [one.block, other.block];
  if (a.session_id === b.session_id)
    return (one.ordinal ?? -1) - (other.ordinal ?? -1) < 0 || (one.ordinal === other.ordinal && one.part < other.part);
  if (a.started_at_ms !== b.started_at_ms)
    return b.started_at_ms === null || (a.started_at_ms !== null && a.started_at_ms < b.started_at_ms);
  if (a.is_first !== b.is_first) return a.is_first;
  return a.key < b.key;
}
