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

/** Without the copies. Takes rows with those of the oldest session first. */
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
