import type { Memories } from '../memories.ts';
import type { Memory, MemoryLink, PendingAction } from '../memory.ts';
import { linkKey, linkOf } from '../merge/row.ts';
import type { JsonObject } from '../json.ts';
import { goneOf } from './gone.ts';
import type { OutboxRow, Waiting } from './outbox.ts';
import { joinedAtPeer, marksOf, sameMarks, type KnownRow, type Marks } from './peer-rows.ts';
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

/** The reads that planning needs. */
export type PlannerReads = Pick<Memories, 'getMany' | 'links' | 'pendingAction' | 'standard' | 'replica'>;

/**
 * Says each waiting row as it is now. A plan without items is for a row that the peer has already, or that the dialect
 * cannot say.
 */
export async function planLanes(
  reads: PlannerReads,
  waiting: readonly Waiting[],
  known: ReadonlyMap<string, KnownRow>,
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
    if (one.row !== 'memory') plans.push(planOf(one, await otherLane(reads, one)));
    else if (memory) plans.push(await planMemory(reads, one, memory, known.get(one.key) ?? null));
    else plans.push(planGone(one, gone.get(one.key)?.gone ?? null, known.get(one.key) ?? null));
  }
  return plans;
}

function planGone(waiting: Waiting, gone: KnownRow['gone'], known: KnownRow | null): Plan {
  if (gone === null || known?.gone === gone) return planOf(waiting, null);
  const plan = planOf(waiting, { lane: gone === 'dead' ? 'delete' : 'archive', id: waiting.key });
  const before = known ?? { theirs: null, theirs_updated: 0n, ours: null };
  return { ...plan, known: { ...before, gone } };
}

/**
 * A live memory. An old peer cannot change a title or a namespace: such an update fails there (D4). So its row is deleted
 * first and comes back whole, with its links and its office as a standard, which went with it. The same is done for a row that
 * the peer may have in a form that we do not know of: because it skipped ours once, or archived and restored it.
 */
async function planMemory(
  reads: PlannerReads,
  waiting: Waiting,
  memory: Memory,
  known: KnownRow | null,
): Promise<Plan> {
  const wire = wireMemoryOf(memory);
  const ours = marksOf(wire);
  const is_same = known?.theirs && known.ours ? sameMarks(known.ours, ours) : false;
  if (known && is_same && known.gone === null) return planOf(waiting, null);
  if (known && is_same && known.gone === 'archived')
    // The peer dates what it restores by its own clock, which nobody here knows: the next change makes room first.
    return { ...planOf(waiting, { lane: 'restore', id: memory.id }), known: { ...known, theirs: null, gone: null } };
  const makes_room = waiting.attempts > 0 || (known !== null && (known.gone !== null || isElsewhere(known, ours)));
  const theirs = makes_room ? null : (known?.theirs ?? null);
  // A peer whose clock is ahead would refuse what is older than its own row for as long as that.
  const updated_at = known && wire.updated_at <= known.theirs_updated ? known.theirs_updated + 1n : wire.updated_at;
  const plan = planOf(waiting, { lane: 'store', memory: { ...wire, updated_at } });
  const joined = joinedAtPeer(theirs, known?.theirs_updated ?? 0n, ours, updated_at);
  return {
    ...plan,
    ...(makes_room
      ? { first: itemsOf({ lane: 'delete', id: memory.id }), again: await appendagesOf(reads, memory) }
      : {}),
    known: { theirs: joined, theirs_updated: updated_at, ours, gone: null },
  };
}

/** Whether the peer has the row under another title or namespace, or nobody knows under which. */
function isElsewhere({ theirs }: KnownRow, ours: Marks): boolean {
  return theirs === null || theirs.title !== ours.title || theirs.namespace !== ours.namespace;
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

async function otherLane(reads: PlannerReads, { row, key }: Waiting): Promise<Lane | null> {
  if (row === 'link') {
    const ends = linkOf(key);
    if (!ends) return null;
    const link = (await reads.links(ends.source_id)).find(
      ({ source_id, target_id, relation }) =>
        source_id === ends.source_id && target_id === ends.target_id && relation === ends.relation,
    );
    return link ? linkLane(link) : null;
  }
  if (row === 'pending') {
    const pending = await reads.pendingAction(key);
    return pending && { lane: 'pending', pending: wirePending(pending) };
  }
  const standard = await reads.standard(key);
  return standard ? standardLane(key, standard) : { lane: 'namespace_meta_clear', namespaces: [key] };
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

/**
 * A pending action goes out as its row, decided or not: a decision by itself would have the peer execute it once more, under
 * an id of its own (D18). What the execution made goes out as what it is.
 */
function wirePending(pending: PendingAction): JsonObject & { id: string } {
  const { decided_by, decided_at, ...rest } = pending;
  return {
    ...rest,
    ...(decided_by === null ? {} : { decided_by }),
    ...(decided_at === null ? {} : { decided_at }),
  };
}

function planOf(waiting: Waiting, lane: Lane | null): Plan {
  return lane
    ? { waiting, first: {}, then: itemsOf(lane), expected: [expectedId(lane)] }
    : { waiting, first: {}, then: {}, expected: [] };
}
