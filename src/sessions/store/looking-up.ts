import { InvalidInputError } from '../../platform/errors.ts';

/** What lists are sorted by, of a session without a start: before the earliest time there is. */
export const NO_START = -8_640_000_000_000_001;

/** Keys are named by at least this much of them. */
const MIN_KEY_BEGINNING = 8;

/** The keys in `[from, before)` begin with this id; null: it names no key. */
export function keysBeginning(id: string): { from: string; before: string } | null {
  if (id.length < MIN_KEY_BEGINNING || !/^[0-9a-f]+$/.test(id)) return null;
  // `g` follows the last digit that a key has.
  return { from: id, before: `${id}g` };
}

/** Agents' ids are named by at least this much of them; one that is shorter is named whole. */
const MIN_NATIVE_BEGINNING = 4;

/** Whether sessions may be named by this beginning of their agent's id. */
export function isNativeBeginning(id: string): boolean {
  return id.length >= MIN_NATIVE_BEGINNING;
}

/** Most sessions that an ambiguous id names; enough to tell them apart, or to see that there are many. */
export const MOST_CANDIDATES = 5;

/** `candidates`: at most `MOST_CANDIDATES` and one more. */
export function ambiguous(candidates: readonly { key: string; native_id: string }[]): InvalidInputError {
  const named = candidates.slice(0, MOST_CANDIDATES).map(({ key, native_id }) => `${key.slice(0, 12)} (${native_id})`);
  const more = candidates.length > MOST_CANDIDATES ? ' and more' : '';
  return new InvalidInputError('sessions.ambiguous', `Several sessions fit this id: ${named.join(', ')}${more}`, {
    field: 'id',
    hint: 'Give more of the id, or the key that stands first.',
  });
}
