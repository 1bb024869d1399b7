import type { Memories } from '../memories.ts';
import type { Memory, MemoryLink } from '../memory.ts';
import { linkKey, linkOf } from '../merge/row.ts';
import { goneOf } from './gone.ts';
import type { OutboxRow, Waiting } from './outbox.ts';
import type { Outgoing } from './outgoing.ts';
import { isPrivate } from './sharing.ts';
import { goneRow, joinedAtPeer, marksOf, sameMarks, type KnownRow, type Marks } from './peer-rows.ts';
import { expectedId, itemsOf, type Lane, type LaneItems } from './push-lanes.ts';
import { wireMemoryOf } from './wire-memory.ts';

/** How a waiting row is told to an old peer. */
export interface Plan {
  waiting: Waiting;
  /** Goes in a request before the rest: a receiver applies lists in an order of its own (§5). */
  first: LaneItems;
  then: LaneItems;
  /** Names that a reply may list. */
  expected: readonly string[];
  /** What the peer has when it took both; undefined: nothing to remember. */
  known?: KnownRow;
  /** Rows that the peer lost by it, to be told anew. */
  again?: readonly { row: OutboxRow; key: string }[];
}

export interface Planning {
  reads: PlannerReads;
  outgoing: Outgoing;
  /** What the peer has of the memories that wait. */
  known: ReadonlyMap<string, KnownRow>;
  /** Those of them that it was, or may be, told of. */
  shared: ReadonlySet<string>;
}

/** The reads that planning needs. */
export type PlannerReads = Pick<Memories, 'getMany' | 'links' | 'pendingAction' | 'standard' | 'replica'>;

/**
 * Says each waiting row as it is now. A plan without items is for a row that the peer has already, or that the dialect
 * cannot say.
 */
export async function planLanes(
  { reads, outgoing, known, shared }: Planning,
  waiting: readonly Waiting[],
): Promise<Plan[]> {
  const ids = waiting.filter(({ row }) => row === 'memory').map(({ key }) => key);
  const live = new Map((await reads.getMany(ids)).map((memory) => [memory.id, memory]));
  const gone = await goneOf(
    reads.replica,
    ids.filter((id) => !live.has(id)),
  );
  const plans: Plan[] = [];
  for (const one of waiting) {
    const memory = live.get(one.key);
    const before = known.get(one.key) ?? null;
    const withheld = memory ? outgoing.withheld(memory) : null;
    if (one.row !== 'memory') plans.push(planOf(one, await otherLane(reads, outgoing, one)));
    else if (memory && withheld) plans.push(planWithheld(outgoing, one, memory, before));
    else if (memory) plans.push(await planMemory(reads, outgoing, one, memory, before));
    else plans.push(planGone(outgoing, one, gone.get(one.key)?.gone ?? null, before, shared.has(one.key)));
  }
  return plans;
}

/**
 * A memory that must not leave. A peer that has it from before, when it was not private or lay elsewhere, loses it; one that
 * made it so itself keeps its own.
 */
function planWithheld({ sharing }: Outgoing, waiting: Waiting, memory: Memory, known: KnownRow | null): Plan {
  const there = known?.gone === null ? (known.theirs ?? known.ours) : null;
  if (!known || !there || !sharing.allows(there.namespace)) return planOf(waiting, null);
  const is_told = !isPrivate(sharing, there.scope);
  if (!is_told && there.namespace === memory.namespace) return planOf(waiting, null);
  const plan = planOf(waiting, { lane: 'delete', id: waiting.key });
  return { ...plan, known: { ...known, gone: 'dead' } };
}

/** Only of what the peer was told of, or told us, it is told that it is gone: the id alone says that there was something. */
function planGone(
  { sharing }: Outgoing,
  waiting: Waiting,
  gone: KnownRow['gone'],
  known: KnownRow | null,
  is_shared: boolean,
): Plan {
  if (gone === null || known?.gone === gone) return planOf(waiting, null);
  const there = known?.theirs ?? known?.ours ?? null;
  if (there ? !sharing.allows(there.namespace) : !known && !is_shared) return planOf(waiting, null);
  const plan = planOf(waiting, { lane: gone === 'dead' ? 'delete' : 'archive', id: waiting.key });
  return { ...plan, known: goneRow(known, gone) };
}

/**
 * A live memory. An old peer cannot change a title or a namespace: such an update fails there (D4). So its row is deleted
 * first and comes back whole, with its links and its office as a standard, which went with it. The same is done for a row that
 * the peer may have in a form that we do not know of: because it skipped ours once, or archived and restored it.
 */
async function planMemory(
  reads: PlannerReads,
  outgoing: Outgoing,
  waiting: Waiting,
  memory: Memory,
  known: KnownRow | null,
): Promise<Plan> {
  // What leaves is masked, and the peer's row is compared with that; ours, with ours.
  const wire = outgoing.masked(memory);
  const ours = marksOf(wireMemoryOf(memory));
  const sent = marksOf(wire);
  const is_same = known?.theirs && known.ours ? sameMarks(known.ours, ours) : false;
  if (known && is_same && known.gone === null) return planOf(waiting, null);
  if (known && is_same && known.gone === 'archived')
    // The peer dates what it restores by its own clock, which nobody here knows: the next change makes room first.
    return { ...planOf(waiting, { lane: 'restore', id: memory.id }), known: { ...known, theirs: null, gone: null } };
  const makes_room = waiting.attempts > 0 || (known !== null && (known.gone !== null || isElsewhere(known, sent)));
  const theirs = makes_room ? null : (known?.theirs ?? null);
  // A peer whose clock is ahead would refuse what is older than its own row for as long as that.
  const updated_at = known && wire.updated_at <= known.theirs_updated ? known.theirs_updated + 1n : wire.updated_at;
  const plan = planOf(waiting, { lane: 'store', memory: { ...wire, updated_at } });
  const joined = joinedAtPeer(theirs, known?.theirs_updated ?? 0n, sent, updated_at);
  return {
    ...plan,
    ...(makes_room
      ? { first: itemsOf({ lane: 'delete', id: memory.id }), again: await appendagesOf(reads, memory) }
      : {}),
    known: { theirs: joined, theirs_updated: updated_at, ours, gone: null },
  };
}

/** Whether the peer has the row under another title or namespace, or nobody knows under which. */
function isElsewhere({ theirs }: KnownRow, sent: Marks): boolean {
  return theirs === null || theirs.title !== sent.title || theirs.namespace !== sent.namespace;
}

/** What a deletion at the peer takes away with a memory. */
async function appendagesOf(reads: PlannerReads, memory: Memory): Promise<{ row: OutboxRow; key: string }[]> {
  const links = await reads.links(memory.id);
  const standard = await reads.standard(memory.namespace);
  return [
    ...links.map((link) => ({ row: 'link' as const, key: linkKey(link.source_id, link.target_id, link.relation) })),
    ...(standard?.standard_id === memory.id ? [{ row: 'namespace' as const, key: memory.namespace }] : []),
  ];
}

async function otherLane(reads: PlannerReads, outgoing: Outgoing, { row, key }: Waiting): Promise<Lane | null> {
  if (row === 'link') {
    const ends = linkOf(key);
    if (!ends) return null;
    const link = (await reads.links(ends.source_id)).find(
      ({ source_id, target_id, relation }) =>
        source_id === ends.source_id && target_id === ends.target_id && relation === ends.relation,
    );
    const masked = link && outgoing.link(link, await reads.getMany([ends.source_id, ends.target_id]));
    return masked ? linkLane(masked) : null;
  }
  // As its row, decided or not: a decision by itself would have the peer execute it once more, under an id of its own
  // (D18). What the execution made goes out as what it is.
  if (row === 'pending') {
    const pending = await reads.pendingAction(key);
    const about = pending?.memory_id ? ((await reads.getMany([pending.memory_id]))[0] ?? null) : null;
    const said = pending && outgoing.pending(pending, about);
    return said && { lane: 'pending', pending: said };
  }
  const standard = await reads.standard(key);
  if (!standard) return outgoing.namespace(key) ? { lane: 'namespace_meta_clear', namespaces: [key] } : null;
  const [memory = null] = await reads.getMany([standard.standard_id]);
  const said = outgoing.standard(key, standard, memory);
  return said && standardLane(key, said);
}

function linkLane(link: MemoryLink): Lane {
  const { source_id, target_id, relation, created_at, valid_from, valid_until, observed_by, signature } = link;
  return {
    lane: 'link',
    link: {
      source_id,
      target_id,
      relation,
      created_at,
      valid_from,
      valid_until,
      observed_by,
      signature: signature === undefined ? undefined : Buffer.from(signature, 'base64'),
    },
  };
}

function standardLane(
  namespace: string,
  standard: { standard_id: string; parent: string | null; updated_at: string },
): Lane {
  const { standard_id, parent, updated_at } = standard;
  return { lane: 'namespace_meta', namespace, standard_id, parent_namespace: parent, updated_at };
}

function planOf(waiting: Waiting, lane: Lane | null): Plan {
  return lane
    ? { waiting, first: {}, then: itemsOf(lane), expected: [expectedId(lane)] }
    : { waiting, first: {}, then: {}, expected: [] };
}
