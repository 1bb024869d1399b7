import type { Database } from '../../storage/sqlite/database.ts';
import type { WireEvent } from '../wire/event.ts';
import type { Interner } from './interner.ts';
import { compareTuples, earliest, latest, type Scalar } from './order.ts';
import type { Principal } from './principal.ts';

/** What the events of a session tell about it, before or without an account of the session itself. */
interface Activity {
  first_ms: number;
  last_ms: number;
  /** The event that speaks for the session: of its own rather than a subagent's, with a known model, the latest. */
  speaker: WireEvent;
}

interface StoredActivity {
  event_first_ms: number | null;
  event_last_ms: number | null;
  event_rank: string | null;
}

/** Gathers one batch's events by session, so that a session row is written once per batch and not once per event. */
export class SessionActivity {
  readonly #sessions = new Map<number, Activity>();

  add(session_key: number, event: WireEvent): void {
    const known = this.#sessions.get(session_key);
    if (!known) {
      this.#sessions.set(session_key, { first_ms: event.ts_ms, last_ms: event.ts_ms, speaker: event });
      return;
    }
    known.first_ms = Math.min(known.first_ms, event.ts_ms);
    known.last_ms = Math.max(known.last_ms, event.ts_ms);
    if (speaksBefore(event, known.speaker)) known.speaker = event;
  }

  write(db: Database, interner: Interner, principal: Principal, workspace_key: number): void {
    const workspace_hash = interner.workspaceHash(workspace_key);
    for (const [session_key, activity] of this.#sessions) {
      const stored = db.get<StoredActivity>(
        'SELECT event_first_ms, event_last_ms, event_rank FROM session WHERE session_key = ?',
        session_key,
      );
      const rank: Scalar[] = [...speakerTuple(activity.speaker), workspace_hash, principal.member, principal.device];
      const stored_rank = stored?.event_rank ? (JSON.parse(stored.event_rank) as Scalar[]) : null;
      const speaks = stored_rank === null || compareTuples(rank, stored_rank) > 0;
      db.run(
        'UPDATE session SET event_first_ms = ?, event_last_ms = ? WHERE session_key = ?',
        earliest(stored?.event_first_ms ?? null, activity.first_ms),
        latest(stored?.event_last_ms ?? null, activity.last_ms),
        session_key,
      );
      if (!speaks) continue;
      db.run(
        `UPDATE session SET event_rank = ?, event_workspace = ?, event_agent = ?, event_model = ?,
           event_member = ?, event_device = ? WHERE session_key = ?`,
        JSON.stringify(rank),
        workspace_key,
        activity.speaker.agent,
        activity.speaker.model,
        principal.member,
        principal.device,
        session_key,
      );
    }
  }
}

/** By the tuples; most pairs are told apart without making them. */
function speaksBefore(event: WireEvent, speaker: WireEvent): boolean {
  const alike = event.subagent_id_hash === speaker.subagent_id_hash && event.model === speaker.model;
  if (alike && event.ts_ms !== speaker.ts_ms) return event.ts_ms > speaker.ts_ms;
  return compareTuples(speakerTuple(event), speakerTuple(speaker)) > 0;
}

function speakerTuple(event: WireEvent): Scalar[] {
  const own = event.subagent_id_hash === null || event.subagent_id_hash === undefined;
  return [own ? 1 : 0, event.model === 'unknown' ? 0 : 1, event.ts_ms, event.agent, event.model];
}
