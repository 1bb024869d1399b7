/** Sessions that members had erased at a server: what goes, and what keeps it from coming back. */
import type { Database } from '../../storage/sqlite/database.ts';
import type { ParsedBody, AnyParsedBody } from '../wire/body.ts';
import { deleteAmong } from './erase-sessions.ts';
import type { Principal } from './principal.ts';

/** `foreign`: somebody else sent some of it; nothing was changed. */
export type Withdrawal = 'erased' | 'absent' | 'foreign';

/** One transaction: the rows and what is summed of them go, the tombstone comes. Also for one that never came. */
export function withdrawSession(
  db: Database,
  { team_id, member }: Pick<Principal, 'team_id' | 'member'>,
  session_id_hash: string,
  now_ms: number,
): Withdrawal {
  return db.transaction(() => {
    if (isOfAnother(db, team_id, member, session_id_hash)) return 'foreign';
    db.run(
      'INSERT INTO erased_session (team_id, session_id_hash, member, at_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
      team_id,
      session_id_hash,
      member,
      now_ms,
    );
    return deleteAmong(db, team_id, JSON.stringify([session_id_hash])) > 0 ? 'erased' : 'absent';
  });
}

function isOfAnother(db: Database, team_id: string, member: string, session_id_hash: string): boolean {
  return (
    db.value<number>(
      `SELECT EXISTS (
         SELECT 1 FROM session s WHERE s.team_id = ?1 AND s.session_id_hash = ?2 AND (
           s.member <> ?3 OR s.event_member <> ?3
           OR EXISTS (SELECT 1 FROM event e WHERE e.team_id = ?1 AND e.session_key = s.session_key AND e.member <> ?3)
           OR EXISTS (SELECT 1 FROM tool_span t WHERE t.team_id = ?1 AND t.session_key = s.session_key AND t.member <> ?3)))`,
      team_id,
      session_id_hash,
      member,
    ) === 1
  );
}

/** A body without items of sessions that its sender had erased; most servers have none, and look once. */
export function withoutErased<Body extends AnyParsedBody>(db: Database, body: Body, principal: Principal): Body {
  if (!hasSessions(body) || db.value<number>('SELECT EXISTS (SELECT 1 FROM erased_session)') === 0) return body;
  const named = new Set(body.items.map(({ session_id_hash }) => session_id_hash));
  const erased = new Set(
    db
      .all<{ session_id_hash: string }>(
        `SELECT session_id_hash FROM erased_session
         WHERE team_id = ? AND member = ? AND session_id_hash IN (SELECT value FROM json_each(?))`,
        principal.team_id,
        principal.member,
        JSON.stringify([...named]),
      )
      .map(({ session_id_hash }) => session_id_hash),
  );
  if (erased.size === 0) return body;
  return { ...body, items: body.items.filter(({ session_id_hash }) => !erased.has(session_id_hash)) };
}

function hasSessions(
  body: AnyParsedBody,
): body is ParsedBody<'events'> | ParsedBody<'tool_spans'> | ParsedBody<'sessions'> {
  return body.kind === 'events' || body.kind === 'tool_spans' || body.kind === 'sessions';
}
