import { Turns } from '../../platform/turns.ts';

const turns = new WeakMap<object, Turns>();

/**
 * The turns of everything that folds into the flow tables of one journal file. A unit reads a span or a session, folds
 * into it, and writes it with its entries; transcripts and hooks are read by loops of their own, and without turns the
 * one would overwrite what the other had folded in meanwhile.
 */
export function turnsOf(db: object): Turns {
  const known = turns.get(db) ?? new Turns();
  turns.set(db, known);
  return known;
}
