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

export function ambiguous(): InvalidInputError {
  return new InvalidInputError('sessions.ambiguous', 'Several sessions fit this id', {
    field: 'id',
    hint: 'Give more of the key; `syncline sessions list` shows keys.',
  });
}
