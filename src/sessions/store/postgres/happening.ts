/** The columns of a `Happening`, of `message m` and `session s`. */
export const HAPPENING_COLUMNS = `s.session_id, (s.session_id << 24) + m.ordinal AS message_id,
  (m.turn + m.in_tree * s.tree)::text AS turn, coalesce(m.timestamp_ms, s.started_at_ms) AS at_ms`;

/** Of sessions with copies of a turn, the one that had it first; of those that begin together, what others come from. */
export const OLDEST_FIRST = `s.started_at_ms IS NULL, s.started_at_ms, s.relationship <> '', s.key`;
