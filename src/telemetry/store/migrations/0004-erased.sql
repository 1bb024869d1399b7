-- What a member had erased here: what a late repeat, or another machine of the same member, sends of it is dropped. By
-- member, so that nobody keeps another's telemetry out.
CREATE TABLE erased_session (
  team_id         TEXT NOT NULL,
  session_id_hash TEXT NOT NULL,
  member          TEXT NOT NULL,
  at_ms           INTEGER NOT NULL,
  PRIMARY KEY (team_id, session_id_hash, member)
) STRICT, WITHOUT ROWID;
