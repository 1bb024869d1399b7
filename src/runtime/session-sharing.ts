import type { EngineStore } from '../engine/store.ts';
import type { KnownSessions } from '../sessions/capture/known-sessions.ts';
import type { SessionChoices } from '../sessions/delivery/session-choices.ts';
import type { SessionHolds } from '../sessions/delivery/session-holds.ts';
import type { SessionLinks } from '../sessions/delivery/session-links.ts';
import type { ConversationShare, ShareResult } from './session-verbs.ts';

export interface SharingParts {
  engine: EngineStore;
  known: KnownSessions;
  choices: SessionChoices;
  links: SessionLinks;
  holds: SessionHolds;
  /** Names of the stores besides the local one. */
  destinations: readonly string[];
  now_ms: () => number;
}

/** Takes sessions out of what is shared, or lets the configuration decide again; deliveries hear of those that changed. */
export async function changeSharing(
  parts: SharingParts,
  keys: readonly string[],
  share: boolean,
): Promise<ShareResult> {
  const { engine, known, choices, now_ms } = parts;
  const changed = share ? choices.share(keys) : choices.unshare(keys, now_ms());
  const touches = changed.flatMap((key) => {
    const session = known.find(key);
    return session ? [{ key, partition_id: session.partition_id, group: session.group }] : [];
  });
  if (touches.length > 0) await engine.keyed.touch(touches, now_ms());
  return { changed, unchanged: keys.filter((key) => !changed.includes(key)) };
}

/** Where a session went besides the local store, as the links say it. */
export function sharesOf(
  { links, choices, holds, destinations, now_ms }: SharingParts,
  key: string,
): ConversationShare[] {
  const kept_out = choices.of(key) === 'unshared';
  return destinations.map((destination) => {
    const link = links.read(destination, key)?.link ?? null;
    const is_there = (link?.fingerprint ?? null) !== null;
    const until_ms = kept_out ? null : (holds.of(destination, key, now_ms())?.until_ms ?? null);
    if (until_ms !== null && until_ms > now_ms())
      return is_there
        ? { destination, state: 'shared', reason: 'what is newer is on hold', until_ms: null }
        : { destination, state: 'held', reason: null, until_ms };
    const reason = kept_out ? 'you took it out' : is_there ? null : 'its project is not shared, or it waits';
    return { destination, state: is_there ? 'shared' : 'not_shared', reason, until_ms: null };
  });
}
