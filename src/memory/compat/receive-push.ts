import type { Clock } from '../../platform/clock.ts';
import { FullError, SynclineError } from '../../platform/errors.ts';
import type { JsonValue } from '../../redaction/json.ts';
import type { Redactor } from '../../redaction/redactor.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { formatStamp, stampMs } from '../clock/stamp.ts';
import type { JsonObject } from '../json.ts';
import type { LinkRequest, Memories, StandardRequest, WriteOptions } from '../memories.ts';
import { linkKey } from '../merge/row.ts';
import { operationId } from '../origin.ts';
import { maskedLinkDetail } from '../mask-link-detail.ts';
import { confine } from './confinement.ts';
import { withoutSecretNames } from './secret-names.ts';
import { goneOf } from './gone.ts';
import { isLinkSignedBy } from './link-signature.ts';
import { millisecondsOf, parseInstant, type Instant } from './instant.ts';
import type { KeyDirectory } from './key-directory.ts';
import { Outbox } from './outbox.ts';
import { goneRow, PeerRows } from './peer-rows.ts';
import type {
  PushBody,
  PushedDecision,
  PushedLink,
  PushedNamespaceMeta,
  PushedPending,
  PushList,
  PushLists,
  ReadItem,
} from './push-body.ts';
import { PushTally, type ItemResult } from './push-reply.ts';
import { receiveMemories, rethrowUnlessRefused, skippedFor } from './receive-memories.ts';
import { RequestRefused } from './refusal.ts';
import { WaitingItems, type WaitingList } from './waiting-items.ts';
import type { WireMemory } from './wire-memory.ts';

export interface PushReceiverParts {
  memories: Memories;
  /** Of the shim; the memories have their own. */
  db: Database;
  keys: KeyDirectory;
  clock: Clock;
  /** For what the memories do not mask themselves: a pending action is joined as it came. */
  redactor: Redactor;
}

export interface ReceivedPush {
  tally: PushTally;
  /** The greatest `updated_at` among well-formed memories, as the baseline echoes it. */
  watermark: Instant | null;
}

/**
 * Takes pushes of old peers: each item becomes operations of this member, masked like any other write, or is skipped with a
 * reason. Lists are taken in the order of §5; within a list all at once.
 */
export class PushReceiver {
  readonly #parts: PushReceiverParts;
  readonly #rows: PeerRows;
  readonly #waiting: WaitingItems;

  constructor(parts: PushReceiverParts) {
    this.#parts = parts;
    this.#rows = new PeerRows(parts.db);
    this.#waiting = new WaitingItems(parts.db);
  }

  /**
   * `allows` holds the peer to its namespaces; null: to none.
   * @throws RequestRefused 503 when the disk or its share is full
   */
  async receive(
    peer: string,
    pushed: PushBody,
    allows: ((namespace: string) => boolean) | null,
  ): Promise<ReceivedPush> {
    const tally = new PushTally();
    const named = withoutSecretNames(pushed, this.#parts.redactor);
    const body = allows ? await confine(named, allows, this.#parts.memories) : named;
    const watermark = latest(body.lists.memories);
    if (body.dry_run) {
      for (const list of Object.keys(body.lists) as PushList[]) await this.#each(tally, body, list, () => '', idle);
      return { tally, watermark: null };
    }
    try {
      await this.#apply(peer, body, tally);
    } catch (error) {
      if (error instanceof FullError) throw new RequestRefused(503, 'storage is full', { 'retry-after': '60' });
      throw error;
    }
    return { tally, watermark };
  }

  async #apply(peer: string, body: PushBody, tally: PushTally): Promise<void> {
    const { memories } = this.#parts;
    const options: WriteOptions = { caller: { agent_id: body.sender_agent_id } };
    const id = (text: string): string => text;
    await this.#memories(peer, body, tally, options);
    await this.#each(tally, body, 'deletions', id, (one) => this.#delete(peer, one, options));
    await this.#each(tally, body, 'archives', id, (one) => this.#archive(peer, one, options));
    await this.#each(tally, body, 'restores', id, async (one) => {
      this.#waiting.restoredEarly(one);
      await memories.restore(one, options);
      // As it was archived there, which may not be as it was archived here.
      this.#rows.put(peer, new Map([[one, { theirs: null, theirs_updated: 0n, ours: null, gone: null }]]));
      return { result: 'effect' };
    });
    await this.#each(tally, body, 'links', nameOfLink, (link) => this.#link(peer, link, options));
    await this.#each(
      tally,
      body,
      'pendings',
      ({ id }) => id,
      (pending) => this.#pending(pending),
    );
    await this.#each(
      tally,
      body,
      'pending_decisions',
      ({ id }) => id,
      (decision) => this.#orWait('pending_decisions', decision.id, peer, this.#masked(decision, 'decider'), options),
    );
    await this.#each(
      tally,
      body,
      'namespace_meta',
      ({ namespace }) => namespace,
      (meta) => this.#orWait('namespace_meta', meta.namespace, peer, standardRequest(meta), options),
    );
    await this.#each(tally, body, 'namespace_meta_clears', id, async (namespace) => {
      const { result } = await memories.clearStandard(namespace, options);
      return { result: result.cleared ? 'effect' : 'nothing' };
    });
    const cleared = body.lists.namespace_meta_clears.flatMap((read) => ('item' in read ? [read.item] : []));
    if (cleared.length > 1) tally.accept(cleared.join(','));
    // A vector belongs to one wording, and masking may have made another: ours are computed here.
    await this.#each(tally, body, 'embeddings', ({ memory_id }) => memory_id, idle);
    await this.tend();
  }

  /** Runs a list's items at once, so that their commits share one transaction; a well-formed one that is refused is skipped. */
  async #each<L extends PushList>(
    tally: PushTally,
    body: PushBody,
    list: L,
    nameOf: (item: PushLists[L]) => string,
    take: (item: PushLists[L]) => Promise<ItemResult>,
  ): Promise<void> {
    const items: readonly ReadItem<PushLists[L]>[] = body.lists[list];
    const results = await Promise.all(
      items.map(async (read): Promise<ItemResult> => {
        if ('skipped' in read) return { result: 'skipped', reason: read.skipped };
        return take(read.item).catch((error: unknown) =>
          isNotFound(error) ? { result: 'nothing' } : skippedFor(error),
        );
      }),
    );
    for (const [index, read] of items.entries()) {
      const result = results[index];
      if (result) tally.count(list, index, 'item' in read ? nameOf(read.item) : '', result);
    }
  }

  async #memories(peer: string, body: PushBody, tally: PushTally, options: WriteOptions): Promise<void> {
    const { db, memories } = this.#parts;
    const newest = new Map<string, WireMemory>();
    for (const read of body.lists.memories) {
      if (!('item' in read)) continue;
      const other = newest.get(read.item.id);
      if (!other || read.item.updated_at >= other.updated_at) newest.set(read.item.id, read.item);
    }
    const ids = [...newest.keys()];
    const received = await receiveMemories(
      {
        memories,
        options,
        known: this.#rows.get(peer, ids),
        early_deletions: this.#deletedEarly(ids),
      },
      [...newest.values()],
    );
    this.#rows.put(peer, received.known);
    if (received.tell_again.length > 0) {
      const { origin } = memories.replica.identity();
      const operation = operationId(origin, memories.replica.vector()[origin] ?? 0);
      new Outbox(db, peer).queue(
        received.tell_again.map((key) => ({ row: 'memory', key, operation })),
        {},
        this.#parts.clock.now_ms(),
      );
    }
    const resultOf = (id: string): ItemResult => received.results.get(id) ?? { result: 'nothing' };
    await this.#each(
      tally,
      body,
      'memories',
      ({ id }) => id,
      async ({ id }) => resultOf(id),
    );
  }

  async #delete(peer: string, id: string, options: WriteOptions): Promise<ItemResult> {
    const { memories, clock } = this.#parts;
    try {
      const { result } = await memories.delete(id, options);
      if (result.status === 'pending') return { result: 'skipped', reason: 'the deletion waits for an approval here' };
      this.#markGone(peer, id, 'dead');
      if (result.deleted) return { result: 'effect' };
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    this.#waiting.endedEarly(id, peer, 'dead', clock.now_ms());
    return { result: 'nothing' };
  }

  async #archive(peer: string, id: string, options: WriteOptions): Promise<ItemResult> {
    const { memories, clock } = this.#parts;
    const { result } = await memories.archive([id], 'sync_push', options);
    if (result.archived.length > 0) {
      this.#markGone(peer, id, 'archived');
      return { result: 'effect' };
    }
    if (!(await goneOf(memories.replica, [id])).has(id)) this.#waiting.endedEarly(id, peer, 'archived', clock.now_ms());
    return { result: 'nothing' };
  }

  #deletedEarly(ids: readonly string[]): Set<string> {
    const ends = this.#waiting.earlyEnds(ids, this.#parts.clock.now_ms());
    return new Set([...ends].flatMap(([id, { gone }]) => (gone === 'dead' ? [id] : [])));
  }

  /** The peer is not to be told of what it told us. */
  #markGone(peer: string, id: string, gone: 'archived' | 'dead'): void {
    this.#rows.put(peer, new Map([[id, goneRow(this.#rows.get(peer, [id]).get(id) ?? null, gone)]]));
  }

  async #link(peer: string, link: PushedLink, options: WriteOptions): Promise<ItemResult> {
    const { keys } = this.#parts;
    const key = link.observed_by === null ? null : keys.publicKeyOf(link.observed_by);
    if (key && link.signature && !isLinkSignedBy(key, signedFields(link), link.signature))
      return { result: 'skipped', reason: 'the signature of the link does not fit' };
    return this.#orWait(
      'links',
      linkKey(link.source_id, link.target_id, link.relation),
      peer,
      linkRequest(link, this.#parts.redactor),
      options,
    );
  }

  /**
   * What was asked, by whoever asked it first; nothing re-opens a decision (D18). The approver is the peer's to know, so
   * here anybody may decide, as with its default.
   */
  async #pending(pending: PushedPending): Promise<ItemResult> {
    const { memories } = this.#parts;
    const { id, action_type, memory_id, namespace } = pending;
    const { requested_by } = this.#masked(pending, 'requested_by');
    const payload = this.#parts.redactor.redactValue(pending.payload as JsonValue) as JsonObject;
    const by = { agent_id: requested_by, device: memories.replica.identity().device };
    const value = { action_type, memory_id, namespace, payload, requested_by, approver: 'human', by };
    await this.#join(id, { asked: { stamp: this.#stampAt(pending.requested_at), value }, votes: {}, decision: null });
    if (pending.status !== 'approved' && pending.status !== 'rejected') return { result: 'effect' };
    const decision = {
      approved: pending.status === 'approved',
      decider: this.#text(pending.decided_by ?? requested_by),
    };
    await this.#join(id, { asked: null, votes: {}, decision: { stamp: this.#stampAt(''), ...decision } });
    return { result: 'effect' };
  }

  /**
   * A decision of an old peer. What an approved store made comes as a memory of that peer's own, so it is not made here
   * once more; a deletion or promotion happens here, by the rules of here.
   */
  async #decide({ id, approved, decider }: PushedDecision): Promise<ItemResult> {
    const { memories } = this.#parts;
    const pending = await memories.pendingAction(id);
    if (!pending) throw new SynclineError('memory.not_found', 'There is no such pending action');
    if (pending.status === 'approved' || pending.status === 'rejected') return { result: 'nothing' };
    const options = { caller: { agent_id: decider } };
    if (approved && pending.action_type === 'store')
      await this.#join(id, { asked: null, votes: {}, decision: { stamp: this.#stampAt(''), approved, decider } });
    else await (approved ? memories.approve(id, options) : memories.reject(id, options));
    return { result: 'effect' };
  }

  /** Does what may have to wait. @throws SynclineError `memory.not_found` while something that it needs is not here */
  async #do(list: WaitingList, request: object, options: WriteOptions): Promise<ItemResult> {
    const { memories } = this.#parts;
    if (list === 'pending_decisions') return this.#decide(request as PushedDecision);
    const { operations } = await (list === 'links'
      ? memories.link(request as LinkRequest, options)
      : memories.setStandard(request as StandardRequest, options));
    return { result: operations.length > 0 ? 'effect' : 'nothing' };
  }

  /** Takes an item, or keeps it until what it needs is here. */
  async #orWait(
    list: WaitingList,
    key: string,
    peer: string,
    request: object,
    options: WriteOptions,
  ): Promise<ItemResult> {
    try {
      return await this.#do(list, request, options);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const kept = this.#waiting.add({ list, key, peer, item: JSON.stringify(request) }, this.#parts.clock.now_ms());
      return kept ? { result: 'nothing' } : { result: 'skipped', reason: 'too many items wait for what they need' };
    }
  }

  /**
   * Does what had to wait, as far as what it needs has come meanwhile, from whomever. After every push, and once in a while;
   * what still lacks something goes on waiting under its first time.
   */
  async tend(): Promise<void> {
    await this.#endLate();
    for (const item of this.#waiting.all(this.#parts.clock.now_ms())) {
      try {
        await this.#do(item.list, JSON.parse(item.item) as object, { caller: { agent_id: item.peer } });
      } catch (error) {
        if (isNotFound(error)) continue;
        // Refused for good: the rules of the core do not change with time.
        rethrowUnlessRefused(error);
      }
      this.#waiting.remove(item);
    }
  }

  /** Memories that an old peer deleted or archived before they were here, and that came since, by whichever way. */
  async #endLate(): Promise<void> {
    const { memories, clock } = this.#parts;
    const early = this.#waiting.earlyEnds(null, clock.now_ms());
    const live = await memories.getMany([...early.keys()]);
    for (const { id, life, updated_at } of live) {
      const end = early.get(id);
      if (!end) continue;
      const options = { caller: { agent_id: end.peer } };
      // One that was written after the deletion is another; one that was changed after the archiving is in use again.
      if (end.gone === 'dead' && stampMs(life) <= end.ended_ms)
        await memories.delete(id, options).catch(rethrowUnlessRefused);
      if (end.gone === 'archived' && millisecondsOf(parseInstant(updated_at) ?? 0n) <= end.ended_ms) {
        await memories.archive([id], 'sync_push', options).catch(rethrowUnlessRefused);
        this.#markGone(end.peer, id, 'archived');
      }
      if (end.gone === 'archived') this.#waiting.restoredEarly(id);
    }
  }

  #text(text: string): string {
    return this.#parts.redactor.redactText(text);
  }

  /** An item with one of its names masked: it is kept, and shown, as it is. */
  #masked<K extends string, T extends Record<K, string>>(item: T, name: K): T {
    return { ...item, [name]: this.#text(item[name]) };
  }

  /** Joins what is known of a pending action through an operation of ours. */
  async #join(key: string, state: JsonObject): Promise<void> {
    await this.#parts.memories.replica.repair([{ row: 'pending', key, state: JSON.stringify(state) }]);
  }

  /** A stamp of ours for a time of the wire; of now when there is none, or when it lies ahead. */
  #stampAt(time: string): string {
    const now_ms = this.#parts.clock.now_ms();
    const said = parseInstant(time);
    const ms = said === null ? now_ms : Math.min(now_ms, Math.max(0, millisecondsOf(said)));
    return formatStamp({ ms, counter: 0, origin: this.#parts.memories.replica.identity().origin });
  }
}

function nameOfLink({ source_id, target_id }: PushedLink): string {
  return `${source_id}→${target_id}`;
}

/** Masked at once: it may have to wait on disk for its ends. */
function linkRequest(link: PushedLink, redactor: Redactor): LinkRequest {
  const { source_id, target_id, relation, signature, ...times } = link;
  const detail = { ...times, signature: signature && Buffer.from(signature).toString('base64') };
  const said = Object.entries(detail).filter(([, value]) => value !== null);
  return { source_id, target_id, relation, detail: maskedLinkDetail(redactor, Object.fromEntries(said)) };
}

function standardRequest({ namespace, standard_id, parent_namespace }: PushedNamespaceMeta): StandardRequest {
  return { namespace, id: standard_id, ...(parent_namespace === null ? {} : { parent: parent_namespace }) };
}

function signedFields(link: PushedLink): Parameters<typeof isLinkSignedBy>[1] {
  const { source_id, target_id, relation, observed_by, valid_from, valid_until } = link;
  return { src_id: source_id, dst_id: target_id, relation, observed_by, valid_from, valid_until };
}

function latest(rows: readonly ReadItem<WireMemory>[]): Instant | null {
  let greatest: Instant | null = null;
  for (const read of rows)
    if ('item' in read && (greatest === null || read.item.updated_at > greatest)) greatest = read.item.updated_at;
  return greatest;
}

function isNotFound(error: unknown): boolean {
  return error instanceof SynclineError && error.code === 'memory.not_found';
}

async function idle(): Promise<ItemResult> {
  return { result: 'nothing' };
}
