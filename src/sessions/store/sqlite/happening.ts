/**
 * Something that a message did, found by an index: a link, an edit. Forks copy messages; what a copy did, the session did
 * that had the message first.
 */
export interface Happening {
  session_id: number;
  message_id: number;
  /** Equal for copies of one turn. */
  turn: string;
  /** When the message was written, else when its session began. */
  at_ms: number | null;
}

/** Its columns, of `message m` and `session s`. */
export const HAPPENING_COLUMNS = `s.session_id, m.message_id, CAST(m.turn + m.in_tree * s.tree AS TEXT) AS turn,
  coalesce(m.timestamp_ms, s.started_at_ms) AS at_ms`;

/** Of sessions with copies of a turn, the one that had it first; of those that begin together, what others come from. */
export const OLDEST_FIRST = `s.started_at_ms IS NULL, s.started_at_ms, s.relationship <> '', s.key`;

/** Without the copies. Takes rows in the order OLDEST_FIRST. */
export function withoutCopies<T extends Happening>(rows: readonly T[]): T[] {
  const owners = new Map<string, number>();
  return rows.filter(({ turn, session_id }) => {
    const owner = owners.get(turn);
    if (owner === undefined) owners.set(turn, session_id);
    return owner === undefined || owner === session_id;
  });
}

/** Newest first; what nobody knows the time of, last. */
export function byTime(a: Happening, b: Happening): number {
  return (b.at_ms ?? -Infinity) - (a.at_ms ?? -Infinity) || b.message_id - a.message_id;
}
