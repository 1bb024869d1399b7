import { compareTuples } from './order.ts';

/** Whose an item is: the place it counts for, and who sent that copy. */
export interface Owner {
  owner_rank: string | null;
  session_id_hash: string;
  workspace_hash: string;
  /** The item within its owner: an event's `event_seq`, a span's `span_id_hash`. */
  item: number | string;
  subagent_id_hash: string | null;
  member: string;
  device: string;
}

/**
 * Whether `a` owns an item rather than `b`: the session that names the smallest rank had it first (R4); a copy without
 * rank comes after all that have one. The further fields only make the order total.
 */
export function ownsBefore(a: Owner, b: Owner): boolean {
  return compareTuples(ownerTuple(a), ownerTuple(b)) < 0;
}

function ownerTuple(owner: Owner): (string | number | null)[] {
  return [
    owner.owner_rank === null ? 1 : 0,
    owner.owner_rank,
    owner.session_id_hash,
    owner.workspace_hash,
    owner.item,
    owner.subagent_id_hash,
    owner.member,
    owner.device,
  ];
}
