import { SynclineError } from '../platform/errors.ts';
import type { EngineStore } from '../engine/store.ts';
import type { KnownSessions } from '../sessions/capture/known-sessions.ts';
import { SESSIONS_STREAM } from '../sessions/capture/session-sweep.ts';
import type { KnownStores } from '../sessions/delivery/known-stores.ts';
import type { SessionHolds } from '../sessions/delivery/session-holds.ts';
import type { SessionLinks } from '../sessions/delivery/session-links.ts';
import type { SharingRules } from '../sessions/delivery/sharing-rules.ts';
import { StoreReplyError } from '../sessions/store/store-reply-error.ts';
import type { ConfiguredSessions } from './session-destinations.ts';

const KEYS_AT_ONCE = 1_000;

/** What the journal remembers of destinations. */
export interface Remembered {
  sharing_rules: SharingRules;
  links: SessionLinks;
  holds: SessionHolds;
  stores: KnownStores;
}

/**
 * Makes the configured destinations known; one that is configured no more is removed, and holds nothing back. Where the
 * rules are others than before, every session is decided anew: what is shared no more is withdrawn, what is now, sent.
 */
export async function configureSessions(
  engine: EngineStore,
  destinations: readonly ConfiguredSessions[],
  { sharing_rules, links, holds, stores }: Remembered,
  now_ms: number,
): Promise<void> {
  const ids = destinations.map(({ destination }) => destination.id);
  for (const { destination, required, shares } of destinations) {
    const { id: destination_id } = destination;
    const spec = { destination_id, stream: SESSIONS_STREAM, required, start: 'earliest', delivery: 'keyed' } as const;
    await engine.configureDestination(spec, now_ms);
    if (shares === null) continue;
    const changed = sharing_rules.changed(destination_id, shares);
    if (!changed.rules && !changed.place) continue;
    // What was brought elsewhere is not here; who believed the links would send nothing.
    if (changed.place) links.forget(destination_id);
    if (changed.place) stores.forget(destination_id);
    holds.forget(destination_id);
    await engine.keyed.beginBackfill(destination_id);
    sharing_rules.remember(destination_id, shares);
  }
  for (const { destination_id, state } of await engine.destinations())
    if (!ids.includes(destination_id) && state !== 'removed')
      await engine.changeDestination(destination_id, 'remove', null);
}

/** As `SessionsDirectory.recognize` promises. */
export async function recognizeStores(
  engine: EngineStore,
  stores: KnownStores,
  destinations: readonly ConfiguredSessions[],
  signal: AbortSignal,
): Promise<boolean> {
  let is_other = false;
  const rows = await engine.destinations();
  for (const { destination, identity, state } of destinations) {
    const row = rows.find(({ destination_id }) => destination_id === destination.id);
    if (row?.state !== 'active' || row.circuit !== 'closed' || signal.aborted) continue;
    try {
      const store_id = await identity(signal);
      if (store_id !== null && (await stores.meet(destination.id, store_id))) is_other = true;
      else if (await stores.recover(destination.id, (key) => state(key, signal))) is_other = true;
    } catch (error) {
      // One that is down is known as such by what is sent to it.
      if (!(error instanceof SynclineError) && !(error instanceof StoreReplyError) && !signal.aborted) throw error;
    }
  }
  return is_other;
}

/** What waits for a time of ours, not for its hold, is tried at once by a new start: capture may have been off. */
export async function askAgain(
  engine: EngineStore,
  { known, holds, destinations }: { known: KnownSessions; holds: SessionHolds; destinations: ConfiguredSessions[] },
  now_ms: number,
): Promise<void> {
  for (const { destination } of destinations) {
    const waiting = await engine.keyed.waiting(destination.id, now_ms, Number.MAX_SAFE_INTEGER);
    const later = waiting.filter(({ due_ms, key }) => due_ms > now_ms && !holds.of(destination.id, key, now_ms));
    for (let from = 0; from < later.length; from += KEYS_AT_ONCE) {
      const sessions = later.slice(from, from + KEYS_AT_ONCE).flatMap(({ key }) => known.find(key) ?? []);
      await engine.keyed.touch(
        sessions.map(({ key, partition_id, group }) => ({ key, partition_id, group })),
        now_ms,
      );
    }
  }
}
