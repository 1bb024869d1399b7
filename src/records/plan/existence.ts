/** Whether a record is to be on both sides, on one, or on none: creates, deletes, undeletes, and deletes against changes. */
import type { ObjectMapping } from '../model/mapping.ts';
import type { Document, Side } from '../model/value.ts';
import { flowsFrom, newerSide, otherSide } from './merge.ts';
import type { Had, PairInput, SideState } from './pair.ts';

/**
 * `merge`: both have it · `none`: neither has · `apart`: one has it, and that is left so (`one_way`: only the target has it;
 * `ignored`: its deletion is not carried over) · `conflict`: deleted on one side, changed on the other.
 */
export type Existence =
  | { readonly kind: 'unknown' | 'merge' | 'none' }
  | { readonly kind: 'create'; readonly on: Side; readonly put_back: boolean }
  | { readonly kind: 'delete'; readonly on: Side }
  | { readonly kind: 'apart'; readonly why: 'one_way' | 'ignored' }
  | { readonly kind: 'conflict'; readonly conflict: DeleteConflict };

export interface DeleteConflict {
  readonly deleted_on: Side;
  /** Fields that the other side changed since. */
  readonly changed: readonly string[];
}

export const NEVER_HAD: Had = { salesforce: 'absent', postgres: 'absent' };

/** Nothing is ever concluded from a side that is unknown. */
export function existenceOf(input: PairInput): Existence {
  const { salesforce, postgres } = input;
  if (salesforce.presence === 'unknown' || postgres.presence === 'unknown') return { kind: 'unknown' };
  if (salesforce.presence === postgres.presence) return { kind: salesforce.presence === 'present' ? 'merge' : 'none' };
  return onOneSide(input, salesforce.presence === 'present' ? 'salesforce' : 'postgres');
}

function onOneSide(input: PairInput, here: Side): Existence {
  const { mapping, link } = input;
  const gone = otherSide(here);
  const had = link?.had ?? NEVER_HAD;
  if (had[here] !== 'present' || had[gone] === 'unknown')
    return flowsFrom(mapping, here) ? { kind: 'create', on: gone, put_back: false } : { kind: 'apart', why: 'one_way' };
  if (had[gone] === 'absent' || mapping.deletes === 'ignore') return { kind: 'apart', why: 'ignored' };
  // Deleted at the target of a one-way mapping: the source has it, so the target gets it again.
  if (!flowsFrom(mapping, gone)) return { kind: 'create', on: gone, put_back: true };
  return deletedOn(gone, input);
}

function deletedOn(gone: Side, { mapping, link, resolutions, salesforce, postgres }: PairInput): Existence {
  const here = otherSide(gone);
  const changed = changesOn(here, here === 'salesforce' ? salesforce : postgres, mapping, link?.base ?? {});
  const winner = changed.length === 0 ? gone : (resolutions?.record ?? winnerOf(mapping, { salesforce, postgres }));
  if (winner === null) return { kind: 'conflict', conflict: { deleted_on: gone, changed } };
  return winner === gone ? { kind: 'delete', on: here } : { kind: 'create', on: gone, put_back: false };
}

/** Fields that could go from this side and are not as both agreed; one that cannot be read any more counts. */
function changesOn(side: Side, state: SideState, mapping: ObjectMapping, base: Document): string[] {
  if (state.presence !== 'present') return [];
  return mapping.fields.flatMap((field) => {
    if (!flowsFrom(field, side)) return [];
    const value = state.document[field.name];
    const agreed = base[field.name];
    // Never agreed on: deleting would lose whatever it holds.
    const is_same = agreed === undefined ? value === undefined || value === null : value === agreed;
    return is_same ? [] : [field.name];
  });
}

function winnerOf({ policy }: ObjectMapping, states: Readonly<Record<Side, SideState>>): Side | null {
  switch (policy) {
    case 'manual':
    case 'custom':
      return null;
    case 'salesforce_wins':
      return 'salesforce';
    case 'postgres_wins':
      return 'postgres';
    case 'newest_wins':
      return newerSide({ salesforce: modifiedOf(states.salesforce), postgres: modifiedOf(states.postgres) });
  }
}

/** When the side last changed or deleted it. */
export function modifiedOf(state: SideState): number | null {
  return state.presence === 'unknown' ? null : state.modified_ms;
}
