-- By which rules of sharing each destination's sessions were last decided, and where it was then.

CREATE TABLE session_sharing_rules (
  destination_id TEXT PRIMARY KEY,
  -- Other rules: all sessions are decided anew. A digest, because globs of projects may be paths.
  rules TEXT NOT NULL,
  -- Another place: nothing of what was brought to the one before is there.
  place TEXT NOT NULL
) STRICT, WITHOUT ROWID;
